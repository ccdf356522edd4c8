-- Per program, participant and period: what the tiers look at, and what the rates are applied to (semantics 4).
-- An earning scope without a target scope of its own serves as both.
with sums as (
    select
        l.program_key,
        l.participant_id,
        l.period_id,
        {%- for scope in ['target', 'earning'] %}
        sum(case when l.scope_key = p.{{ scope }}_scope then l.amount else cast(0 as {{ measure() }}) end) as {{ scope }}_amount,
        sum(case when l.scope_key = p.{{ scope }}_scope then l.base_quantity else cast(0 as {{ measure() }}) end) as {{ scope }}_quantity,
        cast(sum(case when l.scope_key = p.{{ scope }}_scope then 1 else 0 end) as bigint) as {{ scope }}_lines
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('int_scope_line') }} as l
    inner join {{ ref('int_program') }} as p on l.program_key = p.program_key
    where l.excluded_reason is null
    group by 1, 2, 3
),

measured as (
    select
        s.program_key || ':' || s.participant_id || ':' || s.period_id as payout_id,
        s.*,
        p.basis,
        p.growth_payout,
        case
            when p.basis = 'quantity' then s.target_quantity
            when p.rate_kind = 'per_unit' and p.basis in ('growth', 'attainment') then s.target_quantity
            else s.target_amount
        end as actual,
        case when p.rate_kind = 'per_unit' then s.earning_quantity else s.earning_amount end as earning_base,
        g.figure
    from sums as s
    inner join {{ ref('int_program') }} as p on s.program_key = p.program_key
    left join {{ ref('stg_program_figure') }} as g
        on s.program_key = g.program_key
        and s.participant_id = g.participant_id
        and s.period_id = g.period_id
        and p.basis in ('growth', 'attainment')
)

select
    payout_id,
    program_key,
    participant_id,
    period_id,
    target_lines,
    earning_lines,
    actual,
    figure,
    -- growth and attainment: percent of the figure, six places for people; the tiers compare exactly (int_tier_reached)
    case
        when basis in ('amount', 'quantity') then actual
        when figure > 0 then cast(
            cast({{ rounded_quotient(scaled('actual') ~ ' * 100000000', scaled('figure')) }} as decimal(38, 0)) * cast(0.000001 as decimal(7, 6))
            as {{ measure() }})
    end as basis,
    case
        when basis = 'growth' and growth_payout in ('on_growth', 'marginal_growth')
            then greatest(actual - figure, cast(0 as {{ measure() }}))
        else earning_base
    end as payout_base,
    earning_base
from measured
