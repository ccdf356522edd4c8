-- The newest row of each key (semantics 3: the newest file wins).
select
    end_customer_id,
    end_customer_name,
    end_customer_type,
    industry,
    size_band,
    income_band,
    age_band,
    composition,
    region
from (
    select
        *,
        row_number() over (partition by end_customer_id order by file_sequence desc, row_number desc) as version_rank
    from {{ ref('stg_end_customer') }}
) as versions
where version_rank = 1
