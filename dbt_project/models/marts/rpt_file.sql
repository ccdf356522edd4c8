-- Grain: one received file: rows in = accepted + held + quarantined.
{%- set entities = ['line', 'partner', 'partner_tier', 'partner_group', 'end_customer', 'product', 'product_unit', 'fx_rate', 'product_cross_reference', 'unit_cross_reference', 'end_customer_answer', 'fund_claim', 'claim', 'stock_report', 'stock_release', 'payment_reply'] %}
with verdicts as (
    {%- for entity in entities %}
    select file_sequence, verdict, count(*) as verdict_rows
    from {{ ref('stg_' ~ entity) }}
    group by 1, 2
    union all
    select file_sequence, 'quarantined', count(*)
    from {{ ref('stg_quarantine_' ~ entity) }}
    group by 1
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

sums as (
    select
        file_sequence,
        sum(case when verdict = 'accepted' then verdict_rows else 0 end) as rows_accepted,
        sum(case when verdict = 'held' then verdict_rows else 0 end) as rows_held,
        sum(case when verdict = 'quarantined' then verdict_rows else 0 end) as rows_quarantined
    from verdicts
    group by 1
)

select
    f.file_sequence,
    f.source,
    f.entity,
    f.file_name,
    f.file_hash,
    f.status,
    f.error,
    f.received_on,
    f.rows_in,
    cast(coalesce(s.rows_accepted, 0) as bigint) as rows_accepted,
    cast(coalesce(s.rows_held, 0) as bigint) as rows_held,
    cast(coalesce(s.rows_quarantined, 0) as bigint) as rows_quarantined
from {{ ref('stg_file') }} as f
left join sums as s on f.file_sequence = s.file_sequence
