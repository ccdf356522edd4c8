-- The payout of each program, participant and period: summed exactly, rounded once, half away from zero, to the
-- currency's minor unit (semantics 9), then capped (semantics 6). next_payout: what reaching the next tier would pay.
with sums as (
    select
        payout_id,
        scenario,
        max(basis_scaled) as basis_scaled,
        max(base_scaled) as base_scaled,
        max(exponent) as exponent,
        sum(case when in_proportion then weighted_part else {{ whole(0) }} end) as proportional_weighted,
        sum(case when in_proportion then {{ whole(0) }} else weighted_part end) as direct_weighted,
        sum(flat_amount) as flat_amount
    from {{ ref('int_tier_part') }}
    group by 1, 2
),

proportional as (
    select * from sums where proportional_weighted > 0
),

shared as {{ multiply_divide('proportional', ['payout_id', 'scenario'], 'proportional_weighted', 'base_scaled', 'basis_scaled', 'shared_weighted') }},

exact as (
    select
        s.payout_id,
        s.scenario,
        s.exponent,
        s.direct_weighted + coalesce(h.shared_weighted, {{ whole(0) }}) + {{ scaled('s.flat_amount', 4) }} * {{ power_of_ten('s.exponent - 4') }} as amount_scaled
    from sums as s
    left join shared as h on s.payout_id = h.payout_id and s.scenario = h.scenario
),

rounded as (
    select
        b.payout_id,
        b.program_key,
        b.participant_id,
        b.period_id,
        p.minor_unit,
        p.participant_cap,
        max(case when e.scenario = 'actual' then {{ rounded_quotient('e.amount_scaled', power_of_ten('e.exponent - p.minor_unit')) }} end) as payout_minor,
        max(case when e.scenario = 'next_tier' then {{ rounded_quotient('e.amount_scaled', power_of_ten('e.exponent - p.minor_unit')) }} end) as next_payout_minor,
        max({{ scaled('p.participant_cap', 4) }}) as cap_scaled
    from {{ ref('int_basis') }} as b
    inner join {{ ref('int_program') }} as p on b.program_key = p.program_key
    left join exact as e on b.payout_id = e.payout_id
    group by 1, 2, 3, 4, 5, 6
),

capped as (
    select
        *,
        case
            when cap_scaled is null then coalesce(payout_minor, {{ whole(0) }})
            else least(coalesce(payout_minor, {{ whole(0) }}), {{ quotient('cap_scaled', power_of_ten('4 - minor_unit')) }})
        end as capped_minor,
        case
            when cap_scaled is null or next_payout_minor is null then next_payout_minor
            else least(next_payout_minor, {{ quotient('cap_scaled', power_of_ten('4 - minor_unit')) }})
        end as next_capped_minor
    from rounded
)

select
    payout_id,
    program_key,
    participant_id,
    period_id,
    minor_unit,
    coalesce(payout_minor, {{ whole(0) }}) as uncapped_minor,
    capped_minor as payout_minor,
    {{ minor_to_money('coalesce(payout_minor, 0)', 'minor_unit') }} as uncapped_payout,
    {{ minor_to_money('capped_minor', 'minor_unit') }} as payout,
    {{ minor_to_money('next_capped_minor', 'minor_unit') }} as next_payout
from capped
