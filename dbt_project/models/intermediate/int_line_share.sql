-- Each payee's part of a payout shared over the lines in proportion to payout base (semantics 9).
with lines as (
    select
        l.payout_id,
        l.member_id,
        l.payee_id,
        l.line_key,
        l.program_key,
        l.fx_rate,
        l.payout_base,
        l.payee_weight,
        s.amount_minor as payee_minor
    from {{ ref('int_payee_line') }} as l
    inner join {{ ref('int_payee_share') }} as s
        on l.payout_id = s.payout_id
        and l.member_id = s.member_id
        and l.payee_id = s.payee_id
),

line_share as {{ share_by_largest_remainder('lines', ['payout_id', 'member_id', 'payee_id', 'line_key', 'program_key', 'fx_rate', 'payout_base'], ['payout_id', 'member_id', 'payee_id'], ['line_key'], 'payee_minor', 'payee_weight', 'amount_minor') }}

select
    s.payout_id,
    s.member_id,
    s.payee_id,
    s.line_key,
    s.program_key,
    s.fx_rate,
    s.payout_base,
    {{ minor_to_money('s.amount_minor', 'p.minor_unit') }} as amount
from line_share as s
inner join {{ ref('int_program') }} as p on s.program_key = p.program_key
