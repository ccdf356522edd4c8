{{ config(tags=['books']) }}

-- The sum of payouts equals the liability plus what was settled plus what is not yet posted (semantics 12).
with payouts as (
    select program_key, payee_id, sum(amount) as earned
    from (
        select program_key, payee_id, period_id, greatest(sum(amount), 0) as amount
        from {{ ref('fct_payout') }}
        where is_payable
        group by 1, 2, 3
    ) as periods
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
