{#- The calendar month of a date, as 2017-03. -#}
{% macro month_id(expression) %}{{ return(adapter.dispatch('month_id', 'rebates')(expression)) }}{% endmacro %}
{% macro duckdb__month_id(expression) %}strftime({{ expression }}, '%Y-%m'){% endmacro %}
{% macro default__month_id(expression) %}date_format({{ expression }}, 'yyyy-MM'){% endmacro %}

{#- A date some days later. -#}
{% macro add_days(expression, days) %}{{ return(adapter.dispatch('add_days', 'rebates')(expression, days)) }}{% endmacro %}
{% macro duckdb__add_days(expression, days) %}({{ expression }} + cast({{ days }} as integer)){% endmacro %}
{% macro default__add_days(expression, days) %}date_add({{ expression }}, {{ days }}){% endmacro %}

{#- The open ends of a validity. -#}
{% macro first_day() %}cast('1900-01-01' as date){% endmacro %}
{% macro last_day() %}cast('9999-12-31' as date){% endmacro %}

{#- Whether a text value is one of several, written a|b|c. -#}
{% macro one_of(value, list) -%}
(position('|' || {{ value }} || '|' in '|' || {{ list }} || '|') > 0)
{%- endmacro %}

{#- A text read as a decimal, null where it is none. -#}
{% macro as_decimal(expression) %}{{ return(adapter.dispatch('as_decimal', 'rebates')(expression)) }}{% endmacro %}
{% macro duckdb__as_decimal(expression) %}try_cast({{ expression }} as decimal(38, 12)){% endmacro %}
{% macro default__as_decimal(expression) %}try_cast({{ expression }} as decimal(38, 12)){% endmacro %}

{#- Texts of a group joined by a separator, in order. -#}
{% macro joined(expression, separator, order) %}{{ return(adapter.dispatch('joined', 'rebates')(expression, separator, order)) }}{% endmacro %}
{% macro duckdb__joined(expression, separator, order) %}string_agg({{ expression }}, '{{ separator }}' order by {{ order }}){% endmacro %}
{% macro default__joined(expression, separator, order) %}array_join(transform(sort_array(collect_list(struct({{ order }} as place, {{ expression }} as item))), each -> each.item), '{{ separator }}'){% endmacro %}

{#- The calendar year of a date, as text. -#}
{% macro year_id(expression) %}substr({{ month_id(expression) }}, 1, 4){% endmacro %}

{#- Every day from one date column to another, one row per day, as `day`: goes into a select list. -#}
{% macro each_day(first, last) %}{{ return(adapter.dispatch('each_day', 'rebates')(first, last)) }}{% endmacro %}
{% macro duckdb__each_day(first, last) %}cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date){% endmacro %}
{% macro default__each_day(first, last) %}explode(sequence({{ first }}, {{ last }}, interval 1 day)){% endmacro %}

{#- Days from one date to a later one, as a whole number. -#}
{% macro days_between(first, last) %}{{ return(adapter.dispatch('days_between', 'rebates')(first, last)) }}{% endmacro %}
{% macro duckdb__days_between(first, last) %}({{ last }} - {{ first }}){% endmacro %}
{% macro default__days_between(first, last) %}datediff({{ last }}, {{ first }}){% endmacro %}
