-- Tier application, for people: program, participant, period, tier, the part of the basis in it, the payout base that its rate
-- is applied to, rate and amount. The amounts add up to the payout before gates, bounds and stacking, to the cent.
with actual as (
    select * from {{ ref('int_tier_part') }} where scenario = 'actual'
),

-- where the payout base is the basis itself there is nothing to take in proportion
proportional as (
    select * from actual where in_proportion and part > 0 and base_scaled <> basis_scaled
),

based as {{ multiply_divide('proportional', ['payout_id', 'tier_number'], 'part', 'base_scaled', 'basis_scaled', 'shared_base') }},

shared as {{ multiply_divide('proportional', ['payout_id', 'tier_number'], 'weighted_part', 'base_scaled', 'basis_scaled', 'shared_weighted') }},

-- in 10^-12, from 10^-20 or, of a percentage, 10^-26
tier_weights as (
    select
        a.payout_id,
        a.tier_number,
        o.uncapped_minor,
        case
            when a.in_proportion then coalesce(d.shared_base, greatest(a.part, {{ whole(0) }}))
            when a.exponent = 26 then {{ quotient('a.part', 1000000) }}
            else a.part
        end as payout_base_scaled,
        case when a.in_proportion then coalesce(h.shared_weighted, greatest(a.weighted_part, {{ whole(0) }})) else a.weighted_part end as weighted,
        case when a.flat_amount <> 0 then {{ scaled('a.flat_amount', 4) }} * 100000000 else {{ whole(0) }} end as flat_scaled,
        case a.exponent when 26 then {{ whole("'1" ~ '0' * 14 ~ "'") }} else {{ whole("'1" ~ '0' * 8 ~ "'") }} end as unit
    from actual as a
    inner join {{ ref('int_payout_alone') }} as o on a.payout_id = o.payout_id
    left join based as d on a.payout_id = d.payout_id and a.tier_number = d.tier_number
    left join shared as h on a.payout_id = h.payout_id and a.tier_number = h.tier_number
),

weighted as (
    select *, {{ exact_quotient('weighted', 'unit') }} + flat_scaled as tier_weight
    from tier_weights
),

tier_share as {{ share_by_largest_remainder('weighted', ['payout_id', 'tier_number', 'payout_base_scaled'], ['payout_id'], ['tier_number'], 'uncapped_minor', 'tier_weight', 'amount_minor') }}

select
    a.payout_id,
    a.payout_id || ':' || cast(a.tier_number as {{ text() }}) as tier_application_id,
    a.program_key,
    o.participant_id,
    o.period_id,
    a.tier_number,
    t.threshold,
    t.next_threshold,
    a.is_highest,
    cast(case
        -- a percentage: the part in percentage points
        when p.is_ratio then
            cast({{ rounded_quotient('a.basis_part_scaled * 100', 'a.figure_scaled') }} as decimal(38, 0)) * cast(0.000001 as decimal(7, 6))
        else {{ unscaled('a.basis_part_scaled') }}
    end as {{ measure() }}) as basis_part,
    {{ unscaled('s.payout_base_scaled') }} as payout_base,
    a.rate,
    a.flat_amount,
    {{ minor_to_money('s.amount_minor', 'o.minor_unit') }} as amount
from actual as a
inner join {{ ref('int_program') }} as p on a.program_key = p.program_key
inner join {{ ref('int_payout_alone') }} as o on a.payout_id = o.payout_id
inner join {{ ref('stg_program_tier') }} as t on a.program_key = t.program_key and a.tier_number = t.tier_number
inner join tier_share as s on a.payout_id = s.payout_id and a.tier_number = s.tier_number
