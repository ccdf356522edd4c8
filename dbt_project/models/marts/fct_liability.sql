{{ config(tags=['books']) }}

-- Grain: program version, payee and accounting month. Opening + accrued + true-ups + currency - settled - written
-- off = closing (semantics 12). `unposted`: what should stand and is not posted, also what is left below a threshold.
with movements as (
    select
        program_key,
        program_id,
        payee_id,
        legal_entity,
        currency,
        accounting_month,
        sum(case when batch_kind = 'accrual' and cause = 'volume' then credit - debit else 0 end) as accrued,
        sum(case when batch_kind = 'accrual' and cause not in ('volume', 'currency') then credit - debit else 0 end) as true_ups,
        sum(case when batch_kind = 'accrual' and cause = 'currency' then credit - debit else 0 end) as currency_effect,
        sum(case when batch_kind = 'settlement' or cause in ('payment_rejected', 'payment_returned') then debit - credit else 0 end) as settled,
        sum(case when cause in ('write_off', 'breakage') then debit - credit else 0 end) as written_off,
        cast(0 as {{ money() }}) as unposted
    from {{ ref('int_posting') }}
    where account_role = 'accrued_rebates'
    group by 1, 2, 3, 4, 5, 6
    union all
    select
        d.program_key,
        d.program_id,
        d.payee_id,
        d.legal_entity,
        d.currency,
        c.accounting_month,
        0, 0, 0, 0, 0,
        sum(d.difference)
    from {{ ref('int_accrual_difference') }} as d
    cross join {{ ref('stg_run_context') }} as c
    group by 1, 2, 3, 4, 5, 6
),

keys as (
    select
        program_key,
        program_id,
        payee_id,
        legal_entity,
        currency,
        min(accounting_month) as first_month
    from movements
    group by 1, 2, 3, 4, 5
),

-- every month from the first movement to the run's, also the quiet ones: closing is the next month's opening
spine as (
    select k.*, m.month_id as accounting_month
    from keys as k
    cross join {{ ref('stg_run_context') }} as c
    inner join {{ ref('fiscal_month') }} as m
        on m.calendar = 'months'
        and m.month_id between k.first_month and c.accounting_month
),

monthly as (
    select
        s.program_key,
        s.program_id,
        s.payee_id,
        s.legal_entity,
        s.currency,
        s.accounting_month,
        coalesce(sum(v.accrued), 0) as accrued,
        coalesce(sum(v.true_ups), 0) as true_ups,
        coalesce(sum(v.currency_effect), 0) as currency_effect,
        coalesce(sum(v.settled), 0) as settled,
        coalesce(sum(v.written_off), 0) as written_off,
        coalesce(sum(v.unposted), 0) as unposted
    from spine as s
    left join movements as v
        on s.program_key = v.program_key
        and s.payee_id = v.payee_id
        and s.accounting_month = v.accounting_month
    group by 1, 2, 3, 4, 5, 6
),

running as (
    select
        *,
        sum(accrued + true_ups + currency_effect - settled - written_off)
            over (partition by program_key, payee_id order by accounting_month) as closing
    from monthly
)

select
    program_key || '|' || payee_id || '|' || accounting_month as liability_id,
    program_key,
    program_id,
    payee_id,
    legal_entity,
    currency,
    accounting_month,
    {%- for column in ['closing - accrued - true_ups - currency_effect + settled + written_off as opening', 'accrued', 'true_ups', 'currency_effect', 'settled', 'written_off', 'closing', 'unposted'] %}
    cast({{ column.split(' as ')[0] }} as {{ money() }}) as {{ column.split(' as ')[-1] }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from running
