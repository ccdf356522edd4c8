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

-- the lines' sums that carry each payout: those of its period, under to_date those of all periods so far
carriers as (
    select
        o.payout_id,
        o.program_key,
        s.member_id,
        s.payee_number,
        s.payee_id,
        o.to_date_minor,
        y.share,
        {{ scaled("sum(case when o.rate_kind = 'per_unit' then s.base_quantity else s.amount end)") }} as weight
    from payouts as o
    inner join {{ ref('int_participant_period') }} as q
        on o.program_key = q.program_key
        and o.participant_id = q.participant_id
        and (q.period_number = o.period_number or o.cumulation = 'to_date' and q.period_number < o.period_number)
    inner join {{ ref('int_scope_sum') }} as s
        on o.scope_key = s.scope_key
        and q.participant_id = s.participant_id
        and q.period_id = s.period_id
        and s.line_use = 'current'
    inner join {{ ref('stg_program_payee') }} as y on s.program_key = y.program_key and s.payee_number = y.payee_number
    group by 1, 2, 3, 4, 5, 6, 7
),

members as (
    select payout_id, program_key, member_id, to_date_minor, sum(weight) as member_weight
    from carriers
    where payee_number = 1
    group by 1, 2, 3, 4
),

-- only groups have several members, and only some programs several payees: what is nobody else's needs no sharing
grouped as (
    select m.*
    from members as m
    inner join {{ ref('int_program') }} as p on m.program_key = p.program_key and p.aggregate = 'group'
),

group_share as {{ share_by_largest_remainder('grouped', ['payout_id', 'member_id'], ['payout_id'], ['member_id'], 'to_date_minor', 'member_weight', 'member_minor') }},

member_share as (
    select payout_id, member_id, member_minor from group_share
    union all
    select m.payout_id, m.member_id, m.to_date_minor
    from members as m
    inner join {{ ref('int_program') }} as p on m.program_key = p.program_key and p.aggregate <> 'group'
),

direct as (
    select program_key
    from {{ ref('stg_program_payee') }}
    group by 1
    having count(*) = 1 and max(role) = 'participant'
),

payees as (
    select
        c.payout_id,
        c.member_id,
        c.payee_id,
        m.member_minor,
        sum({{ whole('c.share * 100') }} * c.weight) as payee_weight
    from carriers as c
    inner join member_share as m on c.payout_id = m.payout_id and c.member_id = m.member_id
    left join direct as d on c.program_key = d.program_key
    where d.program_key is null
    group by 1, 2, 3, 4
),

payee_share as (
    select payout_id, member_id, payee_id, payee_minor
    from {{ share_by_largest_remainder('payees', ['payout_id', 'member_id', 'payee_id'], ['payout_id', 'member_id'], ['payee_id'], 'member_minor', 'payee_weight', 'payee_minor') }} as shared
    union all
    select m.payout_id, m.member_id, m.member_id, m.member_minor
    from member_share as m
    inner join payouts as o on m.payout_id = o.payout_id
    inner join direct as d on o.program_key = d.program_key
),

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
