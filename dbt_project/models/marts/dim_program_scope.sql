-- Grain: one scope of lines of a program version (earning, target, or that of a gate): what it reads, and the limits of a line.
select
    scope_key,
    program_key,
    substr(scope_key, length(program_key) + 2) as scope,
    stream,
    double_counting,
    returns,
    min_price,
    max_price,
    min_quantity,
    max_quantity,
    min_amount,
    max_amount
from {{ ref('stg_program_scope') }}
