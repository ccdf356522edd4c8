{{ config(materialized='view') }}

-- Grain: one line that counts at the as-of date, with its verdict (also held where the comparison of stock holds it), its
-- segments, partner attributes on its date and the file row that it came from.
select
    l.line_key,
    l.stream,
    l.document_number,
    l.line_number,
    l.document_type,
    l.document_date,
    l.month_id,
    l.reference_document_number,
    l.record_intent,
    l.sold_to_id,
    l.ship_to_id,
    l.distributor_id,
    l.reseller_id,
    l.end_customer_id,
    l.end_customer_name,
    l.product_id,
    l.quantity,
    l.unit,
    l.base_quantity,
    l.net_amount,
    l.currency,
    l.authorization_number,
    l.sales_rep_id,
    l.region,
    e.channel as partner_channel,
    e.tier as partner_tier,
    e.group_id as partner_group_id,
    sp.segments as partner_segments,
    se.segments as end_customer_segments,
    sd.segments as product_segments,
    case when h.line_key is null then l.verdict else 'held' end as verdict,
    coalesce(h.rules_failed, l.rules_failed) as rules_failed,
    l.source,
    f.file_name,
    l.file_sequence,
    l.file_hash,
    l.row_number
from {{ ref('int_line') }} as l
inner join {{ ref('stg_file') }} as f on l.file_sequence = f.file_sequence
left join {{ ref('int_partner_episode') }} as e
    on coalesce(l.reseller_id, l.sold_to_id) = e.partner_id
    and l.document_date between e.valid_from and e.valid_to
left join {{ ref('int_held_line') }} as h on l.line_key = h.line_key
{%- for alias, entity, entity_id in [
    ('sp', 'partner', 'coalesce(l.reseller_id, l.sold_to_id)'), ('se', 'end_customer', 'l.end_customer_id'), ('sd', 'product', 'l.product_id')
] %}
left join {{ ref('int_entity_segment') }} as {{ alias }}
    on {{ alias }}.entity = '{{ entity }}'
    and {{ entity_id }} = {{ alias }}.entity_id
    and l.document_date between {{ alias }}.valid_from and {{ alias }}.valid_to
{%- endfor %}
