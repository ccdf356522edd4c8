-- Claims as they are decided: partner, claim number, program, period and, of price claims, authorisation. What the partner earned
-- there is there once: claims share it in the order of their turns, so that nothing is approved twice. Approved by rule is what
-- differs by no more than the tolerance (seed claim_rule); all else is for people, whose last decision by the as-of date stands
-- as long as the claim is what they decided on (semantics 11).
with claims as (
    select
        claim_key,
        claim_kind,
        partner_id,
        claim_number,
        matched_program_id as program_id,
        matched_period_id as period_id,
        authorization_number,
        turn,
        turn_number,
        min(currency) as currency,
        count(distinct currency) as currency_count,
        max(claim_date) as claim_date,
        count(*) as line_count,
        sum(claimed_amount) as claimed_amount,
        sum(earned_amount) as line_amount,
        sum(case when reason is null then 0 else 1 end) as unmatched_lines
    from {{ ref('int_claim_line') }}
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
),

programs as (
    select program_id, kind, legal_entity, minor_unit
    from (
        select *, row_number() over (partition by program_id order by version desc) as place
        from {{ ref('int_program') }}
    ) as versions
    where place = 1
),

pools as (
    select p.program_id, e.payee_id, e.period_id, sum(e.earned) as earned
    from {{ ref('int_payee_period') }} as e
    inner join {{ ref('int_program') }} as p on e.program_key = p.program_key
    group by 1, 2, 3
),

decisions as (
    select
        d.*,
        row_number() over (partition by d.claim_key order by d.decision_number desc) as place
    from {{ ref('stg_claim_decision') }} as d
    cross join {{ ref('stg_run_context') }} as r
    where d.decided_on <= r.as_of
),

-- rows that did not pass, of claims: those of a claim line that came again, and passed, are mended
accepted_lines as (
    select partner_id, claim_number, claim_line_number, max(file_sequence) as file_sequence
    from {{ ref('stg_claim') }}
    group by 1, 2, 3
),

quarantined as (
    select distinct q.partner_id, q.claim_number
    from {{ ref('stg_quarantine_claim') }} as q
    left join accepted_lines as a
        on q.partner_id = a.partner_id
        and q.claim_number = a.claim_number
        and q.claim_line_number = a.claim_line_number
    where a.file_sequence is null or a.file_sequence < q.file_sequence
),

matched as (
    select
        c.*,
        p.kind as program_type,
        p.legal_entity,
        p.minor_unit,
        coalesce(o.earned, cast(0 as {{ money() }})) as pool_amount,
        case
            when c.claim_kind = 'period' and c.unmatched_lines = 0 then coalesce(o.earned, cast(0 as {{ money() }}))
            else c.line_amount
        end as own_amount,
        d.decision_number,
        d.decision,
        d.amount as decided_amount,
        d.is_above_earned,
        d.decided_by,
        d.decided_on,
        d.comment,
        d.reason_code,
        d.owner,
        d.due_date,
        d.claimed_amount as claimed_when_decided,
        q.partner_id is not null as has_quarantined_lines
    from claims as c
    left join programs as p on c.program_id = p.program_id
    left join pools as o
        on c.program_id = o.program_id
        and c.partner_id = o.payee_id
        and c.period_id = o.period_id
    left join decisions as d on c.claim_key = d.claim_key and d.place = 1
    left join quarantined as q on c.partner_id = q.partner_id and c.claim_number = q.claim_number
),

-- what a claim keeps of what was earned from those whose turn comes later
reserved as (
    select
        *,
        case
            when turn = 3 then cast(0 as {{ money() }})
            when turn = 1 and is_above_earned then decided_amount
            when turn = 1 then least(decided_amount, own_amount)
            else greatest(least(claimed_amount, own_amount), cast(0 as {{ money() }}))
        end as reserve
    from matched
),

shared as (
    select
        *,
        coalesce(
            sum(reserve) over (
                partition by partner_id, program_id, period_id
                order by turn, turn_number, claim_date, claim_number, claim_key
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as taken
    from reserved
),

measured as (
    select
        *,
        cast(
            case when own_amount <= 0 then own_amount else greatest(least(own_amount, pool_amount - taken), 0) end
            as {{ money() }}
        ) as earned_amount
    from shared
),

-- the rule that names the most; the legal entity counts before the kind of program
rules as (
    select
        m.claim_key,
        t.tolerance_amount,
        t.tolerance_percent,
        t.approves_less,
        row_number() over (
            partition by m.claim_key
            order by case when t.legal_entity is null then 1 else 0 end, case when t.program_type is null then 1 else 0 end
        ) as place
    from measured as m
    inner join {{ ref('claim_rule') }} as t
        on (t.legal_entity is null or m.legal_entity = t.legal_entity)
        and (t.program_type is null or m.program_type = t.program_type)
    where m.program_type is not null
),

judged as (
    select
        m.*,
        case
            when m.turn = 1 then 'approved'
            when m.turn = 3 then 'rejected'
            when m.decision = 'dispute' then 'disputed'
            when m.decision = 'review' then 'in_review'
            when m.claimed_when_decided is not null then 'in_review'
            when m.has_quarantined_lines then 'in_review'
            when m.currency_count > 1 or m.unmatched_lines > 0 then 'in_review'
            when m.claimed_amount <= 0 or m.earned_amount <= 0 then 'in_review'
            when m.claimed_amount = m.earned_amount then 'approved'
            when m.claimed_amount < m.earned_amount and r.approves_less then 'approved'
            -- both bounds hold, where both are given; percent of what was earned
            when
                r.claim_key is not null
                and (r.tolerance_amount is null or abs(m.claimed_amount - m.earned_amount) <= r.tolerance_amount)
                and (r.tolerance_percent is null or abs(m.claimed_amount - m.earned_amount) * 100 <= m.earned_amount * r.tolerance_percent)
                then 'approved'
            else 'in_review'
        end as status
    from measured as m
    left join rules as r on m.claim_key = r.claim_key and r.place = 1
)

select
    claim_key,
    claim_kind,
    partner_id,
    claim_number,
    program_id,
    period_id,
    authorization_number,
    legal_entity,
    currency,
    minor_unit,
    claim_date,
    line_count,
    unmatched_lines,
    cast(claimed_amount as {{ money() }}) as claimed_amount,
    cast(own_amount as {{ money() }}) as own_amount,
    earned_amount,
    cast(claimed_amount - earned_amount as {{ money() }}) as difference,
    status,
    cast(
        case
            when status <> 'approved' then 0
            when turn = 1 and is_above_earned then decided_amount
            when turn = 1 then greatest(least(decided_amount, earned_amount), 0)
            else least(claimed_amount, earned_amount)
        end as {{ money() }}
    ) as approved_amount,
    case
        when turn in (1, 3) then reason_code
        when decision = 'dispute' then reason_code
        when decision = 'review' then 'reopened'
        when claimed_when_decided is not null then 'changed_since_decision'
        when has_quarantined_lines then 'quarantined_lines'
        when currency_count > 1 then 'currency'
        when status = 'approved' and claimed_amount = earned_amount then 'equal'
        when status = 'approved' and claimed_amount < earned_amount then 'less_than_earned'
        when status = 'approved' then 'within_tolerance'
        when claimed_amount <= 0 then 'taken_back'
    end as reason,
    case
        when turn in (1, 3) or decision in ('dispute', 'review') then decided_by
        when status = 'approved' then 'rule'
    end as decided_by,
    decided_on,
    comment,
    owner,
    due_date,
    decision_number,
    row_number() over (
        partition by partner_id, program_id, period_id
        order by turn, turn_number, claim_date, claim_number, claim_key
    ) as turn_place
from judged
