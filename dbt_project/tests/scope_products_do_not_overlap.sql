-- On one day a scope names a product once: so a line counts once for each scope.
with named as (
    select
        scope_key,
        product_id,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by scope_key, product_id order by valid_from) as following_from
    from {{ ref('int_scope_product') }}
)

select * from named
where following_from <= valid_to
