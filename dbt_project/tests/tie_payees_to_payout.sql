-- The payees' shares add up to the payout (semantics 9), and a payout is never lost on the way.
select
    o.payout_id,
    o.payout,
    sum(p.amount) as payee_amount
from {{ ref('int_payout') }} as o
left join {{ ref('fct_payout') }} as p on o.payout_id = p.payout_id
group by o.payout_id, o.payout
having coalesce(sum(p.amount), 0) <> o.payout
