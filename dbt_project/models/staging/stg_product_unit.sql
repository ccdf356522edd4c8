select
    product_id,
    unit,
    factor,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'product_unit') }}
