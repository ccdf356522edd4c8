-- Which version of a line counts (semantics 3): the newest file wins for a key, a replacement report replaces what
-- older files said of its partner and month, a cancellation removes, lines after the as-of date do not count yet.
with versions as (
    select
        line_key,
        source,
        file_sequence,
        file_hash,
        row_number,
        distributor_id,
        reseller_id,
        document_date,
        record_intent,
        net_amount,
        currency,
        row_number() over (partition by line_key order by file_sequence desc, row_number desc) as version_rank,
        count(*) over (partition by line_key) as version_count
    from {{ ref('stg_line') }}
),

replacements as (
    select
        source,
        coalesce(distributor_id, '') as distributor_id,
        coalesce(reseller_id, '') as reseller_id,
        {{ month_id('document_date') }} as month_id,
        max(file_sequence) as file_sequence
    from {{ ref('stg_line') }}
    where record_intent = 'replacement'
    group by 1, 2, 3, 4
)

select
    v.line_key,
    v.source,
    v.file_sequence,
    v.file_hash,
    v.row_number,
    v.version_rank,
    v.version_count,
    v.document_date,
    v.net_amount,
    v.currency,
    case
        when v.version_rank > 1 then 'corrected'
        when r.file_sequence > v.file_sequence then 'replaced'
        when v.record_intent = 'cancellation' then 'cancelled'
        when v.document_date > c.as_of then 'after_as_of'
        else 'current'
    end as line_status
from versions as v
cross join {{ ref('stg_run_context') }} as c
left join replacements as r
    on v.source = r.source
    and coalesce(v.distributor_id, '') = r.distributor_id
    and coalesce(v.reseller_id, '') = r.reseller_id
    and {{ month_id('v.document_date') }} = r.month_id
