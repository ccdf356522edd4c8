{{ config(tags=['books']) }}

-- Grain: one payout (program version, payee, period) in a payment. Read back from the ledger, up to the run's accounting month.
select
    payment_id || '|' || program_key || '|' || period_id as payment_line_id,
    payment_id,
    batch_number,
    accounting_month,
    program_key,
    program_id,
    payee_id,
    period_id,
    legal_entity,
    currency,
    amount
from {{ ref('int_payment_line') }}
