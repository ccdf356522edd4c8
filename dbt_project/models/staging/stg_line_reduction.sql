select
    program_key,
    line_key,
    reduction
from {{ source('run', 'line_reduction') }}
