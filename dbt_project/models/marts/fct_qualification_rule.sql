-- Grain: one rule of one payout: what is required, what is, and whether it holds.
with rules as (
    select
        q.payout_id,
        1 as rule_number,
        'eligible_lines' as rule,
        'lines in scope, at least' as requirement,
        cast(1 as {{ measure() }}) as required,
        cast(q.target_lines as {{ measure() }}) as actual,
        q.target_lines >= 1 as holds
    from {{ ref('fct_qualification') }} as q
    union all
    -- what a percentage is taken of; without it there is none, unless the program says what a new partner is taken to have
    select
        q.payout_id,
        2,
        case q.basis_kind when 'growth' then 'baseline' when 'share' then 'whole' else 'target' end,
        case
            when coalesce(q.figure, 0) <= 0 and q.basis is not null then 'figure, above; else growth as the program gives it'
            else 'figure, above'
        end,
        cast(0 as {{ measure() }}),
        q.figure,
        q.basis is not null
    from {{ ref('fct_qualification') }} as q
    where q.basis_kind in ('growth', 'attainment', 'share')
    union all
    select
        g.payout_id,
        10 + g.gate_number,
        'gate_' || cast(g.gate_number as {{ text() }}),
        coalesce(g.name || ': ', '')
        || case when g.kind = 'count' then m.counted else g.kind end
        || case when g.kind in ('growth', 'attainment', 'share') and m.of = 'quantity' then ' of quantity' else '' end
        || ' ' || g.operator,
        g.required,
        g.actual,
        g.holds
    from {{ ref('int_gate') }} as g
    inner join {{ ref('stg_program_measure') }} as m on g.program_key = m.program_key and g.gate_number = m.gate_number
    union all
    select
        q.payout_id,
        1000 + t.tier_number,
        'tier_' || cast(t.tier_number as {{ text() }}),
        q.basis_kind || case p.boundary when 'exclusive' then ', above' else ', at least' end,
        t.threshold,
        q.basis,
        t.tier_number <= q.tier_number
    from {{ ref('fct_qualification') }} as q
    inner join {{ ref('int_program') }} as p on q.program_key = p.program_key
    inner join {{ ref('stg_program_tier') }} as t on q.program_key = t.program_key
)

select
    payout_id || ':' || rule as qualification_rule_id,
    payout_id,
    rule_number,
    rule,
    requirement,
    required,
    actual,
    holds
from rules
