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
    select
        q.payout_id,
        2,
        case q.basis_kind when 'growth' then 'baseline' else 'target' end,
        'figure given, above',
        cast(0 as {{ measure() }}),
        q.figure,
        coalesce(q.figure > 0, false)
    from {{ ref('fct_qualification') }} as q
    where q.basis_kind in ('growth', 'attainment')
    union all
    select
        q.payout_id,
        10 + t.tier_number,
        'tier_' || cast(t.tier_number as varchar),
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
