select
    file_name,
    field,
    reason
from {{ source('programs', 'program_error') }}
