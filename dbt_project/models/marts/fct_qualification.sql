-- Grain: one payout (program version, participant, measurement period): what was measured, the tier reached, the distance
-- to the next one and what reaching it would pay.
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
    b.actual,
    b.figure,
    b.basis,
    b.payout_base,
    coalesce(r.tier_number, 0) as tier_number,
    t.threshold as tier_threshold,
    t.rate as tier_rate,
    r.next_tier_number,
    r.next_threshold,
    cast(r.next_threshold - b.basis as {{ measure() }}) as gap_to_next_tier,
    n.rate as next_tier_rate,
    o.uncapped_payout,
    o.payout,
    o.next_payout,
    cast(o.next_payout - o.payout as {{ money() }}) as next_tier_gain
from {{ ref('int_basis') }} as b
inner join {{ ref('int_program') }} as p on b.program_key = p.program_key
inner join {{ ref('int_program_period') }} as d on b.program_key = d.program_key and b.period_id = d.period_id
inner join {{ ref('int_payout') }} as o on b.payout_id = o.payout_id
left join {{ ref('int_tier_reached') }} as r on b.payout_id = r.payout_id
left join {{ ref('stg_program_tier') }} as t on b.program_key = t.program_key and r.tier_number = t.tier_number
left join {{ ref('stg_program_tier') }} as n on b.program_key = n.program_key and r.next_tier_number = n.tier_number
