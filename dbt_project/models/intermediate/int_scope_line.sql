-- Lines that a scope looks at: its stream, an admitted participant on the line's date, a product of the scope.
-- excluded_reason says why such a line does not count after all; null: it counts.
with admitted as (
    select
        s.scope_key,
        s.stream,
        p.partner_id,
        p.participant_id,
        p.participant_role,
        p.channel,
        p.region,
        p.valid_from,
        p.valid_to
    from {{ ref('int_scope') }} as s
    inner join {{ ref('int_program_participant') }} as p on s.program_key = p.program_key
),

candidates as (
    {%- for role in ['sold_to', 'ship_to', 'distributor', 'reseller'] %}
    select
        a.scope_key,
        a.participant_id,
        a.partner_id as member_id,
        a.channel,
        coalesce(l.region, a.region) as region,
        l.line_key,
        l.month_id,
        l.document_date,
        l.document_type,
        l.end_customer_id,
        l.base_quantity,
        l.net_amount,
        l.currency
    from {{ ref('int_line') }} as l
    inner join admitted as a
        on l.{{ role }}_id = a.partner_id
        and l.stream = a.stream
        and l.document_date between a.valid_from and a.valid_to
        and a.participant_role = '{{ role }}'
    inner join {{ ref('int_scope_product') }} as p
        on a.scope_key = p.scope_key
        and l.product_id = p.product_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

converted as (
    select
        c.*,
        s.program_key,
        s.aggregate,
        s.measurement,
        s.includes_end_customers,
        s.include_channel, s.exclude_channel, s.include_region, s.exclude_region,
        s.include_document_type, s.exclude_document_type,
        s.min_price, s.max_price, s.min_quantity, s.max_quantity, s.min_amount, s.max_amount,
        case when c.currency = s.currency then cast(1 as decimal(18, 8)) else f.rate end as fx_rate,
        cast(
            cast(c.net_amount as decimal(38, 4))
            * case when c.currency = s.currency then cast(1 as decimal(18, 8)) else f.rate end
            as {{ measure() }}
        ) as amount,
        coalesce(e.is_included, false) as end_customer_included,
        coalesce(e.is_excluded, false) as end_customer_excluded
    from candidates as c
    inner join {{ ref('int_scope') }} as s on c.scope_key = s.scope_key
    left join {{ ref('int_fx_rate') }} as f
        on c.currency = f.from_currency
        and s.currency = f.to_currency
        and c.document_date between f.valid_from and f.valid_to
    left join {{ ref('int_scope_end_customer') }} as e
        on c.scope_key = e.scope_key
        and c.end_customer_id = e.end_customer_id
        and c.document_date between e.valid_from and e.valid_to
)

select
    c.scope_key,
    c.line_key,
    c.program_key,
    c.participant_id,
    c.member_id,
    case c.measurement
        when 'month' then m.month_id
        when 'quarter' then m.quarter_id
        when 'half_year' then m.half_year_id
        when 'year' then m.year_id
        when 'program' then 'program'
    end as period_id,
    c.amount,
    c.base_quantity,
    c.fx_rate,
    case
        when c.aggregate = 'group' and c.participant_id is null then 'no_group'
        when c.fx_rate is null then 'no_fx_rate'
        when not coalesce({{ one_of('c.document_type', 'c.include_document_type') }}, true) then 'document_type'
        when coalesce({{ one_of('c.document_type', 'c.exclude_document_type') }}, false) then 'document_type'
        when not coalesce({{ one_of('c.channel', 'c.include_channel') }}, true) then 'channel'
        when coalesce({{ one_of('c.channel', 'c.exclude_channel') }}, false) then 'channel'
        when c.include_region is not null and not coalesce({{ one_of('c.region', 'c.include_region') }}, false) then 'region'
        when coalesce({{ one_of('c.region', 'c.exclude_region') }}, false) then 'region'
        when c.includes_end_customers and c.end_customer_id is null then 'end_customer_unknown'
        when c.includes_end_customers and not c.end_customer_included then 'end_customer_segment'
        when c.end_customer_excluded then 'end_customer_segment'
        when abs(c.amount) < c.min_price * abs(c.base_quantity) then 'price_limit'
        when abs(c.amount) > c.max_price * abs(c.base_quantity) then 'price_limit'
        when abs(c.base_quantity) < c.min_quantity then 'quantity_limit'
        when abs(c.base_quantity) > c.max_quantity then 'quantity_limit'
        when abs(c.amount) < c.min_amount then 'amount_limit'
        when abs(c.amount) > c.max_amount then 'amount_limit'
    end as excluded_reason
from converted as c
inner join {{ ref('fiscal_month') }} as m on c.month_id = m.month_id
