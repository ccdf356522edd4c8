-- The sum of line allocations equals the payouts, payee by payee (semantics 12).
with allocated as (
    select payout_id, payee_id, sum(amount) as line_amount
    from {{ ref('fct_line_rebate') }}
    group by 1, 2
)

select
    coalesce(p.payout_id, a.payout_id) as payout_id,
    coalesce(p.payee_id, a.payee_id) as payee_id,
    p.amount,
    a.line_amount
from {{ ref('fct_payout') }} as p
full outer join allocated as a on p.payout_id = a.payout_id and p.payee_id = a.payee_id
where coalesce(p.amount, 0) <> coalesce(a.line_amount, 0)
