-- Returns and credit memos with the date of the document that they refer to: the earliest date of its lines that count
-- (for programs whose returns count `by_original_document`, semantics 3).
with returns as (
    select l.line_key, l.source, l.reference_document_number
    from {{ ref('int_line') }} as l
    inner join (
        select distinct stream from {{ ref('int_product_class') }} where returns = 'by_original_document'
    ) as c on l.stream = c.stream
    where
        l.document_type in ('return', 'credit_memo')
        and l.reference_document_number is not null
)

select
    r.line_key,
    min(o.document_date) as original_date
from returns as r
inner join (
    select l.source, l.document_number, l.document_date
    from {{ ref('int_line') }} as l
    {{ if_any(ref('int_product_class'), "returns = 'by_original_document'") }} as asked
) as o
    on r.source = o.source
    and r.reference_document_number = o.document_number
group by 1
