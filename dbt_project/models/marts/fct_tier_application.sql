-- Grain: one tier of one payout: the part that it is applied to, its rate and its amount. Amounts add up to the payout
-- before its cap.
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
    part,
    rate,
    flat_amount,
    amount
from {{ ref('int_tier_application') }}
