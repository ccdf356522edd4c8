-- A partner's life cut at every change of tier or group: within a span all its attributes stand still.
with boundaries as (
    select partner_id, {{ first_day() }} as valid_from from {{ ref('int_partner') }}
    union
    select partner_id, valid_from from {{ ref('int_partner_tier') }}
    union
    select partner_id, {{ add_days('valid_to', 1) }} from {{ ref('int_partner_tier') }} where valid_to < {{ last_day() }}
    union
    select partner_id, valid_from from {{ ref('int_partner_group') }}
    union
    select partner_id, {{ add_days('valid_to', 1) }} from {{ ref('int_partner_group') }} where valid_to < {{ last_day() }}
),

spans as (
    select
        partner_id,
        valid_from,
        coalesce({{ add_days('lead(valid_from) over (partition by partner_id order by valid_from)', -1) }}, {{ last_day() }}) as valid_to
    from boundaries
)

select
    e.partner_id,
    e.valid_from,
    e.valid_to,
    p.partner_type,
    p.parent_partner_id,
    p.channel,
    p.region,
    p.country,
    max_by(t.tier, t.valid_from) as tier,
    min(g.group_id) as group_id
from spans as e
inner join {{ ref('int_partner') }} as p on e.partner_id = p.partner_id
left join {{ ref('int_partner_tier') }} as t
    on e.partner_id = t.partner_id
    and e.valid_from between t.valid_from and t.valid_to
left join {{ ref('int_partner_group') }} as g
    on e.partner_id = g.partner_id
    and e.valid_from between g.valid_from and g.valid_to
group by 1, 2, 3, 4, 5, 6, 7, 8
