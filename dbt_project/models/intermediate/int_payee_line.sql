-- Who is entitled on each line that carries a payout: each payee role resolved on the line, else its fallback, else
-- nobody (payee_id ''), which is reported and not paid (semantics 7). A line that reaches a payee through two roles
-- counts with both shares.
select
    l.payout_id,
    l.member_id,
    coalesce(
        case y.role
            when 'participant' then l.member_id
            when 'sold_to' then n.sold_to_id
            when 'ship_to' then n.ship_to_id
            when 'distributor' then n.distributor_id
            when 'reseller' then n.reseller_id
            when 'group_head' then e.group_id
        end,
        y.fallback_partner_id,
        ''
    ) as payee_id,
    l.line_key,
    l.program_key,
    l.fx_rate,
    max(l.payout_base) as payout_base,
    sum({{ whole('y.share * 100') }} * l.weight) as payee_weight
from {{ ref('int_payout_line') }} as l
inner join {{ ref('stg_program_payee') }} as y on l.program_key = y.program_key
inner join {{ ref('int_line') }} as n on l.line_key = n.line_key
left join {{ ref('int_partner_episode') }} as e
    on l.member_id = e.partner_id
    and n.document_date between e.valid_from and e.valid_to
group by 1, 2, 3, 4, 5, 6
