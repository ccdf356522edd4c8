select
    product_id,
    product_name,
    family,
    brand,
    category,
    base_unit,
    list_price,
    list_price_text,
    parse_errors,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('quarantine', 'product') }}
