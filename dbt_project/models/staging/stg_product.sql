select
    product_id,
    product_name,
    family,
    brand,
    category,
    base_unit,
    list_price,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'product') }}
