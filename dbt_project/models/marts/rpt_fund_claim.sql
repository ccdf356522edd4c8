-- Grain: one claim on a fund, as its newest file has it: what it drew, in the order of (claim date, claim), or why not.
with claims as (
    select
        c.*,
        coalesce(f.built_amount, cast(0 as {{ money() }})) as built_amount,
        sum(case when c.reason is null then c.payable_amount else cast(0 as {{ money() }}) end)
            over (partition by c.program_key, c.partner_id order by c.claim_date, c.claim_id) as claimed_so_far
    from {{ ref('int_fund_claim') }} as c
    left join {{ ref('fct_fund') }} as f
        on c.program_key = f.program_key
        and c.partner_id = f.partner_id
),

drawn as (
    select
        *,
        case
            when reason is null then least(claimed_so_far, built_amount) - least(claimed_so_far - payable_amount, built_amount)
            else 0
        end as drawn_amount
    from claims
)

select
    claim_id,
    program_id,
    program_key,
    partner_id,
    claim_date,
    amount,
    currency,
    status,
    approved_by,
    approved_on,
    payable_amount,
    cast(drawn_amount as {{ money() }}) as drawn_amount,
    case when reason is null and drawn_amount < payable_amount then 'exceeds_fund' else reason end as reason,
    source,
    file_sequence,
    file_hash,
    row_number
from drawn
