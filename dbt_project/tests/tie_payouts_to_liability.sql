{{ config(tags=['books']) }}

-- The sum of payouts equals the liability plus what was settled plus what is not yet posted (semantics 12).
-- Of running periods that do not accrue what was earned the estimates count instead of the payouts.
with estimated as (
    select distinct program_key, period_id from {{ ref('int_accrual_estimate') }}
),

amounts as (
    select p.program_key, p.payee_id, p.period_id, p.amount
    from {{ ref('fct_payout') }} as p
    left join estimated as e on p.program_key = e.program_key and p.period_id = e.period_id
    where p.is_payable and e.program_key is null
    union all
    select program_key, payee_id, period_id, amount
    from {{ ref('int_accrual_share') }}
    where payee_id <> ''
),

periods as (
    select program_key, payee_id, period_id, sum(amount) as amount
    from amounts
    group by 1, 2, 3
),

taken_back as (
    select program_key, payee_id, period_id, sum(settled) as settled
    from {{ ref('int_posted') }}
    group by 1, 2, 3
    having sum(settled) < 0
),

-- a payout below zero is no liability, but for what was already taken back of it; under to_date the running sum counts
payouts as (
    select
        p.program_key,
        p.payee_id,
        case when max(g.cumulation) = 'to_date' then greatest(sum(p.amount), 0) else sum(case
            when p.amount >= 0 then p.amount
            when p.amount >= coalesce(t.settled, 0) then p.amount
            else coalesce(t.settled, 0)
        end) end as earned
    from periods as p
    inner join {{ ref('int_program') }} as g on p.program_key = g.program_key
    left join taken_back as t
        on p.program_key = t.program_key and p.payee_id = t.payee_id and p.period_id = t.period_id
    group by 1, 2
),

liabilities as (
    select
        l.program_key,
        l.payee_id,
        sum(l.settled) + sum(l.written_off) - sum(l.currency_effect) as settled,
        sum(case when l.accounting_month = c.accounting_month then l.closing + l.unposted else 0 end) as liability
    from {{ ref('fct_liability') }} as l
    cross join {{ ref('stg_run_context') }} as c
    group by 1, 2
)

select
    coalesce(p.program_key, l.program_key) as program_key,
    coalesce(p.payee_id, l.payee_id) as payee_id,
    p.earned,
    l.liability,
    l.settled
from payouts as p
full outer join liabilities as l on p.program_key = l.program_key and p.payee_id = l.payee_id
where coalesce(p.earned, 0) <> coalesce(l.liability, 0) + coalesce(l.settled, 0)
