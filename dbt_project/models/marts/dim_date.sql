-- Grain: one day of one fiscal calendar: its measurement periods. Accounting months are those of calendar `months`.
select
    calendar,
    day as date_day,
    month_id,
    quarter_id,
    half_year_id,
    year_id
from {{ ref('int_calendar_day') }}
