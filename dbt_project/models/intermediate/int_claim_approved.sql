{{ config(materialized='view') }}

-- How much may be settled where a program pays only on an approved claim: what claims were approved for, shared over the
-- versions that measure the period in the order of their keys, up to what each earned.
with approved as (
    select program_id, partner_id, period_id, sum(approved_amount) as approved_amount
    from {{ ref('int_claim') }}
    group by 1, 2, 3
),

payouts as (
    select
        e.program_key,
        e.payee_id,
        e.period_id,
        p.program_id,
        e.earned,
        sum(e.earned) over (partition by p.program_id, e.payee_id, e.period_id order by e.program_key) as earned_so_far
    from {{ ref('int_payee_period') }} as e
    inner join {{ ref('int_program') }} as p on e.program_key = p.program_key
    where p.claim_required
)

select
    y.program_key,
    y.payee_id,
    y.period_id,
    cast(least(a.approved_amount, y.earned_so_far) - least(a.approved_amount, y.earned_so_far - y.earned) as {{ money() }}) as approved_amount
from payouts as y
inner join approved as a
    on y.program_id = a.program_id
    and y.payee_id = a.partner_id
    and y.period_id = a.period_id
