{{ config(materialized='view') }}

-- The ledger up to the run's accounting month: a re-run of an earlier month sees what it saw then.
select
    t.payment_id,
    t.batch_number,
    t.accounting_month,
    t.program_key,
    t.program_id,
    t.payee_id,
    t.period_id,
    t.legal_entity,
    t.currency,
    t.instrument,
    t.amount,
    t.cause
from {{ ref('stg_payment_reversal') }} as t
cross join {{ ref('stg_run_context') }} as c
where t.accounting_month <= c.accounting_month
