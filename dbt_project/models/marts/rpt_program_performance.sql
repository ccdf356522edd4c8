-- Grain: program version, partner channel, partner tier, segments of partner, end customer and product, product category and
-- month: the lines that carry payouts, what their rates were applied to and what they earned. Segments are those of the line
-- on its date, joined by ';': a line stands in one row, whatever number of segments it is in.
with lines as (
    -- a line that pays several payees stands once for each, with its payout base every time
    select
        program_id,
        program_key,
        payout_id,
        line_key,
        currency,
        max(payout_base) as payout_base,
        sum(amount) as amount
    from {{ ref('fct_line_rebate') }}
    group by 1, 2, 3, 4, 5
)

select
    md5(
        r.program_key
        || '|' || coalesce(l.partner_channel, '')
        || '|' || coalesce(l.partner_tier, '')
        || '|' || coalesce(l.partner_segments, '')
        || '|' || coalesce(l.end_customer_segments, '')
        || '|' || coalesce(l.product_segments, '')
        || '|' || d.category
        || '|' || l.month_id
    ) as program_performance_id,
    r.program_id,
    r.program_key,
    l.partner_channel,
    l.partner_tier,
    l.partner_segments,
    l.end_customer_segments,
    l.product_segments,
    d.category,
    l.month_id,
    r.currency,
    count(*) as lines,
    cast(sum(r.payout_base) as decimal(38, 4)) as payout_base,
    cast(sum(r.amount) as {{ money() }}) as earned
from lines as r
inner join {{ ref('fct_line') }} as l on r.line_key = l.line_key
inner join {{ ref('dim_product') }} as d on l.product_id = d.product_id
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
