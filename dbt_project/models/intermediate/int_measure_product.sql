-- Products of the subset whose share a measure takes: any include names them (or there is none), and no exclude does. Dated
-- as in int_scope_product, where a rule names a product segment that asks for purchases.
with rules as (
    select measure_key, rule, dimension, value
    from {{ ref('stg_program_measure_product') }}
),

dated_segments as (
    select distinct segment_id
    from {{ ref('int_segment_rule') }}
    where entity = 'product' and attribute = 'purchases'
),

measures as (
    select
        m.measure_key,
        max(case when r.rule = 'include' then 1 else 0 end) as has_include,
        max(case when d.segment_id is null then 0 else 1 end) as is_dated
    from {{ ref('stg_program_measure') }} as m
    left join rules as r on m.measure_key = r.measure_key
    left join dated_segments as d on r.dimension = 'product_segment' and r.value = d.segment_id
    where m.kind = 'share'
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
    select distinct r.measure_key, r.rule, e.product_id, e.valid_from, e.valid_to
    from rules as r
    inner join measures as m on r.measure_key = m.measure_key
    inner join names as n on r.dimension = n.dimension and r.value = n.value
    inner join episodes as e
        on m.is_dated = e.is_dated
        and n.product_id = e.product_id
        and e.valid_from between n.valid_from and n.valid_to
),

included as (
    select measure_key, product_id, valid_from, valid_to from named where rule = 'include'
    union all
    select m.measure_key, e.product_id, e.valid_from, e.valid_to
    from measures as m
    inner join episodes as e on m.is_dated = e.is_dated
    where m.has_include = 0
)

select i.measure_key, i.product_id, i.valid_from, i.valid_to
from included as i
left join named as x
    on i.measure_key = x.measure_key
    and i.product_id = x.product_id
    and i.valid_from = x.valid_from
    and x.rule = 'exclude'
where x.product_id is null
