{{ config(materialized='view') }}

-- The ledger up to the run's accounting month: a re-run of an earlier month sees what it saw then.
select
    t.payment_id,
    t.batch_number,
    t.accounting_month,
    t.payee_id,
    t.legal_entity,
    t.currency,
    t.instrument,
    t.amount,
    t.payment_date
from {{ ref('stg_payment') }} as t
cross join {{ ref('stg_run_context') }} as c
where t.accounting_month <= c.accounting_month
