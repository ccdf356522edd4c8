-- Grain: one program version, participant and measurement period that is open at the as-of date: where the
-- partner stands and what the next level takes and pays.
select
    q.payout_id,
    q.participant_id,
    p.partner_name as participant_name,
    q.program_id,
    q.program_key,
    g.name as program_name,
    q.period_id,
    q.period_end,
    q.currency,
    q.basis_kind,
    q.basis,
    q.tier_number,
    q.tier_threshold,
    q.payout,
    q.next_tier_number,
    q.next_threshold,
    q.gap_to_next_tier,
    q.next_payout,
    q.next_tier_gain
from {{ ref('fct_qualification') }} as q
cross join {{ ref('stg_run_context') }} as c
inner join {{ ref('dim_program') }} as g on q.program_key = g.program_key
left join {{ ref('dim_partner') }} as p on q.participant_id = p.partner_id
where c.as_of between q.period_start and q.period_end
