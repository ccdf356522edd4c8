-- Where all attribute rules of a segment hold; rules on purchases come on top of them (int_segment_member).
with rules as (
    select
        segment_id,
        entity,
        rule_number,
        attribute,
        operator,
        value,
        count(*) over (partition by segment_id) as rule_count
    from {{ ref('int_segment_rule') }}
    where attribute <> 'purchases'
),

-- a partner in several groups has several values of group_id: `!=` needs all of them to differ, the others need one
held as (
    select
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
    group by 1, 2, 3, 4, 5, 6, 7, r.operator
    having case r.operator
        when '=' then max(case when a.value = r.value then 1 else 0 end)
        when '!=' then min(case when a.value <> r.value then 1 else 0 end)
        when 'in' then max(case when {{ one_of('a.value', 'r.value') }} then 1 else 0 end)
        when '>=' then max(case when {{ as_decimal('a.value') }} >= {{ as_decimal('r.value') }} then 1 else 0 end)
        when '<' then max(case when {{ as_decimal('a.value') }} < {{ as_decimal('r.value') }} then 1 else 0 end)
        else 0
    end = 1
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
