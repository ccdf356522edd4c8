-- Lines of net_of programs are reduced by exactly what the earlier programs of their group pay on them (semantics 8).
select
    coalesce(s.program_key, r.program_key) as program_key,
    coalesce(s.line_key, r.line_key) as line_key,
    s.reduction as should_be,
    r.reduction as was
from {{ ref('int_line_reduction') }} as s
full outer join {{ ref('stg_line_reduction') }} as r
    on s.program_key = r.program_key
    and s.line_key = r.line_key
where coalesce(s.reduction, 0) <> coalesce(r.reduction, 0)
