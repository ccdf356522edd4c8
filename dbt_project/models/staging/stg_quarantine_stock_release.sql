select
    distributor_id,
    product_id,
    month_id,
    decision,
    decided_by,
    decided_on,
    comment,
    decided_on_text,
    parse_errors,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('quarantine', 'stock_release') }}
