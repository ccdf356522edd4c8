-- Grain: one participant of a program version and measurement period, also without any line: what was measured, the tier
-- reached, whether the gates hold, the distance to the next tier and what reaching it would pay, and how many lines the
-- earning and target scope looked at and left out (rpt_excluded_line says which and why).
with left_out as (
    select e.payout_id, e.line_key, max(e.amount) as amount
    from {{ ref('rpt_excluded_line') }} as e
    inner join {{ ref('int_program') }} as p
        on e.program_key = p.program_key
        and e.scope_key in (p.earning_scope, p.target_scope)
    where e.payout_id is not null
    group by 1, 2
),

excluded as (
    select payout_id, count(*) as lines, sum(amount) as amount
    from left_out
    group by 1
)

select
    b.payout_id,
    p.program_id,
    b.program_key,
    b.participant_id,
    b.period_id,
    d.period_start,
    d.period_end,
    p.currency,
    p.basis as basis_kind,
    p.method,
    p.rate_kind,
    b.target_lines,
    b.earning_lines,
    coalesce(x.lines, 0) as excluded_lines,
    cast(coalesce(x.amount, 0) as {{ measure() }}) as excluded_amount,
    b.actual,
    b.figure,
    b.basis,
    b.payout_base,
    o.gates_hold,
    coalesce(r.tier_number, 0) as tier_number,
    t.threshold as tier_threshold,
    t.rate as tier_rate,
    r.next_tier_number,
    r.next_threshold,
    cast(r.next_threshold - b.basis as {{ measure() }}) as gap_to_next_tier,
    -- the gap in money, where the basis is money or a percentage of money (a growth taken as given is one of nothing)
    case
        when r.next_threshold is null then null
        when p.basis = 'amount' then cast(r.next_threshold - b.basis as {{ measure() }})
        when p.basis in ('growth', 'attainment') and m.of = 'amount' and b.figure > 0 then
            {{ unscaled(quotient('r.next_threshold_scaled - r.basis_scaled', 1000000)) }}
    end as gap_amount,
    n.rate as next_tier_rate,
    o.uncapped_payout,
    o.limited_by,
    o.shortfall,
    o.payout,
    o.next_payout,
    cast(o.next_payout - o.payout as {{ money() }}) as next_tier_gain
from {{ ref('int_basis') }} as b
inner join {{ ref('int_program') }} as p on b.program_key = p.program_key
inner join {{ ref('stg_program_measure') }} as m on b.program_key = m.program_key and m.gate_number = 0
inner join {{ ref('int_program_period') }} as d on b.program_key = d.program_key and b.period_id = d.period_id
inner join {{ ref('int_payout') }} as o on b.payout_id = o.payout_id
left join excluded as x on b.payout_id = x.payout_id
left join {{ ref('int_tier_reached') }} as r on b.payout_id = r.payout_id
left join {{ ref('stg_program_tier') }} as t on b.program_key = t.program_key and r.tier_number = t.tier_number
left join {{ ref('stg_program_tier') }} as n on b.program_key = n.program_key and r.next_tier_number = n.tier_number
