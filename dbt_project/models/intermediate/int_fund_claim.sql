-- Claims on funds as the newest file has them, each with its version of the fund: the one that had begun last on the claim's date,
-- before all of them the first. reason says why a claim does not draw the fund down; null: it does (semantics 5).
with versions as (
    select
        *,
        row_number() over (partition by claim_id order by file_sequence desc, row_number desc) as version_rank
    from {{ ref('stg_fund_claim') }}
),

claims as (
    select * from versions where version_rank = 1
),

funds as (
    select
        c.claim_id,
        p.program_key,
        p.currency,
        p.minor_unit,
        p.fund_expires_on,
        row_number() over (
            partition by c.claim_id
            order by case when p.valid_from <= c.claim_date then p.valid_from end desc nulls last, p.valid_from, p.version desc
        ) as place
    from claims as c
    inner join {{ ref('int_program') }} as p
        on c.program_id = p.program_id
        and p.kind = 'fund'
),

-- distinct: a partner may be admitted on several stretches of days
participants as (
    select distinct program_key, participant_id
    from {{ ref('int_program_participant') }}
)

select
    c.claim_id,
    c.program_id,
    f.program_key,
    c.partner_id,
    c.claim_date,
    c.amount,
    -- parts of a minor unit cannot be paid
    case
        when f.minor_unit is null then cast(0 as {{ money() }})
        else {{ minor_to_money(quotient(scaled('c.amount', 4), power_of_ten('4 - f.minor_unit')), 'f.minor_unit') }}
    end as payable_amount,
    c.currency,
    c.status,
    c.approved_by,
    c.approved_on,
    case
        when c.claim_date > r.as_of then 'after_as_of'
        when c.status = 'approved' and c.approved_on > r.as_of then 'after_as_of'
        when f.program_key is null then 'unknown_program'
        when p.participant_id is null then 'not_participant'
        when c.currency <> f.currency then 'currency'
        when c.status <> 'approved' then c.status
        when c.claim_date > f.fund_expires_on then 'after_expiry'
    end as reason,
    c.source,
    c.file_sequence,
    c.file_hash,
    c.row_number
from claims as c
cross join {{ ref('stg_run_context') }} as r
left join funds as f on c.claim_id = f.claim_id and f.place = 1
left join participants as p on f.program_key = p.program_key and c.partner_id = p.participant_id
