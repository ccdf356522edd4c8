-- What segment rules may ask of partners, end customers and products: one row per attribute and value, dated.
{%- set last = last_day() %}
{%- for attribute in ['partner_id', 'partner_type', 'parent_partner_id', 'channel', 'region', 'country', 'tier'] %}
select 'partner' as entity, partner_id as entity_id, valid_from, valid_to, '{{ attribute }}' as attribute, coalesce({{ attribute }}, '') as value
from {{ ref('int_partner_episode') }}
union all
{%- endfor %}
select 'partner', e.partner_id, e.valid_from, e.valid_to, 'group_id', coalesce(g.group_id, '')
from {{ ref('int_partner_episode') }} as e
left join {{ ref('int_partner_group') }} as g
    on e.partner_id = g.partner_id
    and e.valid_from between g.valid_from and g.valid_to
{%- for attribute in ['end_customer_id', 'end_customer_type', 'industry', 'size_band', 'income_band', 'age_band', 'composition', 'region'] %}
union all
select 'end_customer', end_customer_id, {{ first_day() }}, {{ last }}, '{{ attribute }}', coalesce({{ attribute }}, '')
from {{ ref('int_end_customer') }}
{%- endfor %}
{%- for attribute in ['product_id', 'family', 'brand', 'category'] %}
union all
select 'product', product_id, {{ first_day() }}, {{ last }}, '{{ attribute }}', coalesce({{ attribute }}, '')
from {{ ref('int_product') }}
{%- endfor %}
