{{ config(tags=['books']) }}

-- Opening + accrued + true-ups + currency - settled - written off = closing, and a month's closing is the next
-- month's opening (semantics 12).
with months as (
    select
        *,
        lag(closing) over (partition by legal_entity, currency, program_key order by accounting_month) as previous_closing
    from {{ ref('fct_liability_rollforward') }}
)

select
    rollforward_id,
    opening,
    previous_closing,
    closing
from months
where
    opening + accrued + true_ups + currency_effect - settled - written_off <> closing
    or opening <> coalesce(previous_closing, 0)
