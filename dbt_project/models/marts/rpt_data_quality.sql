-- Grain: one partner's month of a source (`direct`: our own invoices): how accurate, complete and timely its data are, what was
-- corrected later, what that puts at risk, and the trend. Scores are percentages; what is recomputed by hand stands beside them.
with scored as (
    select
        *,
        {{ hundredths_of_percent('rows_accepted', 'rows_in') }} as accuracy_hundredths,
        case
            when status = 'missing' then {{ whole(0) }}
            else {{ hundredths_of_percent('values_filled + end_customers_identified', '(values_expected + end_customers_expected)') }}
        end as completeness_hundredths,
        case
            when status = 'missing' then {{ whole(0) }}
            else {{ hundredths_of_percent('days_kept', '(zero_after_days * rows_timed)') }}
        end as timeliness_hundredths,
        {{ hundredths_of_percent('rows_superseded', 'rows_in') }} as corrected_hundredths
    from {{ ref('int_report_month') }}
),

totals as (
    select
        *,
        coalesce(accuracy_hundredths, 0) + coalesce(completeness_hundredths, 0) + coalesce(timeliness_hundredths, 0) as score_sum,
        case when accuracy_hundredths is null then 0 else 1 end
        + case when completeness_hundredths is null then 0 else 1 end
        + case when timeliness_hundredths is null then 0 else 1 end as scores
    from scored
),

averaged as (
    select
        *,
        case when scores > 0 then {{ rounded_quotient('score_sum', 'scores') }} end as score_hundredths
    from totals
),

trend as (
    select
        *,
        lag(score_hundredths) over (partition by source, partner_id order by month_id) as previous_hundredths,
        sum(score_hundredths) over (
            partition by source, partner_id order by month_id rows between 2 preceding and current row
        ) as trailing_sum,
        count(score_hundredths) over (
            partition by source, partner_id order by month_id rows between 2 preceding and current row
        ) as trailing_months,
        sum(periods_expected) over (
            partition by source, partner_id order by month_id rows between 11 preceding and current row
        ) as year_expected,
        sum(periods_reported) over (
            partition by source, partner_id order by month_id rows between 11 preceding and current row
        ) as year_reported
    from averaged
),

sums as (
    select source, partner_id, month_id, aspect, currency, sum(rebate_at_risk) as amount
    from {{ ref('rpt_rebate_at_risk') }}
    group by source, partner_id, month_id, aspect, currency
),

risks as (
    select
        source,
        partner_id,
        month_id
        {%- for aspect in ['accuracy', 'completeness', 'timeliness', 'corrections'] %},
        {{ joined("case when aspect = '" ~ aspect ~ "' then currency || ' ' || " ~ plain_number('amount') ~ " end", '; ', 'currency') }} as {{ aspect }}_at_risk
        {%- endfor %}
    from sums
    group by source, partner_id, month_id
)

select
    t.source || '|' || t.partner_id || '|' || t.month_id as data_quality_id,
    t.source,
    t.partner_id,
    p.partner_name,
    t.month_id,
    t.status,
    {{ score_of('t.score_hundredths') }} as score,
    {{ score_of('t.accuracy_hundredths') }} as accuracy,
    {{ score_of('t.completeness_hundredths') }} as completeness,
    {{ score_of('t.timeliness_hundredths') }} as timeliness,
    {{ score_of('t.corrected_hundredths') }} as corrected,
    {{ score_of('t.previous_hundredths') }} as previous_score,
    {{ score_of('t.score_hundredths - t.previous_hundredths') }} as score_change,
    {{ score_of('case when t.trailing_months > 0 then ' ~ rounded_quotient('t.trailing_sum', 't.trailing_months') ~ ' end') }} as score_3_months,
    t.rows_in,
    t.rows_accepted,
    t.rows_held,
    t.rows_quarantined,
    t.values_expected,
    t.values_filled,
    t.end_customers_expected,
    t.end_customers_identified,
    {{ score_of(hundredths_of_percent('t.end_customers_identified', 't.end_customers_expected')) }} as end_customers_share,
    cast(t.periods_expected as integer) as periods_expected,
    cast(t.periods_reported as integer) as periods_reported,
    cast(t.year_expected as integer) as periods_expected_12_months,
    cast(t.year_reported as integer) as periods_reported_12_months,
    t.due_on,
    t.first_received_on,
    t.last_received_on,
    cast(t.days_to_receipt as integer) as days_to_receipt,
    t.rows_late,
    t.rows_superseded,
    t.rows_without_amount,
    r.accuracy_at_risk,
    r.completeness_at_risk,
    r.timeliness_at_risk,
    r.corrections_at_risk,
    case t.status
        when 'missing' then 'No report of this month came; it was due on ' || cast(t.due_on as {{ text() }}) || '.'
        when 'awaited' then 'The report of this month is awaited until ' || cast(t.due_on as {{ text() }}) || '.'
        else cast(t.rows_accepted as {{ text() }}) || ' of ' || cast(t.rows_in as {{ text() }}) || ' rows passed every check; held: ' || cast(t.rows_held as {{ text() }})
            || '; quarantined until they are repaired: ' || cast(t.rows_quarantined as {{ text() }}) || '.'
            || case when t.values_expected = 0 then '' else ' Agreed values filled: ' || cast(t.values_filled as {{ text() }}) || ' of ' || cast(t.values_expected as {{ text() }}) || '.' end
            || case when t.end_customers_expected = 0 then '' else
                ' End customers identified: ' || cast(t.end_customers_identified as {{ text() }}) || ' of ' || cast(t.end_customers_expected as {{ text() }}) || '.' end
            || case when t.days_to_receipt is null then '' else
                ' Days from the end of the month to the first rows: ' || cast(t.days_to_receipt as {{ text() }}) end
            || case when t.days_to_receipt is null then '' when t.due_days is null then '.' else
                ' (agreed: ' || cast(t.due_days as {{ text() }}) || '); rows that came later than agreed: ' || cast(t.rows_late as {{ text() }}) || '.' end
            || ' Rows corrected, replaced or cancelled later: ' || cast(t.rows_superseded as {{ text() }}) || '.'
    end as in_words
from trend as t
left join {{ ref('int_partner') }} as p on t.partner_id = p.partner_id
left join risks as r on t.source = r.source and t.partner_id = r.partner_id and t.month_id = r.month_id
