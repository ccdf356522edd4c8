-- What each payee has earned to date, per program version and measurement period, and how much of it stands on
-- held lines (accrued, but not settled before their release).
select
    s.program_key,
    s.payee_id,
    b.period_id,
    sum(s.amount) as earned,
    sum(case when l.verdict = 'held' then s.amount else cast(0 as {{ money() }}) end) as held
from {{ ref('int_line_share') }} as s
inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
inner join {{ ref('int_line') }} as l on s.line_key = l.line_key
where s.payee_id <> ''
group by 1, 2, 3
