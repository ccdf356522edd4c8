-- Products of each scope: any include names it (or there is none), and no exclude does.
with rules as (
    select scope_key, rule, dimension, value
    from {{ ref('stg_program_scope_rule') }}
    where dimension in ('sku', 'family', 'brand', 'category', 'product_segment')
),

names as (
    {%- for dimension, column in [('sku', 'product_id'), ('family', 'family'), ('brand', 'brand'), ('category', 'category')] %}
    select '{{ dimension }}' as dimension, {{ column }} as value, product_id from {{ ref('int_product') }}
    union all
    {%- endfor %}
    select 'product_segment', segment_id, entity_id
    from {{ ref('int_segment_member') }}
    where entity = 'product'
),

-- distinct: several rules may name the same product
named as (
    select distinct r.scope_key, r.rule, n.product_id
    from rules as r
    inner join names as n on r.dimension = n.dimension and r.value = n.value
),

scopes as (
    select
        s.scope_key,
        count(r.scope_key) as include_count
    from {{ ref('int_scope') }} as s
    left join rules as r on s.scope_key = r.scope_key and r.rule = 'include'
    group by 1
),

included as (
    select scope_key, product_id from named where rule = 'include'
    union all
    select s.scope_key, p.product_id
    from scopes as s
    cross join {{ ref('int_product') }} as p
    where s.include_count = 0
)

select i.scope_key, i.product_id
from included as i
inner join scopes as s on i.scope_key = s.scope_key
left join named as x
    on i.scope_key = x.scope_key
    and i.product_id = x.product_id
    and x.rule = 'exclude'
where x.product_id is null
