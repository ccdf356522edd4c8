-- End customers of each scope that asks for end-customer segments, dated.
with matched as (
    select
        r.scope_key,
        m.entity_id as end_customer_id,
        m.valid_from,
        m.valid_to,
        max(case when r.rule = 'include' then 1 else 0 end) as included,
        max(case when r.rule = 'exclude' then 1 else 0 end) as excluded
    from {{ ref('stg_program_scope_rule') }} as r
    inner join {{ ref('int_segment_member') }} as m
        on r.value = m.segment_id
        and m.entity = 'end_customer'
    where r.dimension = 'end_customer_segment'
    group by 1, 2, 3, 4
)

select scope_key, end_customer_id, valid_from, valid_to
from matched
where included = 1 and excluded = 0
