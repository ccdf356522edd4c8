-- Lines that no rule on purchases could convert: they are left out of the sum, so the figure may be too low.
select
    entity,
    purchase_unit,
    month_start,
    sum(lines_without_rate) as lines_without_rate
from {{ ref('int_purchase_month') }}
where lines_without_rate > 0
group by 1, 2, 3
