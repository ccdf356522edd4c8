{{ config(materialized='view') }}

-- Lines that count at the as-of date, in base units. Validation has quarantined what has no unit conversion. A view: reading
-- the accepted files costs a tenth of writing a table of all lines.
select
    l.line_key,
    l.source,
    l.file_sequence,
    l.file_hash,
    l.row_number,
    cast(coalesce(v.version_count, 1) as bigint) as version_count,
    l.verdict,
    l.rules_failed,
    l.stream,
    l.document_number,
    l.line_number,
    l.document_type,
    l.document_date,
    {{ month_id('l.document_date') }} as month_id,
    l.reference_document_number,
    l.record_intent,
    l.sold_to_id,
    l.ship_to_id,
    l.distributor_id,
    l.reseller_id,
    l.end_customer_id,
    l.end_customer_name,
    l.end_customer_method,
    l.product_id,
    l.quantity,
    l.unit,
    cast(cast(l.quantity as decimal(38, 6)) * case when l.unit = p.base_unit then cast(1 as decimal(18, 6)) else u.factor end as {{ measure() }}) as base_quantity,
    l.net_amount,
    l.currency,
    l.authorization_number,
    l.sales_rep_id,
    l.region
from {{ ref('stg_line') }} as l
left join {{ ref('int_line_version') }} as v
    on l.file_sequence = v.file_sequence
    and l.row_number = v.row_number
inner join {{ ref('int_product') }} as p on l.product_id = p.product_id
left join {{ ref('int_product_unit') }} as u
    on l.product_id = u.product_id
    and l.unit = u.unit
where coalesce(v.line_status, 'current') = 'current'
