{{ config(materialized='view') }}

-- What may be paid (semantics 11): the measurement period has ended and its lag has passed at the as-of date. To pay =
-- earned, less what stands on held lines, less what was settled before; where a claim is required at most what was approved,
-- the rest stays due; of a fund only what approved claims have drawn, whatever the day. A view: after settlement it shows what is carried.
with keys as (
    select program_key, payee_id, period_id from {{ ref('int_payee_period') }}
    union
    select program_key, payee_id, period_id from {{ ref('int_posted') }}
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
)

select
    a.program_key,
    p.program_id,
    a.payee_id,
    a.period_id,
    d.period_end,
    p.legal_entity,
    p.currency,
    p.instrument,
    p.minimum_payment,
    cast(a.earned as {{ money() }}) as earned,
    cast(a.held as {{ money() }}) as held,
    cast(a.settled_to_date as {{ money() }}) as settled_to_date,
    cast(a.earned - a.held - a.settled_to_date as {{ money() }}) as to_pay
from due as a
inner join {{ ref('stg_program') }} as p on a.program_key = p.program_key
inner join {{ ref('int_program_period') }} as d on a.program_key = d.program_key and a.period_id = d.period_id
cross join {{ ref('stg_run_context') }} as c
where
    (p.kind = 'fund' or {{ add_days('d.period_end', 'p.settlement_lag_days') }} <= c.as_of)
    and a.earned - a.held - a.settled_to_date <> 0
