{{ config(tags=['books']) }}

-- Grain: partner and program (each '': all of them): how long paid claims took from their date to their payment. Median and
-- 90th percentile are days of a claim (nearest rank); the aim is under 30 days (semantics 11).
with views as (
    select 1 as by_partner, 1 as by_program
    union all
    select 1, 0
    union all
    select 0, 1
    union all
    select 0, 0
),

paid as (
    select
        case when v.by_partner = 1 then c.partner_id else '' end as partner_id,
        case when v.by_program = 1 then c.program_id else '' end as program_id,
        c.claim_key,
        c.days_to_payment
    from {{ ref('fct_claim') }} as c
    cross join views as v
    where c.status = 'paid'
),

ranked as (
    select
        *,
        row_number() over (partition by partner_id, program_id order by days_to_payment, claim_key) as place,
        count(*) over (partition by partner_id, program_id) as claims
    from paid
)

select
    partner_id,
    program_id,
    claims,
    min(case when place * 2 >= claims then days_to_payment end) as median_days,
    min(case when place * 10 >= claims * 9 then days_to_payment end) as percentile_90_days,
    max(days_to_payment) as longest_days,
    cast({{ quotient('sum(case when days_to_payment > 30 then 10000 else 0 end)', 'claims') }} as decimal(9, 0)) * cast(0.0001 as decimal(5, 4)) as share_above_30_days
from ranked
group by partner_id, program_id, claims
