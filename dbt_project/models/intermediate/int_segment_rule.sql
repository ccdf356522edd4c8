-- Segment rules, numbered within their segment, and what a purchases rule adds up.
-- purchase_unit: the currency of an amount, '' for base units; null for a rule on an attribute.
select
    s.segment_id,
    s.entity,
    row_number() over (
        partition by s.segment_id
        order by r.attribute, r.operator, r.value, r.months, r.of, r.currency, r.stream, r.product_segment
    ) as rule_number,
    r.attribute,
    r.operator,
    r.value,
    r.months,
    case when r.attribute = 'purchases' then case when r.of = 'amount' then r.currency else '' end end as purchase_unit,
    nullif(r.stream, '') as stream,
    nullif(r.product_segment, '') as product_segment
from {{ ref('segment') }} as s
inner join {{ ref('segment_rule') }} as r on s.segment_id = r.segment_id
