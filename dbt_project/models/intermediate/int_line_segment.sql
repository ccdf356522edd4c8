-- The segments of each line on its date: of the partner who bought or sold on (reseller, else sold-to), of the end
-- customer and of the product; ids joined by ';'.
with members as (
    select
        entity,
        entity_id,
        valid_from,
        valid_to,
        {{ joined('segment_id', ';', 'segment_id') }} as segments
    from {{ ref('int_segment_member') }}
    group by 1, 2, 3, 4
)

select
    l.line_key,
    p.segments as partner_segments,
    e.segments as end_customer_segments,
    d.segments as product_segments
from {{ ref('int_line') }} as l
left join members as p
    on p.entity = 'partner'
    and coalesce(l.reseller_id, l.sold_to_id) = p.entity_id
    and l.document_date between p.valid_from and p.valid_to
left join members as e
    on e.entity = 'end_customer'
    and l.end_customer_id = e.entity_id
    and l.document_date between e.valid_from and e.valid_to
left join members as d
    on d.entity = 'product'
    and l.product_id = d.entity_id
    and l.document_date between d.valid_from and d.valid_to
