-- Stacking by priority: the first program of a group, by declared order and then id, for which a line is eligible.
select
    p.stacking_group,
    l.line_key,
    min(p.stacking_rank) as stacking_rank
from {{ ref('int_scope_judged') }} as l
inner join {{ ref('int_program') }} as p
    on l.program_key = p.program_key
    and l.scope_key = p.earning_scope
where
    l.is_stacked_by_line
    and p.stacking_rule = 'priority'
    and l.line_use = 'current'
    and l.excluded_reason is null
group by 1, 2
