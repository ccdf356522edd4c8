-- Accepted rows about which more is to be said than that they are the only row of their line and count: lines with several
-- versions, and what does not count (semantics 3: the newest file wins for a key, a replacement report replaces what older
-- files said of its partner and month, a cancellation removes, lines after the as-of date do not count yet).
-- Few of many rows: only keys whose hash comes twice are looked at as keys.
with repeated as (
    select {{ hash_of(['source', 'document_number', 'line_number']) }} as key_hash
    from {{ ref('stg_line') }}
    group by 1
    having count(*) > 1
),

replacements as (
    select
        source,
        coalesce(distributor_id, '') as distributor_id,
        coalesce(reseller_id, '') as reseller_id,
        {{ month_start('document_date') }} as month_start,
        max(file_sequence) as file_sequence
    from {{ ref('stg_line') }}
    where record_intent = 'replacement'
    group by 1, 2, 3, 4
),

rows_ as (
    select
        l.*,
        row_number() over (partition by l.line_key order by l.file_sequence desc, l.row_number desc) as version_rank,
        count(*) over (partition by l.line_key) as version_count
    from {{ ref('stg_line') }} as l
    inner join repeated as r on {{ hash_of(['l.source', 'l.document_number', 'l.line_number']) }} = r.key_hash
    union all
    select l.*, 1, 1
    from {{ ref('stg_line') }} as l
    cross join {{ ref('stg_run_context') }} as c
    left join (select distinct source from replacements) as s on l.source = s.source
    left join repeated as r on {{ hash_of(['l.source', 'l.document_number', 'l.line_number']) }} = r.key_hash
    where
        r.key_hash is null
        and (l.record_intent = 'cancellation' or l.document_date > c.as_of or s.source is not null)
),

judged as (
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
    from rows_ as v
    cross join {{ ref('stg_run_context') }} as c
    left join replacements as r
        on v.source = r.source
        and coalesce(v.distributor_id, '') = r.distributor_id
        and coalesce(v.reseller_id, '') = r.reseller_id
        and {{ month_start('v.document_date') }} = r.month_start
)

select
    line_key,
    source,
    file_sequence,
    file_hash,
    row_number,
    version_rank,
    version_count,
    document_date,
    net_amount,
    currency,
    line_status
from judged
where version_count > 1 or line_status <> 'current'
