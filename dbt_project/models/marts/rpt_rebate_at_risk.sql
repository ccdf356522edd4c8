-- Grain: one partner's month of a source, and one risk to its rebate money, by currency of the lines and of the
-- rebate. Booked rebates of held, incomplete and late lines are exact; what is not booked (quarantined or superseded rows,
-- missing reports) is estimated from what the partner's lines earn. Risks overlap: they do not add up.
with agreed as (
    select
        source,
        partner_id
        {%- for field in line_fields().split(',') %},
        coalesce({{ one_of("'" ~ field ~ "'", 'agreed_fields') }}, false) as expects_{{ field }}
        {%- endfor %}
    from {{ ref('stg_source') }}
),

-- numbers first: what a line earns in each currency, before it meets its texts
shares as (
    select s.share_number, p.currency
    from {{ ref('int_payee_share') }} as s
    inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
    inner join {{ ref('int_program') }} as p on b.program_key = p.program_key
),

line_rebates as (
    select l.file_sequence, l.row_number, s.currency, sum(l.amount) as rebate
    from {{ ref('int_line_part') }} as l
    inner join shares as s on l.share_number = s.share_number
    group by 1, 2, 3
),

earned as (
    select
        l.source,
        {{ reporting_partner('l', 'a') }} as partner_id,
        l.month_id,
        l.file_sequence,
        l.currency as line_currency,
        r.currency,
        h.file_sequence is not null as is_held,
        false
        {%- for field in line_fields().split(',') %}
        or (a.expects_{{ field }} and {{ 'e' if field == 'end_customer_id' else 'l' }}.{{ field }} is null)
        {%- endfor %} as is_incomplete,
        sum(r.rebate) as rebate
    from line_rebates as r
    inner join {{ ref('int_line') }} as l on r.file_sequence = l.file_sequence and r.row_number = l.row_number
    left join agreed as a on l.source = a.source
    left join {{ ref('int_end_customer') }} as e on l.end_customer_id = e.end_customer_id
    left join {{ ref('int_held_line') }} as h on l.file_sequence = h.file_sequence and l.row_number = h.row_number
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

rebates as (
    select source, partner_id, line_currency, currency, sum(rebate) as rebate
    from earned
    group by 1, 2, 3, 4
),

-- what a unit of the partner's own lines earns
rates as (
    select
        r.source,
        r.partner_id,
        r.line_currency,
        r.currency,
        {{ scaled('r.rebate', 4) }} as rebate_units,
        {{ scaled('a.amount', 4) }} as amount_units
    from rebates as r
    inner join (
        select source, partner_id, currency, sum(current_amount) as amount
        from {{ ref('int_report_part') }}
        group by source, partner_id, currency
    ) as a on r.source = a.source and r.partner_id = a.partner_id and r.line_currency = a.currency and a.amount > 0
),

late as (
    select distinct source, partner_id, month_id, file_sequence
    from {{ ref('int_report_part') }}
    where days_late > 0
),

booked as (
    {%- for risk, condition in [('held_lines', 'e.is_held'), ('missing_values', 'e.is_incomplete'), ('late_rows', 'd.file_sequence is not null')] %}
    select
        e.source,
        e.partner_id,
        e.month_id,
        '{{ risk }}' as risk,
        e.line_currency,
        e.currency,
        sum(e.rebate) as rebate
    from earned as e
    {%- if risk == 'late_rows' %}
    inner join late as d
        on e.source = d.source
        and e.partner_id = d.partner_id
        and e.month_id = d.month_id
        and e.file_sequence = d.file_sequence
    {%- else %}
    where {{ condition }}
    {%- endif %}
    group by e.source, e.partner_id, e.month_id, e.line_currency, e.currency
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

estimated as (
    {%- for risk, amount in [('quarantined_rows', 'quarantined_amount'), ('superseded_rows', 'superseded_amount')] %}
    select
        p.source,
        p.partner_id,
        p.month_id,
        '{{ risk }}' as risk,
        p.currency as line_currency,
        r.currency,
        sum(p.{{ amount }}) as rows_amount,
        r.rebate_units,
        r.amount_units
    from {{ ref('int_report_part') }} as p
    inner join rates as r on p.source = r.source and p.partner_id = r.partner_id and p.currency = r.line_currency
    group by p.source, p.partner_id, p.month_id, p.currency, r.currency, r.rebate_units, r.amount_units
    union all
    {%- endfor %}
    -- a month that did not come: what the partner's reported months earn on the average
    select
        m.source,
        m.partner_id,
        m.month_id,
        'missing_report',
        r.line_currency,
        r.currency,
        cast(1 as decimal(38, 4)),
        {{ scaled('r.rebate', 4) }},
        {{ whole('10000 * n.months') }}
    from {{ ref('int_report_month') }} as m
    inner join rebates as r on m.source = r.source and m.partner_id = r.partner_id
    inner join (
        select source, partner_id, count(*) as months
        from {{ ref('int_report_month') }}
        where status = 'reported' and month_id <> 'unknown'
        group by source, partner_id
    ) as n on m.source = n.source and m.partner_id = n.partner_id
    where m.status = 'missing'
),

-- a part of 10^-4, rounded once to the currency's minor unit
risks as (
    select
        source,
        partner_id,
        month_id,
        risk,
        line_currency,
        currency,
        cast(null as {{ money() }}) as rows_amount,
        cast(null as {{ measure() }}) as effective_rate,
        false as is_estimate,
        cast(rebate as {{ money() }}) as rebate_at_risk
    from booked
    union all
    select
        e.source,
        e.partner_id,
        e.month_id,
        e.risk,
        e.line_currency,
        e.currency,
        cast(case when e.risk <> 'missing_report' then e.rows_amount end as {{ money() }}),
        case when e.risk <> 'missing_report' then {{ unscaled(rounded_quotient('e.rebate_units * ' ~ whole("'1000000000000'"), 'e.amount_units')) }} end,
        true,
        {{ minor_to_money(rounded_quotient(scaled('e.rows_amount', 4) ~ ' * e.rebate_units', 'e.amount_units * ' ~ power_of_ten('4 - c.minor_unit')), 'c.minor_unit') }}
    from estimated as e
    inner join {{ ref('currency') }} as c on e.currency = c.currency
)

select
    r.source || '|' || r.partner_id || '|' || r.month_id || '|' || r.risk || '|' || r.line_currency || '|' || r.currency as rebate_at_risk_id,
    r.source,
    r.partner_id,
    r.month_id,
    case
        when r.risk in ('held_lines', 'quarantined_rows') then 'accuracy'
        when r.risk in ('missing_values', 'missing_report') then 'completeness'
        when r.risk = 'late_rows' then 'timeliness'
        else 'corrections'
    end as aspect,
    r.risk,
    r.line_currency,
    r.currency,
    r.rows_amount,
    r.effective_rate,
    r.is_estimate,
    r.rebate_at_risk
from risks as r
where r.rebate_at_risk <> 0
