-- The value of each measure (a program's basis, or one of its gates) for each participant and period (semantics 4): actual,
-- and the figure that it is compared with where the measure is a percentage. Under to_date both run from the start.
with totals as (
    select
        scope_key,
        line_use,
        participant_id,
        period_id,
        sum(amount) as amount,
        sum(base_quantity) as base_quantity,
        sum(lines) as lines
    from {{ ref('int_scope_sum') }}
    where payee_number = 1
    group by 1, 2, 3, 4
),

own as (
    select
        s.payout_id,
        m.measure_key,
        m.gate_number,
        s.program_key,
        s.participant_id,
        s.period_id,
        s.period_number,
        g.cumulation,
        m.kind,
        m.baseline,
        m.treat_as,
        m.new_partner_baseline,
        m.operator,
        m.required,
        m.name,
        coalesce(c.lines, 0) as lines,
        case
            when m.kind = 'amount' or m.kind in ('growth', 'attainment') and m.of = 'amount' then coalesce(c.amount, 0)
            when m.kind = 'quantity' or m.kind in ('growth', 'attainment') then coalesce(c.base_quantity, 0)
            else coalesce(k.part, 0)
        end as actual,
        case
            when m.kind = 'share' and m.of = 'amount' then coalesce(c.amount, 0)
            when m.kind = 'share' then coalesce(c.base_quantity, 0)
            when m.kind = 'growth' and m.baseline = 'lines' and m.of = 'amount' then coalesce(b.amount, 0)
            when m.kind = 'growth' and m.baseline = 'lines' then coalesce(b.base_quantity, 0)
            when m.kind in ('growth', 'attainment') then f.figure
        end as figure
    from {{ ref('int_participant_period') }} as s
    inner join {{ ref('int_program') }} as g on s.program_key = g.program_key
    inner join {{ ref('stg_program_measure') }} as m on s.program_key = m.program_key
    left join totals as c
        on m.scope_key = c.scope_key
        and s.participant_id = c.participant_id
        and s.period_id = c.period_id
        and c.line_use = 'current'
    left join totals as b
        on m.scope_key = b.scope_key
        and s.participant_id = b.participant_id
        and s.period_id = b.period_id
        and b.line_use = 'baseline'
        and m.baseline = 'lines'
    left join {{ ref('int_measure_part') }} as k
        on m.measure_key = k.measure_key
        and s.participant_id = k.participant_id
        and s.period_id = k.period_id
    left join {{ ref('stg_program_figure') }} as f
        on m.measure_key = f.measure_key
        and s.participant_id = f.participant_id
        and s.period_id = f.period_id
),

running as (
    {%- for condition, window in [("<> 'to_date'", none), ("= 'to_date'", 'over (partition by measure_key, participant_id order by period_number)')] %}
    select
        payout_id,
        measure_key,
        gate_number,
        program_key,
        participant_id,
        period_id,
        kind,
        name,
        treat_as,
        new_partner_baseline,
        operator,
        required,
        {%- for column in ['lines', 'actual', 'figure'] %}
        {{ 'sum(' ~ column ~ ') ' ~ window if window else column }} as {{ column }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from own
    where cumulation {{ condition }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- a new partner has no baseline, or none above zero: take a given one, or take the growth as given
with_figure as (
    select
        payout_id,
        measure_key,
        gate_number,
        program_key,
        participant_id,
        period_id,
        kind,
        name,
        kind in ('growth', 'attainment', 'share') as is_ratio,
        operator,
        required,
        cast(lines as bigint) as lines,
        cast(actual as {{ measure() }}) as actual,
        cast(case
            when kind = 'growth' and coalesce(figure, 0) <= 0 and new_partner_baseline is not null then new_partner_baseline
            else figure
        end as {{ measure() }}) as figure,
        case when kind = 'growth' and coalesce(figure, 0) <= 0 and new_partner_baseline is null then treat_as end as treat_as
    from running
)

select
    payout_id,
    measure_key,
    gate_number,
    program_key,
    participant_id,
    period_id,
    kind,
    name,
    is_ratio,
    operator,
    required,
    lines,
    actual,
    figure,
    -- what is compared: actual * 100 with the threshold * figure, so that no percentage is ever rounded
    case when treat_as is null then actual when actual > 0 then treat_as else cast(0 as {{ measure() }}) end as compared_actual,
    case when treat_as is null then figure else cast(100 as {{ measure() }}) end as compared_figure,
    -- the same for people, six places of a percentage
    case
        when not is_ratio then actual
        when treat_as is not null then case when actual > 0 then treat_as else cast(0 as {{ measure() }}) end
        when figure > 0 then cast(
            cast({{ rounded_quotient(scaled('actual') ~ ' * 100000000', scaled('figure')) }} as decimal(38, 0)) * cast(0.000001 as decimal(7, 6))
            as {{ measure() }})
    end as value
from with_figure
