-- Per program, participant and period: what the tiers look at, and what the rates are applied to (semantics 4).
-- An earning scope without a target scope of its own serves as both. Under to_date all runs from the start.
with earnings as (
    select
        s.scope_key,
        s.participant_id,
        s.period_id,
        sum(s.amount) as amount,
        sum(s.base_quantity) as base_quantity,
        sum(s.lines) as lines
    from {{ ref('int_scope_sum') }} as s
    inner join {{ ref('int_program') }} as p on s.scope_key = p.earning_scope
    where s.payee_number = 1 and s.line_use = 'current'
    group by 1, 2, 3
),

earning as (
    select
        s.payout_id,
        s.program_key,
        s.participant_id,
        s.period_id,
        s.period_number,
        p.is_ratio,
        p.cumulation,
        p.basis,
        p.growth_payout,
        coalesce(e.lines, 0) as own_lines,
        coalesce(case when p.rate_kind = 'per_unit' then e.base_quantity else e.amount end, 0) as own_base
    from {{ ref('int_participant_period') }} as s
    inner join {{ ref('int_program') }} as p on s.program_key = p.program_key
    left join earnings as e
        on p.earning_scope = e.scope_key
        and s.participant_id = e.participant_id
        and s.period_id = e.period_id
),

running as (
    select *, own_lines as earning_lines, own_base as earning_base
    from earning
    where cumulation <> 'to_date'
    union all
    select
        *,
        {%- for column in ['lines', 'base'] %}
        sum(own_{{ column }}) over (partition by program_key, participant_id order by period_number){% if not loop.last %},{% endif %}
        {%- endfor %}
    from earning
    where cumulation = 'to_date'
)

select
    e.payout_id,
    e.program_key,
    e.participant_id,
    e.period_id,
    e.period_number,
    m.lines as target_lines,
    cast(e.earning_lines as bigint) as earning_lines,
    m.actual,
    m.figure,
    m.value as basis,
    m.compared_actual,
    m.compared_figure,
    cast(case
        when e.basis = 'growth' and e.growth_payout in ('on_growth', 'marginal_growth')
            then case when m.figure > 0 then greatest(m.actual - m.figure, cast(0 as {{ measure() }})) else cast(0 as {{ measure() }}) end
        else e.earning_base
    end as {{ measure() }}) as payout_base,
    cast(e.earning_base as {{ measure() }}) as earning_base
from running as e
inner join {{ ref('int_measure') }} as m
    on e.payout_id = m.payout_id
    and m.gate_number = 0
