-- The segments of a partner, end customer or product on each of its days; ids joined by ';'.
select
    entity,
    entity_id,
    valid_from,
    valid_to,
    {{ joined('segment_id', ';', 'segment_id') }} as segments
from {{ ref('int_segment_member') }}
group by 1, 2, 3, 4
