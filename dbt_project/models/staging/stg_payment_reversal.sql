select
    payment_id,
    batch_number,
    accounting_month,
    program_key,
    program_id,
    payee_id,
    period_id,
    legal_entity,
    currency,
    instrument,
    amount,
    cause
from {{ source('ledger', 'payment_reversal') }}
