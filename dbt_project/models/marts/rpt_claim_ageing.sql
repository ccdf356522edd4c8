{{ config(tags=['books']) }}

-- Grain: partner, program, currency, status and age at the as-of date: claims that are not over yet (in review, disputed, approved and
-- not paid). A claim without a program counts under ''.
select
    c.partner_id,
    coalesce(c.program_id, '') as program_id,
    c.currency,
    c.status,
    case
        when {{ days_between('c.claim_date', 'r.as_of') }} <= 30 then '0-30'
        when {{ days_between('c.claim_date', 'r.as_of') }} <= 60 then '31-60'
        when {{ days_between('c.claim_date', 'r.as_of') }} <= 90 then '61-90'
        else 'over 90'
    end as age_bucket,
    count(*) as claims,
    cast(sum(c.claimed_amount) as {{ money() }}) as claimed_amount,
    cast(sum(c.approved_amount) as {{ money() }}) as approved_amount,
    min(c.claim_date) as oldest_claim_date
from {{ ref('fct_claim') }} as c
cross join {{ ref('stg_run_context') }} as r
where c.status not in ('paid', 'rejected')
group by 1, 2, 3, 4, 5
