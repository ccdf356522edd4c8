-- What the purchases rules of segments add up: lines by their own date, entity and calendar month, in the rules' currencies
-- and in base units (purchase_unit ''). Only what a rule asks for; nothing without such a rule.
{%- set members = {'partner': 'coalesce(l.reseller_id, l.sold_to_id)', 'end_customer': 'l.end_customer_id', 'product': 'l.product_id'} %}
with wanted as (
    select distinct entity, purchase_unit, product_segment
    from {{ ref('int_segment_rule') }}
    where attribute = 'purchases'
),

-- a rate serves until the next one, and no longer than ten days (semantics 3)
rates as (
    select
        f.from_currency,
        f.to_currency,
        f.rate,
        {{ each_day('f.valid_from', 'least(f.valid_to, ' ~ add_days('f.valid_from', 10) ~ ')') }} as day
    from {{ ref('int_fx_rate') }} as f
    inner join (select distinct purchase_unit from wanted) as w on f.to_currency = w.purchase_unit
),

-- a product segment inside a rule is one by attributes alone, and those of a product are not dated
wanted_products as (
    select w.entity, w.purchase_unit, w.product_segment, p.entity_id as product_id
    from wanted as w
    inner join {{ ref('int_segment_attribute') }} as p
        on w.product_segment = p.segment_id
        and p.entity = 'product'
)

{% for entity, entity_id in members.items() %}
{%- for with_products in [false, true] %}
select
    w.entity,
    {{ entity_id }} as entity_id,
    w.purchase_unit,
    w.product_segment,
    {{ month_start('l.document_date') }} as month_start,
    l.stream,
    cast(coalesce(sum(
        case
            when w.purchase_unit = '' then l.base_quantity
            when w.purchase_unit = l.currency then cast(l.net_amount as {{ measure() }})
            else cast(cast(l.net_amount as decimal(38, 4)) * f.rate as {{ measure() }})
        end
    ), 0) as {{ measure() }}) as purchases,
    sum(case when w.purchase_unit = '' or w.purchase_unit = l.currency or f.rate is not null then 0 else 1 end) as lines_without_rate
from {{ ref('int_line') }} as l
inner join {{ 'wanted_products' if with_products else 'wanted' }} as w
    on w.entity = '{{ entity }}'
    and {{ 'l.product_id = w.product_id' if with_products else 'w.product_segment is null' }}
left join rates as f
    on l.currency = f.from_currency
    and w.purchase_unit = f.to_currency
    and l.document_date = f.day
where {{ entity_id }} is not null
group by 1, 2, 3, 4, 5, 6
{% if not (loop.last and entity == 'product') %}
union all
{% endif %}
{%- endfor %}
{%- endfor %}
