-- Whom a program admits, and when: the includes, less the excludes, from the enrolment on (semantics 2).
with memberships as (
    select 'segment' as kind, segment_id as value, entity_id as partner_id, valid_from, valid_to
    from {{ ref('int_segment_member') }}
    where entity = 'partner'
    union all
    select 'group', group_id, partner_id, valid_from, valid_to
    from {{ ref('int_partner_group') }}
    union all
    select 'partner', partner_id, partner_id, {{ first_day() }}, {{ last_day() }}
    from {{ ref('int_partner') }}
    union all
    select 'all', '', partner_id, {{ first_day() }}, {{ last_day() }}
    from {{ ref('int_partner') }}
),

-- memberships never change within an episode; several rules may admit the same episode
matched as (
    select
        r.program_key,
        e.partner_id,
        e.valid_from,
        e.valid_to,
        e.group_id,
        e.channel,
        e.region,
        max(case when r.rule = 'include' then 1 else 0 end) as included,
        max(case when r.rule = 'exclude' then 1 else 0 end) as excluded
    from {{ ref('stg_program_participant_rule') }} as r
    inner join memberships as m
        on r.kind = m.kind
        and (r.kind = 'all' or r.value = m.value)
    inner join {{ ref('int_partner_episode') }} as e
        on m.partner_id = e.partner_id
        and e.valid_from between m.valid_from and m.valid_to
    group by 1, 2, 3, 4, 5, 6, 7
),

enrolment as (
    select program_key, participant_id, min(accepted_on) as accepted_on
    from {{ ref('stg_program_enrolment') }}
    group by 1, 2
)

select
    p.program_key,
    p.participant_role,
    p.aggregate,
    m.partner_id,
    case when p.aggregate = 'group' then m.group_id else m.partner_id end as participant_id,
    m.group_id,
    m.channel,
    m.region,
    greatest(m.valid_from, p.valid_from, coalesce(n.accepted_on, p.valid_from)) as valid_from,
    least(m.valid_to, p.valid_to) as valid_to
from matched as m
inner join {{ ref('int_program') }} as p on m.program_key = p.program_key
left join enrolment as n
    on m.program_key = n.program_key
    and case when p.aggregate = 'group' then m.group_id else m.partner_id end = n.participant_id
where
    m.included = 1
    and m.excluded = 0
    and m.valid_to >= p.valid_from
    and m.valid_from <= p.valid_to
    and (p.enrolment = 'automatic' or n.accepted_on is not null)
    and greatest(m.valid_from, p.valid_from, coalesce(n.accepted_on, p.valid_from)) <= least(m.valid_to, p.valid_to)
