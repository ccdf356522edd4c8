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
        max(case when dimension = 'end_customer_segment' and rule = 'include' then 1 else 0 end) as includes_end_customers
    from {{ ref('stg_program_scope_rule') }}
    group by 1
)

select
    s.scope_key,
    s.program_key,
    p.participant_role,
    p.aggregate,
    p.currency,
    p.measurement,
    s.stream,
    s.min_price,
    s.max_price,
    s.min_quantity,
    s.max_quantity,
    s.min_amount,
    s.max_amount,
    coalesce(f.includes_end_customers, 0) = 1 as includes_end_customers,
    {%- for dimension in ['channel', 'region', 'document_type'] %}
    max(case when l.rule = 'include' and l.dimension = '{{ dimension }}' then l.value_list end) as include_{{ dimension }},
    max(case when l.rule = 'exclude' and l.dimension = '{{ dimension }}' then l.value_list end) as exclude_{{ dimension }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from {{ ref('stg_program_scope') }} as s
inner join {{ ref('int_program') }} as p on s.program_key = p.program_key
left join flags as f on s.scope_key = f.scope_key
left join lists as l on s.scope_key = l.scope_key
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
