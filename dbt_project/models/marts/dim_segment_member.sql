-- Grain: segment, member and the first day of a stay in it; days that follow each other are one stay. What a partner or
-- customer bought says who belongs where only for months before which everything is known: such stays end with the month of
-- the day after the as-of date.
with dated as (
    select
        segment_id,
        max(case when attribute = 'purchases' then 1 else 0 end) as by_purchases
    from {{ ref('int_segment_rule') }}
    group by 1
),

known as (
    select {{ add_days(add_months(month_start(add_days('as_of', 1)), 1), -1) }} as last_known_day
    from {{ ref('stg_run_context') }}
),

names as (
    select 'partner' as entity, partner_id as entity_id, partner_name as entity_name from {{ ref('int_partner') }}
    union all
    select 'end_customer', end_customer_id, end_customer_name from {{ ref('int_end_customer') }}
    union all
    select 'product', product_id, product_name from {{ ref('int_product') }}
),

episodes as (
    select
        m.segment_id,
        m.entity,
        m.entity_id,
        m.valid_from,
        case when d.by_purchases = 1 then least(m.valid_to, k.last_known_day) else m.valid_to end as valid_to
    from {{ ref('int_segment_member') }} as m
    inner join dated as d on m.segment_id = d.segment_id
    cross join known as k
    where d.by_purchases = 0 or m.valid_from <= k.last_known_day
),

starts as (
    select
        *,
        case
            when valid_from = {{ add_days('lag(valid_to) over (partition by segment_id, entity_id order by valid_from)', 1) }} then 0
            else 1
        end as is_start
    from episodes
),

stays as (
    select
        *,
        sum(is_start) over (
            partition by segment_id, entity_id
            order by valid_from
            rows between unbounded preceding and current row
        ) as stay
    from starts
),

merged as (
    select segment_id, entity, entity_id, min(valid_from) as valid_from, max(valid_to) as valid_to
    from stays
    group by segment_id, entity, entity_id, stay
)

select
    m.segment_id || ':' || m.entity_id || ':' || cast(m.valid_from as {{ text() }}) as segment_member_id,
    m.segment_id,
    s.name as segment_name,
    m.entity,
    m.entity_id,
    n.entity_name,
    m.valid_from,
    m.valid_to
from merged as m
inner join {{ ref('segment') }} as s on m.segment_id = s.segment_id
inner join names as n
    on m.entity = n.entity
    and m.entity_id = n.entity_id
