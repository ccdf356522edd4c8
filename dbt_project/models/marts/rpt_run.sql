-- Grain: the one run that everything here was calculated by.
select
    as_of,
    accounting_month
from {{ ref('stg_run_context') }}
