-- Grain: one end customer.
select
    end_customer_id,
    end_customer_name,
    end_customer_type,
    industry,
    size_band,
    income_band,
    age_band,
    composition,
    region
from {{ ref('int_end_customer') }}
