select
    measure_key,
    participant_id,
    period_id,
    figure
from {{ source('programs', 'program_figure') }}
