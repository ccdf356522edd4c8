{{ config(materialized='view') }}

-- What may be paid (semantics 11): the measurement period has ended and its lag has passed at the as-of date. To pay =
-- earned, less what stands on held lines, less what was settled before; where a claim is required at most what was approved,
-- the rest stays due; of a fund only what approved claims have drawn, whatever the day. Of an open period whose program pays advances, at the end of each month, quarter or half-year, its percent
-- of what is earned and not held, never taking back: the final settlement nets it. A negative amount is an invoice where the
-- program says so. A view: after settlement it shows what is carried.
with keys as (
    select program_key, payee_id, period_id from {{ ref('int_payee_period') }}
    union
    select program_key, payee_id, period_id from {{ ref('int_posted') }}
),

-- the last day up to the as-of date on which a program pays advances, where it lies in the accounting month
advance_ends as (
    select p.program_key, max(u.unit_end) as advance_on
    from {{ ref('stg_program') }} as p
    cross join {{ ref('stg_run_context') }} as c
    inner join (
        {%- for unit, id in [('month', 'month_id'), ('quarter', 'quarter_id'), ('half_year', 'half_year_id')] %}
        select calendar, '{{ unit }}' as unit, max(month_end) as unit_end
        from {{ ref('fiscal_month') }}
        group by calendar, {{ id }}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as u on p.calendar = u.calendar and p.advance_every = u.unit
    where u.unit_end <= c.as_of and {{ month_id('u.unit_end') }} = c.accounting_month
    group by p.program_key
),

amounts as (
    select
        k.program_key,
        k.payee_id,
        k.period_id,
        coalesce(e.earned, cast(0 as {{ money() }})) as all_earned,
        case
            when g.kind = 'fund' then coalesce(f.approved_amount, cast(0 as {{ money() }}))
                - sum(coalesce(e.earned, cast(0 as {{ money() }}))) over (partition by k.program_key, k.payee_id order by k.period_id)
                + coalesce(e.earned, cast(0 as {{ money() }}))
            -- what was settled stays settled when an approval is taken back
            when g.claim_required then greatest(coalesce(m.approved_amount, cast(0 as {{ money() }})), coalesce(o.settled, cast(0 as {{ money() }})))
        end as drawn,
        coalesce(e.held, cast(0 as {{ money() }})) as held,
        coalesce(o.settled, cast(0 as {{ money() }})) as settled_to_date
    from keys as k
    inner join {{ ref('stg_program') }} as g on k.program_key = g.program_key
    left join {{ ref('int_fund_drawn') }} as f on k.program_key = f.program_key and k.payee_id = f.partner_id
    left join {{ ref('int_claim_approved') }} as m
        on k.program_key = m.program_key and k.payee_id = m.payee_id and k.period_id = m.period_id
    left join {{ ref('int_payee_period') }} as e
        on k.program_key = e.program_key and k.payee_id = e.payee_id and k.period_id = e.period_id
    left join {{ ref('int_posted') }} as o
        on k.program_key = o.program_key and k.payee_id = o.payee_id and k.period_id = o.period_id
),

-- what claims allow, of what does not stand on held lines; of a fund what they have drawn, in the order of the periods
due as (
    select
        *,
        case
            when drawn is null or all_earned <= held then all_earned
            else held + least(all_earned - held, greatest(drawn, cast(0 as {{ money() }})))
        end as earned
    from amounts
),

staged as (
    select
        a.program_key,
        p.program_id,
        a.payee_id,
        a.period_id,
        d.period_end,
        p.legal_entity,
        p.currency,
        p.instrument,
        p.negative,
        p.minimum_payment,
        a.held,
        a.settled_to_date,
        a.earned,
        case
            when p.kind = 'fund' or {{ add_days('d.period_end', 'p.settlement_lag_days') }} <= c.as_of then 'final'
            when v.advance_on between d.period_start and d.period_end then 'advance'
        end as settlement_stage,
        -- the percent is a fraction with 8 decimals, rounded half away from zero to the minor unit
        {{ minor_to_money(rounded_quotient(whole("cast((a.earned - a.held) * 10000 as decimal(38, 0))") ~ ' * ' ~ whole("cast(p.advance_percent * 100000000 as decimal(38, 0))"), whole(100000000) ~ ' * ' ~ power_of_ten('4 - m.minor_unit')), 'm.minor_unit') }} as advance
    from due as a
    inner join {{ ref('stg_program') }} as p on a.program_key = p.program_key
    inner join {{ ref('currency') }} as m on p.currency = m.currency
    inner join {{ ref('int_program_period') }} as d on a.program_key = d.program_key and a.period_id = d.period_id
    cross join {{ ref('stg_run_context') }} as c
    left join advance_ends as v on a.program_key = v.program_key
),

payable as (
    select
        *,
        case when settlement_stage = 'advance' then greatest(advance, settled_to_date) else earned end as may_be_settled,
        case when settlement_stage = 'advance' then cast(0 as {{ money() }}) else held end as kept
    from staged
    where settlement_stage is not null
)

select
    program_key,
    program_id,
    payee_id,
    period_id,
    period_end,
    legal_entity,
    currency,
    case when negative = 'invoice' and may_be_settled - kept - settled_to_date < 0 then 'invoice' else instrument end as instrument,
    settlement_stage,
    minimum_payment,
    cast(may_be_settled as {{ money() }}) as earned,
    cast(kept as {{ money() }}) as held,
    cast(settled_to_date as {{ money() }}) as settled_to_date,
    cast(may_be_settled - kept - settled_to_date as {{ money() }}) as to_pay
from payable
where may_be_settled - kept - settled_to_date <> 0
