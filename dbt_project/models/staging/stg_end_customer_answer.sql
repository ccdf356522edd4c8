select
    end_customer_spelling,
    answer,
    answered_by,
    comment,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('landing', 'end_customer_answer') }}
