-- Who belongs to which segment, dated (semantics 1). All rules of a segment must hold: its attribute rules together, and
-- each of its rules on purchases. Where any segment of a kind of entity asks for purchases, memberships of that kind are cut
-- at int_entity_episode, so that all memberships of an entity begin and end together.
with needed as (
    select
        segment_id,
        max(case when attribute = 'purchases' then 0 else 1 end)
        + sum(case when attribute = 'purchases' then 1 else 0 end) as conditions
    from {{ ref('int_segment_rule') }}
    group by 1
),

by_purchases as (
    select distinct entity from {{ ref('int_segment_rule') }} where attribute = 'purchases'
),

held as (
    select a.segment_id, a.entity, a.entity_id, a.valid_from, a.valid_to
    from {{ ref('int_segment_attribute') }} as a
    inner join by_purchases as b on a.entity = b.entity
    union all
    select segment_id, entity, entity_id, valid_from, valid_to
    from {{ ref('int_segment_purchase') }}
    where is_held
)

select a.segment_id, a.entity, a.entity_id, a.valid_from, a.valid_to
from {{ ref('int_segment_attribute') }} as a
left join by_purchases as b on a.entity = b.entity
where b.entity is null
union all
select
    h.segment_id,
    h.entity,
    h.entity_id,
    e.valid_from,
    e.valid_to
from held as h
inner join needed as n on h.segment_id = n.segment_id
inner join {{ ref('int_entity_episode') }} as e
    on h.entity = e.entity
    and h.entity_id = e.entity_id
    and e.valid_from between h.valid_from and h.valid_to
group by 1, 2, 3, 4, 5, n.conditions
having count(*) = n.conditions
