-- Grain: the one run that everything here was calculated by.
select
    as_of,
    accounting_month,
    calculation_id
from {{ ref('stg_run_context') }}
