-- The payout of each program, participant and period, after what bounds programs together: of a `best_of` group only the
-- highest stands (semantics 8); the program's floor and cap bound the sum of a period, the budget that of all periods, an
-- expired fund pays what was drawn from it. Bounds scale payouts in proportion, by largest remainder (semantics 6 and 9).
-- to_date_minor: the running sum that is shared over members, payees and lines (its own figure where periods stand alone).
with alone as (
    select
        a.*,
        p.program_id,
        p.stacking_group,
        p.stacking_rule,
        p.program_cap,
        p.program_floor,
        p.budget,
        p.fund_expires_on
    from {{ ref('int_payout_alone') }} as a
    inner join {{ ref('int_program') }} as p on a.program_key = p.program_key
),

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
),

-- what claims have drawn fills an expired fund's periods in their order
expired as (
    select
        b.payout_id,
        greatest(
            least(
                b.budgeted_minor,
                coalesce({{ quotient(scaled('f.approved_amount', 4), power_of_ten('4 - b.minor_unit')) }}, {{ whole(0) }})
                - (sum(b.budgeted_minor) over (partition by b.program_key, b.participant_id order by b.period_number) - b.budgeted_minor)
            ),
            {{ whole(0) }}
        ) as expired_minor
    from budgeted as b
    cross join {{ ref('stg_run_context') }} as c
    left join {{ ref('int_fund_drawn') }} as f on b.program_key = f.program_key and b.participant_id = f.partner_id
    where b.fund_expires_on < c.as_of and b.budgeted_minor > 0
),

final as (
    select
        b.*,
        coalesce(x.expired_minor, b.budgeted_minor) as payout_minor
    from budgeted as b
    left join expired as x on b.payout_id = x.payout_id
),

running as (
    select *, payout_minor as to_date_minor
    from final
    where cumulation <> 'to_date'
    union all
    select *, sum(payout_minor) over (partition by program_key, participant_id order by period_number)
    from final
    where cumulation = 'to_date'
)

select
    payout_id,
    program_key,
    participant_id,
    period_id,
    period_number,
    cumulation,
    minor_unit,
    gates_hold,
    uncapped_minor,
    alone_minor,
    budgeted_minor,
    payout_minor,
    to_date_minor,
    nullif(substr(
        coalesce(';' || bounded_by, '')
        {%- for condition, name in [
            ('not is_best and alone_minor <> 0', 'best_of'),
            ('bounded_minor <> stacked_minor and is_below_floor', 'program_floor'),
            ('bounded_minor <> stacked_minor and is_above_cap', 'program_cap'),
            ('budgeted_minor <> bounded_minor', 'budget'),
            ('payout_minor <> budgeted_minor', 'expiry'),
        ] %}
        || case when {{ condition }} then '{{ ';' ~ name }}' else '' end
        {%- endfor %},
        2
    ), '') as limited_by,
    {{ minor_to_money('uncapped_minor', 'minor_unit') }} as uncapped_payout,
    {{ minor_to_money('alone_minor - payout_minor', 'minor_unit') }} as shortfall,
    {{ minor_to_money('payout_minor', 'minor_unit') }} as payout,
    {{ minor_to_money('next_payout_minor', 'minor_unit') }} as next_payout
from running
