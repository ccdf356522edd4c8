-- Grain: one row of a file that does not count (corrected, replaced, cancelled) or not yet (after the as-of date).
select
    v.line_key,
    v.line_status,
    v.document_date,
    v.net_amount,
    v.currency,
    v.source,
    f.file_name,
    v.file_sequence,
    v.file_hash,
    v.row_number
from {{ ref('int_line_version') }} as v
inner join {{ ref('stg_file') }} as f on v.file_sequence = f.file_sequence
where v.line_status <> 'current'
