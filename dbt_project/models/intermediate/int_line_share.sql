{{ config(materialized='view') }}

-- Lines' parts of payouts (int_line_part) with what they are parts of. Grain: payout, member, payee, line.
select
    s.payout_id,
    s.member_id,
    s.payee_id,
    n.line_key,
    b.program_key,
    l.fx_rate,
    l.payout_base,
    l.amount
from {{ ref('int_line_part') }} as l
inner join {{ ref('int_payee_share') }} as s on l.share_number = s.share_number
inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
inner join {{ ref('int_line') }} as n
    on l.file_sequence = n.file_sequence
    and l.row_number = n.row_number
