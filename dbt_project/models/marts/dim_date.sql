-- Grain: one day. Calendar of measurement periods and accounting months.
select
    {{ each_day('month_start', 'month_end') }} as date_day,
    month_id,
    quarter_id,
    half_year_id,
    year_id
from {{ ref('fiscal_month') }}
