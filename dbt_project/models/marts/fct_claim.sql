{{ config(tags=['books']) }}

-- Grain: one claim as it is decided (partner, claim number, program, period and, of price claims, authorisation): what was
-- claimed, what was earned, what became of it. Paid: what was settled for the payout, less what was rejected or sent back of it,
-- reaches what this claim and those before it were approved for.
with approved as (
    select
        *,
        sum(approved_amount) over (
            partition by partner_id, program_id, period_id order by turn_place rows between unbounded preceding and current row
        ) as approved_so_far
    from {{ ref('int_claim') }}
),

-- of payments what was neither rejected nor sent back: less what the ledger has reopened, and what it is still to reopen
settled as (
    select program_id, payee_id, period_id, payment_id, amount from {{ ref('int_payment_line') }}
    union all
    select program_id, payee_id, period_id, payment_id, -amount from {{ ref('int_payment_reversal') }}
    union all
    select program_id, payee_id, period_id, payment_id, -amount from {{ ref('int_payment_reopen') }}
),

payments as (
    select
        l.program_id,
        l.payee_id,
        l.period_id,
        l.payment_id,
        t.payment_date,
        sum(sum(l.amount)) over (
            partition by l.program_id, l.payee_id, l.period_id
            order by t.payment_date, l.payment_id
            rows between unbounded preceding and current row
        ) as paid_so_far
    from settled as l
    inner join {{ ref('int_payment') }} as t on l.payment_id = t.payment_id
    group by 1, 2, 3, 4, 5
),

paying as (
    select
        a.claim_key,
        p.payment_id,
        p.payment_date,
        row_number() over (partition by a.claim_key order by p.payment_date, p.payment_id) as place
    from approved as a
    inner join payments as p
        on a.program_id = p.program_id
        and a.partner_id = p.payee_id
        and a.period_id = p.period_id
    where a.approved_amount > 0 and p.paid_so_far >= a.approved_so_far
),

-- the greatest difference names the claim's reason where no decision does
reasons as (
    select
        claim_key,
        reason,
        row_number() over (partition by claim_key order by abs(amount) desc, reason, claim_line_number) as place
    from {{ ref('rpt_claim_difference') }}
)

select
    a.claim_key,
    a.partner_id,
    a.claim_number,
    a.program_id,
    a.period_id,
    a.authorization_number,
    a.legal_entity,
    a.currency,
    a.claim_kind,
    a.claim_date,
    a.line_count,
    a.claimed_amount,
    a.earned_amount,
    a.difference,
    case when p.payment_id is not null then 'paid' else a.status end as status,
    a.approved_amount,
    coalesce(a.reason, d.reason) as reason,
    a.decided_by,
    a.decided_on,
    a.comment,
    a.owner,
    a.due_date,
    a.decision_number,
    p.payment_id,
    p.payment_date,
    case when p.payment_date < a.claim_date then 0 else {{ days_between('a.claim_date', 'p.payment_date') }} end as days_to_payment
from approved as a
left join paying as p on a.claim_key = p.claim_key and p.place = 1
left join reasons as d on a.claim_key = d.claim_key and d.place = 1
