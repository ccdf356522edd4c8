{{ config(tags=['books']) }}

-- Grain: one payment. Read back from the ledger, up to the run's accounting month.
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
from {{ ref('int_payment') }}
