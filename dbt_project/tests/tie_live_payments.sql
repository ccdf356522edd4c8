{{ config(tags=['books']) }}

-- A payout is never in two live payments: what its payments' lines hold, less what was reopened, is what it has settled; and
-- of no line is more reopened than it holds (semantics 11).
with reopened as (
    select payment_line_id, sum(amount) as amount
    from {{ ref('fct_payment_reversal') }}
    group by 1
),

lines as (
    select
        l.program_key,
        l.payee_id,
        l.period_id,
        sum(l.amount - coalesce(r.amount, 0)) as live,
        sum(case
            when abs(coalesce(r.amount, 0)) > abs(l.amount) or coalesce(r.amount, 0) * l.amount < 0 then 1
            else 0
        end) as overdrawn
    from {{ ref('fct_payment_line') }} as l
    left join reopened as r on l.payment_line_id = r.payment_line_id
    group by 1, 2, 3
)

select
    coalesce(o.program_key, l.program_key) as program_key,
    coalesce(o.payee_id, l.payee_id) as payee_id,
    coalesce(o.period_id, l.period_id) as period_id,
    o.settled,
    l.live,
    l.overdrawn
from {{ ref('int_posted') }} as o
full outer join lines as l
    on o.program_key = l.program_key and o.payee_id = l.payee_id and o.period_id = l.period_id
where coalesce(o.settled, 0) <> coalesce(l.live, 0) or coalesce(l.overdrawn, 0) > 0
