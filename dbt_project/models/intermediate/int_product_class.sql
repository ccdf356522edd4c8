-- Products that the same scopes name, for the same days, are one class: lines find their scopes by class, of which there are
-- far fewer than products. A class is named after its first product.
with lists as (
    select
        product_id,
        {{ joined("scope_key || ' ' || cast(valid_from as " ~ text() ~ ") || ' ' || cast(valid_to as " ~ text() ~ ")", '|', "scope_key, valid_from") }} as scopes
    from {{ ref('int_scope_product') }}
    group by 1
)

select product_id, min(product_id) over (partition by scopes) as product_class
from lists
