select
    end_customer_id,
    end_customer_name,
    end_customer_type,
    industry,
    size_band,
    income_band,
    age_band,
    composition,
    region,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'end_customer') }}
