select
    program_key,
    payee_number,
    role,
    share,
    fallback_partner_id
from {{ source('programs', 'program_payee') }}
