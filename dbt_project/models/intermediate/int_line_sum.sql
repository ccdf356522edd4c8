-- Lines summed before they meet the scopes: the one pass over lines that most payouts need. Lines are looked at as a profile
-- does (role, currency, limits on a line); whatever a scope asks beyond that is a column here. Grain: product class (of a
-- profile), partner's stretch of days, first day of the profile's shortest period, document type; region and the roles'
-- partners where a scope of the class asks for them.
{%- set payees = ['sold_to', 'ship_to', 'distributor', 'reseller', 'end_customer'] %}
with profiles as (
    select distinct profile_number, min_price, max_price, min_quantity, max_quantity, min_amount, max_amount
    from {{ ref('int_scope_profile') }}
    where is_summed and has_limits
),

lines as (
    {%- for role in ['sold_to', 'ship_to', 'distributor', 'reseller'] %}
    select
        k.profile_number,
        k.class_number,
        t.stretch_number,
        l.document_date,
        l.document_type,
        case when k.keeps_region then l.region end as region,
        {%- for payee in payees %}
        case when k.keeps_{{ payee }} then l.{{ payee }}_id end as {{ payee }}_id,
        {%- endfor %}
        l.currency,
        l.net_amount,
        l.base_quantity
    from {{ ref('int_line') }} as l
    inner join {{ ref('int_product_class') }} as k
        on l.product_id = k.product_id
        and l.stream = k.stream
        and k.participant_role = '{{ role }}'
        and k.is_summed
    inner join {{ ref('int_partner_stretch') }} as t
        on l.{{ role }}_id = t.partner_id
        and k.profile_number = t.profile_number
        and l.document_date between t.valid_from and t.valid_to
        and t.participant_role = '{{ role }}'
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

valued as (
    select
        l.*,
        d.period_start,
        p.profile_number is not null as has_limits,
        p.min_price, p.max_price, p.min_quantity, p.max_quantity, p.min_amount, p.max_amount,
        cast(cast(l.net_amount as decimal(38, 4)) * d.fx_rate as {{ measure() }}) as amount
    from lines as l
    inner join {{ ref('int_profile_day') }} as d
        on l.profile_number = d.profile_number
        and l.document_date = d.day
        and l.currency = d.currency
        and d.fx_rate is not null
    left join profiles as p on l.profile_number = p.profile_number
)

select
    class_number,
    stretch_number,
    period_start,
    document_type,
    region,
    {%- for payee in payees %}
    {{ payee }}_id,
    {%- endfor %}
    cast(sum(amount) as {{ measure() }}) as amount,
    cast(sum(base_quantity) as {{ measure() }}) as base_quantity,
    count(*) as lines
from valued
where case when has_limits then {{ broken_limit('valued') }} is null else true end
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
