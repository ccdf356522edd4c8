select
    measure_key,
    rule,
    dimension,
    value
from {{ source('programs', 'program_measure_product') }}
