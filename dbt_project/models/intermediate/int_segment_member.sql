-- Who belongs to which segment, dated (semantics 1). All rules of a segment must hold.
with rules as (
    select
        s.segment_id,
        s.entity,
        r.attribute,
        r.operator,
        r.value,
        count(*) over (partition by s.segment_id) as rule_count,
        row_number() over (partition by s.segment_id order by r.attribute, r.operator, r.value) as rule_number
    from {{ ref('segment') }} as s
    inner join {{ ref('segment_rule') }} as r on s.segment_id = r.segment_id
),

-- distinct: a partner in several groups meets one rule on group_id more than once
held as (
    select distinct
        r.segment_id,
        r.rule_count,
        r.rule_number,
        a.entity,
        a.entity_id,
        a.valid_from,
        a.valid_to
    from rules as r
    inner join {{ ref('int_entity_attribute') }} as a
        on r.entity = a.entity
        and r.attribute = a.attribute
        and case r.operator
            when '=' then a.value = r.value
            when '!=' then a.value <> r.value
            when 'in' then {{ one_of('a.value', 'r.value') }}
            when '>=' then {{ as_decimal('a.value') }} >= {{ as_decimal('r.value') }}
            when '<' then {{ as_decimal('a.value') }} < {{ as_decimal('r.value') }}
            else false
        end
)

select
    segment_id,
    entity,
    entity_id,
    valid_from,
    valid_to
from held
group by segment_id, entity, entity_id, valid_from, valid_to, rule_count
having count(*) = rule_count
