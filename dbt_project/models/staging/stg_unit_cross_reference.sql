select
    line_source,
    partner_unit,
    unit,
    valid_from,
    valid_to,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'unit_cross_reference') }}
