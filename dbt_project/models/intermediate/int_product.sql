-- The newest row of each key (semantics 3: the newest file wins).
select
    product_id,
    product_name,
    family,
    brand,
    category,
    base_unit,
    list_price
from (
    select
        *,
        row_number() over (partition by product_id order by file_sequence desc, row_number desc) as version_rank
    from {{ ref('stg_product') }}
) as versions
where version_rank = 1
