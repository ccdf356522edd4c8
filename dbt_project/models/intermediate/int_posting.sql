{{ config(materialized='view') }}

-- The ledger up to the run's accounting month: a re-run of an earlier month sees what it saw then.
select
    t.batch_number,
    t.batch_kind,
    t.accounting_month,
    t.journal_line,
    t.entry_id,
    t.program_key,
    t.program_id,
    t.payee_id,
    t.period_id,
    t.legal_entity,
    t.currency,
    t.account_role,
    t.account,
    t.cost_centre,
    t.tax_code,
    t.debit,
    t.credit,
    t.cause,
    t.payment_id,
    t.posting_date
from {{ ref('stg_posting') }} as t
cross join {{ ref('stg_run_context') }} as c
where t.accounting_month <= c.accounting_month
