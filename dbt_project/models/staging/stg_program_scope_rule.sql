select
    scope_key,
    rule,
    dimension,
    value
from {{ source('programs', 'program_scope_rule') }}
