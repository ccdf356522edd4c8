select
    distributor_id,
    product_id,
    code_source,
    stock_date,
    quantity,
    unit,
    opening_quantity,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'stock_report') }}
