-- Grain: one product.
select
    product_id,
    product_name,
    family,
    brand,
    category,
    base_unit,
    list_price
from {{ ref('int_product') }}
