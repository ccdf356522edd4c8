{{ config(tags=['books']) }}

-- Grain: one payment. Read back from the ledger, up to the run's accounting month, with what the ERP or the bank answered by the
-- as-of date, and what of it the ledger has reopened since.
with effects as (
    select
        *,
        row_number() over (
            partition by payment_id
            order by case effect when 'return' then 1 when 'outcome' then 2 else 3 end, reply_date desc, file_sequence desc, row_number desc
        ) as place
    from {{ ref('int_payment_reply') }}
    where effect in ('accepted', 'outcome', 'return')
),

paid as (
    select payment_id, max(reply_date) as paid_on
    from {{ ref('int_payment_reply') }}
    where effect = 'outcome' and status in ('paid', 'partly_paid')
    group by payment_id
),

reopened as (
    select payment_id, sum(amount) as amount
    from {{ ref('int_payment_reversal') }}
    group by payment_id
)

select
    p.payment_id,
    p.batch_number,
    p.accounting_month,
    p.payee_id,
    p.legal_entity,
    p.currency,
    p.instrument,
    p.amount,
    p.payment_date,
    coalesce(e.status, 'sent') as status,
    cast(case when p.amount < 0 then -1 else 1 end * coalesce(e.paid_amount, 0) as {{ money() }}) as paid_amount,
    d.paid_on,
    e.reference,
    e.reply_reason as reason,
    cast(coalesce(r.amount, 0) as {{ money() }}) as reopened_amount
from {{ ref('int_payment') }} as p
left join effects as e on p.payment_id = e.payment_id and e.place = 1
left join paid as d on p.payment_id = d.payment_id
left join reopened as r on p.payment_id = r.payment_id
