select
    line_source,
    code_type,
    code,
    suggestion_number,
    suggestion,
    score,
    reason
from {{ source('matching', 'code_suggestion') }}
