-- Grain: one line that counts at the as-of date, with its segments, partner attributes on its date and the file row
-- that it came from.
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
    s.partner_segments,
    s.end_customer_segments,
    s.product_segments,
    l.verdict,
    l.rules_failed,
    l.source,
    f.file_name,
    l.file_sequence,
    l.file_hash,
    l.row_number
from {{ ref('int_line') }} as l
inner join {{ ref('stg_file') }} as f on l.file_sequence = f.file_sequence
inner join {{ ref('int_line_segment') }} as s on l.line_key = s.line_key
left join {{ ref('int_partner_episode') }} as e
    on coalesce(l.reseller_id, l.sold_to_id) = e.partner_id
    and l.document_date between e.valid_from and e.valid_to
