{{ config(materialized='view') }}

-- What of payments that were rejected, paid in part or sent back is to be reopened, and is not yet (semantics 11): the part
-- shared over what is left of the payment's lines, to the cent by largest remainder. A view: after posting it is empty.
with reversed as (
    select payment_id, program_key, period_id, sum(amount) as amount
    from {{ ref('int_payment_reversal') }}
    group by 1, 2, 3
),

lines as (
    select
        l.payment_id,
        l.program_key,
        l.program_id,
        l.payee_id,
        l.period_id,
        l.legal_entity,
        l.currency,
        p.instrument,
        m.minor_unit,
        l.amount - coalesce(r.amount, 0) as live,
        {{ whole("cast((l.amount - coalesce(r.amount, 0)) * 10000 as decimal(38, 0))") }} as weight
    from {{ ref('int_payment_line') }} as l
    inner join {{ ref('int_payment') }} as p on l.payment_id = p.payment_id
    inner join {{ ref('currency') }} as m on l.currency = m.currency
    left join reversed as r
        on l.payment_id = r.payment_id and l.program_key = r.program_key and l.period_id = r.period_id
),

live as (
    select payment_id, sum(live) as live
    from lines
    group by 1
),

-- the last effect of a payment says how much of it is to be paid again in all
wanted as (
    select
        r.payment_id,
        max(r.reopen_amount) as reopen_amount,
        max(case when r.effect = 'return' then 1 else 0 end) as is_returned
    from {{ ref('int_payment_reply') }} as r
    where r.effect in ('outcome', 'return') and r.reason is null
    group by 1
),

due as (
    select
        w.payment_id,
        case when w.is_returned = 1 then 'payment_returned' else 'payment_rejected' end as cause,
        -- in all less what is reopened already; of an invoice both are below zero
        case when p.amount < 0 then -1 else 1 end * (w.reopen_amount - (abs(p.amount) - abs(v.live))) as amount
    from wanted as w
    inner join {{ ref('int_payment') }} as p on w.payment_id = p.payment_id
    inner join live as v on w.payment_id = v.payment_id
    where w.reopen_amount > abs(p.amount) - abs(v.live)
),

sharing as (
    select
        l.*,
        d.cause,
        {{ quotient(whole("cast(d.amount * 10000 as decimal(38, 0))"), power_of_ten('4 - l.minor_unit')) }} as amount_minor
    from lines as l
    inner join due as d on l.payment_id = d.payment_id
    where l.live <> 0
),

shared as {{ share_by_largest_remainder('sharing', ['payment_id', 'program_key', 'program_id', 'payee_id', 'period_id', 'legal_entity', 'currency', 'instrument', 'minor_unit', 'cause'], ['payment_id'], ['program_key', 'period_id'], 'amount_minor', 'weight', 'line_minor') }}

select
    payment_id,
    program_key,
    program_id,
    payee_id,
    period_id,
    legal_entity,
    currency,
    instrument,
    {{ minor_to_money('line_minor', 'minor_unit') }} as amount,
    cause
from shared
where line_minor <> 0
