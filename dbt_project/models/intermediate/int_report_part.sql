-- What one file says of one partner and month, by currency: rows by verdict, values filled as agreed, rows that did not last,
-- days to receipt. A quarantined row counts in its own month where the file has other rows of it that passed or are held, else in the
-- month that most rows of the file are of; in `unknown` where no row has a date and the day of receipt is not known.
with agreed as (
    select
        source,
        partner_id,
        due_days
        {%- for field in line_fields().split(',') %},
        coalesce({{ one_of("'" ~ field ~ "'", 'agreed_fields') }}, false) as expects_{{ field }}
        {%- endfor %}
    from {{ ref('stg_source') }}
),

-- quarantined rows on which no money hangs: a newer file brought their line, or they repeat another row of their file
settled as (
    select q.file_sequence, q.row_number
    from {{ ref('stg_quarantine_line') }} as q
    inner join {{ ref('stg_line') }} as n
        on q.source = n.source
        and q.document_number = n.document_number
        and q.line_number = n.line_number
        and q.file_sequence < n.file_sequence
    union
    select q.file_sequence, q.row_number
    from {{ ref('stg_quarantine_line') }} as q
    inner join {{ ref('stg_quarantine_line') }} as n
        on q.source = n.source
        and q.document_number = n.document_number
        and q.line_number = n.line_number
        and q.file_sequence < n.file_sequence
    union
    select file_sequence, row_number
    from {{ ref('stg_quarantine_line') }}
    where ';' || rules_failed || ';' like '%;duplicate_row;%'
),

-- by day first: a month per row would be made millions of times
daily as (
    select
        l.source,
        {{ reporting_partner('l', 'a') }} as partner_id,
        l.document_date,
        l.file_sequence,
        l.currency,
        count(*) as rows_in,
        sum(case when l.verdict = 'accepted' then 1 else 0 end) as rows_accepted,
        sum(case when l.verdict = 'held' then 1 else 0 end) as rows_held,
        0 as rows_quarantined,
        0 as rows_without_amount,
        sum(l.net_amount) as amount,
        cast(0 as decimal(38, 4)) as quarantined_amount
        {%- for field in line_fields().split(',') %},
        count({{ 'e' if field == 'end_customer_id' else 'l' }}.{{ field }}) as filled_{{ field }}
        {%- endfor %}
    from {{ ref('stg_line') }} as l
    left join agreed as a on l.source = a.source
    left join {{ ref('int_end_customer') }} as e on l.end_customer_id = e.end_customer_id
    group by 1, 2, 3, 4, 5
    union all
    select
        l.source,
        {{ reporting_partner('l', 'a') }},
        l.document_date,
        l.file_sequence,
        coalesce(l.currency, ''),
        count(*),
        0,
        0,
        count(*),
        sum(case when l.net_amount is null or l.currency is null then 1 else 0 end),
        cast(0 as decimal(38, 4)),
        sum(case when d.file_sequence is null then coalesce(l.net_amount, 0) else 0 end)
        {%- for field in line_fields().split(',') %},
        count(
            {%- if field == 'end_customer_id' %}e.end_customer_id
            {%- elif field == 'product_id' %}coalesce(l.product_id, l.partner_product_id)
            {%- elif field in ('document_date', 'quantity', 'net_amount') %}l.{{ field }}_text
            {%- else %}l.{{ field }}
            {%- endif %})
        {%- endfor %}
    from {{ ref('stg_quarantine_line') }} as l
    left join settled as d on l.file_sequence = d.file_sequence and l.row_number = d.row_number
    left join agreed as a on l.source = a.source
    left join {{ ref('int_end_customer') }} as e on l.end_customer_id = e.end_customer_id
    group by 1, 2, 3, 4, 5
),

counted as (
    select *, {{ month_id('document_date') }} as month_id from daily
),

file_months as (
    select
        file_sequence,
        month_id,
        sum(rows_accepted + rows_held) as rows_passed,
        row_number() over (
            partition by file_sequence order by sum(rows_accepted + rows_held) desc, sum(rows_in) desc, month_id desc
        ) as place
    from counted
    where month_id is not null
    group by file_sequence, month_id
),

placed as (
    select
        c.*,
        coalesce(case when o.rows_passed > 0 then o.month_id end, m.month_id, {{ month_id('f.received_on') }}, 'unknown') as counts_in,
        f.received_on
    from counted as c
    inner join {{ ref('stg_file') }} as f on c.file_sequence = f.file_sequence
    left join file_months as o on c.file_sequence = o.file_sequence and c.month_id = o.month_id
    left join file_months as m on c.file_sequence = m.file_sequence and m.place = 1
),

parts as (
    select
        source,
        partner_id,
        counts_in as month_id,
        file_sequence,
        currency,
        received_on,
        sum(rows_in) as rows_in,
        sum(rows_accepted) as rows_accepted,
        sum(rows_held) as rows_held,
        sum(rows_quarantined) as rows_quarantined,
        sum(rows_without_amount) as rows_without_amount,
        sum(amount) as amount,
        sum(quarantined_amount) as quarantined_amount
        {%- for field in line_fields().split(',') %},
        sum(filled_{{ field }}) as filled_{{ field }}
        {%- endfor %}
    from placed
    group by source, partner_id, counts_in, file_sequence, currency, received_on
),

-- rows that validation accepted and the comparison of stock holds
doubted as (
    select
        l.source,
        {{ reporting_partner('l', 'a') }} as partner_id,
        l.month_id,
        l.file_sequence,
        l.currency,
        count(*) as rows_held
    from {{ ref('int_held_line') }} as h
    inner join {{ ref('int_line') }} as l on h.line_key = l.line_key
    left join agreed as a on l.source = a.source
    where h.is_held_by_stock_alone
    group by 1, 2, 3, 4, 5
),

-- rows that do not count: corrected, replaced or cancelled, or not yet
superseded as (
    select
        l.source,
        {{ reporting_partner('l', 'a') }} as partner_id,
        {{ month_id('l.document_date') }} as month_id,
        l.file_sequence,
        l.currency,
        sum(case when v.line_status = 'after_as_of' then 0 else 1 end) as rows_superseded,
        sum(case when v.line_status = 'after_as_of' then cast(0 as {{ money() }}) else l.net_amount end) as superseded_amount,
        sum(l.net_amount) as left_out_amount
    from {{ ref('stg_line') }} as l
    inner join {{ ref('int_line_version') }} as v
        on l.file_sequence = v.file_sequence
        and l.row_number = v.row_number
        and v.line_status <> 'current'
    left join agreed as a on l.source = a.source
    group by 1, 2, 3, 4, 5
)

select
    p.source,
    p.partner_id,
    p.month_id,
    p.file_sequence,
    p.currency,
    p.received_on,
    case
        when m.month_end is null or p.received_on is null then null
        when p.received_on <= m.month_end then 0
        else {{ days_between('m.month_end', 'p.received_on') }}
    end as days_to_receipt,
    case
        when m.month_end is null or p.received_on is null or a.due_days is null then null
        when p.received_on <= {{ add_days('m.month_end', 'a.due_days') }} then 0
        else {{ days_between(add_days('m.month_end', 'a.due_days'), 'p.received_on') }}
    end as days_late,
    cast(p.rows_in as bigint) as rows_in,
    cast(p.rows_accepted - coalesce(d.rows_held, 0) as bigint) as rows_accepted,
    cast(p.rows_held + coalesce(d.rows_held, 0) as bigint) as rows_held,
    cast(p.rows_quarantined as bigint) as rows_quarantined,
    cast(coalesce(s.rows_superseded, 0) as bigint) as rows_superseded,
    cast(p.rows_without_amount as bigint) as rows_without_amount,
    cast(p.rows_in * (0
        {%- for field in line_fields().split(',') if field != 'end_customer_id' %}
        + case when a.expects_{{ field }} then 1 else 0 end
        {%- endfor %}) as bigint) as values_expected,
    cast(0
        {%- for field in line_fields().split(',') if field != 'end_customer_id' %}
        + case when a.expects_{{ field }} then p.filled_{{ field }} else 0 end
        {%- endfor %} as bigint) as values_filled,
    cast(case when a.expects_end_customer_id then p.rows_in else 0 end as bigint) as end_customers_expected,
    cast(case when a.expects_end_customer_id then p.filled_end_customer_id else 0 end as bigint) as end_customers_identified,
    cast(p.amount - coalesce(s.left_out_amount, 0) as {{ money() }}) as current_amount,
    cast(p.quarantined_amount as {{ money() }}) as quarantined_amount,
    cast(coalesce(s.superseded_amount, 0) as {{ money() }}) as superseded_amount
from parts as p
left join agreed as a on p.source = a.source
left join {{ ref('fiscal_month') }} as m on p.month_id = m.month_id and m.calendar = 'months'
left join superseded as s
    on p.source = s.source
    and p.partner_id = s.partner_id
    and p.month_id = s.month_id
    and p.file_sequence = s.file_sequence
    and p.currency = s.currency
left join doubted as d
    on p.source = d.source
    and p.partner_id = d.partner_id
    and p.month_id = d.month_id
    and p.file_sequence = d.file_sequence
    and p.currency = d.currency
