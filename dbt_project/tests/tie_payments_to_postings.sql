{{ config(tags=['books']) }}

-- Payments, their lines and the settlement's journal are one figure, payment by payment.
with lines as (
    select payment_id, sum(amount) as amount from {{ ref('fct_payment_line') }} group by 1
),

journal as (
    select payment_id, sum(debit - credit) as amount
    from {{ ref('fct_posting') }}
    where batch_kind = 'settlement' and account_role = 'accrued_rebates'
    group by 1
)

select
    coalesce(p.payment_id, l.payment_id, j.payment_id) as payment_id,
    p.amount,
    l.amount as line_amount,
    j.amount as journal_amount
from {{ ref('fct_payment') }} as p
full outer join lines as l on p.payment_id = l.payment_id
full outer join journal as j on coalesce(p.payment_id, l.payment_id) = j.payment_id
where coalesce(p.amount, 0) <> coalesce(l.amount, 0) or coalesce(p.amount, 0) <> coalesce(j.amount, 0)
