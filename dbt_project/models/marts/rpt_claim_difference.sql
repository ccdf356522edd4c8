-- Grain: claim line and reason (claim line '': the claim as a whole): why what is claimed is not what was earned. The amounts of a
-- claim add up to its difference, to the cent: quantities are valued at what was earned per unit, what is left is the price.
with eligible as (
    select l.claim_key, l.claim_line_number, min(x.reason) as reason
    from {{ ref('int_claim_line') }} as l
    inner join {{ ref('int_line') }} as n
        on l.document_number = n.document_number
        and (l.line_number is null or l.line_number = n.line_number)
        and (l.product_id is null or l.line_number is not null or l.product_id = n.product_id)
        and l.partner_id in (n.sold_to_id, n.ship_to_id, n.distributor_id, n.reseller_id)
    inner join {{ ref('int_program') }} as p on l.matched_program_id = p.program_id
    inner join {{ ref('rpt_excluded_line') }} as x
        on n.line_key = x.line_key
        and p.program_key = x.program_key
    where l.reason = 'not_eligible'
    group by 1, 2
),

lines as (
    select
        l.*,
        case
            when l.reason = 'not_eligible' then coalesce(x.reason, 'product_not_eligible')
            when l.claim_kind = 'period' then coalesce(l.reason, 'currency')
            else l.reason
        end as why_nothing,
        l.claimed_amount - l.earned_amount as difference,
        c.minor_unit,
        -- whether claimed and paid quantity can be compared
        l.claimed_base_quantity is not null and l.paid_quantity > 0 and l.claimed_base_quantity > 0 and l.claimed_before_amount = 0 as has_quantities
    from {{ ref('int_claim_line') }} as l
    inner join {{ ref('int_claim') }} as c on l.claim_key = c.claim_key
    left join eligible as x on l.claim_key = x.claim_key and l.claim_line_number = x.claim_line_number
    where l.claim_kind <> 'period' or c.unmatched_lines > 0
),

-- in minor units: what was earned per unit, times the quantity that is claimed beyond the line's, and the line's beyond the authorised
valued as (
    select
        *,
        {%- for name, quantity in [('quantity_minor', '(claimed_base_quantity - base_quantity)'), ('exceeded_minor', '(base_quantity - paid_quantity)')] %}
        case
            when why_nothing is null and has_quantities
                then {{ rounded_quotient(scaled('earned_amount', 4) ~ ' * ' ~ scaled(quantity, 10), scaled('paid_quantity', 10) ~ ' * ' ~ power_of_ten('4 - minor_unit')) }}
            else 0
        end as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from lines
),

money as (
    select
        *,
        case
            when why_nothing is null and earned_amount = 0 then claimed_amount
            when why_nothing is null then greatest(least(claimed_before_amount, difference), 0)
            else 0
        end as before_amount,
        {{ minor_to_money('quantity_minor', 'coalesce(minor_unit, 2)') }} as quantity_amount,
        {{ minor_to_money('exceeded_minor', 'coalesce(minor_unit, 2)') }} as exceeded_amount
    from valued
),

reasons as (
    select claim_key, claim_line_number, why_nothing as reason, claimed_amount as amount
    from money
    where why_nothing is not null
    union all
    select
        claim_key,
        claim_line_number,
        case when claimed_before_amount = 0 then 'nothing_earned' else 'already_claimed' end,
        before_amount
    from money
    where why_nothing is null
    union all
    select claim_key, claim_line_number, 'quantity_differs', quantity_amount
    from money
    where why_nothing is null and has_quantities
    union all
    select claim_key, claim_line_number, 'authorization_exceeded', exceeded_amount
    from money
    where why_nothing is null and has_quantities
    union all
    select
        claim_key,
        claim_line_number,
        case when has_quantities then 'price_differs' else 'amount_differs' end,
        difference - before_amount - quantity_amount - exceeded_amount
    from money
    where why_nothing is null
    union all
    -- what other claims have taken of what was earned in the program and period
    select claim_key, '', 'already_claimed', own_amount - earned_amount
    from {{ ref('int_claim') }}
    union all
    select
        claim_key,
        '',
        case when own_amount = 0 then 'nothing_earned' when claimed_amount > own_amount then 'more_than_earned' else 'less_than_earned' end,
        claimed_amount - own_amount
    from {{ ref('int_claim') }}
    where claim_kind = 'period' and unmatched_lines = 0
)

select
    r.claim_key,
    r.claim_line_number,
    r.reason,
    c.partner_id,
    c.claim_number,
    c.program_id,
    c.period_id,
    c.currency,
    cast(r.amount as {{ money() }}) as amount
from reasons as r
inner join {{ ref('int_claim') }} as c on r.claim_key = c.claim_key
where r.amount <> 0
