{{ config(materialized='view') }}

-- The accrual that should stand to date (semantics 10): the payout on the lines so far; in running periods of programs that accrue
-- by another method than `earned` the estimate instead. Never below zero, unless more than that was already taken back
-- from the payee in a settlement: then what was taken back stands. Under to_date a period below zero lowers what earlier
-- periods accrued; it is the running sum that is never below zero.
with settled as (
    select program_key, payee_id, period_id, sum(settled) as settled
    from {{ ref('int_posted') }}
    group by 1, 2, 3
),

estimated as (
    select distinct program_key, period_id from {{ ref('int_accrual_estimate') }}
),

amounts as (
    select y.program_key, y.payee_id, y.period_id, y.earned
    from {{ ref('int_payee_period') }} as y
    left join estimated as e on y.program_key = e.program_key and y.period_id = e.period_id
    where e.program_key is null
    union all
    select program_key, payee_id, period_id, sum(amount)
    from {{ ref('int_accrual_share') }}
    where payee_id <> ''
    group by 1, 2, 3
),

running as (
    select
        e.program_key,
        e.payee_id,
        e.period_id,
        e.earned,
        g.cumulation,
        sum(e.earned) over (partition by e.program_key, e.payee_id order by d.period_start) as earned_to_date
    from amounts as e
    inner join {{ ref('int_program') }} as g on e.program_key = g.program_key
    inner join {{ ref('int_program_period') }} as d on e.program_key = d.program_key and e.period_id = d.period_id
)

select
    e.program_key,
    e.payee_id,
    e.period_id,
    case
        when e.cumulation = 'to_date' then cast(
            greatest(e.earned_to_date, cast(0 as decimal(38, 4))) - greatest(e.earned_to_date - e.earned, cast(0 as decimal(38, 4)))
            as decimal(38, 4))
        when e.earned >= 0 then cast(e.earned as decimal(38, 4))
        when coalesce(s.settled, 0) >= 0 then cast(0 as decimal(38, 4))
        when e.earned >= s.settled then cast(e.earned as decimal(38, 4))
        else cast(s.settled as decimal(38, 4))
    end as accrued_to_date
from running as e
left join settled as s
    on e.program_key = s.program_key and e.payee_id = s.payee_id and e.period_id = s.period_id
