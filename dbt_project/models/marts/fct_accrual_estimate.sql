-- Grain: one participant of a program version and measurement period, for programs that accrue by another method than `earned`:
-- why this accrual? The forecast of a running period, what it would pay, the rate that follows, and what therefore should
-- stand (liability), beside what was earned so far. Once the period has closed the liability is what was earned.
select
    b.payout_id,
    p.program_id,
    b.program_key,
    b.participant_id,
    b.period_id,
    d.period_start,
    d.period_end,
    p.currency,
    p.accrual_method,
    e.payout_id is not null as is_running,
    e.forecast_source,
    e.days_elapsed,
    e.days_total,
    b.basis,
    f.forecast_basis,
    f.tier_number as forecast_tier_number,
    f.gates_hold as forecast_gates_hold,
    {{ unscaled('f.own_base_scaled') }} as period_base,
    {{ unscaled('f.own_forecast_base_scaled') }} as forecast_period_base,
    case when e.accrual_method in ('expected', 'most_likely', 'straight_line') then {{ minor_to_money('e.forecast_minor', 'e.minor_unit') }} end as forecast_payout,
    case
        when f.own_forecast_base_scaled > 0 then cast(
            cast({{ rounded_quotient('e.forecast_minor * ' ~ power_of_ten('20 - e.minor_unit'), 'f.own_forecast_base_scaled') }} as decimal(38, 0))
            * cast(0.00000001 as decimal(9, 8)) as {{ measure() }})
        when e.accrual_method = 'fixed_rate' then cast(p.accrual_rate as {{ measure() }})
    end as forecast_rate,
    case
        when e.payout_id is not null then {{ minor_to_money('e.estimate_minor', 'e.minor_unit') }}
        when o.payout > 0 or p.cumulation = 'to_date' then o.payout
        else cast(0 as {{ money() }})
    end as liability,
    o.payout as earned,
    e.limited_by
from {{ ref('int_basis') }} as b
inner join {{ ref('int_program') }} as p on b.program_key = p.program_key and p.accrual_method <> 'earned'
inner join {{ ref('int_program_period') }} as d on b.program_key = d.program_key and b.period_id = d.period_id
inner join {{ ref('int_payout') }} as o on b.payout_id = o.payout_id
left join {{ ref('int_accrual_estimate') }} as e on b.payout_id = e.payout_id
left join {{ ref('int_forecast') }} as f on b.payout_id = f.payout_id
