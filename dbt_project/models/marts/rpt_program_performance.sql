-- Grain: program version, partner channel, partner tier, product category and month: what was bought under the program and
-- what it earned.
select
    md5(r.program_key || '|' || coalesce(l.partner_channel, '') || '|' || coalesce(l.partner_tier, '') || '|' || d.category || '|' || l.month_id) as program_performance_id,
    r.program_id,
    r.program_key,
    l.partner_channel,
    l.partner_tier,
    d.category,
    l.month_id,
    r.currency,
    count(distinct l.line_key) as lines,
    cast(sum(r.payout_base) as decimal(38, 4)) as payout_base,
    cast(sum(r.amount) as {{ money() }}) as earned
from {{ ref('fct_line_rebate') }} as r
inner join {{ ref('fct_line') }} as l on r.line_key = l.line_key
inner join {{ ref('dim_product') }} as d on l.product_id = d.product_id
group by 1, 2, 3, 4, 5, 6, 7, 8
