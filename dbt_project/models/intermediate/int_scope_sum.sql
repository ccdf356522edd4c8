-- The lines that count, summed: what payouts need of lines. Lines of scopes that carry payouts stand once for each payee role,
-- with the payee that it resolves to on the line, else the fallback, else nobody (payee_id ''), which is reported and not
-- paid (semantics 7); other lines once, with payee_number 1. Most scopes take sums of lines by class, partner and days
-- (int_line_sum) and judge those; only where single lines matter are lines themselves read.
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
),

periods as (
    select distinct d.calendar, d.day, d.month_id, d.quarter_id, d.half_year_id, d.year_id
    from {{ ref('int_calendar_day') }} as d
    inner join (select distinct period_start from {{ ref('int_line_sum') }}) as s on d.day = s.period_start
),

summed as (
    select
        s.scope_key,
        s.program_key,
        'current' as line_use,
        case when s.aggregate = 'group' then t.group_id else t.partner_id end as participant_id,
        t.partner_id as member_id,
        t.group_id,
        {{ period_of('s.measurement', 'd') }} as period_id,
        s.carries_payout,
        l.sold_to_id,
        l.ship_to_id,
        l.distributor_id,
        l.reseller_id,
        l.end_customer_id,
        l.amount,
        l.base_quantity,
        l.lines
    from {{ ref('int_line_sum') }} as l
    inner join {{ ref('int_partner_stretch') }} as t on l.stretch_number = t.stretch_number
    inner join {{ ref('int_class_scope') }} as k
        on l.class_number = k.class_number
        and t.admission_set = k.admission_set
    inner join {{ ref('int_scope') }} as s on k.scope_key = s.scope_key
    inner join periods as d
        on s.calendar = d.calendar
        and l.period_start = d.day
    where
        (s.aggregate <> 'group' or t.group_id is not null)
        and case
            when s.has_rules then {{ broken_rule('s', 'l.document_type', 't.channel', 'coalesce(l.region, t.region)') }} is null
            else true
        end
),

parts as (
    {%- for relation, lines, condition in [
        ('summed', 'lines', 'true'),
        (ref('int_scope_line'), '1', "excluded_reason is null and not is_summed"),
    ] %}
    select
        scope_key, program_key, line_use, participant_id, member_id, group_id, period_id, carries_payout,
        sold_to_id, ship_to_id, distributor_id, reseller_id, end_customer_id,
        amount, base_quantity, {{ lines }} as lines
    from {{ relation }}
    where {{ condition }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
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
    cast(sum(l.lines) as bigint) as lines
from parts as l
left join payees as y on case when l.carries_payout then l.program_key end = y.program_key
group by 1, 2, 3, 4, 5, 6, 7, 8
