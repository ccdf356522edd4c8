-- What the tiers are applied to: the actual basis, the one that is forecast for the end of a running period, and the basis
-- that just reaches the next tier ("what would one more step pay?"). In the last case the payout base grows in proportion to the basis, but for a share, which grows within the same
-- whole; from nothing it becomes the basis, where both are in one unit. Whole numbers: bases in 10^-12, those of percentages in 10^-18 of the figure's unit.
with facts as (
    select
        b.payout_id,
        b.program_key,
        p.basis,
        p.growth_payout,
        p.is_ratio,
        -- whether basis and payout base are in one unit, so that the one says what the other would be; a growth that is taken
        -- as given is a percentage of nothing
        p.method = 'lump_sum'
        or p.basis = 'quantity' and p.rate_kind = 'per_unit'
        or p.basis = 'amount' and p.rate_kind = 'percent'
        or p.basis in ('growth', 'attainment') and (m.of = 'quantity') = (p.rate_kind = 'per_unit') and b.figure > 0 as has_one_unit,
        r.basis_scaled,
        r.tier_number,
        r.next_tier_number,
        r.next_threshold_scaled,
        greatest({{ scaled('b.payout_base') }}, {{ whole(0) }}) as base_scaled,
        {{ scaled('coalesce(b.compared_figure, 0)') }} as figure_scaled
    from {{ ref('int_basis') }} as b
    inner join {{ ref('int_program') }} as p on b.program_key = p.program_key
    inner join {{ ref('stg_program_measure') }} as m on b.program_key = m.program_key and m.gate_number = 0
    inner join {{ ref('int_tier_reached') }} as r on b.payout_id = r.payout_id
),

growing as (
    select * from facts where next_threshold_scaled > 0
),

-- a payout base that is the basis itself grows to the threshold
proportional as (
    select * from growing where basis_scaled > 0 and base_scaled <> basis_scaled
),

grown as {{ multiply_divide('proportional', ['payout_id'], 'base_scaled', 'next_threshold_scaled', 'basis_scaled', 'base_scaled') }}

select
    payout_id,
    program_key,
    'actual' as scenario,
    tier_number,
    basis_scaled,
    base_scaled,
    figure_scaled
from facts
where tier_number > 0
union all
select
    payout_id,
    program_key,
    'forecast',
    tier_number,
    basis_scaled,
    base_scaled,
    figure_scaled
from {{ ref('int_forecast') }}
where tier_number > 0
union all
select
    f.payout_id,
    f.program_key,
    'next_tier',
    f.next_tier_number,
    f.next_threshold_scaled,
    case
        when f.basis = 'growth' and f.growth_payout in ('on_growth', 'marginal_growth')
            then greatest({{ quotient('f.next_threshold_scaled', 1000000) }} - f.figure_scaled, {{ whole(0) }})
        -- a larger share of the same whole
        when f.basis = 'share' then f.base_scaled
        when f.basis_scaled > 0 then coalesce(g.base_scaled, f.next_threshold_scaled)
        when f.is_ratio then {{ quotient('f.next_threshold_scaled', 1000000) }}
        else f.next_threshold_scaled
    end,
    f.figure_scaled
from growing as f
left join grown as g on f.payout_id = g.payout_id
where f.basis_scaled > 0 or f.basis = 'share' or f.has_one_unit
