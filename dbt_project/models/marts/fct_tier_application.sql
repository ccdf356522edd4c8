-- Grain: one tier of one payout: the part of the basis in it, the payout base that its rate is applied to, and its amount.
-- Amounts add up to the payout before gates, bounds and stacking (under to_date: from the program's start).
select
    tier_application_id,
    payout_id,
    program_key,
    participant_id,
    period_id,
    tier_number,
    threshold,
    next_threshold,
    is_highest,
    basis_part,
    payout_base,
    rate,
    flat_amount,
    amount
from {{ ref('int_tier_application') }}
