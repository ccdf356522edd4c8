-- A payout shared over the members whose lines it measured, in proportion to payout base (semantics 7 and 9).
with members as (
    select
        l.payout_id,
        l.member_id,
        o.payout_minor,
        sum(l.weight) as member_weight
    from {{ ref('int_payout_line') }} as l
    inner join {{ ref('int_payout') }} as o on l.payout_id = o.payout_id
    group by 1, 2, 3
),

member_share as {{ share_by_largest_remainder('members', ['payout_id', 'member_id'], ['payout_id'], ['member_id'], 'payout_minor', 'member_weight', 'amount_minor') }}

select payout_id, member_id, amount_minor
from member_share
