select
    product_id,
    unit,
    factor,
    factor_text,
    parse_errors,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('quarantine', 'product_unit') }}
