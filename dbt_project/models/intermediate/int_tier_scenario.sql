-- What the tiers are applied to: the actual basis, and the basis that just reaches the next tier ("what would one more
-- step pay?"). In the second case the payout base grows in proportion to the basis. Whole numbers: bases of amounts
-- and quantities in 10^-12, those of growth and attainment in 10^-18 of the figure's unit.
with facts as (
    select
        b.payout_id,
        b.program_key,
        p.basis,
        p.growth_payout,
        r.basis_scaled,
        r.tier_number,
        r.next_tier_number,
        r.next_threshold_scaled,
        greatest({{ scaled('b.payout_base') }}, {{ whole(0) }}) as base_scaled,
        {{ scaled('coalesce(b.figure, 0)') }} as figure_scaled
    from {{ ref('int_basis') }} as b
    inner join {{ ref('int_program') }} as p on b.program_key = p.program_key
    inner join {{ ref('int_tier_reached') }} as r on b.payout_id = r.payout_id
),

growing as (
    select * from facts where next_threshold_scaled > 0
),

proportional as (
    select * from growing where basis_scaled > 0
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
    f.payout_id,
    f.program_key,
    'next_tier',
    f.next_tier_number,
    f.next_threshold_scaled,
    case
        when f.basis = 'growth' and f.growth_payout in ('on_growth', 'marginal_growth')
            then greatest({{ quotient('f.next_threshold_scaled', 1000000) }} - f.figure_scaled, {{ whole(0) }})
        when g.payout_id is not null then g.base_scaled
        when f.basis in ('growth', 'attainment') then {{ quotient('f.next_threshold_scaled', 1000000) }}
        else f.next_threshold_scaled
    end,
    f.figure_scaled
from growing as f
left join grown as g on f.payout_id = g.payout_id
