-- The amounts of the tiers add up to the payout before its cap.
select
    o.payout_id,
    o.uncapped_payout,
    sum(a.amount) as tier_amount
from {{ ref('int_payout') }} as o
left join {{ ref('fct_tier_application') }} as a on o.payout_id = a.payout_id
group by o.payout_id, o.uncapped_payout
having coalesce(sum(a.amount), 0) <> o.uncapped_payout
