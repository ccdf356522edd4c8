-- Products of each scope: any include names it (or there is none), and no exclude does. Dated where a rule names a product
-- segment that asks for purchases; everywhere else one row per product, from the first day to the last.
with rules as (
    select scope_key, rule, dimension, value
    from {{ ref('stg_program_scope_rule') }}
    where dimension in ('sku', 'family', 'brand', 'category', 'product_segment')
),

dated_segments as (
    select distinct segment_id
    from {{ ref('int_segment_rule') }}
    where entity = 'product' and attribute = 'purchases'
),

scopes as (
    select
        s.scope_key,
        sum(case when r.rule = 'include' then 1 else 0 end) as include_count,
        max(case when d.segment_id is null then 0 else 1 end) as is_dated
    from {{ ref('int_scope') }} as s
    left join rules as r on s.scope_key = r.scope_key
    left join dated_segments as d on r.dimension = 'product_segment' and r.value = d.segment_id
    group by 1
),

episodes as (
    select 0 as is_dated, product_id, {{ first_day() }} as valid_from, {{ last_day() }} as valid_to
    from {{ ref('int_product') }}
    union all
    select 1, entity_id, valid_from, valid_to
    from {{ ref('int_entity_episode') }}
    where entity = 'product'
),

names as (
    {%- for dimension, column in [('sku', 'product_id'), ('family', 'family'), ('brand', 'brand'), ('category', 'category')] %}
    select '{{ dimension }}' as dimension, {{ column }} as value, product_id, {{ first_day() }} as valid_from, {{ last_day() }} as valid_to
    from {{ ref('int_product') }}
    union all
    {%- endfor %}
    select 'product_segment', segment_id, entity_id, valid_from, valid_to
    from {{ ref('int_segment_member') }}
    where entity = 'product'
),

-- distinct: several rules may name the same product
named as (
    select distinct r.scope_key, r.rule, e.product_id, e.valid_from, e.valid_to
    from rules as r
    inner join scopes as s on r.scope_key = s.scope_key
    inner join names as n on r.dimension = n.dimension and r.value = n.value
    inner join episodes as e
        on s.is_dated = e.is_dated
        and n.product_id = e.product_id
        and e.valid_from between n.valid_from and n.valid_to
),

included as (
    select scope_key, product_id, valid_from, valid_to from named where rule = 'include'
    union all
    select s.scope_key, e.product_id, e.valid_from, e.valid_to
    from scopes as s
    inner join episodes as e on s.is_dated = e.is_dated
    where s.include_count = 0
)

select i.scope_key, i.product_id, i.valid_from, i.valid_to
from included as i
left join named as x
    on i.scope_key = x.scope_key
    and i.product_id = x.product_id
    and i.valid_from = x.valid_from
    and x.rule = 'exclude'
where x.product_id is null
