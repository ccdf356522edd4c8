select
    as_of,
    accounting_month,
    calculation_id,
    posted_file_sequence,
    net_of_only
from {{ source('run', 'run_context') }}
