{{ config(materialized='view') }}

-- Grain: one line's part of one payout for one payee: lineage from every cent to the file row.
select
    s.line_key,
    s.payout_id,
    p.program_id,
    s.program_key,
    b.participant_id,
    s.member_id,
    s.payee_id,
    b.period_id,
    p.currency,
    cast(s.payout_base as decimal(38, 12)) as payout_base,
    s.fx_rate,
    s.amount,
    n.source,
    n.file_sequence,
    n.file_hash,
    n.row_number
from {{ ref('int_line_share') }} as s
inner join {{ ref('int_program') }} as p on s.program_key = p.program_key
inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
inner join {{ ref('int_line') }} as n on s.line_key = n.line_key
