{#- Put between a CTE's name and its query where the engine is to compute it once, as written. Spark decides by itself. -#}
{% macro as_a_step() %}{{ return(adapter.dispatch('as_a_step', 'rebates')()) }}{% endmacro %}
{% macro duckdb__as_a_step() %}as materialized{% endmacro %}
{% macro default__as_a_step() %}as{% endmacro %}

{#-
  Joined to a relation, lets its rows through if `relation` has any. Engines find out before they read the other side: what few
  programs ask for costs nothing where none asks.
-#}
{% macro if_any(relation, condition='true') -%}
cross join (select 1 as any_row from {{ relation }} where {{ condition }} limit 1)
{%- endmacro %}
