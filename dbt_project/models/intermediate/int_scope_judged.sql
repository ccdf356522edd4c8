{{ config(materialized='view') }}

-- Candidates, after what is judged line by line: which stream counts where both are read, and what a price-difference
-- program's authorisations pay on the line (amount and quantity become what is paid for). Other lines have no key to join by.
select
    {%- for column in ['scope_key', 'line_key', 'line_use', 'program_key', 'participant_id', 'member_id', 'group_id', 'period_id', 'source', 'file_sequence', 'row_number', 'document_number', 'document_date', 'effective_date', 'sold_to_id', 'ship_to_id', 'distributor_id', 'reseller_id', 'end_customer_id', 'product_id', 'fx_rate', 'is_stacked_by_line', 'stacking_group', 'stacking_rank', 'carries_payout', 'is_counted', 'is_shared', 'is_summed'] %}
    c.{{ column }},
    {%- endfor %}
    case when a.line_key is null then c.amount else a.price_amount end as amount,
    case when a.line_key is null then c.base_quantity else a.paid_quantity end as base_quantity,
    case
        when not c.is_judged_by_line or c.excluded_reason is not null then c.excluded_reason
        when
            p.product_id is not null
            and c.stream <> case c.double_counting when 'prefer_sell_in' then 'sell_in' else 'sell_through' end
            then 'double_counting'
        else a.excluded_reason
    end as excluded_reason
from {{ ref('int_scope_candidate') }} as c
left join {{ ref('int_preferred_stream') }} as p
    on case when c.double_counting is not null then c.scope_key end = p.scope_key
    and c.line_use = p.line_use
    and c.participant_id = p.participant_id
    and c.product_id = p.product_id
    and c.fiscal_month_id = p.fiscal_month_id
left join {{ ref('int_authorized_line') }} as a
    on case when c.is_judged_by_line and c.carries_payout then c.line_key end = a.line_key
    and c.program_key = a.program_key
