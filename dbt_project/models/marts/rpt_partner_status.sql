-- Grain: one program version and measurement period that is open at the as-of date, and one partner that it measures: the
-- participant, and of a group also each member that the version admits in the period. Where the partner stands, which gates do
-- not hold, what the next tier takes and pays. Figures are those of the participant.
with gates as (
    select
        payout_id,
        {{ joined("coalesce(name, kind) || ' ' || operator || ' ' || " ~ plain_number('required') ~ " || ', is ' || coalesce(" ~ plain_number('actual') ~ ", 'not known')", '; ', 'gate_number') }} as failed_gates
    from {{ ref('int_gate') }}
    where not holds
    group by 1
),

open_periods as (
    select q.*, c.as_of
    from {{ ref('fct_qualification') }} as q
    cross join {{ ref('stg_run_context') }} as c
    where c.as_of between q.period_start and q.period_end
),

partners as (
    select payout_id, participant_id as partner_id
    from open_periods
    union
    select q.payout_id, m.partner_id
    from open_periods as q
    inner join {{ ref('int_program_participant') }} as m
        on q.program_key = m.program_key
        and q.participant_id = m.participant_id
        and m.valid_from <= q.as_of
        and m.valid_to >= q.period_start
)

select
    q.payout_id,
    m.partner_id,
    p.partner_name,
    q.participant_id,
    q.program_id,
    q.program_key,
    g.name as program_name,
    q.as_of,
    q.period_id,
    q.period_end,
    q.currency,
    q.basis_kind,
    q.basis,
    q.gates_hold,
    f.failed_gates,
    q.tier_number,
    q.tier_threshold,
    q.tier_rate,
    q.excluded_lines,
    q.limited_by,
    q.payout,
    q.next_tier_number,
    q.next_threshold,
    q.next_tier_rate,
    q.gap_to_next_tier,
    q.gap_amount,
    q.next_payout,
    q.next_tier_gain
from open_periods as q
inner join partners as m on q.payout_id = m.payout_id
inner join {{ ref('stg_program') }} as g on q.program_key = g.program_key
left join gates as f on q.payout_id = f.payout_id
left join {{ ref('int_partner') }} as p on m.partner_id = p.partner_id
