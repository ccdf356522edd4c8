-- Grain: one line that a program's scope looks at and leaves out, with the reason; payout_id: the payout that it is left out
-- of (null where the partner has no group).
with excluded as (
    select
        program_key,
        scope_key,
        line_key,
        participant_id,
        member_id,
        period_id,
        document_date,
        amount,
        excluded_reason
    from {{ ref('int_scope_line') }}
    where excluded_reason is not null and line_use = 'current'
)

select
    e.program_key || ':' || e.participant_id || ':' || e.period_id as payout_id,
    e.program_key,
    e.scope_key,
    e.line_key,
    e.participant_id,
    e.member_id,
    e.period_id,
    e.document_date,
    n.net_amount,
    n.currency,
    e.amount,
    e.excluded_reason as reason
from excluded as e
inner join {{ ref('int_line') }} as n on e.line_key = n.line_key
