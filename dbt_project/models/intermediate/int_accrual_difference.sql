{{ config(materialized='view') }}

-- The accrual to post: what should stand less what has been posted (semantics 10), with its cause. A view: after posting
-- it is empty. Causes: an open measurement period grows by volume; in a period that had ended before the accounting
-- month, lines of files newer than the last accrual batch are late data, or corrections where they replace older rows.
with keys as (
    select program_key, payee_id, period_id from {{ ref('int_accrual_target') }}
    union
    select program_key, payee_id, period_id from {{ ref('int_posted') }}
),

news as (
    select distinct
        b.program_key,
        s.payee_id,
        b.period_id
    from {{ ref('int_line_part') }} as l
    cross join {{ ref('stg_run_context') }} as c
    inner join {{ ref('int_payee_share') }} as s on l.share_number = s.share_number
    inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
    -- a row with older versions is a correction
    left join {{ ref('int_line_version') }} as v
        on l.file_sequence = v.file_sequence
        and l.row_number = v.row_number
        and v.version_count > 1
    where
        l.file_sequence > c.posted_file_sequence
        and c.posted_file_sequence > 0
        and v.file_sequence is null
)

select
    k.program_key,
    p.program_id,
    k.payee_id,
    k.period_id,
    d.period_end,
    p.legal_entity,
    p.currency,
    coalesce(t.accrued_to_date, cast(0 as {{ money() }})) as accrued_to_date,
    coalesce(o.accrued, cast(0 as {{ money() }})) as posted_to_date,
    cast(coalesce(t.accrued_to_date, cast(0 as {{ money() }})) - coalesce(o.accrued, cast(0 as {{ money() }})) as {{ money() }}) as difference,
    case
        when c.posted_file_sequence = 0 then 'volume'
        when d.period_end >= m.month_start then 'volume'
        when n.program_key is not null then 'late_data'
        else 'correction'
    end as cause
from keys as k
inner join {{ ref('stg_program') }} as p on k.program_key = p.program_key
cross join {{ ref('stg_run_context') }} as c
inner join {{ ref('fiscal_month') }} as m on c.accounting_month = m.month_id and m.calendar = 'months'
left join {{ ref('int_program_period') }} as d on k.program_key = d.program_key and k.period_id = d.period_id
left join {{ ref('int_accrual_target') }} as t
    on k.program_key = t.program_key and k.payee_id = t.payee_id and k.period_id = t.period_id
left join {{ ref('int_posted') }} as o
    on k.program_key = o.program_key and k.payee_id = o.payee_id and k.period_id = o.period_id
left join news as n
    on k.program_key = n.program_key and k.payee_id = n.payee_id and k.period_id = n.period_id
where coalesce(t.accrued_to_date, 0) <> coalesce(o.accrued, 0)
