select
    program_key,
    participant_id,
    accepted_on
from {{ source('programs', 'program_enrolment') }}
