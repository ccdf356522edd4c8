{{ config(materialized='view') }}

-- What the ledger says has been accrued and settled so far, per program version, payee and measurement period.
select
    program_key,
    program_id,
    payee_id,
    period_id,
    legal_entity,
    currency,
    sum(case when batch_kind = 'accrual' then credit - debit else cast(0 as {{ money() }}) end) as accrued,
    -- what a payment that was rejected or came back had settled is settled no longer
    sum(case
        when batch_kind = 'settlement' or cause in ('payment_rejected', 'payment_returned') then debit - credit
        else cast(0 as {{ money() }})
    end) as settled
from {{ ref('int_posting') }}
where account_role = 'accrued_rebates'
group by 1, 2, 3, 4, 5, 6
