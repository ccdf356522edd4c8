-- Grain: a source, distributor ('' where lines name none), month and currency of reported lines, and how their end customers
-- were found. Lines judged before identification was there carry no method: they name somebody, or nobody.
with lines as (
    select
        source,
        coalesce(distributor_id, '') as distributor_id,
        month_id,
        currency,
        coalesce(end_customer_method, case when end_customer_id is null then 'unnamed' else 'given' end) as end_customer_method,
        count(*) as line_count,
        sum(net_amount) as net_amount
    from {{ ref('int_line') }}
    where stream = 'sell_through'
    group by 1, 2, 3, 4, 5
),

totals as (
    select
        source,
        distributor_id,
        month_id,
        currency,
        sum(line_count) as reported_lines,
        sum(net_amount) as reported_amount
    from lines
    group by 1, 2, 3, 4
)

select
    l.source,
    l.distributor_id,
    l.month_id,
    l.currency,
    l.end_customer_method,
    l.end_customer_method not in ('unidentified', 'unnamed') as identified,
    cast(l.line_count as bigint) as line_count,
    cast(l.net_amount as {{ money() }}) as net_amount,
    cast(t.reported_lines as bigint) as reported_lines,
    cast(t.reported_amount as {{ money() }}) as reported_amount,
    cast(cast({{ rounded_quotient('cast(l.line_count as bigint) * 10000', 'cast(t.reported_lines as bigint)') }} as decimal(18, 0)) * cast(0.01 as decimal(3, 2)) as decimal(9, 2)) as share_of_lines
from lines as l
inner join totals as t
    on l.source = t.source
    and l.distributor_id = t.distributor_id
    and l.month_id = t.month_id
    and l.currency = t.currency
