-- Measurement periods of each program version, with the days that they span.
select
    p.program_key,
    case p.measurement
        when 'month' then m.month_id
        when 'quarter' then m.quarter_id
        when 'half_year' then m.half_year_id
        when 'year' then m.year_id
        when 'program' then 'program'
    end as period_id,
    case when p.measurement = 'program' then p.valid_from else min(m.month_start) end as period_start,
    case when p.measurement = 'program' then p.valid_to else max(m.month_end) end as period_end
from {{ ref('int_program') }} as p
inner join {{ ref('fiscal_month') }} as m
    on case
        when p.measurement = 'month' then m.month_end >= p.valid_from and m.month_start <= p.valid_to
        else m.year_id between {{ year_id('p.valid_from') }} and {{ year_id('p.valid_to') }}
    end
group by p.program_key, p.measurement, p.valid_from, p.valid_to, 2
