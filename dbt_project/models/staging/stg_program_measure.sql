select
    measure_key,
    program_key,
    gate_number,
    name,
    scope_key,
    kind,
    of,
    baseline,
    treat_as,
    new_partner_baseline,
    counted,
    operator,
    required
from {{ source('programs', 'program_measure') }}
