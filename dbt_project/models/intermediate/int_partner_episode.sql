-- A partner's life cut at every change of tier, of group or of what it bought where a segment asks for that: within an
-- episode all its attributes and memberships stand still.
with boundaries as (
    select partner_id, valid_from from {{ ref('int_partner_span') }}
    union
    select entity_id, valid_from
    from {{ ref('int_segment_purchase') }}
    where entity = 'partner' and is_turn
),

episodes as (
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
    s.partner_type,
    s.parent_partner_id,
    s.channel,
    s.region,
    s.country,
    s.tier,
    s.group_id
from episodes as e
inner join {{ ref('int_partner_span') }} as s
    on e.partner_id = s.partner_id
    and e.valid_from between s.valid_from and s.valid_to
