-- What each partner reported of each month, and the months that it agreed to report: also those of which nothing came.
with context as (
    select as_of, {{ month_id('as_of') }} as month_id
    from {{ ref('stg_run_context') }}
),

reported as (
    select
        p.source,
        p.partner_id,
        p.month_id,
        sum(p.rows_in) as rows_in,
        sum(p.rows_accepted) as rows_accepted,
        sum(p.rows_held) as rows_held,
        sum(p.rows_quarantined) as rows_quarantined,
        sum(p.rows_superseded) as rows_superseded,
        sum(p.rows_without_amount) as rows_without_amount,
        sum(p.values_expected) as values_expected,
        sum(p.values_filled) as values_filled,
        sum(p.end_customers_expected) as end_customers_expected,
        sum(p.end_customers_identified) as end_customers_identified,
        sum(case when p.days_late > 0 then p.rows_in else 0 end) as rows_late,
        sum(case when p.days_late is not null then p.rows_in else 0 end) as rows_timed,
        sum(case when p.days_late < s.zero_after_days then p.rows_in * (s.zero_after_days - p.days_late) else 0 end) as days_kept,
        min(p.received_on) as first_received_on,
        max(p.received_on) as last_received_on,
        min(p.days_to_receipt) as days_to_receipt
    from {{ ref('int_report_part') }} as p
    left join {{ ref('stg_source') }} as s on p.source = s.source
    group by p.source, p.partner_id, p.month_id
),

reporters as (
    select
        source,
        partner_id,
        min(case when month_id <> 'unknown' then month_id end) as first_month
    from reported
    group by source, partner_id
    union all
    select source, partner_id, first_month
    from {{ ref('stg_source') }}
    where partner_id is not null and first_month is not null
),

expected as (
    select r.source, r.partner_id, m.month_id
    from (select source, partner_id, min(first_month) as first_month from reporters group by source, partner_id) as r
    inner join {{ ref('stg_source') }} as s on r.source = s.source and s.due_days is not null
    cross join context as c
    inner join {{ ref('fiscal_month') }} as m
        on m.calendar = 'months'
        and m.month_id between coalesce(s.first_month, r.first_month) and c.month_id
),

months as (
    select source, partner_id, month_id, max(is_expected) as is_expected
    from (
        select source, partner_id, month_id, 1 as is_expected from expected
        union all
        select r.source, r.partner_id, r.month_id, 0
        from reported as r
        inner join context as c on r.month_id <= c.month_id or r.month_id = 'unknown'
    ) as every_month
    group by source, partner_id, month_id
)

select
    k.source,
    k.partner_id,
    k.month_id,
    m.month_end,
    {{ add_days('m.month_end', 's.due_days') }} as due_on,
    s.due_days,
    s.zero_after_days,
    case
        when r.rows_in > 0 then 'reported'
        when {{ add_days('m.month_end', 's.due_days') }} < c.as_of then 'missing'
        else 'awaited'
    end as status,
    k.is_expected as periods_expected,
    case when r.rows_in > 0 then k.is_expected else 0 end as periods_reported,
    {%- for count in [
        'rows_in', 'rows_accepted', 'rows_held', 'rows_quarantined', 'rows_superseded', 'rows_without_amount', 'rows_late', 'rows_timed',
        'days_kept', 'values_expected', 'values_filled', 'end_customers_expected', 'end_customers_identified',
    ] %}
    cast(coalesce(r.{{ count }}, 0) as bigint) as {{ count }},
    {%- endfor %}
    r.first_received_on,
    r.last_received_on,
    r.days_to_receipt
from months as k
cross join context as c
left join reported as r on k.source = r.source and k.partner_id = r.partner_id and k.month_id = r.month_id
left join {{ ref('stg_source') }} as s on k.source = s.source
left join {{ ref('fiscal_month') }} as m on k.month_id = m.month_id and m.calendar = 'months'
