{#-
  The CTEs that bring payouts of programs together, the last named `budgeted`: of a `best_of` group only the highest stands
  (semantics 8); the program's floor and cap bound the sum of a period, the budget that of all periods. Bounds scale payouts in
  proportion, by largest remainder (semantics 6 and 9). A CTE `alone` comes before: payouts in minor units (alone_minor), with
  gates_hold and has_lines, and stacking and bounds of their programs.
-#}
{% macro payouts_together() -%}
-- the versions of one program are one program here
programs as (
    select stacking_group, participant_id, period_id, program_id, sum(alone_minor) as program_minor
    from alone
    where stacking_rule = 'best_of'
    group by 1, 2, 3, 4
),

ranked as (
    select
        *,
        row_number() over (partition by stacking_group, participant_id, period_id order by program_minor desc, program_id) as place
    from programs
),

stacked as (
    select
        a.*,
        coalesce(r.place, 1) = 1 as is_best,
        case when coalesce(r.place, 1) = 1 then a.alone_minor else {{ whole(0) }} end as stacked_minor
    from alone as a
    left join ranked as r
        on a.stacking_rule = 'best_of'
        and a.stacking_group = r.stacking_group
        and a.participant_id = r.participant_id
        and a.period_id = r.period_id
        and a.program_id = r.program_id
),

-- only programs with a bound of their own need the others' payouts
period_sums as (
    select
        payout_id,
        program_key,
        period_id,
        participant_id,
        stacked_minor,
        gates_hold and has_lines and is_best as is_entitled,
        sum(stacked_minor) over (partition by program_key, period_id) as period_minor,
        sum(case when gates_hold and has_lines and is_best then stacked_minor else {{ whole(0) }} end)
            over (partition by program_key, period_id) as entitled_minor,
        {%- for bound in ['cap', 'floor'] %}
        {{ quotient(scaled('program_' ~ bound, 4), power_of_ten('4 - minor_unit')) }} as program_{{ bound }}_minor{% if not loop.last %},{% endif %}
        {%- endfor %}
    from stacked
    where program_cap is not null or program_floor is not null
),

-- above the cap everybody's payout is scaled down; below the floor those are raised whose gates hold, who have lines and who
-- did not lose in a best_of group, to equal parts where together they have nothing
out_of_bounds as (
    select
        payout_id,
        program_key,
        period_id,
        participant_id,
        case
            when period_minor > program_cap_minor or entitled_minor > 0 then stacked_minor
            else {{ whole(0) }}
        end as weight_minor,
        case
            when period_minor > program_cap_minor then program_cap_minor
            else program_floor_minor - period_minor + entitled_minor
        end as bound_minor
    from period_sums
    where period_minor > program_cap_minor or (period_minor < program_floor_minor and is_entitled)
),

within_program as {{ share_by_largest_remainder('out_of_bounds', ['payout_id'], ['program_key', 'period_id'], ['participant_id'], 'bound_minor', 'weight_minor', 'bounded_minor') }},

bounded as (
    select
        s.*,
        b.period_minor < b.program_floor_minor as is_below_floor,
        b.period_minor > b.program_cap_minor as is_above_cap,
        coalesce(w.bounded_minor, s.stacked_minor) as bounded_minor
    from stacked as s
    left join period_sums as b on s.payout_id = b.payout_id
    left join within_program as w on s.payout_id = w.payout_id
),

budgets as (
    select
        payout_id,
        program_key,
        participant_id,
        period_id,
        bounded_minor,
        sum(bounded_minor) over (partition by program_key) as all_minor,
        {{ quotient(scaled('budget', 4), power_of_ten('4 - minor_unit')) }} as budget_minor
    from bounded
    where budget is not null
),

over_budget as (
    select payout_id, program_key, participant_id, period_id, bounded_minor, budget_minor
    from budgets
    where all_minor > budget_minor and bounded_minor <> 0
),

within_budget as {{ share_by_largest_remainder('over_budget', ['payout_id'], ['program_key'], ['participant_id', 'period_id'], 'budget_minor', 'bounded_minor', 'budgeted_minor') }},

budgeted as (
    select
        b.*,
        coalesce(w.budgeted_minor, b.bounded_minor) as budgeted_minor
    from bounded as b
    left join within_budget as w on b.payout_id = w.payout_id
)
{%- endmacro %}

{#-
  The CTEs that share payouts over members, in proportion to payout base, and each member's part over its payees by their
  shares of it (semantics 7 and 9), the last named `payee_share` (payout_id, member_id, payee_id, payee_minor). A CTE `payouts`
  comes before: payout_id, program_key, participant_id, period_number, to_date_minor (what is shared), scope_key (the lines that
  carry it), rate_kind, cumulation (to_date: over the lines of all periods so far).
-#}
{% macro payee_shares() -%}
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
)
{%- endmacro %}
