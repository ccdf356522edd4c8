select
    program_key,
    authorization_id,
    authorization_number,
    partner_id,
    end_customer_id,
    product_id,
    valid_from,
    valid_to,
    quantity as authorized_quantity,
    reference_cost,
    unit_amount,
    protected_margin
from {{ source('programs', 'program_authorization') }}
