-- Grain: one partner, as it stands at the as-of date.
select
    p.partner_id,
    p.partner_name,
    p.partner_type,
    p.parent_partner_id,
    h.partner_name as parent_partner_name,
    p.channel,
    p.region,
    p.country,
    e.tier,
    e.group_id
from {{ ref('int_partner') }} as p
cross join {{ ref('stg_run_context') }} as c
left join {{ ref('int_partner') }} as h on p.parent_partner_id = h.partner_id
left join {{ ref('int_partner_episode') }} as e
    on p.partner_id = e.partner_id
    and c.as_of between e.valid_from and e.valid_to
