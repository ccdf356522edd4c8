select
    line_source,
    partner_product_id,
    product_id,
    valid_from,
    valid_to,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'product_cross_reference') }}
