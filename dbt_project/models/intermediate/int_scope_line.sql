{{ config(materialized='view') }}

-- Lines of each scope after stacking: under `priority` a line leaves all but the first program of its group, under `net_of`
-- its amount is reduced by what earlier programs pay on it. excluded_reason null: the line counts. Lines of other programs
-- have no key to join by.
select
    {%- for column in ['scope_key', 'line_key', 'line_use', 'program_key', 'participant_id', 'member_id', 'group_id', 'period_id', 'source', 'file_sequence', 'row_number', 'document_number', 'document_date', 'effective_date', 'sold_to_id', 'ship_to_id', 'distributor_id', 'reseller_id', 'end_customer_id', 'product_id', 'fx_rate', 'carries_payout', 'is_counted', 'is_shared', 'is_summed', 'base_quantity'] %}
    l.{{ column }},
    {%- endfor %}
    case when r.reduction is null then l.amount else cast(l.amount - r.reduction as {{ measure() }}) end as amount,
    case
        when l.excluded_reason is not null then l.excluded_reason
        when k.stacking_rank < l.stacking_rank then 'stacking_priority'
    end as excluded_reason
from {{ ref('int_scope_judged') }} as l
left join {{ ref('int_line_claim') }} as k
    on case when l.is_stacked_by_line and l.line_use = 'current' then l.line_key end = k.line_key
    and l.stacking_group = k.stacking_group
left join {{ ref('stg_line_reduction') }} as r
    on case when l.is_stacked_by_line and l.line_use = 'current' then l.line_key end = r.line_key
    and l.program_key = r.program_key
