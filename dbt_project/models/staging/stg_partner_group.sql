select
    partner_id,
    group_id,
    valid_from,
    valid_to,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'partner_group') }}
