-- Products that the same scopes of a profile name, for the same days, are one class: lines find their scopes by class, of which
-- there are far fewer than products. A class is named after its first product; keeps_…: what its scopes ask of a line.
{%- set keeps = ['region', 'sold_to', 'ship_to', 'distributor', 'reseller', 'end_customer'] %}
with lists as (
    select
        r.profile_number,
        r.stream,
        r.participant_role,
        r.is_summed,
        r.returns,
        r.calendar,
        p.product_id,
        max(case when r.has_baseline then 1 else 0 end) as has_baseline,
        {%- for each in keeps %}
        max(case when r.keeps_{{ each }} then 1 else 0 end) as keeps_{{ each }},
        {%- endfor %}
        {{ joined("p.scope_key || ' ' || cast(p.valid_from as " ~ text() ~ ") || ' ' || cast(p.valid_to as " ~ text() ~ ")", '|', "p.scope_key, p.valid_from") }} as scopes
    from {{ ref('int_scope_product') }} as p
    inner join {{ ref('int_scope_profile') }} as r on p.scope_key = r.scope_key
    group by 1, 2, 3, 4, 5, 6, 7
)

select
    profile_number,
    stream,
    participant_role,
    is_summed,
    returns,
    calendar,
    has_baseline = 1 as has_baseline,
    product_id,
    min(product_id) over (partition by profile_number, scopes) as product_class,
    dense_rank() over (order by profile_number, scopes) as class_number,
    {%- for each in keeps %}
    keeps_{{ each }} = 1 as keeps_{{ each }}{% if not loop.last %},{% endif %}
    {%- endfor %}
from lists
