-- Opening + sell-in - sell-through = closing, for distributors who report their stock. The opening stock is what was last reported,
-- with what came and went since. A report names all that is in stock: what it leaves out is none. What cannot be true, beyond
-- the tolerance, holds the distributor's sales of the product in the month until a person releases them or a corrected file comes.
{%- set zero = 'cast(0 as ' ~ measure() ~ ')' %}
with crossed as (
    select
        r.distributor_id,
        coalesce(x.product_id, r.product_id) as product_id,
        r.source,
        r.stock_date,
        r.quantity,
        r.opening_quantity,
        r.unit,
        row_number() over (
            partition by r.file_sequence, r.row_number order by x.valid_from desc, x.file_sequence desc, x.row_number desc
        ) as place
    from (
        select
            *,
            row_number() over (
                partition by distributor_id, product_id, stock_date order by file_sequence desc, row_number desc
            ) as version_rank
        from {{ ref('stg_stock_report') }}
    ) as r
    cross join {{ ref('stg_run_context') }} as c
    left join {{ ref('stg_product_cross_reference') }} as x
        on r.code_source = x.line_source
        and r.product_id = x.partner_product_id
        and r.stock_date between x.valid_from and coalesce(x.valid_to, {{ last_day() }})
    where r.version_rank = 1 and r.stock_date <= c.as_of
),

counted as (
    select
        r.distributor_id,
        r.product_id,
        {{ month_id('r.stock_date') }} as month_id,
        sum(cast(cast(r.quantity as decimal(38, 6)) * case when r.unit = p.base_unit then cast(1 as decimal(18, 6)) else u.factor end as {{ measure() }})) as quantity,
        sum(cast(cast(r.opening_quantity as decimal(38, 6)) * case when r.unit = p.base_unit then cast(1 as decimal(18, 6)) else u.factor end as {{ measure() }})) as opening_quantity
    from (
        select
            *,
            max(stock_date) over (partition by distributor_id, product_id, {{ month_id('stock_date') }}) as last_stock_date
        from crossed
        where place = 1
    ) as r
    inner join {{ ref('int_product') }} as p on r.product_id = p.product_id
    left join {{ ref('int_product_unit') }} as u on r.product_id = u.product_id and r.unit = u.unit
    where r.stock_date = r.last_stock_date
    group by 1, 2, 3
),

reports as (
    select distinct distributor_id, month_id from counted
),

reporters as (
    select
        c.distributor_id,
        min({{ month_id('c.stock_date') }}) as first_month,
        max(coalesce(s.tolerance_percent, 0)) as tolerance_percent,
        max(coalesce(s.tolerance_quantity, 0)) as tolerance_quantity
    from crossed as c
    left join {{ ref('stg_source') }} as s on c.source = s.source
    where c.place = 1
    group by c.distributor_id
),

flows as (
    select
        l.distributor_id,
        l.product_id,
        l.month_id,
        sum(case when l.stream = 'sell_in' then greatest(l.base_quantity, {{ zero }}) else {{ zero }} end) as sell_in_quantity,
        sum(case when l.stream = 'sell_in' then greatest(-l.base_quantity, {{ zero }}) else {{ zero }} end) as returned_to_us,
        sum(case when l.stream = 'sell_in' then {{ zero }} else greatest(l.base_quantity, {{ zero }}) end) as sell_through_quantity,
        sum(case when l.stream = 'sell_in' then {{ zero }} else greatest(-l.base_quantity, {{ zero }}) end) as returned_by_customers
    from (
        select
            case when stream = 'sell_in' then sold_to_id else distributor_id end as distributor_id,
            stream,
            product_id,
            month_id,
            base_quantity
        from {{ ref('int_line') }}
    ) as l
    inner join reporters as r on l.distributor_id = r.distributor_id
    group by 1, 2, 3
),

active as (
    select distributor_id, product_id, month_id from counted
    union
    select distributor_id, product_id, month_id from flows
),

-- from the first that is known of the product, or the distributor's first report, through the last that is known of the distributor
months as (
    select a.distributor_id, a.product_id, m.month_id, r.tolerance_percent, r.tolerance_quantity
    from (select distributor_id, product_id, min(month_id) as first_month from active group by 1, 2) as a
    inner join (select distributor_id, max(month_id) as last_month from active group by 1) as e on a.distributor_id = e.distributor_id
    inner join reporters as r on a.distributor_id = r.distributor_id
    inner join {{ ref('fiscal_month') }} as m
        on m.calendar = 'months'
        and m.month_id between least(a.first_month, r.first_month) and e.last_month
),

joined as (
    select
        m.*,
        coalesce(f.sell_in_quantity, {{ zero }}) as sell_in_quantity,
        coalesce(f.returned_to_us, {{ zero }}) as returned_to_us,
        coalesce(f.sell_through_quantity, {{ zero }}) as sell_through_quantity,
        coalesce(f.returned_by_customers, {{ zero }}) as returned_by_customers,
        coalesce(f.sell_in_quantity - f.returned_to_us - f.sell_through_quantity + f.returned_by_customers, {{ zero }}) as net_flow,
        c.opening_quantity as reported_opening,
        case when r.month_id is not null then coalesce(c.quantity, {{ zero }}) end as reported_closing
    from months as m
    left join flows as f on m.distributor_id = f.distributor_id and m.product_id = f.product_id and m.month_id = f.month_id
    left join reports as r on m.distributor_id = r.distributor_id and m.month_id = r.month_id
    left join counted as c on m.distributor_id = c.distributor_id and m.product_id = c.product_id and m.month_id = c.month_id
),

running as (
    select
        *,
        sum(net_flow) over (
            partition by distributor_id, product_id order by month_id rows between unbounded preceding and current row
        ) as flow_to_date,
        max(case when reported_closing is not null then month_id end) over (
            partition by distributor_id, product_id order by month_id rows between unbounded preceding and 1 preceding
        ) as anchor_month
    from joined
),

opened as (
    select
        s.*,
        cast(case
            when s.anchor_month is not null then a.reported_closing + s.flow_to_date - s.net_flow - a.flow_to_date
            else s.reported_opening
        end as {{ measure() }}) as opening_stock
    from running as s
    left join running as a
        on s.distributor_id = a.distributor_id
        and s.product_id = a.product_id
        and s.anchor_month = a.month_id
),

closed as (
    select
        *,
        opening_stock + net_flow as computed_closing,
        reported_closing - opening_stock - net_flow as stock_difference,
        cast(greatest(
            cast(tolerance_quantity as {{ measure() }}),
            cast(cast(tolerance_percent as decimal(9, 4)) * cast(greatest(opening_stock + sell_in_quantity - returned_to_us, {{ zero }}) as decimal(28, 6)) * cast(0.01 as decimal(3, 2)) as {{ measure() }})
        ) as {{ measure() }}) as stock_tolerance
    from opened
),

found as (
    select
        *,
        nullif(substr(
            ''
            {%- for condition, name in [
                ('reported_closing < 0', 'negative_stock'),
                ('computed_closing < -stock_tolerance', 'sold_more_than_available'),
                ('abs(stock_difference) > stock_tolerance', 'closing_differs'),
                ('anchor_month is not null and abs(reported_opening - opening_stock) > stock_tolerance', 'opening_differs'),
            ] %}
            || case when {{ condition }} then '{{ ';' ~ name }}' else '' end
            {%- endfor %},
            2
        ), '') as stock_findings
    from closed
),

decisions as (
    select
        r.*,
        row_number() over (
            partition by r.distributor_id, r.product_id, r.month_id order by r.file_sequence desc, r.row_number desc
        ) as version_rank
    from {{ ref('stg_stock_release') }} as r
    inner join {{ ref('stg_run_context') }} as c on r.decided_on <= c.as_of
)

select
    f.distributor_id,
    f.product_id,
    f.month_id,
    f.opening_stock,
    f.sell_in_quantity,
    f.returned_to_us,
    f.sell_through_quantity,
    f.returned_by_customers,
    f.computed_closing,
    f.reported_opening,
    f.reported_closing,
    f.stock_difference,
    f.stock_tolerance,
    f.stock_findings,
    case
        when f.stock_findings is not null and d.decision = 'released' then 'released'
        when f.stock_findings is not null then 'held'
        when f.opening_stock is null then 'unknown'
        else 'agrees'
    end as status,
    d.decided_by,
    d.decided_on,
    d.comment,
    f.stock_findings is not null and coalesce(d.decision, 'held') <> 'released' as is_held
from found as f
left join decisions as d
    on f.distributor_id = d.distributor_id
    and f.product_id = d.product_id
    and f.month_id = d.month_id
    and d.version_rank = 1
