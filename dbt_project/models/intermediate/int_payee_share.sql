-- Each payout shared over the members whose lines it measured, in proportion to payout base, and each member's part over
-- its payees by their shares of it (semantics 7 and 9). The earning lines carry a payout; one without any (a lump sum for
-- target lines alone) is carried by its target lines. Under to_date the running sum is shared, over the lines of all
-- periods so far, and the period's part is the difference to the previous period's.
with payouts as (
    select
        o.payout_id,
        o.program_key,
        o.participant_id,
        o.period_number,
        o.cumulation,
        o.to_date_minor,
        lead(o.payout_id) over (partition by o.program_key, o.participant_id order by o.period_number) as following_payout_id,
        case when b.earning_lines > 0 then p.earning_scope else p.target_scope end as scope_key,
        p.rate_kind
    from {{ ref('int_payout') }} as o
    inner join {{ ref('int_basis') }} as b on o.payout_id = b.payout_id
    inner join {{ ref('int_program') }} as p on o.program_key = p.program_key
    where (o.to_date_minor <> 0 or o.payout_minor <> 0) and b.target_lines + b.earning_lines > 0
),

{{ payee_shares() }},

changes as (
    select payout_id, member_id, payee_id, payee_minor as to_date_minor, payee_minor as amount_minor
    from payee_share
    union all
    select o.following_payout_id, s.member_id, s.payee_id, {{ whole(0) }}, -s.payee_minor
    from payee_share as s
    inner join payouts as o
        on s.payout_id = o.payout_id
        and o.cumulation = 'to_date'
        and o.following_payout_id is not null
)

select
    row_number() over (order by payout_id, member_id, payee_id) as share_number,
    payout_id,
    member_id,
    payee_id,
    cast(sum(to_date_minor) as {{ whole_type() }}) as to_date_minor,
    cast(sum(amount_minor) as {{ whole_type() }}) as amount_minor
from changes
group by payout_id, member_id, payee_id
