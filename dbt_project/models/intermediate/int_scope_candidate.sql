{{ config(materialized='view') }}

-- Lines that a scope looks at, with the reason where one does not count after all (null: it counts): those that are judged one
-- by one (int_single_line), and those whose sums stand in int_line_sum (is_summed), found by class, stretch and admission set.
with matched as (
    {%- for role in ['sold_to', 'ship_to', 'distributor', 'reseller'] %}
    select
        k.profile_number,
        k.class_number,
        t.admission_set,
        t.partner_id,
        t.group_id,
        t.channel,
        coalesce(l.region, t.region) as line_region,
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
        l.base_quantity,
        l.net_amount,
        l.currency
    from {{ ref('int_line') }} as l
    inner join {{ ref('int_product_class') }} as k
        on l.product_id = k.product_id
        and l.stream = k.stream
        and k.participant_role = '{{ role }}'
        and k.is_summed
    inner join {{ ref('int_partner_stretch') }} as t
        on l.{{ role }}_id = t.partner_id
        and k.profile_number = t.profile_number
        and l.document_date between t.valid_from and t.valid_to
        and t.participant_role = '{{ role }}'
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

valued as (
    select
        l.*,
        s.scope_key,
        s.program_key,
        case when s.aggregate = 'group' then l.group_id else l.partner_id end as participant_id,
        l.partner_id as member_id,
        l.document_date as effective_date,
        {{ period_of('s.measurement', 'd') }} as period_id,
        d.month_id as fiscal_month_id,
        d.fx_rate,
        cast(cast(l.net_amount as decimal(38, 4)) * d.fx_rate as {{ measure() }}) as amount,
        s.double_counting,
        s.is_judged_by_line,
        s.is_stacked_by_line,
        s.stacking_group,
        s.stacking_rank,
        s.carries_payout,
        s.is_counted,
        s.is_shared,
        s.has_rules,
        s.include_channel, s.exclude_channel, s.include_region, s.exclude_region,
        s.include_document_type, s.exclude_document_type,
        s.min_price, s.max_price, s.min_quantity, s.max_quantity, s.min_amount, s.max_amount
    from matched as l
    inner join {{ ref('int_profile_day') }} as d
        on l.profile_number = d.profile_number
        and l.document_date = d.day
        and l.currency = d.currency
    inner join {{ ref('int_class_scope') }} as k
        on l.class_number = k.class_number
        and l.admission_set = k.admission_set
    inner join {{ ref('int_scope') }} as s on k.scope_key = s.scope_key
)

select
    {{ candidate_columns().split(',') | join(',\n    ') }},
    false as is_summed
from {{ ref('int_single_line') }}
union all
select
    {%- for column in candidate_columns().split(',') %}
    {%- if column == 'line_use' %}
    'current' as line_use,
    {%- elif column == 'excluded_reason' %}
    case
        when participant_id is null then 'no_group'
        when fx_rate is null then 'no_fx_rate'
        when has_rules then coalesce({{ broken_rule('valued', 'document_type', 'channel', 'line_region') }}, {{ broken_limit('valued') }})
    end as excluded_reason,
    {%- else %}
    {{ column }},
    {%- endif %}
    {%- endfor %}
    true as is_summed
from valued
