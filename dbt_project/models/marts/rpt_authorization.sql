-- Grain: one authorisation row of a price-difference program: quantity authorised, claimed by lines, paid, open and exceeded.
with lines as (
    select
        a.authorization_id,
        count(*) as line_count,
        max(n.document_date) as last_line_date,
        sum(a.paid_quantity) as paid_quantity,
        sum(a.exceeded_quantity) as exceeded_quantity,
        sum(a.price_amount) as price_amount
    from {{ ref('int_authorized_line') }} as a
    inner join {{ ref('int_line') }} as n on a.line_key = n.line_key
    where a.authorization_id is not null
    group by 1
),

payouts as (
    select a.authorization_id, sum(r.amount) as amount
    from {{ ref('int_authorized_line') }} as a
    inner join {{ ref('fct_line_rebate') }} as r
        on a.program_key = r.program_key
        and a.line_key = r.line_key
    where a.authorization_id is not null
    group by 1
)

select
    a.authorization_id,
    a.program_key,
    p.program_id,
    a.authorization_number,
    a.partner_id,
    a.end_customer_id,
    a.product_id,
    a.valid_from,
    a.valid_to,
    p.currency,
    cast(a.authorized_quantity as decimal(38, 12)) as authorized_quantity,
    cast(coalesce(l.paid_quantity, 0) + coalesce(l.exceeded_quantity, 0) as decimal(38, 12)) as claimed_quantity,
    cast(coalesce(l.paid_quantity, 0) as decimal(38, 12)) as paid_quantity,
    cast(a.authorized_quantity - coalesce(l.paid_quantity, 0) as decimal(38, 12)) as open_quantity,
    cast(coalesce(l.exceeded_quantity, 0) as decimal(38, 12)) as exceeded_quantity,
    coalesce(l.line_count, 0) as line_count,
    l.last_line_date,
    cast(coalesce(l.price_amount, 0) as decimal(38, 12)) as price_amount,
    cast(coalesce(o.amount, 0) as {{ money() }}) as amount
from {{ ref('stg_program_authorization') }} as a
inner join {{ ref('int_program') }} as p on a.program_key = p.program_key
left join lines as l on a.authorization_id = l.authorization_id
left join payouts as o on a.authorization_id = o.authorization_id
