{{ config(materialized='view') }}

-- What lines of net_of programs should be reduced by: all that earlier programs of the group pay on the line (semantics 8).
-- The calculation reads what the passes before it found (stg_line_reduction); the tie tie_line_reductions holds that
-- both are one.
select
    p.program_key,
    s.line_key,
    cast(sum(s.amount) as {{ money() }}) as reduction
from {{ ref('int_program') }} as p
inner join {{ ref('int_program') }} as e
    on p.stacking_group = e.stacking_group
    and p.stacking_rule = 'net_of'
    and e.stacking_rule = 'net_of'
    and e.stacking_rank < p.stacking_rank
    and e.program_id <> p.program_id
    and p.reduced_by_earlier
    and e.reduces_later
inner join {{ ref('int_line_share') }} as s on e.program_key = s.program_key
group by 1, 2
having sum(s.amount) <> 0
