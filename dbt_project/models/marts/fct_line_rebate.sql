{{ config(materialized='view') }}

-- Grain: one line's part of one payout for one payee: lineage from every cent to the file row.
select
    n.line_key,
    s.payout_id,
    p.program_id,
    b.program_key,
    b.participant_id,
    s.member_id,
    s.payee_id,
    b.period_id,
    p.currency,
    cast(l.payout_base as decimal(38, 12)) as payout_base,
    l.fx_rate,
    l.amount,
    n.source,
    n.file_sequence,
    n.file_hash,
    n.row_number
from {{ ref('int_line_part') }} as l
inner join {{ ref('int_payee_share') }} as s on l.share_number = s.share_number
inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
inner join {{ ref('int_program') }} as p on b.program_key = p.program_key
inner join {{ ref('int_line') }} as n
    on l.file_sequence = n.file_sequence
    and l.row_number = n.row_number
