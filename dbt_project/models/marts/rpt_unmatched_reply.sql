{{ config(tags=['books']) }}

-- Grain: one answer of an ERP or a bank that a person has to look at, with why: a work list. Corrected by a newer file.
select
    reply_id,
    reported_payment_id,
    payment_id,
    payee_id,
    legal_entity,
    reply_date,
    status,
    amount,
    currency,
    payment_amount,
    reference,
    reply_reason,
    reason,
    source,
    file_sequence,
    file_hash,
    row_number
from {{ ref('int_payment_reply') }}
where reason is not null
