-- What the report by segments says was earned is what was paid out, program by program: no line is left out or stands twice.
with reported as (
    select program_key, sum(earned) as earned
    from {{ ref('rpt_program_performance') }}
    group by 1
),

payouts as (
    select program_key, sum(amount) as earned
    from {{ ref('fct_payout') }}
    group by 1
)

select
    coalesce(r.program_key, p.program_key) as program_key,
    r.earned as reported,
    p.earned
from reported as r
full outer join payouts as p on r.program_key = p.program_key
where coalesce(r.earned, 0) <> coalesce(p.earned, 0)
