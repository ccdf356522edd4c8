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

{{ payouts_together() }},

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
