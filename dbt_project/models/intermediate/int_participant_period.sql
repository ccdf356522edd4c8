-- The measurement periods that a participant takes part in: begun at the as-of date, and admitted on some day of it; where
-- figures run from the program's start also every later one. A row whether there are lines or not.
with admitted as (
    select distinct
        p.program_key,
        p.participant_id,
        d.period_id,
        d.period_start
    from {{ ref('int_program_participant') }} as p
    cross join {{ ref('stg_run_context') }} as c
    inner join {{ ref('int_program_period') }} as d
        on p.program_key = d.program_key
        and p.valid_from <= d.period_end
        and p.valid_to >= d.period_start
    where
        p.participant_id is not null
        and p.valid_from <= c.as_of
        and d.period_start <= c.as_of
),

starts as (
    select program_key, participant_id, min(period_start) as first_start
    from admitted
    group by 1, 2
),

taken_part as (
    select program_key, participant_id, period_id, period_start
    from admitted
    union
    select s.program_key, s.participant_id, d.period_id, d.period_start
    from starts as s
    inner join {{ ref('int_program') }} as g
        on s.program_key = g.program_key
        and g.cumulation = 'to_date'
    cross join {{ ref('stg_run_context') }} as c
    -- not those that the version no longer covers and that are kept because they were posted
    inner join {{ ref('int_program_period') }} as d
        on s.program_key = d.program_key
        and d.period_start >= s.first_start
        and d.period_start <= c.as_of
        and d.period_start <= g.valid_to
)

select
    program_key || ':' || participant_id || ':' || period_id as payout_id,
    program_key,
    participant_id,
    period_id,
    period_start,
    row_number() over (partition by program_key, participant_id order by period_start) as period_number
from taken_part
