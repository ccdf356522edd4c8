-- Each payee's part of a payout shared over the lines that carry it, in proportion to payout base (semantics 9); where a
-- line reaches a payee through two roles it counts with both shares. Under to_date as in int_payee_share: over the lines of
-- all periods so far, less the previous period's part. The largest table there is: numbers only, texts stand in
-- int_payee_share and int_line (put together in int_line_share). Grain: share (of int_payee_share), line (file row).
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
        p.rate_kind = 'per_unit' as is_per_unit,
        p.minor_unit
    from {{ ref('int_payout') }} as o
    inner join {{ ref('int_basis') }} as b on o.payout_id = b.payout_id
    inner join {{ ref('int_program') }} as p on o.program_key = p.program_key
    where o.to_date_minor <> 0 or o.payout_minor <> 0
),

shares as (
    select
        s.share_number,
        s.payout_id,
        s.member_id,
        s.payee_id,
        s.to_date_minor,
        o.cumulation = 'to_date' as is_to_date,
        o.minor_unit,
        o.following_payout_id
    from {{ ref('int_payee_share') }} as s
    inner join payouts as o on s.payout_id = o.payout_id
),

-- programs that pay the participant alone: the payee is the member, whatever the line
direct as (
    select program_key
    from {{ ref('stg_program_payee') }}
    group by 1
    having count(*) = 1 and max(role) = 'participant'
),

-- which shares the lines of a period and member go to: its own payout's, under to_date also the later ones'
targets as (
    select
        o.scope_key,
        q.participant_id,
        q.period_id,
        s.member_id,
        o.payout_id,
        o.is_per_unit,
        s.share_number,
        cast(null as {{ text() }}) as role,
        cast(null as {{ text() }}) as fallback_partner_id,
        {{ whole(1) }} as weight
    from payouts as o
    inner join direct as d on o.program_key = d.program_key
    inner join {{ ref('int_participant_period') }} as q
        on o.program_key = q.program_key
        and o.participant_id = q.participant_id
        and (q.period_number = o.period_number or o.cumulation = 'to_date' and q.period_number < o.period_number)
    inner join shares as s on o.payout_id = s.payout_id and s.payee_id = s.member_id
    union all
    select
        o.scope_key,
        q.participant_id,
        q.period_id,
        s.member_id,
        o.payout_id,
        o.is_per_unit,
        null,
        y.role,
        y.fallback_partner_id,
        {{ whole('y.share * 100') }}
    from payouts as o
    left join direct as d on o.program_key = d.program_key
    inner join {{ ref('int_participant_period') }} as q
        on o.program_key = q.program_key
        and o.participant_id = q.participant_id
        and (q.period_number = o.period_number or o.cumulation = 'to_date' and q.period_number < o.period_number)
    inner join (select distinct payout_id, member_id from shares) as s on o.payout_id = s.payout_id
    inner join {{ ref('stg_program_payee') }} as y on o.program_key = y.program_key
    where d.program_key is null
),

based as (
    select
        t.share_number is not null as is_direct,
        coalesce(t.share_number, s.share_number) as share_number,
        l.file_sequence,
        l.row_number,
        l.line_key,
        l.fx_rate,
        case when t.is_per_unit then l.base_quantity else l.amount end as payout_base,
        t.weight as role_weight
    from {{ ref('int_scope_line') }} as l
    inner join targets as t
        on l.scope_key = t.scope_key
        and l.participant_id = t.participant_id
        and l.period_id = t.period_id
        and l.member_id = t.member_id
    left join shares as s
        on case when t.share_number is null then t.payout_id end = s.payout_id
        and l.member_id = s.member_id
        and {{ payee_of('t', 'l') }} = s.payee_id
    where
        l.excluded_reason is null
        and l.line_use = 'current'
        and l.carries_payout
        and coalesce(t.share_number, s.share_number) is not null
),

lines {{ as_a_step() }} (
    select *, role_weight * {{ scaled('payout_base') }} as weight
    from based
),

-- only where payees are found by roles may two of them be one
weighted {{ as_a_step() }} (
    select share_number, file_sequence, row_number, line_key, fx_rate, payout_base, weight
    from lines
    where is_direct
    union all
    select share_number, file_sequence, row_number, line_key, fx_rate, max(payout_base), sum(weight)
    from lines
    where not is_direct
    group by 1, 2, 3, 4, 5
),

totals as (
    select share_number, sum(weight) as weights, count(*) as line_count
    from weighted
    group by 1
),

sharing as (
    select w.*, t.weights, t.line_count, s.to_date_minor, s.is_to_date, s.minor_unit
    from weighted as w
    inner join totals as t on w.share_number = t.share_number
    inner join shares as s on w.share_number = s.share_number
),

line_share {{ as_a_step() }} {{ share_by_largest_remainder('sharing', ['share_number', 'file_sequence', 'row_number', 'fx_rate', 'payout_base', 'is_to_date', 'minor_unit'], ['share_number'], ['line_key'], 'to_date_minor', 'weight', 'line_minor', ['weights', 'line_count']) }},

to_date_share as (
    select l.*, s.member_id, s.payee_id, s.following_payout_id
    from line_share as l
    inner join shares as s on l.share_number = s.share_number
    where l.is_to_date
),

changes as (
    select share_number, file_sequence, row_number, fx_rate, payout_base, minor_unit, line_minor
    from to_date_share
    union all
    select f.share_number, l.file_sequence, l.row_number, l.fx_rate, l.payout_base, l.minor_unit, -l.line_minor
    from to_date_share as l
    inner join shares as f
        on l.following_payout_id = f.payout_id
        and l.member_id = f.member_id
        and l.payee_id = f.payee_id
),

parts as (
    select share_number, file_sequence, row_number, fx_rate, payout_base, minor_unit, line_minor
    from line_share
    where not is_to_date
    union all
    select share_number, file_sequence, row_number, fx_rate, payout_base, minor_unit, sum(line_minor)
    from changes
    group by 1, 2, 3, 4, 5, 6
    having sum(line_minor) <> 0
)

select
    share_number,
    file_sequence,
    row_number,
    fx_rate,
    payout_base,
    {{ minor_to_money('line_minor', 'minor_unit') }} as amount
from parts
