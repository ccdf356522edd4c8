-- Grain: one line that a program's scope looks at and leaves out, with the reason.
select
    l.program_key,
    l.scope_key,
    l.line_key,
    l.participant_id,
    l.member_id,
    l.period_id,
    n.document_date,
    n.net_amount,
    n.currency,
    l.excluded_reason as reason
from {{ ref('int_scope_line') }} as l
inner join {{ ref('int_line') }} as n on l.line_key = n.line_key
where l.excluded_reason is not null
