-- The tier that each payout's basis has reached, and the next one (semantics 5).
with figures as (
    select
        payout_id,
        program_key,
        {{ scaled('compared_actual') }} as actual_scaled,
        {{ scaled('compared_figure') }} as figure_scaled
    from {{ ref('int_basis') }}
),

{{ reached_tiers('figures') }}

select
    payout_id,
    basis_scaled,
    tier_number,
    next_tier_number,
    next_threshold,
    next_threshold_scaled
from reached
