{{ config(materialized='view') }}

-- Grain: one distributor's stock of one product in one month: what it should be, what it is said to be, and what follows.
select
    s.distributor_id || '|' || s.product_id || '|' || s.month_id as channel_inventory_id,
    s.distributor_id,
    d.partner_name as distributor_name,
    s.product_id,
    p.product_name,
    s.month_id,
    s.opening_stock,
    s.sell_in_quantity,
    s.returned_to_us,
    s.sell_through_quantity,
    s.returned_by_customers,
    s.computed_closing,
    s.reported_opening,
    s.reported_closing,
    s.stock_difference,
    s.stock_tolerance,
    s.stock_findings,
    s.status,
    s.decided_by,
    s.decided_on,
    s.comment
from {{ ref('int_channel_stock') }} as s
left join {{ ref('int_partner') }} as d on s.distributor_id = d.partner_id
left join {{ ref('int_product') }} as p on s.product_id = p.product_id
