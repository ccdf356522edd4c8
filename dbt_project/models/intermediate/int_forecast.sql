-- What the running measurement period of a participant is expected to bring, for programs that accrue by a forecast (semantics 10):
-- one factor says how what has come in grows until the period's end, and basis, payout base and whatever gates measure grow
-- by it; a share, and a growth that is taken as given, stay. Factor: days of the period by days gone by (run_rate); last year's
-- target lines of the whole period by those up to the same day (seasonality: the participant's, else all participants'); the
-- given forecast of the basis by the basis so far, at least 1 (given). Where last year or the document has nothing it is
-- the run rate; forecast_source says which. What is zero or less does not grow. Under to_date only the period's own part grows.
-- Grain: payout of a running period.
with running as (
    select
        q.payout_id,
        q.program_key,
        q.participant_id,
        q.period_id,
        b.payout_id as previous_payout_id,
        p.accrual_forecast,
        p.basis,
        p.growth_payout,
        p.is_ratio,
        p.target_scope,
        {{ whole(days_between('greatest(d.period_start, p.valid_from)', 'c.as_of') ~ ' + 1') }} as days_elapsed,
        {{ whole(days_between('greatest(d.period_start, p.valid_from)', 'least(d.period_end, p.valid_to)') ~ ' + 1') }} as days_total
    from {{ ref('int_participant_period') }} as q
    inner join {{ ref('int_program') }} as p
        on q.program_key = p.program_key
        and p.accrual_method in ('expected', 'most_likely')
    cross join {{ ref('stg_run_context') }} as c
    inner join {{ ref('int_program_period') }} as d
        on q.program_key = d.program_key
        and q.period_id = d.period_id
        and d.period_end > c.as_of
        and p.valid_to > c.as_of
    left join {{ ref('int_participant_period') }} as b
        on case when p.cumulation = 'to_date' then q.program_key end = b.program_key
        and q.participant_id = b.participant_id
        and q.period_number = b.period_number + 1
),

-- what the tiers look at and what gates measure, each with the part that is the period's own
measures as (
    select
        r.payout_id,
        m.measure_key as item,
        m.gate_number,
        m.is_ratio,
        m.operator,
        m.required,
        m.figure,
        m.compared_actual,
        m.compared_figure,
        m.kind = 'share' or m.kind = 'growth' and coalesce(m.figure, 0) <= 0 as stays,
        {{ scaled('coalesce(b.actual, 0)') }} as before_scaled,
        {{ scaled('m.actual - coalesce(b.actual, 0)') }} as own_scaled
    from running as r
    inner join {{ ref('int_measure') }} as m on r.payout_id = m.payout_id
    left join {{ ref('int_measure') }} as b
        on r.previous_payout_id = b.payout_id
        and m.measure_key = b.measure_key
),

bases as (
    select
        r.payout_id,
        'base' as item,
        {{ scaled('coalesce(b.earning_base, 0)') }} as before_scaled,
        {{ scaled('e.earning_base - coalesce(b.earning_base, 0)') }} as own_scaled
    from running as r
    inner join {{ ref('int_basis') }} as e on r.payout_id = e.payout_id
    left join {{ ref('int_basis') }} as b on r.previous_payout_id = b.payout_id
),

last_year_lines as (
    select
        l.program_key,
        l.participant_id,
        l.period_id,
        case when m.kind = 'quantity' or m.of = 'quantity' then l.base_quantity else l.amount end as measured,
        l.effective_date <= c.as_of as has_gone_by
    from {{ ref('int_scope_line') }} as l
    {{ if_any(ref('int_program'), "accrual_forecast = 'seasonality'") }} as asked
    inner join {{ ref('int_program') }} as p
        on l.scope_key = p.target_scope
        and p.accrual_forecast = 'seasonality'
    inner join {{ ref('stg_program_measure') }} as m on p.program_key = m.program_key and m.gate_number = 0
    cross join {{ ref('stg_run_context') }} as c
    where l.line_use = 'baseline' and l.excluded_reason is null
),

last_years as (
    select
        program_key,
        period_id,
        participant_id,
        {{ scaled('sum(measured)') }} as whole_scaled,
        {{ scaled('sum(case when has_gone_by then measured else 0 end)') }} as gone_by_scaled
    from last_year_lines
    group by 1, 2, 3
),

last_year_of_all as (
    select
        program_key,
        period_id,
        sum(whole_scaled) as whole_scaled,
        sum(gone_by_scaled) as gone_by_scaled
    from last_years
    group by 1, 2
),

sources as (
    select
        r.*,
        m.own_scaled,
        m.before_scaled,
        m.stays,
        m.compared_figure,
        g.figure as given,
        y.whole_scaled,
        y.gone_by_scaled,
        a.whole_scaled as all_whole_scaled,
        a.gone_by_scaled as all_gone_by_scaled,
        case
            when
                r.accrual_forecast = 'given'
                and g.figure is not null
                and (m.stays or m.own_scaled > 0 and (not m.is_ratio or m.compared_figure > 0))
                then 'given'
            when r.accrual_forecast = 'seasonality' and y.whole_scaled > 0 and y.gone_by_scaled > 0 then 'seasonality'
            when r.accrual_forecast = 'seasonality' and a.whole_scaled > 0 and a.gone_by_scaled > 0 then 'seasonality_of_all'
            else 'run_rate'
        end as forecast_source
    from running as r
    inner join measures as m on r.payout_id = m.payout_id and m.gate_number = 0
    left join {{ ref('stg_program_figure') }} as g
        on r.program_key || ':accrual' = g.measure_key
        and r.participant_id = g.participant_id
        and r.period_id = g.period_id
    left join last_years as y
        on r.program_key = y.program_key
        and r.participant_id = y.participant_id
        and r.period_id = y.period_id
    left join last_year_of_all as a
        on r.program_key = a.program_key
        and r.period_id = a.period_id
),

-- a given share, or growth of a partner without a baseline, says nothing of the payout base: that grows by days
factors as (
    select
        *,
        case forecast_source
            when 'seasonality' then whole_scaled
            when 'seasonality_of_all' then all_whole_scaled
            when 'given' then case
                when stays then days_total
                when is_ratio then greatest({{ quotient(scaled('given', 4) ~ ' * ' ~ scaled('compared_figure'), 1000000) }} - before_scaled, own_scaled)
                else greatest({{ scaled('given') }} - before_scaled, own_scaled)
            end
            else days_total
        end as factor_numerator,
        case forecast_source
            when 'seasonality' then gone_by_scaled
            when 'seasonality_of_all' then all_gone_by_scaled
            when 'given' then case when stays then days_elapsed else own_scaled end
            else days_elapsed
        end as factor_denominator
    from sources
),

items as (
    select payout_id, item, own_scaled from measures
    union all
    select payout_id, item, own_scaled from bases
),

growing as (
    select i.payout_id, i.item, i.own_scaled, f.factor_numerator, f.factor_denominator
    from items as i
    inner join factors as f on i.payout_id = f.payout_id
    where i.own_scaled > 0
),

grown as {{ multiply_divide('growing', ['payout_id', 'item'], 'own_scaled', 'factor_numerator', 'factor_denominator', 'grown_scaled') }},

forecast_measures as (
    select
        m.payout_id,
        m.item,
        m.gate_number,
        m.is_ratio,
        m.operator,
        m.required,
        m.figure,
        m.compared_figure,
        case
            -- a given share is one of the whole so far, a given growth one in percent
            when m.stays and m.gate_number = 0 and f.forecast_source = 'given' then
                {{ unscaled(quotient(scaled('f.given', 4) ~ ' * ' ~ scaled('m.compared_figure'), 1000000)) }}
            when m.stays then m.compared_actual
            else {{ unscaled('m.before_scaled + coalesce(g.grown_scaled, m.own_scaled)') }}
        end as compared_actual
    from measures as m
    inner join factors as f on m.payout_id = f.payout_id
    left join grown as g on m.payout_id = g.payout_id and m.item = g.item
),

gates as (
    select m.payout_id, min(case when {{ gate_holds('m') }} then 1 else 0 end) as all_hold
    from forecast_measures as m
    where m.gate_number > 0
    group by 1
),

figures as (
    select
        m.payout_id,
        f.program_key,
        {{ scaled('m.compared_actual') }} as actual_scaled,
        {{ scaled('m.compared_figure') }} as figure_scaled
    from forecast_measures as m
    inner join factors as f on m.payout_id = f.payout_id
    where m.gate_number = 0
),

{{ reached_tiers('figures') }}

select
    f.payout_id,
    f.program_key,
    f.participant_id,
    f.period_id,
    f.forecast_source,
    cast(f.days_elapsed as integer) as days_elapsed,
    cast(f.days_total as integer) as days_total,
    -- as in int_measure: six places of a percentage
    cast(case
        when not f.is_ratio then m.compared_actual
        when m.compared_figure > 0 then cast(
            cast({{ rounded_quotient(scaled('m.compared_actual') ~ ' * 100000000', scaled('m.compared_figure')) }} as decimal(38, 0)) * cast(0.000001 as decimal(7, 6))
            as {{ measure() }})
    end as {{ measure() }}) as forecast_basis,
    coalesce(r.tier_number, 0) as tier_number,
    coalesce(r.basis_scaled, {{ whole(0) }}) as basis_scaled,
    greatest(case
        when f.basis = 'growth' and f.growth_payout in ('on_growth', 'marginal_growth')
            then case when m.figure > 0 then {{ scaled('m.compared_actual') }} - {{ scaled('m.figure') }} else {{ whole(0) }} end
        else b.before_scaled + coalesce(g.grown_scaled, b.own_scaled)
    end, {{ whole(0) }}) as base_scaled,
    coalesce({{ scaled('m.compared_figure') }}, {{ whole(0) }}) as figure_scaled,
    b.own_scaled as own_base_scaled,
    coalesce(g.grown_scaled, b.own_scaled) as own_forecast_base_scaled,
    coalesce(t.all_hold, 1) = 1 as gates_hold
from factors as f
inner join forecast_measures as m on f.payout_id = m.payout_id and m.gate_number = 0
inner join bases as b on f.payout_id = b.payout_id
left join grown as g on b.payout_id = g.payout_id and b.item = g.item
left join reached as r on f.payout_id = r.payout_id
left join gates as t on f.payout_id = t.payout_id
