-- The lines that count, summed: the one pass over lines that payouts need. Lines of scopes that carry payouts stand once
-- for each payee role, with the payee that it resolves to on the line, else the fallback, else nobody (payee_id ''), which
-- is reported and not paid (semantics 7); other lines once, with payee_number 1.
with programs as (
    select program_key
    from {{ ref('stg_program_payee') }}
    group by 1
    having count(*) > 1 or max(role) <> 'participant'
),

-- most programs pay the participant alone: only the others' lines are resolved role by role
payees as (
    select y.program_key, y.payee_number, y.role, y.fallback_partner_id
    from {{ ref('stg_program_payee') }} as y
    inner join programs as p on y.program_key = p.program_key
)

select
    l.scope_key,
    l.program_key,
    l.line_use,
    l.participant_id,
    l.member_id,
    l.period_id,
    coalesce(y.payee_number, 1) as payee_number,
    case
        when y.payee_number is not null then {{ payee_of('y', 'l') }}
        when l.carries_payout then l.member_id
        else ''
    end as payee_id,
    cast(sum(l.amount) as {{ measure() }}) as amount,
    cast(sum(l.base_quantity) as {{ measure() }}) as base_quantity,
    count(*) as lines
from {{ ref('int_scope_line') }} as l
left join payees as y on case when l.carries_payout then l.program_key end = y.program_key
where l.excluded_reason is null
group by 1, 2, 3, 4, 5, 6, 7, 8
