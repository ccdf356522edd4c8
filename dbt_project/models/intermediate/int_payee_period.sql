-- What each payee has earned to date, per program version and measurement period, and how much of it stands on
-- held lines (accrued, but not settled before their release).
with earned as (
    select
        b.program_key,
        s.payee_id,
        b.period_id,
        sum({{ minor_to_money('s.amount_minor', 'p.minor_unit') }}) as amount
    from {{ ref('int_payee_share') }} as s
    inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
    inner join {{ ref('int_program') }} as p on b.program_key = p.program_key
    where s.payee_id <> ''
    group by 1, 2, 3
),

held as (
    select
        b.program_key,
        s.payee_id,
        b.period_id,
        sum(p.amount) as amount
    from {{ ref('int_held_line') }} as l
    inner join {{ ref('int_line_part') }} as p
        on l.file_sequence = p.file_sequence
        and l.row_number = p.row_number
    inner join {{ ref('int_payee_share') }} as s on p.share_number = s.share_number
    inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
    where s.payee_id <> ''
    group by 1, 2, 3
)

select
    e.program_key,
    e.payee_id,
    e.period_id,
    e.amount as earned,
    coalesce(h.amount, cast(0 as {{ money() }})) as held
from earned as e
left join held as h on e.program_key = h.program_key and e.payee_id = h.payee_id and e.period_id = h.period_id
