-- End customers that the end-customer segments of each scope include or exclude, dated.
select
    r.scope_key,
    m.entity_id as end_customer_id,
    m.valid_from,
    m.valid_to,
    max(case when r.rule = 'include' then 1 else 0 end) = 1 as is_included,
    max(case when r.rule = 'exclude' then 1 else 0 end) = 1 as is_excluded
from {{ ref('stg_program_scope_rule') }} as r
inner join {{ ref('int_segment_member') }} as m
    on r.value = m.segment_id
    and m.entity = 'end_customer'
where r.dimension = 'end_customer_segment'
group by 1, 2, 3, 4
