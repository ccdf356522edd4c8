-- The estimates of running periods, shared over payees as payouts are (semantics 7 and 9), over the period's own lines. One
-- without lines (a lump sum by days) goes to the participant, where it is the payee whatever the lines; else to nobody yet
-- (payee_id ''), and is not accrued. Grain: payout, payee.
with payouts as (
    select
        e.payout_id,
        e.program_key,
        e.participant_id,
        e.period_number,
        'reset' as cumulation,
        e.estimate_minor as to_date_minor,
        case when k.program_key is not null then p.earning_scope else p.target_scope end as scope_key,
        p.rate_kind
    from {{ ref('int_accrual_estimate') }} as e
    inner join {{ ref('int_program') }} as p on e.program_key = p.program_key
    left join (
        select distinct program_key, scope_key, participant_id, period_id
        from {{ ref('int_scope_sum') }}
        where line_use = 'current'
    ) as k
        on p.earning_scope = k.scope_key
        and e.program_key = k.program_key
        and e.participant_id = k.participant_id
        and e.period_id = k.period_id
    where e.estimate_minor > 0
),

{{ payee_shares() }},

parts as (
    select payout_id, payee_id, payee_minor from payee_share
    union all
    select
        o.payout_id,
        case when d.program_key is not null and p.aggregate <> 'group' then o.participant_id else '' end,
        o.to_date_minor
    from payouts as o
    inner join {{ ref('int_program') }} as p on o.program_key = p.program_key
    left join direct as d on o.program_key = d.program_key
    left join (select distinct payout_id from payee_share) as s on o.payout_id = s.payout_id
    where s.payout_id is null
)

select
    o.payout_id,
    o.program_key,
    p.payee_id,
    e.period_id,
    cast(sum(p.payee_minor) as {{ whole_type() }}) as estimate_minor,
    {{ minor_to_money('sum(p.payee_minor)', 'e.minor_unit') }} as amount
from parts as p
inner join payouts as o on p.payout_id = o.payout_id
inner join {{ ref('int_accrual_estimate') }} as e on p.payout_id = e.payout_id
group by o.payout_id, o.program_key, p.payee_id, e.period_id, e.minor_unit
