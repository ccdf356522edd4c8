select
    claim_id,
    program_id,
    partner_id,
    claim_date,
    amount,
    currency,
    status,
    approved_by,
    approved_on,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'fund_claim') }}
