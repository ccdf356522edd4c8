-- What segment rules ask of partners, end customers and products: one row per attribute and value, dated. Only attributes
-- that a rule looks at.
{%- set attributes = {
    'partner': ['partner_id', 'partner_type', 'parent_partner_id', 'channel', 'region', 'country', 'tier'],
    'end_customer': ['end_customer_id', 'end_customer_type', 'industry', 'size_band', 'income_band', 'age_band', 'composition', 'region'],
    'product': ['product_id', 'family', 'brand', 'category'],
} %}
{%- set models = {'partner': 'int_partner_span', 'end_customer': 'int_end_customer', 'product': 'int_product'} %}
with asked as (
    select distinct entity, attribute
    from {{ ref('int_segment_rule') }}
)
{% for entity, names in attributes.items() %}
{%- for attribute in names %}
select
    a.entity,
    e.{{ entity }}_id as entity_id,
    {{ 'e.valid_from' if entity == 'partner' else first_day() ~ ' as valid_from' }},
    {{ 'e.valid_to' if entity == 'partner' else last_day() ~ ' as valid_to' }},
    a.attribute,
    coalesce(e.{{ attribute }}, '') as value
from {{ ref(models[entity]) }} as e
inner join asked as a on a.entity = '{{ entity }}' and a.attribute = '{{ attribute }}'
union all
{%- endfor %}
{%- endfor %}
select a.entity, e.partner_id, e.valid_from, e.valid_to, a.attribute, coalesce(g.group_id, '')
from {{ ref('int_partner_span') }} as e
inner join asked as a on a.entity = 'partner' and a.attribute = 'group_id'
left join {{ ref('int_partner_group') }} as g
    on e.partner_id = g.partner_id
    and e.valid_from between g.valid_from and g.valid_to
