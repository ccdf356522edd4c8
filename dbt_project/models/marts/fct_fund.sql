-- Grain: one partner's fund of a program version: what it built, what claims drew, what is open or has expired.
with built as (
    select o.program_key, o.participant_id as partner_id, sum(o.budgeted_minor) as built_minor
    from {{ ref('int_payout') }} as o
    inner join {{ ref('int_program') }} as p
        on o.program_key = p.program_key
        and p.kind = 'fund'
    group by 1, 2
),

keys as (
    select program_key, partner_id from built
    union
    select program_key, partner_id from {{ ref('int_fund_drawn') }}
),

amounts as (
    select
        k.program_key,
        p.program_id,
        k.partner_id,
        p.currency,
        p.fund_expires_on,
        p.fund_expires_on < c.as_of as is_expired,
        {{ minor_to_money('coalesce(b.built_minor, ' ~ whole(0) ~ ')', 'p.minor_unit') }} as built_amount,
        coalesce(d.approved_amount, cast(0 as {{ money() }})) as approved_amount,
        coalesce(d.claim_count, 0) as claim_count,
        d.last_claim_date
    from keys as k
    inner join {{ ref('int_program') }} as p on k.program_key = p.program_key
    cross join {{ ref('stg_run_context') }} as c
    left join built as b on k.program_key = b.program_key and k.partner_id = b.partner_id
    left join {{ ref('int_fund_drawn') }} as d on k.program_key = d.program_key and k.partner_id = d.partner_id
)

select
    program_key,
    program_id,
    partner_id,
    currency,
    fund_expires_on,
    is_expired,
    built_amount,
    approved_amount,
    claim_count,
    last_claim_date,
    cast(least(built_amount, approved_amount) as {{ money() }}) as drawn_amount,
    cast(case when is_expired then 0 else built_amount - least(built_amount, approved_amount) end as {{ money() }}) as open_amount,
    cast(case when is_expired then built_amount - least(built_amount, approved_amount) else 0 end as {{ money() }}) as expired_amount,
    cast(approved_amount - least(built_amount, approved_amount) as {{ money() }}) as exceeded_amount
from amounts
