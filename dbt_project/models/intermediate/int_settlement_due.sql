{{ config(materialized='view') }}

-- What may be paid (semantics 11): the measurement period has ended and its lag has passed at the as-of date. To pay =
-- earned, less what stands on held lines, less what was settled before. A view: after settlement it shows what is carried.
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
        coalesce(e.earned, cast(0 as {{ money() }})) as earned,
        coalesce(e.held, cast(0 as {{ money() }})) as held,
        coalesce(o.settled, cast(0 as {{ money() }})) as settled_to_date
    from keys as k
    left join {{ ref('int_payee_period') }} as e
        on k.program_key = e.program_key and k.payee_id = e.payee_id and k.period_id = e.period_id
    left join {{ ref('int_posted') }} as o
        on k.program_key = o.program_key and k.payee_id = o.payee_id and k.period_id = o.period_id
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
from amounts as a
inner join {{ ref('stg_program') }} as p on a.program_key = p.program_key
inner join {{ ref('int_program_period') }} as d on a.program_key = d.program_key and a.period_id = d.period_id
cross join {{ ref('stg_run_context') }} as c
where
    {{ add_days('d.period_end', 'p.settlement_lag_days') }} <= c.as_of
    and a.earned - a.held - a.settled_to_date <> 0
