-- What each program gives by itself: summed exactly, rounded once, half away from zero, to the currency's minor unit
-- (semantics 9); nothing where a gate fails; then at least the participant's floor and at most its cap (semantics 6).
-- Under to_date all that runs from the program's start, floor and cap once for each period, and the period gets the
-- difference to the participant's previous period. next_payout_minor: what reaching the next tier would pay.
-- forecast_minor: what the forecast of a running period would pay.
with sums as (
    select
        payout_id,
        scenario,
        max(basis_scaled) as basis_scaled,
        max(base_scaled) as base_scaled,
        max(exponent) as exponent,
        sum(case when in_proportion then weighted_part else {{ whole(0) }} end) as proportional_weighted,
        sum(case when in_proportion then {{ whole(0) }} else weighted_part end) as direct_weighted,
        case when sum(flat_amount) <> 0 then {{ scaled('sum(flat_amount)', 4) }} else {{ whole(0) }} end as flat_scaled
    from {{ ref('int_tier_part') }}
    group by 1, 2
),

-- where the payout base is the basis itself there is nothing to take in proportion
proportional as (
    select * from sums where proportional_weighted > 0 and base_scaled <> basis_scaled
),

shared as {{ multiply_divide('proportional', ['payout_id', 'scenario'], 'proportional_weighted', 'base_scaled', 'basis_scaled', 'shared_weighted') }},

-- parts are in 10^-20 or, of a percentage, in 10^-26
exact as (
    select
        s.payout_id,
        s.scenario,
        s.exponent,
        s.direct_weighted
        + coalesce(h.shared_weighted, s.proportional_weighted)
        + s.flat_scaled * case s.exponent when 26 then {{ whole("'1" ~ '0' * 22 ~ "'") }} else {{ whole("'1" ~ '0' * 16 ~ "'") }} end as amount_scaled
    from sums as s
    left join shared as h on s.payout_id = h.payout_id and s.scenario = h.scenario
),

programs as (
    select
        program_key,
        cumulation,
        minor_unit,
        {{ scaled('participant_cap', 4) }} as cap_scaled,
        {{ scaled('participant_floor', 4) }} as floor_scaled,
        {{ power_of_ten('4 - minor_unit') }} as bound_unit,
        {{ power_of_ten('20 - minor_unit') }} as unit,
        {{ power_of_ten('26 - minor_unit') }} as unit_of_ratio
    from {{ ref('int_program') }}
),

gates as (
    select payout_id, min(case when holds then 1 else 0 end) as all_hold
    from {{ ref('int_gate') }}
    group by 1
),

facts as (
    select
        b.payout_id,
        b.program_key,
        b.participant_id,
        b.period_id,
        b.period_number,
        p.cumulation,
        p.minor_unit,
        b.target_lines + b.earning_lines > 0 as has_lines,
        coalesce(g.all_hold, 1) = 1 as gates_hold,
        case p.cumulation when 'to_date' then b.period_number else 1 end as periods,
        p.cap_scaled,
        p.floor_scaled,
        p.bound_unit,
        w.gates_hold as forecast_gates_hold,
        -- half a minor unit more, rounded down, is rounded half away from zero: amounts are never negative here
        {%- for alias, name in [('e', 'own'), ('n', 'next'), ('x', 'forecast')] %}
        2 * case {{ alias }}.exponent when 26 then p.unit_of_ratio else p.unit end as {{ name }}_divisor,
        2 * {{ alias }}.amount_scaled + case {{ alias }}.exponent when 26 then p.unit_of_ratio else p.unit end as {{ name }}_dividend{% if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('int_basis') }} as b
    inner join programs as p on b.program_key = p.program_key
    left join exact as e on b.payout_id = e.payout_id and e.scenario = 'actual'
    left join exact as n on b.payout_id = n.payout_id and n.scenario = 'next_tier'
    left join exact as x on b.payout_id = x.payout_id and x.scenario = 'forecast'
    left join gates as g on b.payout_id = g.payout_id
    left join {{ ref('int_forecast') }} as w on b.payout_id = w.payout_id
),

rounded as (
    select
        *,
        coalesce({{ exact_quotient('own_dividend', 'own_divisor') }}, {{ whole(0) }}) as uncapped_minor,
        {{ exact_quotient('next_dividend', 'next_divisor') }} as next_minor,
        case when forecast_gates_hold is not null then coalesce({{ exact_quotient('forecast_dividend', 'forecast_divisor') }}, {{ whole(0) }}) end as forecast_minor
    from facts
),

bounds as (
    select
        *,
        {{ quotient('cap_scaled * periods', 'bound_unit') }} as cap_minor,
        case when gates_hold and has_lines then {{ quotient('floor_scaled * periods', 'bound_unit') }} end as floor_minor,
        -- reaching a tier takes a line
        case when gates_hold then {{ quotient('floor_scaled * periods', 'bound_unit') }} end as next_floor_minor,
        case when forecast_gates_hold and has_lines then {{ quotient('floor_scaled * periods', 'bound_unit') }} end as forecast_floor_minor
    from rounded
),

bounded as (
    select
        *,
        {%- for column, result, floor, gates in [
            ('uncapped_minor', 'to_date_minor', 'floor_minor', 'gates_hold'),
            ('next_minor', 'next_to_date_minor', 'next_floor_minor', 'gates_hold'),
            ('forecast_minor', 'forecast_to_date_minor', 'forecast_floor_minor', 'forecast_gates_hold'),
        ] %}
        case
            when not {{ gates }} then {{ 'case when ' ~ column ~ ' is not null then ' ~ whole(0) ~ ' end' }}
            when {{ floor }} > {{ column }} then {{ floor }}
            when cap_minor < {{ column }} then cap_minor
            else {{ column }}
        end as {{ result }},
        {%- endfor %}
        case
            when not gates_hold and uncapped_minor <> 0 then 'gate'
            when floor_minor > uncapped_minor then 'floor'
            when cap_minor < uncapped_minor then 'cap'
        end as bounded_by
    from bounds
),

differenced as (
    select *, {{ whole(0) }} as before_minor
    from bounded
    where cumulation <> 'to_date'
    union all
    select *, coalesce(lag(to_date_minor) over (partition by program_key, participant_id order by period_number), {{ whole(0) }})
    from bounded
    where cumulation = 'to_date'
)

select
    payout_id,
    program_key,
    participant_id,
    period_id,
    period_number,
    cumulation,
    minor_unit,
    has_lines,
    gates_hold,
    bounded_by,
    uncapped_minor,
    to_date_minor - before_minor as alone_minor,
    next_to_date_minor - before_minor as next_payout_minor,
    forecast_to_date_minor - before_minor as forecast_minor
from differenced
