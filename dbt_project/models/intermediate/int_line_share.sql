-- Each payee's part of a payout shared over the lines that carry it, in proportion to payout base (semantics 9); where a
-- line reaches a payee through two roles it counts with both shares. Under to_date as in int_payee_share: over the lines of
-- all periods so far, less the previous period's part.
with payouts as (
    select
        o.payout_id,
        o.program_key,
        o.participant_id,
        o.period_id,
        o.period_number,
        o.cumulation,
        lead(o.payout_id) over (partition by o.program_key, o.participant_id order by o.period_number) as following_payout_id,
        case when b.earning_lines > 0 then p.earning_scope else p.target_scope end as scope_key,
        p.rate_kind,
        p.minor_unit
    from {{ ref('int_payout') }} as o
    inner join {{ ref('int_basis') }} as b on o.payout_id = b.payout_id
    inner join {{ ref('int_program') }} as p on o.program_key = p.program_key
    where o.to_date_minor <> 0 or o.payout_minor <> 0
),

-- which payouts the lines of a period carry: its own, under to_date also the later ones
carried as (
    select
        o.payout_id,
        o.scope_key,
        o.rate_kind,
        q.participant_id,
        q.period_id
    from payouts as o
    inner join {{ ref('int_participant_period') }} as q
        on o.program_key = q.program_key
        and o.participant_id = q.participant_id
        and (q.period_number = o.period_number or o.cumulation = 'to_date' and q.period_number < o.period_number)
),

lines as (
    select
        o.payout_id,
        l.member_id,
        {{ payee_of('y', 'l') }} as payee_id,
        l.line_key,
        l.program_key,
        l.fx_rate,
        max(case when o.rate_kind = 'per_unit' then l.base_quantity else l.amount end) as payout_base,
        sum({{ whole('y.share * 100') }} * {{ scaled("case when o.rate_kind = 'per_unit' then l.base_quantity else l.amount end") }}) as weight
    from {{ ref('int_scope_line') }} as l
    inner join carried as o
        on l.scope_key = o.scope_key
        and l.participant_id = o.participant_id
        and l.period_id = o.period_id
    inner join {{ ref('stg_program_payee') }} as y on l.program_key = y.program_key
    where l.excluded_reason is null and l.line_use = 'current' and l.carries_payout
    group by 1, 2, 3, 4, 5, 6
),

weighted as (
    select l.*, s.to_date_minor
    from lines as l
    inner join {{ ref('int_payee_share') }} as s
        on l.payout_id = s.payout_id
        and l.member_id = s.member_id
        and l.payee_id = s.payee_id
),

line_share as {{ share_by_largest_remainder('weighted', ['payout_id', 'member_id', 'payee_id', 'line_key', 'program_key', 'fx_rate', 'payout_base'], ['payout_id', 'member_id', 'payee_id'], ['line_key'], 'to_date_minor', 'weight', 'line_minor') }},

changes as (
    select s.payout_id, s.member_id, s.payee_id, s.line_key, s.program_key, s.fx_rate, s.payout_base, s.line_minor
    from line_share as s
    inner join payouts as o on s.payout_id = o.payout_id and o.cumulation = 'to_date'
    union all
    select o.following_payout_id, s.member_id, s.payee_id, s.line_key, s.program_key, s.fx_rate, s.payout_base, -s.line_minor
    from line_share as s
    inner join payouts as o
        on s.payout_id = o.payout_id
        and o.cumulation = 'to_date'
        and o.following_payout_id is not null
),

parts as (
    select s.payout_id, s.member_id, s.payee_id, s.line_key, s.program_key, s.fx_rate, s.payout_base, s.line_minor
    from line_share as s
    inner join payouts as o on s.payout_id = o.payout_id and o.cumulation = 'reset'
    union all
    select payout_id, member_id, payee_id, line_key, program_key, fx_rate, payout_base, sum(line_minor)
    from changes
    group by 1, 2, 3, 4, 5, 6, 7
    having sum(line_minor) <> 0
)

select
    s.payout_id,
    s.member_id,
    s.payee_id,
    s.line_key,
    s.program_key,
    s.fx_rate,
    s.payout_base,
    {{ minor_to_money('s.line_minor', 'p.minor_unit') }} as amount
from parts as s
inner join {{ ref('int_program') }} as p on s.program_key = p.program_key
