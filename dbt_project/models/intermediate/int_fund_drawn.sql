-- Claims that draw a fund down, per partner: approved, made and approved by the as-of date, not after the fund expired.
select
    program_key,
    partner_id,
    cast(sum(payable_amount) as {{ money() }}) as approved_amount,
    count(*) as claim_count,
    max(claim_date) as last_claim_date
from {{ ref('int_fund_claim') }}
where reason is null
group by 1, 2
