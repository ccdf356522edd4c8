{{ config(tags=['books']) }}

-- Grain: one payout (program version, payee, period) of a payment that an adjustment batch has reopened. Read back from the
-- ledger, up to the run's accounting month. The payment's own line never changes.
select
    payment_id || '|' || program_key || '|' || period_id || '|' || cast(batch_number as {{ text() }}) as payment_reversal_id,
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
    instrument,
    amount,
    cause
from {{ ref('int_payment_reversal') }}
