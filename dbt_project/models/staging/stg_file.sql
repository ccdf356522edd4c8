select
    source,
    entity,
    file_sequence,
    file_name,
    file_hash,
    file_bytes,
    rows_in,
    status,
    error,
    received_on
from {{ source('register', 'file') }}
