-- The lines that carry a payout, with their weight: the earning lines in proportion to payout base (semantics 9).
-- A payout without earning lines (a lump sum for target lines alone) is carried by its target lines.
select
    b.payout_id,
    l.line_key,
    l.member_id,
    l.program_key,
    l.fx_rate,
    case when p.rate_kind = 'per_unit' then l.base_quantity else l.amount end as payout_base,
    {{ scaled("case when p.rate_kind = 'per_unit' then l.base_quantity else l.amount end") }} as weight
from {{ ref('int_scope_line') }} as l
inner join {{ ref('int_program') }} as p on l.program_key = p.program_key
inner join {{ ref('int_basis') }} as b
    on l.program_key = b.program_key
    and l.participant_id = b.participant_id
    and l.period_id = b.period_id
inner join {{ ref('int_payout') }} as o
    on b.payout_id = o.payout_id
    and o.payout_minor <> 0
where
    l.excluded_reason is null
    and l.scope_key = case when b.earning_lines > 0 then p.earning_scope else p.target_scope end
