{{ config(materialized='view') }}

-- The accrual that should stand to date (method `earned`, semantics 10): the payout on the lines so far, never below zero,
-- unless more than that was already taken back from the payee in a settlement: then what was taken back stands.
with settled as (
    select program_key, payee_id, period_id, sum(settled) as settled
    from {{ ref('int_posted') }}
    group by 1, 2, 3
)

select
    e.program_key,
    e.payee_id,
    e.period_id,
    case
        when e.earned >= 0 then e.earned
        when coalesce(s.settled, 0) >= 0 then cast(0 as decimal(38, 4))
        when e.earned >= s.settled then e.earned
        else cast(s.settled as decimal(38, 4))
    end as accrued_to_date
from {{ ref('int_payee_period') }} as e
left join settled as s
    on e.program_key = s.program_key and e.payee_id = s.payee_id and e.period_id = s.period_id
