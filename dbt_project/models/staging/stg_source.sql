select
    source,
    entity,
    partner_id,
    due_days,
    zero_after_days,
    first_month,
    agreed_fields,
    tolerance_percent,
    tolerance_quantity
from {{ source('register', 'source') }}
