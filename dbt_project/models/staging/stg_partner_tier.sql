select
    partner_id,
    tier,
    valid_from,
    valid_to,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'partner_tier') }}
