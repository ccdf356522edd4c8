select
    payment_id,
    reply_date,
    status,
    amount,
    currency,
    reference,
    reason,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'payment_reply') }}
