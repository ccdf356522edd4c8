-- Each member's part of a payout shared over its payees by their shares of the payout base (semantics 7 and 9).
with payees as (
    select
        l.payout_id,
        l.member_id,
        l.payee_id,
        m.amount_minor as member_minor,
        sum(l.payee_weight) as payee_weight
    from {{ ref('int_payee_line') }} as l
    inner join {{ ref('int_payout_member') }} as m
        on l.payout_id = m.payout_id
        and l.member_id = m.member_id
    group by 1, 2, 3, 4
),

payee_share as {{ share_by_largest_remainder('payees', ['payout_id', 'member_id', 'payee_id'], ['payout_id', 'member_id'], ['payee_id'], 'member_minor', 'payee_weight', 'amount_minor') }}

select payout_id, member_id, payee_id, amount_minor
from payee_share
