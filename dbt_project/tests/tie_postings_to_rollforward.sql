{{ config(tags=['books']) }}

-- The sum of posted entries equals the roll-forward's closing (semantics 12).
with posted as (
    select legal_entity, currency, program_key, sum(credit - debit) as balance
    from {{ ref('fct_posting') }}
    where account_role = 'accrued_rebates'
    group by 1, 2, 3
),

closings as (
    select
        f.legal_entity,
        f.currency,
        f.program_key,
        f.closing
    from {{ ref('fct_liability_rollforward') }} as f
    inner join {{ ref('stg_run_context') }} as c on f.accounting_month = c.accounting_month
)

select
    coalesce(p.program_key, r.program_key) as program_key,
    p.balance,
    r.closing
from posted as p
full outer join closings as r
    on p.legal_entity = r.legal_entity
    and p.currency = r.currency
    and p.program_key = r.program_key
where coalesce(p.balance, 0) <> coalesce(r.closing, 0)
