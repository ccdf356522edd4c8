select
    decision_number,
    claim_key,
    decision,
    claimed_amount,
    amount,
    is_above_earned,
    decided_by,
    decided_on,
    comment,
    reason_code,
    owner,
    due_date
from {{ source('run', 'claim_decision') }}
