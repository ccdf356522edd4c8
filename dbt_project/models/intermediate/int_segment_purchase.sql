-- Rules on trailing purchases, dated: what the months before add up to, from one calendar month in which that changes to the
-- next. A month's purchases count from the month after it and drop out after `months` months: never those of the month in
-- question. Every entity has a row from the first day on, with nothing bought.
with rules as (
    select
        segment_id,
        entity,
        rule_number,
        operator,
        {{ as_decimal('value') }} as required,
        months,
        purchase_unit,
        stream,
        product_segment
    from {{ ref('int_segment_rule') }}
    where attribute = 'purchases'
),

entities as (
    select 'partner' as entity, partner_id as entity_id from {{ ref('int_partner') }}
    union all
    select 'end_customer', end_customer_id from {{ ref('int_end_customer') }}
    union all
    select 'product', product_id from {{ ref('int_product') }}
),

bought as (
    select
        r.segment_id,
        r.rule_number,
        r.months,
        m.entity,
        m.entity_id,
        m.month_start,
        sum(m.purchases) as purchases
    from rules as r
    inner join {{ ref('int_purchase_month') }} as m
        on r.entity = m.entity
        and r.purchase_unit = m.purchase_unit
        and coalesce(r.product_segment, '') = coalesce(m.product_segment, '')
        and (r.stream is null or r.stream = m.stream)
    inner join entities as e
        on m.entity = e.entity
        and m.entity_id = e.entity_id
    group by 1, 2, 3, 4, 5, 6
),

changes as (
    select segment_id, rule_number, entity, entity_id, valid_from, sum(purchases) as purchases
    from (
        select r.segment_id, r.rule_number, r.entity, e.entity_id, {{ first_day() }} as valid_from, cast(0 as {{ measure() }}) as purchases
        from rules as r
        inner join entities as e on r.entity = e.entity
        union all
        select segment_id, rule_number, entity, entity_id, {{ add_months('month_start', 1) }}, purchases
        from bought
        union all
        select segment_id, rule_number, entity, entity_id, {{ add_months('month_start', 'months + 1') }}, -purchases
        from bought
    ) as steps
    group by 1, 2, 3, 4, 5
),

running as (
    select
        c.segment_id,
        c.rule_number,
        c.entity,
        c.entity_id,
        c.valid_from,
        coalesce({{ add_days('lead(c.valid_from) over (partition by c.segment_id, c.rule_number, c.entity_id order by c.valid_from)', -1) }}, {{ last_day() }}) as valid_to,
        c.purchases as change,
        cast(sum(c.purchases) over (
            partition by c.segment_id, c.rule_number, c.entity_id
            order by c.valid_from
            rows between unbounded preceding and current row
        ) as {{ measure() }}) as purchases
    from changes as c
),

judged as (
    select
        t.segment_id,
        t.rule_number,
        t.entity,
        t.entity_id,
        t.valid_from,
        t.valid_to,
        r.required,
        t.purchases,
        {%- for column, figure in [('is_held', 't.purchases'), ('was_held', 't.purchases - t.change')] %}
        case r.operator when '>=' then {{ figure }} >= r.required when '<' then {{ figure }} < r.required end as {{ column }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from running as t
    inner join rules as r
        on t.segment_id = r.segment_id
        and t.rule_number = r.rule_number
)

select
    segment_id,
    rule_number,
    entity,
    entity_id,
    valid_from,
    valid_to,
    required,
    purchases,
    is_held,
    is_held <> was_held as is_turn
from judged
