select
    program_key,
    participant_id,
    period_id,
    kind,
    figure
from {{ source('programs', 'program_figure') }}
