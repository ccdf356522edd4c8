{#-
  The CTEs that find which tier a basis has reached, and the next one, the last named `reached`. `figures`: a CTE with payout_id,
  program_key, actual_scaled and figure_scaled (of a percentage: what it is of). Compared in whole numbers: for percentages actual *
  100 against threshold * figure, so that no percentage is ever rounded. The one place that knows boundaries (semantics 5).
-#}
{% macro reached_tiers(figures) -%}
thresholds as (
    select
        t.program_key,
        t.tier_number,
        t.threshold,
        p.boundary,
        p.is_ratio,
        case when p.is_ratio then {{ scaled('t.threshold', 4) }} else {{ scaled('t.threshold') }} end as factor
    from {{ ref('stg_program_tier') }} as t
    inner join {{ ref('int_program') }} as p on t.program_key = p.program_key
),

tiers as (
    select
        b.payout_id,
        t.tier_number,
        t.threshold,
        t.boundary,
        case when t.is_ratio then b.actual_scaled * 1000000 else b.actual_scaled end as basis_scaled,
        case when t.is_ratio then t.factor * b.figure_scaled else t.factor end as threshold_scaled
    from {{ figures }} as b
    inner join thresholds as t on b.program_key = t.program_key
    where not t.is_ratio or b.figure_scaled > 0
),

compared as (
    select
        *,
        basis_scaled > 0
        and case boundary when 'exclusive' then basis_scaled > threshold_scaled else basis_scaled >= threshold_scaled end as reached
    from tiers
),

reached as (
    select
        payout_id,
        max(basis_scaled) as basis_scaled,
        max(case when reached then tier_number else 0 end) as tier_number,
        min(case when not reached then tier_number end) as next_tier_number,
        min(case when not reached then threshold end) as next_threshold,
        min(case when not reached then threshold_scaled end) as next_threshold_scaled
    from compared
    group by 1
)
{%- endmacro %}

{#-
  Whether a gate holds (semantics 6), compared exactly. `gate`: alias of what has is_ratio, operator, required, compared_actual and
  compared_figure. A percentage of nothing does not hold.
-#}
{% macro gate_holds(gate) -%}
{%- set actual -%}
case when {{ gate }}.is_ratio then {{ scaled(gate ~ '.compared_actual') }} * 1000000 else {{ scaled(gate ~ '.compared_actual') }} end
{%- endset -%}
{%- set required -%}
case
            when not {{ gate }}.is_ratio then {{ scaled(gate ~ '.required') }}
            when {{ gate }}.compared_figure > 0 then {{ scaled(gate ~ '.required', 4) }} * {{ scaled(gate ~ '.compared_figure') }}
        end
{%- endset -%}
coalesce(
        case {{ gate }}.operator
            {%- for operator in ['>=', '>', '<=', '<', '='] %}
            when '{{ operator }}' then {{ actual }} {{ operator }} {{ required }}
            {%- endfor %}
        end,
        false
    )
{%- endmacro %}
