-- Where both streams are read: the products and fiscal months of a participant in which the preferred stream has lines,
-- so that the other one's would count the same goods twice (semantics 3).
select distinct
    scope_key,
    line_use,
    participant_id,
    product_id,
    fiscal_month_id
from {{ ref('int_scope_candidate') }}
where
    double_counting is not null
    and stream = case double_counting when 'prefer_sell_in' then 'sell_in' else 'sell_through' end
    and excluded_reason is null
