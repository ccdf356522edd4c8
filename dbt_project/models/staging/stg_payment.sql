select
    payment_id,
    batch_number,
    accounting_month,
    payee_id,
    legal_entity,
    currency,
    instrument,
    amount,
    payment_date
from {{ source('ledger', 'payment') }}
