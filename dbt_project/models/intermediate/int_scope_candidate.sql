{{ config(materialized='view') }}

-- Lines that a scope looks at: its stream, an admitted participant on the line's effective date, a product of the scope.
-- excluded_reason says why such a line does not count after all; null: it counts. line_use baseline: the line stands for
-- the year before, as if it were dated one fiscal year later.
with streams as (
    {%- for stream in ['sell_in', 'sell_through'] %}
    select scope_key, '{{ stream }}' as stream from {{ ref('int_scope') }} where stream in ('{{ stream }}', 'both')
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

scope_classes as (
    select
        p.scope_key,
        p.product_id as product_class,
        p.valid_from,
        p.valid_to,
        t.stream,
        s.participant_role,
        s.returns,
        s.has_baseline
    from {{ ref('int_scope_product') }} as p
    inner join {{ ref('int_product_class') }} as c
        on p.product_id = c.product_id
        and c.product_id = c.product_class
    inner join {{ ref('int_scope') }} as s on p.scope_key = s.scope_key
    inner join streams as t on p.scope_key = t.scope_key
),

admitted as (
    select
        s.scope_key,
        s.calendar,
        s.returns,
        p.partner_id,
        p.participant_id,
        p.participant_role,
        p.group_id,
        p.channel,
        p.region,
        p.valid_from,
        p.valid_to
    from {{ ref('int_scope') }} as s
    inner join {{ ref('int_program_participant') }} as p on s.program_key = p.program_key
),

rates as (
    select f.from_currency, f.to_currency, f.valid_from, f.rate, d.day
    from {{ ref('int_fx_rate') }} as f
    inner join (select distinct day from {{ ref('int_calendar_day') }}) as d on d.day between f.valid_from and f.valid_to
),

candidates as (
    {%- set roles = ['sold_to', 'ship_to', 'distributor', 'reseller'] %}
    {#- lines by their own date role by role, so that roles that no program asks for are not looked at; few programs
        count returns by their original document or look a year back: for those all roles in one go -#}
    {%- set branches = [('own', ['sold_to']), ('own', ['ship_to']), ('own', ['distributor']), ('own', ['reseller']), ('original', roles), ('baseline', roles)] %}
    {%- for dating, branch_roles in branches %}
    {%- set effective = 'l.document_date' if dating == 'own' else 'coalesce(o.original_date, l.document_date)' %}
    select
        a.scope_key,
        '{{ 'baseline' if dating == 'baseline' else 'current' }}' as line_use,
        a.calendar,
        a.participant_id,
        a.partner_id as member_id,
        a.group_id,
        a.channel,
        coalesce(l.region, a.region) as region,
        l.line_key,
        l.stream,
        l.source,
        l.document_number,
        l.document_date,
        {{ 'd.next_year_day' if dating == 'baseline' else effective }} as effective_date,
        l.document_type,
        l.sold_to_id,
        l.ship_to_id,
        l.distributor_id,
        l.reseller_id,
        l.end_customer_id,
        l.product_id,
        l.authorization_number,
        l.base_quantity,
        l.net_amount,
        l.currency
    from
        {%- if branch_roles | length == 1 %}
        {{ ref('int_line') }} as l
        {%- else %}
        (
            {%- for role in branch_roles %}
            select '{{ role }}' as role, {{ role }}_id as role_partner_id, line.*
            from {{ ref('int_line') }} as line
            where {{ role }}_id is not null
            {%- if not loop.last %}
            union all
            {%- endif %}
            {%- endfor %}
        ) as l
        {%- endif %}
    inner join {{ ref('int_product_class') }} as p on l.product_id = p.product_id
    inner join scope_classes as k
        on p.product_class = k.product_class
        and l.stream = k.stream
        and k.participant_role = {{ "'" ~ branch_roles[0] ~ "'" if branch_roles | length == 1 else 'l.role' }}
        {{ 'and k.has_baseline' if dating == 'baseline' else "and k.returns = '" ~ ('by_return_date' if dating == 'own' else 'by_original_document') ~ "'" }}
    inner join admitted as a
        on k.scope_key = a.scope_key
        and {{ 'l.' ~ branch_roles[0] ~ '_id' if branch_roles | length == 1 else 'l.role_partner_id' }} = a.partner_id
    {%- if dating != 'own' %}
    left join {{ ref('int_line_original') }} as o
        on case when a.returns = 'by_original_document' then l.line_key end = o.line_key
    {%- endif %}
    {%- if dating == 'baseline' %}
    inner join {{ ref('int_calendar_day') }} as d
        on a.calendar = d.calendar
        and {{ effective }} = d.day
    {%- endif %}
    where
        {{ 'd.next_year_day' if dating == 'baseline' else effective }} between a.valid_from and a.valid_to
        and {{ 'd.next_year_day' if dating == 'baseline' else effective }} between k.valid_from and k.valid_to
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
        s.is_judged_by_line,
        s.stacking_group,
        s.stacking_rank,
        s.is_stacked_by_line,
        s.carries_payout,
        s.is_counted,
        s.is_shared,
        s.double_counting,
        s.includes_end_customers,
        s.include_channel, s.exclude_channel, s.include_region, s.exclude_region,
        s.include_document_type, s.exclude_document_type,
        s.min_price, s.max_price, s.min_quantity, s.max_quantity, s.min_amount, s.max_amount,
        s.has_rules,
        case
            when c.currency = s.currency then cast(1 as decimal(18, 8))
            when c.document_date <= {{ add_days('f.valid_from', 's.fx_max_age_days') }} then f.rate
        end as fx_rate,
        coalesce(e.is_included, false) as end_customer_included,
        coalesce(e.is_excluded, false) as end_customer_excluded
    from candidates as c
    inner join {{ ref('int_scope') }} as s on c.scope_key = s.scope_key
    left join rates as f
        on case when c.currency <> s.currency then c.currency end = f.from_currency
        and s.currency = f.to_currency
        and c.document_date = f.day
    left join {{ ref('int_scope_end_customer') }} as e
        on case when s.has_rules then c.scope_key end = e.scope_key
        and c.end_customer_id = e.end_customer_id
        and c.effective_date between e.valid_from and e.valid_to
),

valued as (
    select
        *,
        cast(cast(net_amount as decimal(38, 4)) * fx_rate as {{ measure() }}) as amount
    from converted
)

select
    c.scope_key,
    c.line_key,
    c.line_use,
    c.program_key,
    c.participant_id,
    c.member_id,
    c.group_id,
    case c.measurement
        when 'month' then d.month_id
        when 'quarter' then d.quarter_id
        when 'half_year' then d.half_year_id
        when 'year' then d.year_id
        when 'program' then 'program'
    end as period_id,
    d.month_id as fiscal_month_id,
    c.stream,
    c.source,
    c.document_number,
    c.document_date,
    c.effective_date,
    c.sold_to_id,
    c.ship_to_id,
    c.distributor_id,
    c.reseller_id,
    c.end_customer_id,
    c.product_id,
    c.authorization_number,
    c.net_amount,
    c.amount,
    c.base_quantity,
    c.fx_rate,
    c.double_counting,
    c.is_judged_by_line,
    c.is_stacked_by_line,
    c.stacking_group,
    c.stacking_rank,
    c.carries_payout and c.line_use = 'current' as carries_payout,
    c.is_counted,
    c.is_shared,
    case
        when c.aggregate = 'group' and c.participant_id is null then 'no_group'
        when c.fx_rate is null then 'no_fx_rate'
        when not c.has_rules then null
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
from valued as c
inner join {{ ref('int_calendar_day') }} as d
    on c.calendar = d.calendar
    and c.effective_date = d.day
