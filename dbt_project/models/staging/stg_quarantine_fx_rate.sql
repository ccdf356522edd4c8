select
    from_currency,
    to_currency,
    rate_date,
    rate,
    rate_date_text,
    rate_text,
    parse_errors,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('quarantine', 'fx_rate') }}
