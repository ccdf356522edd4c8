-- Lines that a scope has to look at one by one: those of scopes for which sums do not suffice (int_scope_profile.is_summed), and
-- the year before of scopes that compare with it (line_use baseline: as if dated one fiscal year later). A scope looks at lines
-- of its stream and products, of a participant admitted on the line's effective date; excluded_reason says why such a
-- line does not count after all; null: it counts.
-- The first step is kept as it is, so that where no scope asks for single lines none is read.
with lines {{ as_a_step() }} (
    select
        k.class_number,
        k.is_summed,
        k.calendar,
        k.returns,
        k.has_baseline,
        case k.participant_role
            when 'sold_to' then l.sold_to_id
            when 'ship_to' then l.ship_to_id
            when 'distributor' then l.distributor_id
            when 'reseller' then l.reseller_id
        end as role_partner_id,
        l.line_key,
        l.stream,
        l.source,
        l.file_sequence,
        l.row_number,
        l.document_number,
        l.document_date,
        l.document_type,
        l.sold_to_id,
        l.ship_to_id,
        l.distributor_id,
        l.reseller_id,
        l.end_customer_id,
        l.product_id,
        l.authorization_number,
        l.region,
        l.base_quantity,
        l.net_amount,
        l.currency
    from {{ ref('int_line') }} as l
    inner join {{ ref('int_product_class') }} as k
        on l.product_id = k.product_id
        and l.stream = k.stream
        and (not k.is_summed or k.has_baseline)
),

dated as (
    select
        l.*,
        coalesce(o.original_date, l.document_date) as counted_on
    from lines as l
    left join {{ ref('int_line_original') }} as o
        on case when l.returns = 'by_original_document' then l.line_key end = o.line_key
),

used as (
    select *, 'current' as line_use, counted_on as effective_date
    from dated
    where not is_summed
    union all
    select l.*, 'baseline', d.next_year_day
    from dated as l
    inner join {{ ref('int_calendar_day') }} as d
        on l.calendar = d.calendar
        and l.counted_on = d.day
    where l.has_baseline
),

class_scopes as (
    select
        c.class_number,
        p.scope_key,
        p.valid_from,
        p.valid_to,
        s.has_baseline
    from {{ ref('int_product_class') }} as c
    inner join {{ ref('int_scope_profile') }} as r
        on c.profile_number = r.profile_number
        and c.product_id = c.product_class
    inner join {{ ref('int_scope_product') }} as p
        on r.scope_key = p.scope_key
        and c.product_id = p.product_id
    inner join {{ ref('int_scope') }} as s on r.scope_key = s.scope_key
),

rates as (
    select f.from_currency, f.to_currency, f.valid_from, f.rate, d.day
    from {{ ref('int_fx_rate') }} as f
    inner join (select distinct document_date as day from lines) as d on d.day between f.valid_from and f.valid_to
),

converted as (
    select
        l.*,
        s.scope_key,
        s.program_key,
        a.participant_id,
        a.partner_id as member_id,
        a.group_id,
        a.channel,
        coalesce(l.region, a.region) as line_region,
        s.aggregate,
        s.measurement,
        s.is_judged_by_line,
        s.stacking_group,
        s.stacking_rank,
        s.is_stacked_by_line,
        s.carries_payout,
        s.is_counted,
        s.is_shared,
        s.double_counting,
        s.includes_end_customers,
        s.include_channel, s.exclude_channel, s.include_region, s.exclude_region,
        s.include_document_type, s.exclude_document_type,
        s.min_price, s.max_price, s.min_quantity, s.max_quantity, s.min_amount, s.max_amount,
        s.has_rules,
        case
            when l.currency = s.currency then cast(1 as decimal(18, 8))
            when l.document_date <= {{ add_days('f.valid_from', 's.fx_max_age_days') }} then f.rate
        end as fx_rate,
        coalesce(e.is_included, false) as end_customer_included,
        coalesce(e.is_excluded, false) as end_customer_excluded
    from used as l
    inner join class_scopes as k
        on l.class_number = k.class_number
        and l.effective_date between k.valid_from and k.valid_to
        and (l.line_use = 'current' or k.has_baseline)
    inner join {{ ref('int_scope') }} as s on k.scope_key = s.scope_key
    inner join {{ ref('int_program_participant') }} as a
        on s.program_key = a.program_key
        and l.role_partner_id = a.partner_id
        and l.effective_date between a.valid_from and a.valid_to
    left join rates as f
        on case when l.currency <> s.currency then l.currency end = f.from_currency
        and s.currency = f.to_currency
        and l.document_date = f.day
    left join {{ ref('int_scope_end_customer') }} as e
        on case when s.has_rules then s.scope_key end = e.scope_key
        and l.end_customer_id = e.end_customer_id
        and l.effective_date between e.valid_from and e.valid_to
),

valued as (
    select
        *,
        cast(cast(net_amount as decimal(38, 4)) * fx_rate as {{ measure() }}) as amount
    from converted
),

judged as (
    select
        c.*,
        {{ period_of('c.measurement', 'd') }} as period_id,
        d.month_id as fiscal_month_id,
        case
            when c.aggregate = 'group' and c.participant_id is null then 'no_group'
            when c.fx_rate is null then 'no_fx_rate'
            when c.has_rules then coalesce(
                {{ broken_rule('c', 'c.document_type', 'c.channel', 'c.line_region') }},
                case
                    when c.includes_end_customers and c.end_customer_id is null then 'end_customer_unknown'
                    when c.includes_end_customers and not c.end_customer_included then 'end_customer_segment'
                    when c.end_customer_excluded then 'end_customer_segment'
                end,
                {{ broken_limit('c') }}
            )
        end as excluded_reason
    from valued as c
    inner join {{ ref('int_calendar_day') }} as d
        on c.calendar = d.calendar
        and c.effective_date = d.day
)

select
    {%- for column in candidate_columns().split(',') %}
    {{ "carries_payout and line_use = 'current' as carries_payout" if column == 'carries_payout' else column }}{% if not loop.last %},{% endif %}
    {%- endfor %}
from judged
