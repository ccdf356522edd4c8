select
    partner_id,
    partner_name,
    partner_type,
    parent_partner_id,
    channel,
    region,
    country,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'partner') }}
