-- What a profile makes of a day and a currency: the periods that the day is in, and the rate to the profile's currency (null
-- where none is young enough, semantics 3). Grain: profile, day on which lines are dated, currency.
with profiles as (
    select distinct profile_number, currency, fx_max_age_days, calendar, profile_span
    from {{ ref('int_scope_profile') }}
    where is_summed
),

days as (
    select distinct document_date as day from {{ ref('int_line') }}
),

currencies as (
    select from_currency as currency from {{ ref('int_fx_rate') }}
    union
    select currency from {{ ref('int_scope_profile') }}
    union
    -- also those that have no rate: their lines are reported
    select currency from {{ ref('int_line') }} where currency is not null
),

starts as (
    select
        *,
        min(day) over (partition by calendar, month_id) as month_start,
        min(day) over (partition by calendar, quarter_id) as quarter_start,
        min(day) over (partition by calendar, half_year_id) as half_year_start,
        min(day) over (partition by calendar, year_id) as year_start
    from {{ ref('int_calendar_day') }}
)

select
    p.profile_number,
    d.day,
    c.currency,
    -- first day of the profile's shortest period
    case p.profile_span
        when 1 then s.month_start
        when 2 then s.quarter_start
        when 3 then s.half_year_start
        else s.year_start
    end as period_start,
    s.month_id,
    s.quarter_id,
    s.half_year_id,
    s.year_id,
    case when c.currency = p.currency then cast(1 as decimal(18, 8)) else f.rate end as fx_rate
from profiles as p
inner join starts as s on p.calendar = s.calendar
inner join days as d on s.day = d.day
cross join currencies as c
left join {{ ref('int_fx_rate') }} as f
    on c.currency = f.from_currency
    and p.currency = f.to_currency
    and d.day between f.valid_from and f.valid_to
    and d.day <= {{ add_days('f.valid_from', 'p.fx_max_age_days') }}
