select
    payment_id,
    reply_date,
    status,
    amount,
    currency,
    reference,
    reason,
    reply_date_text,
    amount_text,
    parse_errors,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('quarantine', 'payment_reply') }}
