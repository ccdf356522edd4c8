{{ config(materialized='view') }}

-- Grain: rule on trailing purchases, member and the first day on which the months before add up to this: what was bought, what
-- the segment requires, whether the rule holds. Only days before which everything is known at the as-of date.
with known as (
    select {{ add_days(add_months(month_start(add_days('as_of', 1)), 1), -1) }} as last_known_day
    from {{ ref('stg_run_context') }}
)

select
    p.segment_id || ':' || cast(p.rule_number as {{ text() }}) || ':' || p.entity_id || ':' || cast(p.valid_from as {{ text() }}) as segment_purchase_id,
    p.segment_id,
    p.rule_number,
    p.entity,
    p.entity_id,
    p.valid_from,
    least(p.valid_to, k.last_known_day) as valid_to,
    r.months,
    r.purchase_unit,
    r.stream,
    r.product_segment,
    p.purchases,
    r.operator,
    p.required,
    p.is_held
from {{ ref('int_segment_purchase') }} as p
inner join {{ ref('int_segment_rule') }} as r
    on p.segment_id = r.segment_id
    and p.rule_number = r.rule_number
cross join known as k
where p.valid_from <= k.last_known_day
