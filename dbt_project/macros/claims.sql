{#- A part of a key that is joined by bars: bars inside it are written %7C, so that different parts never give one key. -#}
{% macro key_part(expression) -%}
replace(replace({{ expression }}, '%', '%25'), '|', '%7C')
{%- endmacro %}
