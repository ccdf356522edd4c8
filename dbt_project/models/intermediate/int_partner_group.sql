-- The newest row of each key (semantics 3: the newest file wins).
select
    partner_id,
    group_id,
    valid_from,
    coalesce(valid_to, {{ last_day() }}) as valid_to
from (
    select
        *,
        row_number() over (partition by partner_id, group_id, valid_from order by file_sequence desc, row_number desc) as version_rank
    from {{ ref('stg_partner_group') }}
) as versions
where version_rank = 1
