-- Measurement periods of each calculated program version, with the days that they span. What was posted keeps its period
-- when the version no longer covers it (superseded, closed early), so that what was paid for it is still taken back.
with months as (
    select
        p.program_key,
        p.calculated,
        p.measurement,
        p.valid_from,
        p.valid_to,
        case p.measurement
            when 'month' then m.month_id
            when 'quarter' then m.quarter_id
            when 'half_year' then m.half_year_id
            when 'year' then m.year_id
            when 'program' then 'program'
        end as period_id,
        m.month_start,
        m.month_end
    from {{ ref('stg_program') }} as p
    inner join {{ ref('fiscal_month') }} as m on p.calendar = m.calendar
),

periods as (
    select
        program_key,
        calculated,
        valid_from,
        valid_to,
        period_id,
        case when measurement = 'program' then valid_from else min(month_start) end as period_start,
        case when measurement = 'program' then valid_to else max(month_end) end as period_end
    from months
    group by program_key, calculated, measurement, valid_from, valid_to, period_id
),

posted as (
    select distinct program_key, period_id from {{ ref('int_posted') }}
)

select
    p.program_key,
    p.period_id,
    p.period_start,
    p.period_end
from periods as p
left join posted as o on p.program_key = o.program_key and p.period_id = o.period_id
where
    (p.calculated and p.period_start <= p.valid_to and p.period_end >= p.valid_from)
    or o.program_key is not null
