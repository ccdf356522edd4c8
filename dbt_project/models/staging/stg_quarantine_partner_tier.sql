select
    partner_id,
    tier,
    valid_from,
    valid_to,
    valid_from_text,
    valid_to_text,
    parse_errors,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('quarantine', 'partner_tier') }}
