select
    as_of,
    accounting_month,
    calculation_id,
    posted_file_sequence
from {{ source('run', 'run_context') }}
