-- Grain: one name that a program version includes or excludes, among its participants or in a scope of lines; and each participant
-- that accepted it, from which day on.
select
    program_key,
    'participants' as scope,
    rule,
    kind as dimension,
    coalesce(value, '') as value,
    cast(null as date) as accepted_on
from {{ ref('stg_program_participant_rule') }}
union all
select
    program_key,
    'participants',
    'accept',
    'participant',
    participant_id,
    min(accepted_on)
from {{ ref('stg_program_enrolment') }}
group by 1, 2, 3, 4, 5
union all
select
    s.program_key,
    s.scope,
    r.rule,
    r.dimension,
    r.value,
    cast(null as date)
from {{ ref('stg_program_scope_rule') }} as r
inner join {{ ref('dim_program_scope') }} as s on r.scope_key = s.scope_key
