{{ config(tags=['books']) }}

-- Grain: one payout (program version, payee, period) that is earned and not settled in full, or settled beyond what is earned:
-- what of it is due, held or carried at the as-of date, after the settlements that the ledger holds, and why it is not paid.
with keys as (
    select program_key, payee_id, period_id from {{ ref('int_payee_period') }}
    union
    select program_key, payee_id, period_id from {{ ref('int_posted') }}
),

open_amounts as (
    select
        k.program_key,
        p.program_id,
        k.payee_id,
        k.period_id,
        d.period_end,
        {{ add_days('d.period_end', 'p.settlement_lag_days') }} as due_on,
        p.legal_entity,
        p.currency,
        coalesce(u.instrument, p.instrument) as instrument,
        p.minimum_payment,
        u.settlement_stage,
        coalesce(e.earned, cast(0 as {{ money() }})) as earned,
        coalesce(e.held, cast(0 as {{ money() }})) as held,
        coalesce(o.settled, cast(0 as {{ money() }})) as settled_to_date,
        coalesce(u.to_pay, cast(0 as {{ money() }})) as to_pay,
        c.as_of
    from keys as k
    inner join {{ ref('stg_program') }} as p on k.program_key = p.program_key
    inner join {{ ref('int_program_period') }} as d on k.program_key = d.program_key and k.period_id = d.period_id
    cross join {{ ref('stg_run_context') }} as c
    left join {{ ref('int_payee_period') }} as e
        on k.program_key = e.program_key and k.payee_id = e.payee_id and k.period_id = e.period_id
    left join {{ ref('int_posted') }} as o
        on k.program_key = o.program_key and k.payee_id = o.payee_id and k.period_id = o.period_id
    left join {{ ref('int_settlement_due') }} as u
        on k.program_key = u.program_key and k.payee_id = u.payee_id and k.period_id = u.period_id
),

together as (
    select
        *,
        sum(to_pay) over (partition by payee_id, legal_entity, currency, instrument) as payment_total,
        max(case when to_pay <> 0 then minimum_payment else 0 end)
            over (partition by payee_id, legal_entity, currency, instrument) as payment_minimum
    from open_amounts
)

select
    program_key || '|' || payee_id || '|' || period_id as settlement_due_id,
    program_key,
    program_id,
    payee_id,
    period_id,
    period_end,
    due_on,
    legal_entity,
    currency,
    instrument,
    settlement_stage,
    cast(earned as {{ money() }}) as earned,
    cast(held as {{ money() }}) as held,
    cast(settled_to_date as {{ money() }}) as settled_to_date,
    cast(earned - settled_to_date as {{ money() }}) as unsettled,
    cast(to_pay as {{ money() }}) as to_pay,
    cast(payment_total as {{ money() }}) as payment_total,
    case
        when to_pay = 0 and due_on > as_of then 'not_due'
        when to_pay = 0 and held <> 0 then 'held'
        when to_pay = 0 then 'not_claimed'
        when instrument <> 'invoice' and payment_total <= 0 then 'carried'
        when abs(payment_total) < payment_minimum then 'below_minimum'
        else 'not_released'
    end as reason
from together
where earned <> settled_to_date
