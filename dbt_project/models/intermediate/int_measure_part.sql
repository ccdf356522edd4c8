-- What measures take from single lines rather than from sums: the subset of a share, and the first time in a period that
-- something counted occurs (a document, an end customer). Grain: measure, participant, period.
with firsts as (
    select l.end_customer_id, min(l.document_date) as first_date
    from {{ ref('int_line') }} as l
    {{ if_any(ref('stg_program_measure'), "counted = 'first_time_end_customers'") }} as asked
    where l.end_customer_id is not null
    group by 1
),

-- each thing once per period, or under to_date once in all
things as (
    select
        m.measure_key,
        l.participant_id,
        case m.counted when 'documents' then l.source || '|' || l.document_number else l.end_customer_id end as thing,
        l.period_id,
        min(d.period_start) as period_start,
        max(case when g.cumulation = 'to_date' then 1 else 0 end) as is_to_date
    from {{ ref('int_scope_line') }} as l
    inner join {{ ref('stg_program_measure') }} as m on l.scope_key = m.scope_key and m.kind = 'count'
    inner join {{ ref('int_program') }} as g on l.program_key = g.program_key
    inner join {{ ref('int_program_period') }} as d on l.program_key = d.program_key and l.period_id = d.period_id
    left join firsts as f on l.end_customer_id = f.end_customer_id
    where
        l.excluded_reason is null
        and l.is_counted
        and l.line_use = 'current'
        and (m.counted = 'documents' or l.end_customer_id is not null)
        and (m.counted <> 'first_time_end_customers' or l.document_date = f.first_date)
    group by 1, 2, 3, 4
),

ranked as (
    select *, row_number() over (partition by measure_key, participant_id, thing order by period_start) as occurrence
    from things
)

select
    measure_key,
    participant_id,
    period_id,
    cast(count(*) as {{ measure() }}) as part
from ranked
where occurrence = 1 or is_to_date = 0
group by 1, 2, 3
union all
select
    m.measure_key,
    l.participant_id,
    l.period_id,
    cast(sum(case m.of when 'quantity' then l.base_quantity else l.amount end) as {{ measure() }})
from {{ ref('int_scope_line') }} as l
inner join {{ ref('stg_program_measure') }} as m on l.scope_key = m.scope_key and m.kind = 'share'
inner join {{ ref('int_measure_product') }} as p
    on m.measure_key = p.measure_key
    and l.product_id = p.product_id
    and l.effective_date between p.valid_from and p.valid_to
where
    l.excluded_reason is null
    and l.is_shared
    and l.line_use = 'current'
group by 1, 2, 3
