-- Each scope of lines with its limits; the rules on channel, region and document type joined to lists.
with lists as (
    select
        scope_key,
        rule,
        dimension,
        {{ joined('value', '|', 'value') }} as value_list
    from {{ ref('stg_program_scope_rule') }}
    where dimension in ('channel', 'region', 'document_type')
    group by 1, 2, 3
),

flags as (
    select
        scope_key,
        max(case when dimension = 'end_customer_segment' and rule = 'include' then 1 else 0 end) as includes_end_customers,
        max(case when dimension = 'end_customer_segment' then 1 else 0 end) as names_end_customers,
        max(case when dimension in ('end_customer_segment', 'channel', 'region', 'document_type') then 1 else 0 end) as names_any
    from {{ ref('stg_program_scope_rule') }}
    group by 1
),

measures as (
    select
        scope_key,
        max(case when kind = 'growth' and baseline = 'lines' then 1 else 0 end) as has_baseline,
        max(case when kind = 'count' then 1 else 0 end) as is_counted,
        max(case when kind = 'share' then 1 else 0 end) as is_shared
    from {{ ref('stg_program_measure') }}
    group by 1
)

select
    s.scope_key,
    s.program_key,
    p.participant_role,
    p.aggregate,
    p.currency,
    p.measurement,
    p.calendar,
    p.fx_max_age_days,
    p.is_judged_by_line,
    p.is_stacked_by_line,
    p.stacking_group,
    p.stacking_rank,
    s.scope_key in (p.earning_scope, p.target_scope) as carries_payout,
    s.stream,
    s.double_counting,
    s.returns,
    coalesce(b.has_baseline, 0) = 1
    or coalesce(p.accrual_forecast = 'seasonality', false) and s.scope_key = p.target_scope as has_baseline,
    coalesce(b.is_counted, 0) = 1 as is_counted,
    coalesce(b.is_shared, 0) = 1 as is_shared,
    s.min_price,
    s.max_price,
    s.min_quantity,
    s.max_quantity,
    s.min_amount,
    s.max_amount,
    coalesce(f.includes_end_customers, 0) = 1 as includes_end_customers,
    coalesce(f.names_end_customers, 0) = 1 as names_end_customers,
    coalesce(f.names_any, 0) = 1
    or coalesce(s.min_price, s.max_price, s.min_quantity, s.max_quantity, s.min_amount, s.max_amount) is not null as has_rules,
    {%- for dimension in ['channel', 'region', 'document_type'] %}
    max(case when l.rule = 'include' and l.dimension = '{{ dimension }}' then l.value_list end) as include_{{ dimension }},
    max(case when l.rule = 'exclude' and l.dimension = '{{ dimension }}' then l.value_list end) as exclude_{{ dimension }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from {{ ref('stg_program_scope') }} as s
inner join {{ ref('int_program') }} as p on s.program_key = p.program_key
left join flags as f on s.scope_key = f.scope_key
left join measures as b on s.scope_key = b.scope_key
left join lists as l on s.scope_key = l.scope_key
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
