{#- The first day of a date's calendar month. -#}
{% macro month_start(expression) %}{{ return(adapter.dispatch('month_start', 'rebates')(expression)) }}{% endmacro %}
{% macro duckdb__month_start(expression) %}cast(date_trunc('month', {{ expression }}) as date){% endmacro %}
{% macro default__month_start(expression) %}trunc({{ expression }}, 'MM'){% endmacro %}

{#- A date some months later. -#}
{% macro add_months(expression, months) %}{{ return(adapter.dispatch('add_months', 'rebates')(expression, months)) }}{% endmacro %}
{% macro duckdb__add_months(expression, months) %}cast({{ expression }} + to_months(cast({{ months }} as integer)) as date){% endmacro %}
{% macro default__add_months(expression, months) %}add_months({{ expression }}, {{ months }}){% endmacro %}
