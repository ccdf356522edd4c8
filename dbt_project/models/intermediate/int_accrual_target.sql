{{ config(materialized='view') }}

-- The liability that should stand (method `earned`, semantics 10): the payout on the lines so far, never below zero.
select
    program_key,
    payee_id,
    period_id,
    greatest(earned, cast(0 as decimal(38, 4))) as accrued_to_date
from {{ ref('int_payee_period') }}
