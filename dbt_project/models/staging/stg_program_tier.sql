select
    program_key,
    tier_number,
    threshold,
    next_threshold,
    rate,
    flat_amount
from {{ source('programs', 'program_tier') }}
