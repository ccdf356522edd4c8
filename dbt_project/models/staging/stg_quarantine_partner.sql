select
    partner_id,
    partner_name,
    partner_type,
    parent_partner_id,
    channel,
    region,
    country,
    parse_errors,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('quarantine', 'partner') }}
