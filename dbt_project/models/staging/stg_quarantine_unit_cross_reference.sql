select
    line_source,
    partner_unit,
    unit,
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
from {{ source('quarantine', 'unit_cross_reference') }}
