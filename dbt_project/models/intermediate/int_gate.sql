-- Each gate of each payout: what is, what is required, and whether it holds (semantics 6), compared exactly.
select
    m.payout_id,
    m.gate_number,
    m.program_key,
    m.name,
    m.kind,
    m.operator,
    m.required,
    m.value as actual,
    {{ gate_holds('m') }} as holds
from {{ ref('int_measure') }} as m
where m.gate_number > 0
