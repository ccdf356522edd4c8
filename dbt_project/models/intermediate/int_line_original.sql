-- Returns and credit memos with the date of the document that they refer to: the earliest date of its lines that count
-- (for programs whose returns count `by_original_document`, semantics 3).
with returns as (
    select line_key, source, reference_document_number
    from {{ ref('int_line') }}
    where
        document_type in ('return', 'credit_memo')
        and reference_document_number is not null
)

select
    r.line_key,
    min(o.document_date) as original_date
from returns as r
inner join {{ ref('int_line') }} as o
    on r.source = o.source
    and r.reference_document_number = o.document_number
group by 1
