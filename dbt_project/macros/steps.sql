{#- Put between a CTE's name and its query where the engine is to compute it once, as written. Spark decides by itself. -#}
{% macro as_a_step() %}{{ return(adapter.dispatch('as_a_step', 'rebates')()) }}{% endmacro %}
{% macro duckdb__as_a_step() %}as materialized{% endmacro %}
{% macro default__as_a_step() %}as{% endmacro %}
