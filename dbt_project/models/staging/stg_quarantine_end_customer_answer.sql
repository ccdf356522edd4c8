select
    end_customer_spelling,
    answer,
    answered_by,
    comment,
    parse_errors,
    source,
    file_sequence,
    file_hash,
    row_number,
    verdict,
    rules_failed
from {{ source('quarantine', 'end_customer_answer') }}
