-- Each day of each fiscal calendar with its periods, and the day that it is compared with one fiscal year later: the same
-- day of the same fiscal month, at most that month's last.
with days as (
    select
        calendar,
        month_id,
        month_start,
        quarter_id,
        half_year_id,
        year_id,
        {{ each_day('month_start', 'month_end') }} as day
    from {{ ref('fiscal_month') }}
)

select
    d.calendar,
    d.day,
    d.month_id,
    d.quarter_id,
    d.half_year_id,
    d.year_id,
    least({{ add_days('n.month_start', days_between('d.month_start', 'd.day')) }}, n.month_end) as next_year_day
from days as d
left join {{ ref('fiscal_month') }} as n
    on d.calendar = n.calendar
    and n.month_id = cast(cast(d.year_id as integer) + 1 as {{ text() }}) || substr(d.month_id, 5)
