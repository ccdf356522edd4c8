-- How a scope looks at lines before it is summed. Scopes that look in the same way (stream, role, currency, calendar, limits)
-- share a profile, named after its first scope: lines are summed once per profile (int_line_sum), not once per scope.
-- is_summed: sums by product class, partner and days suffice; else single lines matter (returns by their original document,
-- end customers, authorisations, double counting, stacking by line, counts and shares, products that are dated).
with streams as (
    {%- for stream in ['sell_in', 'sell_through'] %}
    select scope_key, '{{ stream }}' as stream from {{ ref('int_scope') }} where stream in ('{{ stream }}', 'both')
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

dated as (
    select distinct scope_key
    from {{ ref('int_scope_product') }}
    where valid_from > {{ first_day() }} or valid_to < {{ last_day() }}
),

-- programs that pay others than the participant need the roles on the line
paying as (
    select
        program_key,
        {%- for role in ['sold_to', 'ship_to', 'distributor', 'reseller', 'end_customer'] %}
        max(case when role = '{{ role }}' then 1 else 0 end) as pays_{{ role }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('stg_program_payee') }}
    group by 1
),

scopes as (
    select
        s.scope_key,
        t.stream,
        s.program_key,
        s.participant_role,
        s.currency,
        s.fx_max_age_days,
        s.calendar,
        s.returns,
        s.has_baseline,
        s.min_price,
        s.max_price,
        s.min_quantity,
        s.max_quantity,
        s.min_amount,
        s.max_amount,
        s.include_region is not null or s.exclude_region is not null as keeps_region,
        {%- for role in ['sold_to', 'ship_to', 'distributor', 'reseller', 'end_customer'] %}
        s.carries_payout and coalesce(y.pays_{{ role }}, 0) = 1 as keeps_{{ role }},
        {%- endfor %}
        s.returns = 'by_return_date'
        and not s.names_end_customers
        and not s.is_judged_by_line
        and not s.is_stacked_by_line
        and not s.is_counted
        and not s.is_shared
        and d.scope_key is null as is_summed,
        case s.measurement when 'month' then 1 when 'quarter' then 2 when 'half_year' then 3 else 4 end as span
    from {{ ref('int_scope') }} as s
    inner join streams as t on s.scope_key = t.scope_key
    left join paying as y on s.program_key = y.program_key
    left join dated as d on s.scope_key = d.scope_key
)

{%- set profile = 'stream, participant_role, is_summed, returns, currency, fx_max_age_days, calendar, min_price, max_price, min_quantity, max_quantity, min_amount, max_amount' %}

select
    *,
    dense_rank() over (order by profile_key, stream) as profile_number
from (
    select
        *,
        coalesce(min_price, max_price, min_quantity, max_quantity, min_amount, max_amount) is not null as has_limits,
        min(scope_key) over (partition by {{ profile }}) as profile_key,
        -- the shortest of the profile's measurement periods: 1 month to 4 year
        min(span) over (partition by {{ profile }}) as profile_span
    from scopes
) as named
