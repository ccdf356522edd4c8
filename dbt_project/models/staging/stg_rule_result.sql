select
    source,
    entity,
    file_sequence,
    file_hash,
    suite,
    rule_id,
    severity,
    status,
    rows_evaluated,
    rows_failed,
    message,
    samples
from {{ source('register', 'rule_result') }}
