{{ config(materialized='view') }}

-- Answers of ERP and bank up to the as-of date, the newest row of each, with the payment that they mean and what they say of
-- it (semantics 11). A view: it sees the payments of the close that goes on. `effect`: what counts of an answer; none where
-- `reason` says why it needs a person. Answers take effect in the order of their dates: the first that says what became of the
-- payment is its outcome, a later return takes back what had been paid; one that says the same again is a repetition.
with payments as (
    select
        p.payment_id,
        p.payee_id,
        p.legal_entity,
        p.currency,
        p.amount,
        -- what the ERP files call line_key: the journal line of the payment's side
        cast(k.batch_number as {{ text() }}) || '-' || cast(k.journal_line as {{ text() }}) as line_key,
        m.minor_unit
    from {{ ref('int_payment') }} as p
    inner join {{ ref('currency') }} as m on p.currency = m.currency
    left join {{ ref('int_posting') }} as k
        on p.payment_id = k.payment_id
        and k.batch_kind = 'settlement'
        and k.program_key is null
),

replies as (
    select
        r.*,
        row_number() over (
            partition by r.payment_id, r.reply_date, r.status order by r.file_sequence desc, r.row_number desc
        ) as version_rank
    from {{ ref('stg_payment_reply') }} as r
    cross join {{ ref('stg_run_context') }} as c
    where r.reply_date <= c.as_of
),

matched as (
    select
        r.payment_id as reported_payment_id,
        r.reply_date,
        r.status,
        r.amount,
        r.currency,
        r.reference,
        r.reason as reply_reason,
        r.source,
        r.file_sequence,
        r.file_hash,
        r.row_number,
        coalesce(n.payment_id, k.payment_id) as payment_id,
        coalesce(n.payee_id, k.payee_id) as payee_id,
        coalesce(n.legal_entity, k.legal_entity) as legal_entity,
        coalesce(n.currency, k.currency) as payment_currency,
        abs(coalesce(n.amount, k.amount)) as payment_amount,
        coalesce(n.minor_unit, k.minor_unit) as minor_unit
    from replies as r
    left join payments as n on r.payment_id = n.payment_id
    left join payments as k on r.payment_id = k.line_key
    where r.version_rank = 1
),

judged as (
    select
        *,
        case
            when payment_id is null then 'unknown_payment'
            when currency <> payment_currency then 'currency_differs'
            when status in ('paid', 'rejected') and amount <> payment_amount then 'amount_differs'
            when status = 'partly_paid' and (amount is null or amount <= 0 or amount >= payment_amount) then 'amount_differs'
            when status = 'returned' and (amount <= 0 or amount > payment_amount) then 'amount_differs'
            when {{ scaled('amount', 4) }} % {{ power_of_ten('4 - minor_unit') }} <> 0 then 'amount_differs'
        end as problem
    from matched
),

placed as (
    select
        *,
        row_number() over (
            partition by payment_id, case when problem is null and status <> 'accepted' then 1 else 0 end
            order by reply_date, file_sequence, row_number
        ) as place
    from judged
),

outcomes as (
    select
        payment_id,
        place,
        status,
        -- what had been paid when the outcome was known, and what has not been
        case status when 'paid' then payment_amount when 'returned' then payment_amount when 'partly_paid' then amount else 0 end as paid,
        case status when 'rejected' then payment_amount when 'partly_paid' then payment_amount - amount else 0 end as unpaid
    from placed
    where problem is null and status <> 'accepted' and place = 1
),

returns as (
    select
        r.payment_id,
        min(r.place) as place
    from placed as r
    inner join outcomes as o on r.payment_id = o.payment_id
    where r.problem is null and r.status = 'returned' and o.paid > 0 and coalesce(r.amount, o.paid) <= o.paid
    group by r.payment_id
),

returned as (
    select
        r.payment_id,
        r.place,
        coalesce(r.amount, o.paid) as came_back
    from placed as r
    inner join returns as x on r.payment_id = x.payment_id and r.place = x.place
    inner join outcomes as o on r.payment_id = o.payment_id
    where r.problem is null and r.status = 'returned'
),

reopened as (
    select payment_id, abs(sum(amount)) as amount
    from {{ ref('int_payment_reversal') }}
    group by payment_id
),

effects as (
    select
        p.*,
        o.paid,
        o.unpaid,
        b.came_back,
        o.status as outcome_status,
        coalesce(d.amount, cast(0 as {{ money() }})) as reopened_amount,
        case
            when p.problem is not null then null
            when p.status = 'accepted' then 'accepted'
            when p.place = b.place then 'return'
            when p.place = 1 then 'outcome'
            when
                p.status = o.status and coalesce(p.amount, p.payment_amount) = case when o.status = 'partly_paid' then o.paid else p.payment_amount end
                and (b.place is null or p.place < b.place)
                then 'repetition'
            when p.status = 'returned' and p.place > b.place and coalesce(p.amount, b.came_back) = b.came_back then 'repetition'
        end as effect,
        case when p.place > b.place then 'returned' else o.status end as status_before
    from placed as p
    left join outcomes as o on p.payment_id = o.payment_id
    left join returned as b on p.payment_id = b.payment_id
    left join reopened as d on p.payment_id = d.payment_id
)

select
    reported_payment_id || '|' || cast(reply_date as {{ text() }}) || '|' || status as reply_id,
    reported_payment_id,
    payment_id,
    payee_id,
    legal_entity,
    reply_date,
    status,
    amount,
    coalesce(currency, payment_currency) as currency,
    payment_amount,
    reference,
    reply_reason,
    effect,
    -- of the outcome and the return: what stands as paid, and what may be paid again
    cast(case when effect = 'outcome' then paid when effect = 'return' then paid - came_back end as {{ money() }}) as paid_amount,
    cast(case when effect = 'outcome' then unpaid when effect = 'return' then unpaid + came_back end as {{ money() }}) as reopen_amount,
    case
        when problem is not null then problem
        when effect in ('outcome', 'return') and unpaid + coalesce(came_back, 0) < reopened_amount then 'already_reopened'
        when effect is not null then null
        when status = 'returned' and status_before = 'partly_paid' then 'amount_differs'
        else 'already_' || status_before
    end as reason,
    source,
    file_sequence,
    file_hash,
    row_number
from effects
