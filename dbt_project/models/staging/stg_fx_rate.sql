select
    from_currency,
    to_currency,
    rate_date,
    rate,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'fx_rate') }}
