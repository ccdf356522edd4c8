select
    program_key,
    rule,
    kind,
    value
from {{ source('programs', 'program_participant_rule') }}
