-- The newest row of each key (semantics 3: the newest file wins).
select
    partner_id,
    partner_name,
    partner_type,
    parent_partner_id,
    channel,
    region,
    country
from (
    select
        *,
        row_number() over (partition by partner_id order by file_sequence desc, row_number desc) as version_rank
    from {{ ref('stg_partner') }}
) as versions
where version_rank = 1
