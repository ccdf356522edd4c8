-- What should stand for running measurement periods of programs that do not accrue what was earned (semantics 10), in minor
-- units. expected and most_likely: what the forecast would pay, after the bounds of the program and of programs together, in
-- the proportion in which its payout base has come in; fixed_rate: the given rate on the period's earning lines; straight_line:
-- the lump sum by days gone by. Programs that share a best_of group with one of these take part with what they have earned, so that
-- only one of the group accrues. A budget is what closed periods leave of it. Grain: payout of a running period.
with estimated as (
    select program_key
    from {{ ref('int_program') }}
    where accrual_method <> 'earned'
    union
    select o.program_key
    from {{ ref('int_program') }} as o
    inner join {{ ref('int_program') }} as p
        on o.stacking_group = p.stacking_group
        and p.stacking_rule = 'best_of'
        and p.accrual_method <> 'earned'
),

running as (
    select
        q.payout_id,
        q.program_key,
        q.participant_id,
        q.period_id,
        {{ whole(days_between('greatest(d.period_start, p.valid_from)', 'c.as_of') ~ ' + 1') }} as days_elapsed,
        {{ whole(days_between('greatest(d.period_start, p.valid_from)', 'least(d.period_end, p.valid_to)') ~ ' + 1') }} as days_total
    from {{ ref('int_participant_period') }} as q
    inner join estimated as e on q.program_key = e.program_key
    inner join {{ ref('int_program') }} as p on q.program_key = p.program_key
    cross join {{ ref('stg_run_context') }} as c
    inner join {{ ref('int_program_period') }} as d
        on q.program_key = d.program_key
        and q.period_id = d.period_id
        and d.period_end > c.as_of
        and p.valid_to > c.as_of
),

earning as (
    select
        r.payout_id,
        sum(s.amount) as amount,
        sum(s.base_quantity) as base_quantity
    from running as r
    inner join {{ ref('int_program') }} as p on r.program_key = p.program_key
    inner join {{ ref('int_scope_sum') }} as s
        on p.earning_scope = s.scope_key
        and r.participant_id = s.participant_id
        and r.period_id = s.period_id
        and s.payee_number = 1
        and s.line_use = 'current'
    group by 1
),

lump_sums as (
    select
        r.payout_id,
        sum(case
            when t.tier_number = greatest(coalesce(k.tier_number, 1), 1) or p.lump_sum = 'each' then t.flat_amount
            else cast(0 as {{ money() }})
        end) as lump_sum
    from running as r
    inner join {{ ref('int_program') }} as p on r.program_key = p.program_key and p.accrual_method = 'straight_line'
    left join {{ ref('int_tier_reached') }} as k on r.payout_id = k.payout_id
    inner join {{ ref('stg_program_tier') }} as t
        on r.program_key = t.program_key
        and t.tier_number <= greatest(coalesce(k.tier_number, 1), 1)
    group by 1
),

closed as (
    select o.program_key, sum(o.budgeted_minor) as closed_minor
    from {{ ref('int_payout') }} as o
    inner join estimated as e on o.program_key = e.program_key
    left join running as r on o.payout_id = r.payout_id
    where r.payout_id is null
    group by 1
),

facts as (
    select
        a.payout_id,
        a.program_key,
        a.participant_id,
        a.period_id,
        a.period_number,
        a.cumulation,
        a.minor_unit,
        a.has_lines,
        a.gates_hold and p.accrual_method = 'earned' or coalesce(f.gates_hold, false) as gates_hold,
        p.accrual_method,
        a.alone_minor,
        a.forecast_minor,
        r.days_elapsed,
        r.days_total,
        f.forecast_source,
        f.own_base_scaled,
        f.own_forecast_base_scaled,
        case p.accrual_method when 'fixed_rate' then {{ scaled('coalesce(p.accrual_rate, 0)', 8) }} * greatest(
            {{ scaled("coalesce(case p.accrual_rate_kind when 'per_unit' then e.base_quantity else e.amount end, 0)") }}, {{ whole(0) }}
        ) else {{ whole(0) }} end as rated,
        {{ scaled('coalesce(l.lump_sum, 0)', 4) }} as lump_scaled,
        {{ scaled('p.participant_cap', 4) }} as cap_scaled,
        {{ power_of_ten('4 - a.minor_unit') }} as bound_unit,
        {{ power_of_ten('20 - a.minor_unit') }} as unit,
        p.program_id,
        p.stacking_group,
        p.stacking_rule,
        p.program_cap,
        p.program_floor,
        case when p.budget is not null then cast(greatest(
            p.budget - coalesce({{ minor_to_money('c.closed_minor', 'a.minor_unit') }}, cast(0 as {{ money() }})), cast(0 as {{ money() }})
        ) as {{ money() }}) end as budget
    from running as r
    inner join {{ ref('int_payout_alone') }} as a on r.payout_id = a.payout_id
    inner join {{ ref('int_program') }} as p on r.program_key = p.program_key
    left join {{ ref('int_forecast') }} as f on r.payout_id = f.payout_id
    left join earning as e on r.payout_id = e.payout_id
    left join lump_sums as l on r.payout_id = l.payout_id
    left join closed as c on r.program_key = c.program_key
),

-- what has no forecast has been held to the participant's cap by nobody yet; floors are of payouts
own as (
    select
        *,
        case accrual_method
            when 'fixed_rate' then {{ rounded_quotient('rated', 'unit') }}
            when 'straight_line' then {{ quotient('lump_scaled', 'bound_unit') }}
            when 'earned' then alone_minor
            else greatest(forecast_minor, {{ whole(0) }})
        end as own_minor,
        {{ quotient('cap_scaled', 'bound_unit') }} as cap_minor
    from facts
),

alone as (
    select
        payout_id, program_key, participant_id, period_id, period_number, cumulation, minor_unit, has_lines, gates_hold, accrual_method,
        days_elapsed, days_total, forecast_source, own_base_scaled, own_forecast_base_scaled,
        program_id, stacking_group, stacking_rule, program_cap, program_floor, budget,
        case
            when accrual_method in ('fixed_rate', 'straight_line') then least(own_minor, coalesce(cap_minor, own_minor))
            else own_minor
        end as alone_minor
    from own
),

{{ payouts_together() }}

select
    payout_id,
    program_key,
    participant_id,
    period_id,
    period_number,
    minor_unit,
    accrual_method,
    cast(days_elapsed as integer) as days_elapsed,
    cast(days_total as integer) as days_total,
    forecast_source,
    budgeted_minor as forecast_minor,
    cast(case
        when budgeted_minor <= 0 then {{ whole(0) }}
        when accrual_method in ('expected', 'most_likely') then case
            when own_base_scaled > 0 and own_forecast_base_scaled > 0
                then {{ rounded_quotient('budgeted_minor * own_base_scaled', 'own_forecast_base_scaled') }}
            else {{ whole(0) }}
        end
        when accrual_method = 'straight_line' then {{ rounded_quotient('budgeted_minor * days_elapsed', 'days_total') }}
        else budgeted_minor
    end as {{ whole_type() }}) as estimate_minor,
    nullif(substr(
        case when not is_best and alone_minor <> 0 then ';best_of' else '' end
        {%- for condition, name in [
            ('bounded_minor <> stacked_minor and is_below_floor', 'program_floor'),
            ('bounded_minor <> stacked_minor and is_above_cap', 'program_cap'),
            ('budgeted_minor <> bounded_minor', 'budget'),
        ] %}
        || case when {{ condition }} then '{{ ';' ~ name }}' else '' end
        {%- endfor %},
        2
    ), '') as limited_by
from budgeted
