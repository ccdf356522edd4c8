{{ config(tags=['books']) }}

-- Grain: one line of a posted journal. Read back from the ledger, up to the run's accounting month.
select
    cast(batch_number as {{ text() }}) || '-' || cast(journal_line as {{ text() }}) as posting_id,
    batch_number,
    batch_kind,
    accounting_month,
    journal_line,
    entry_id,
    program_key,
    program_id,
    payee_id,
    period_id,
    legal_entity,
    currency,
    account_role,
    account,
    cost_centre,
    tax_code,
    debit,
    credit,
    cause,
    payment_id,
    posting_date
from {{ ref('int_posting') }}
