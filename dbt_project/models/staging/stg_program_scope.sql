select
    scope_key,
    program_key,
    stream,
    double_counting,
    returns,
    min_price,
    max_price,
    min_quantity,
    max_quantity,
    min_amount,
    max_amount
from {{ source('programs', 'program_scope') }}
