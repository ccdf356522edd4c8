-- The newest row of each key (semantics 3: the newest file wins).
select
    product_id,
    unit,
    factor
from (
    select
        *,
        row_number() over (partition by product_id, unit order by file_sequence desc, row_number desc) as version_rank
    from {{ ref('stg_product_unit') }}
) as versions
where version_rank = 1
