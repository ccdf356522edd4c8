-- Grain: one payout (program version, participant, measurement period) for one payee. payee_id '' is a share that
-- nobody is entitled to: reported, not accrued, not paid.
select
    s.payout_id || '|' || s.payee_id as payout_payee_id,
    s.payout_id,
    p.program_id,
    b.program_key,
    b.participant_id,
    s.payee_id,
    b.period_id,
    d.period_start,
    d.period_end,
    p.legal_entity,
    p.currency,
    s.payee_id <> '' as is_payable,
    {{ minor_to_money('sum(s.amount_minor)', 'p.minor_unit') }} as amount
from {{ ref('int_payee_share') }} as s
inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
inner join {{ ref('int_program') }} as p on b.program_key = p.program_key
inner join {{ ref('int_program_period') }} as d on b.program_key = d.program_key and b.period_id = d.period_id
group by s.payout_id, s.payee_id, p.program_id, b.program_key, b.participant_id, b.period_id, d.period_start, d.period_end, p.legal_entity, p.currency, p.minor_unit
