-- Grain: one row of a file of lines that was quarantined, with its reasons and the values that it came with.
select
    q.source || '|' || cast(q.file_sequence as {{ text() }}) || '|' || cast(q.row_number as {{ text() }}) as quarantined_line_id,
    q.source,
    f.file_name,
    q.file_sequence,
    q.file_hash,
    q.row_number,
    q.rules_failed,
    q.parse_errors,
    q.document_number,
    q.line_number,
    q.document_date_text,
    q.distributor_id,
    q.reseller_id,
    q.sold_to_id,
    q.partner_product_id,
    q.product_id,
    q.quantity_text,
    q.unit,
    q.net_amount_text,
    q.currency
from {{ ref('stg_quarantine_line') }} as q
inner join {{ ref('stg_file') }} as f on q.file_sequence = f.file_sequence
