{{ config(materialized='view') }}

-- The accrual to post: what should stand less what has been posted (semantics 10), each difference split by cause; the rows of a
-- key add up to it. A view: after posting it is empty, but for what is left for the next run (is_left). `part` is what lines
-- that no accrual batch has known bring, valued at the rate of today's liability; the rest has the key's other cause. Grain:
-- program version, payee, period, cause.
with keys as (
    select program_key, payee_id, period_id from {{ ref('int_accrual_target') }}
    union
    select program_key, payee_id, period_id from {{ ref('int_posted') }}
),

-- what new lines bring to what was earned, and whether rows with older versions are among them: those are corrections
news as (
    select
        b.program_key,
        s.payee_id,
        b.period_id,
        sum(case when v.file_sequence is null then l.amount else cast(0 as {{ money() }}) end) as new_amount,
        max(case when v.file_sequence is null then 1 else 0 end) as has_new,
        max(case when v.file_sequence is null then 0 else 1 end) as has_corrected
    from {{ ref('int_line_part') }} as l
    cross join {{ ref('stg_run_context') }} as c
    inner join {{ ref('int_payee_share') }} as s on l.share_number = s.share_number
    inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
    left join {{ ref('int_line_version') }} as v
        on l.file_sequence = v.file_sequence
        and l.row_number = v.row_number
        and v.version_count > 1
    where
        l.file_sequence > c.posted_file_sequence
        and c.posted_file_sequence > 0
    group by 1, 2, 3
),

-- what was bought in periods whose liability is an estimate, and how much of it is new
purchases as (
    select
        l.program_key,
        {{ payee_of('y', 'l') }} as payee_id,
        l.period_id,
        {{ scaled("sum(case when p.rate_kind = 'per_unit' then l.base_quantity else l.amount end * y.share)") }} as base_scaled,
        {{ scaled("sum(case when l.file_sequence > c.posted_file_sequence then case when p.rate_kind = 'per_unit' then l.base_quantity else l.amount end * y.share else 0 end)") }} as new_base_scaled
    from {{ ref('int_scope_line') }} as l
    {{ if_any(ref('int_program'), "accrual_method <> 'earned'") }} as asked
    cross join {{ ref('stg_run_context') }} as c
    inner join {{ ref('int_program') }} as p
        on l.scope_key = p.earning_scope
        and p.accrual_method in ('expected', 'most_likely', 'fixed_rate')
    inner join {{ ref('stg_program_payee') }} as y on l.program_key = y.program_key
    where l.excluded_reason is null and l.line_use = 'current' and l.carries_payout
    group by 1, 2, 3
),

-- which version of a program had posted for whom and when
posted_versions as (
    select o.program_id, o.payee_id, o.period_id, min(p.version) as first_version, max(p.version) as last_version
    from {{ ref('int_posted') }} as o
    inner join {{ ref('stg_program') }} as p on o.program_key = p.program_key
    where o.accrued <> 0
    group by 1, 2, 3
),

later_versions as (
    select p.program_key, min(n.valid_from) as replaced_from
    from {{ ref('stg_program') }} as p
    inner join {{ ref('stg_program') }} as n
        on p.program_id = n.program_id
        and n.version > p.version
        and n.calculated
    group by 1
),

differences as (
    select
        k.program_key,
        p.program_id,
        k.payee_id,
        k.period_id,
        d.period_end,
        p.legal_entity,
        p.currency,
        p.accrual_method,
        u.minor_unit,
        coalesce(t.accrued_to_date, cast(0 as {{ money() }})) as accrued_to_date,
        coalesce(o.accrued, cast(0 as {{ money() }})) as posted_to_date,
        coalesce(t.accrued_to_date, cast(0 as {{ money() }})) - coalesce(o.accrued, cast(0 as {{ money() }})) as difference,
        c.posted_file_sequence = 0 as is_first,
        coalesce(d.period_end >= m.month_start, false) as is_open,
        coalesce(d.period_end > c.as_of, false) as is_running,
        coalesce(n.new_amount, cast(0 as {{ money() }})) as new_amount,
        coalesce(n.has_new, 0) = 1 as has_new,
        coalesce(n.has_corrected, 0) = 1 as has_corrected,
        s.base_scaled,
        s.new_base_scaled,
        coalesce(r.replaced_from <= d.period_end, false) and coalesce(o.accrued, 0) <> 0 as is_replaced,
        coalesce(v.first_version < p.version, false) and coalesce(o.accrued, 0) = 0 as is_replacing,
        p.accrual_threshold
    from keys as k
    inner join {{ ref('stg_program') }} as p on k.program_key = p.program_key
    inner join {{ ref('currency') }} as u on p.currency = u.currency
    cross join {{ ref('stg_run_context') }} as c
    inner join {{ ref('fiscal_month') }} as m on c.accounting_month = m.month_id and m.calendar = 'months'
    left join {{ ref('int_program_period') }} as d on k.program_key = d.program_key and k.period_id = d.period_id
    left join {{ ref('int_accrual_target') }} as t
        on k.program_key = t.program_key and k.payee_id = t.payee_id and k.period_id = t.period_id
    left join {{ ref('int_posted') }} as o
        on k.program_key = o.program_key and k.payee_id = o.payee_id and k.period_id = o.period_id
    left join news as n
        on k.program_key = n.program_key and k.payee_id = n.payee_id and k.period_id = n.period_id
    left join purchases as s
        on k.program_key = s.program_key and k.payee_id = s.payee_id and k.period_id = s.period_id
    left join posted_versions as v
        on p.program_id = v.program_id and k.payee_id = v.payee_id and k.period_id = v.period_id
    left join later_versions as r on k.program_key = r.program_key
    where coalesce(t.accrued_to_date, 0) <> coalesce(o.accrued, 0)
),

causes as (
    select
        *,
        case
            when is_first then 'volume'
            when is_replacing then 'rate_change'
            when is_replaced and difference < 0 and not has_new and not has_corrected then 'rate_change'
            when is_open and accrual_method in ('expected', 'most_likely') then 'forecast_change'
            when is_open and accrual_method = 'fixed_rate' then case when is_running then 'correction' else 'forecast_change' end
            when is_open and accrual_method = 'straight_line' and not is_running then 'forecast_change'
            when is_open then 'volume'
            when accrued_to_date < 0 then 'settlement'
            when has_new and not has_corrected then 'late_data'
            else 'correction'
        end as cause,
        case when is_open then 'volume' else 'late_data' end as part_cause,
        case
            when is_first then cast(0 as {{ money() }})
            when is_open and accrual_method in ('expected', 'most_likely', 'fixed_rate') and base_scaled > 0 then {{ minor_to_money(
                rounded_quotient(quotient(scaled('accrued_to_date', 4), power_of_ten('4 - minor_unit')) ~ ' * new_base_scaled', 'base_scaled'),
                'minor_unit') }}
            when is_replacing then new_amount
            when not is_open and has_new and has_corrected and accrued_to_date >= 0 then new_amount
            else cast(0 as {{ money() }})
        end as new_part
    from differences
),

-- up to two minor units beside a part are what rounding leaves
parted as (
    select
        *,
        case
            when new_part <> 0 and abs(difference - new_part) <= {{ minor_to_money(2, 'minor_unit') }} then difference
            else new_part
        end as part
    from causes
),

split as (
    select *, part as amount, part_cause as amount_cause from parted where part <> 0
    union all
    select *, difference - part, cause from parted where difference <> part
)

select
    program_key,
    program_id,
    payee_id,
    period_id,
    period_end,
    legal_entity,
    currency,
    cast(accrued_to_date as {{ money() }}) as accrued_to_date,
    cast(posted_to_date as {{ money() }}) as posted_to_date,
    cast(amount as {{ money() }}) as difference,
    amount_cause as cause,
    is_running and abs(difference) < accrual_threshold as is_left
from split
