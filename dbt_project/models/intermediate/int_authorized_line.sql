-- What the authorisations of price-difference programs pay on each line of the earning scope (semantics 5). A line draws from
-- the row of its number whose partner, end customer, product and dates it meets; excluded_reason names the first of them that no
-- row meets together with those before. A row's quantity is used up in the order of (document date, line); returns give it back.
with candidates as (
    select
        c.program_key,
        c.scope_key,
        c.line_key,
        c.member_id,
        c.end_customer_id,
        c.product_id,
        c.document_date,
        c.authorization_number,
        c.amount,
        c.base_quantity
    from {{ ref('int_scope_candidate') }} as c
    inner join {{ ref('int_program') }} as p
        on c.scope_key = p.earning_scope
        and p.kind = 'price_difference'
    where
        c.is_judged_by_line
        and c.line_use = 'current'
        and c.excluded_reason is null
),

graded as (
    select
        c.program_key,
        c.line_key,
        a.authorization_id,
        case
            when a.authorization_id is null then 0
            when c.member_id <> a.partner_id then 1
            when c.end_customer_id is null or c.end_customer_id <> a.end_customer_id then 2
            when c.product_id <> a.product_id then 3
            when c.document_date not between a.valid_from and a.valid_to then 4
            else 5
        end as fields_met
    from candidates as c
    left join {{ ref('stg_program_authorization') }} as a
        on c.program_key = a.program_key
        and c.authorization_number = a.authorization_number
),

ranked as (
    select
        *,
        row_number() over (partition by program_key, line_key order by fields_met desc, authorization_id) as place
    from graded
),

-- documents whose rows of one number overlap are refused, so that at most one row is met in full
matched as (
    select
        c.*,
        r.fields_met,
        a.authorization_id,
        a.authorized_quantity,
        a.reference_cost,
        a.unit_amount,
        a.protected_margin,
        sum(c.base_quantity) over (partition by a.authorization_id order by c.document_date, c.line_key) as quantity_so_far
    from candidates as c
    inner join ranked as r
        on c.program_key = r.program_key
        and c.line_key = r.line_key
        and r.place = 1
    left join {{ ref('stg_program_authorization') }} as a
        on r.authorization_id = a.authorization_id
        and r.fields_met = 5
),

paid as (
    select
        *,
        case
            when authorization_id is null then cast(0 as {{ measure() }})
            else
                cast(
                    least(quantity_so_far, authorized_quantity)
                    - least(quantity_so_far - base_quantity, authorized_quantity) as {{ measure() }}
                )
        end as paid_quantity
    from matched
),

-- margin protection: (protected margin x resale - resale + reference cost x quantity) x the paid part of the line's quantity
resold as (
    select
        program_key,
        line_key,
        {{ scaled('reference_cost', 4) }} * {{ scaled('base_quantity', 10) }} * {{ whole(1000000) }}
        - ({{ whole(100000000) }} - {{ scaled('protected_margin', 8) }}) * {{ scaled('amount') }} as margin_scaled,
        {{ scaled('paid_quantity', 10) }} as paid_scaled,
        {{ scaled('base_quantity', 10) }} as base_scaled
    from paid
    where protected_margin is not null and paid_quantity <> 0
),

-- a line that is sold is never paid less than nothing, one that comes back never more
protected as (
    select
        program_key,
        line_key,
        case when paid_scaled < 0 then -1 else 1 end as sign,
        abs(paid_scaled) as paid_scaled,
        case when paid_scaled < 0 then -margin_scaled else margin_scaled end as margin_scaled,
        abs(base_scaled) * {{ whole(100000000) }} as base_scaled
    from resold
    where case when paid_scaled < 0 then margin_scaled < 0 else margin_scaled > 0 end
),

part_of_margin as {{ multiply_divide('protected', ['program_key', 'line_key', 'sign'], 'paid_scaled', 'margin_scaled', 'base_scaled', 'price_scaled') }},

priced as (
    select
        p.*,
        case
            when p.paid_quantity = 0 then {{ whole(0) }}
            when p.protected_margin is not null then coalesce(m.sign * m.price_scaled, {{ whole(0) }})
            else {{ quotient(scaled('p.unit_amount') ~ ' * ' ~ scaled('p.paid_quantity', 10), whole(10000000000)) }}
        end as price_scaled
    from paid as p
    left join part_of_margin as m on p.program_key = m.program_key and p.line_key = m.line_key
)

select
    program_key,
    scope_key,
    line_key,
    authorization_id,
    paid_quantity,
    case when authorization_id is null then cast(0 as {{ measure() }}) else base_quantity - paid_quantity end as exceeded_quantity,
    {{ unscaled('price_scaled') }} as price_amount,
    case
        when authorization_number is null then 'no_authorization'
        when fields_met = 0 then 'authorization_unknown'
        when fields_met = 1 then 'authorization_partner'
        when fields_met = 2 then 'authorization_end_customer'
        when fields_met = 3 then 'authorization_product'
        when fields_met = 4 then 'authorization_date'
        when paid_quantity = 0 and base_quantity <> 0 then 'authorization_exceeded'
    end as excluded_reason
from priced
