-- Lines of claims as the newest file has them (what the partner cancelled is no claim; claims after the as-of date do not
-- count), each with the lines of ours that it is for and what these earned the partner in the program (semantics 11). A claim
-- line is for the lines of the document that it names, or of its authorisation in its period, or for a period as a whole.
with versions as (
    select
        *,
        row_number() over (
            partition by partner_id, claim_number, claim_line_number
            order by file_sequence desc, row_number desc
        ) as version_rank
    from {{ ref('stg_claim') }}
),

authorizations as (
    select a.authorization_number, min(p.program_id) as program_id
    from {{ ref('stg_program_authorization') }} as a
    inner join {{ ref('int_program') }} as p on a.program_key = p.program_key
    group by 1
),

claims as (
    select
        v.*,
        case
            when v.document_number is not null then 'line'
            when v.authorization_number is not null and v.period_id is not null then 'authorization'
            when v.program_id is not null and v.period_id is not null then 'period'
            else 'none'
        end as claim_kind,
        coalesce(v.program_id, a.program_id) as matched_program_id
    from versions as v
    cross join {{ ref('stg_run_context') }} as r
    left join authorizations as a on v.authorization_number = a.authorization_number
    where
        v.version_rank = 1
        and coalesce(v.record_intent, 'original') <> 'cancellation'
        and v.claim_date <= r.as_of
),

-- our lines that a claim line is for: of its document by line number or else product, or of its authorisation
found as (
    {%- for kind, key in [('line', 'document_number'), ('authorization', 'authorization_number')] %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select
        c.partner_id,
        c.claim_number,
        c.claim_line_number,
        c.claim_date,
        c.matched_program_id,
        c.period_id,
        c.claimed_amount,
        n.line_key,
        n.file_sequence,
        n.row_number,
        n.base_quantity
    from {{ ref('int_line') }} as n
    inner join claims as c on n.{{ key }} = c.{{ key }}
    where
        c.claim_kind = '{{ kind }}'
        and (c.line_number is null or c.line_number = n.line_number)
        and (c.product_id is null or c.line_number is not null or c.product_id = n.product_id)
        and c.partner_id in (n.sold_to_id, n.ship_to_id, n.distributor_id, n.reseller_id)
    {%- endfor %}
),

file_rows as (
    select distinct line_key, file_sequence, row_number from found
),

-- what these lines earned, per program, period and payee
parts {{ as_a_step() }} (
    select
        l.file_sequence,
        l.row_number,
        p.program_id,
        b.period_id,
        s.payee_id,
        sum(l.amount) as amount
    from {{ ref('int_line_part') }} as l
    inner join file_rows as f
        on l.file_sequence = f.file_sequence
        and l.row_number = f.row_number
    inner join {{ ref('int_payee_share') }} as s on l.share_number = s.share_number
    inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
    inner join {{ ref('int_program') }} as p on b.program_key = p.program_key
    group by 1, 2, 3, 4, 5
),

paid_quantities as (
    select f.file_sequence, f.row_number, p.program_id, sum(a.paid_quantity) as paid_quantity
    from {{ ref('int_authorized_line') }} as a
    inner join {{ ref('int_program') }} as p on a.program_key = p.program_key
    inner join file_rows as f on a.line_key = f.line_key
    group by 1, 2, 3
),

-- of several periods that a line earned in, the first
entitled as (
    select
        f.partner_id,
        f.claim_number,
        f.claim_line_number,
        f.line_key,
        p.period_id,
        p.amount,
        coalesce(q.paid_quantity, f.base_quantity) as paid_quantity,
        min(p.period_id) over (partition by f.partner_id, f.claim_number, f.claim_line_number) as matched_period_id
    from found as f
    inner join parts as p
        on f.file_sequence = p.file_sequence
        and f.row_number = p.row_number
        and f.matched_program_id = p.program_id
        and f.partner_id = p.payee_id
        and (f.period_id is null or f.period_id = p.period_id)
    left join paid_quantities as q
        on f.file_sequence = q.file_sequence
        and f.row_number = q.row_number
        and f.matched_program_id = q.program_id
),

periods as (
    select distinct partner_id, claim_number, claim_line_number, matched_period_id from entitled
),

keyed as (
    select
        c.*,
        coalesce(d.matched_period_id, c.period_id) as matched_period_id,
        {{ key_part('c.partner_id') }} || '|' || {{ key_part('c.claim_number') }}
        || '|' || {{ key_part("coalesce(c.matched_program_id, '')") }}
        || '|' || {{ key_part("coalesce(d.matched_period_id, c.period_id, '')") }}
        || case when c.claim_kind = 'period' then '' else '|' || {{ key_part("coalesce(c.authorization_number, '')") }} end as claim_key
    from claims as c
    left join periods as d
        on c.partner_id = d.partner_id
        and c.claim_number = d.claim_number
        and c.claim_line_number = d.claim_line_number
),

claimed as (
    select claim_key, sum(claimed_amount) as claimed_amount from keyed group by 1
),

decided as (
    select
        d.claim_key,
        d.decision,
        d.decision_number,
        d.claimed_amount,
        row_number() over (partition by d.claim_key order by d.decision_number desc) as place
    from {{ ref('stg_claim_decision') }} as d
    cross join {{ ref('stg_run_context') }} as r
    where d.decided_on <= r.as_of
),

-- whose turn it is where several claims are for one thing: what people approved, then by date; what was rejected is no claim
turns as (
    select
        k.claim_key,
        case
            when d.claimed_amount <> k.claimed_amount then 2
            when d.decision = 'approve' then 1
            when d.decision = 'reject' then 3
            else 2
        end as turn,
        case when d.decision = 'approve' and d.claimed_amount = k.claimed_amount then d.decision_number else 0 end as turn_number
    from claimed as k
    left join decided as d on k.claim_key = d.claim_key and d.place = 1
),

line_turns as (
    select
        k.partner_id,
        k.claim_number,
        k.claim_line_number,
        e.amount,
        e.paid_quantity,
        t.turn,
        row_number() over (
            partition by k.partner_id, k.matched_program_id, k.matched_period_id, e.line_key
            order by t.turn, t.turn_number, k.claim_date, k.claim_number, k.claim_line_number
        ) as place
    from keyed as k
    inner join turns as t on k.claim_key = t.claim_key
    inner join entitled as e
        on k.partner_id = e.partner_id
        and k.claim_number = e.claim_number
        and k.claim_line_number = e.claim_line_number
        and e.period_id = e.matched_period_id
),

earned as (
    select
        partner_id,
        claim_number,
        claim_line_number,
        count(*) as line_count,
        sum(case when place = 1 or turn = 3 then amount else 0 end) as amount,
        sum(case when place = 1 or turn = 3 then 0 else amount end) as claimed_before,
        sum(paid_quantity) as paid_quantity
    from line_turns
    group by 1, 2, 3
),

meant as (
    select partner_id, claim_number, claim_line_number, count(*) as line_count, sum(base_quantity) as base_quantity
    from found
    group by 1, 2, 3
),

elsewhere as (
    select
        f.partner_id,
        f.claim_number,
        f.claim_line_number,
        max(case when f.partner_id = p.payee_id then 1 else 0 end) as is_entitled
    from found as f
    inner join parts as p
        on f.file_sequence = p.file_sequence
        and f.row_number = p.row_number
        and f.matched_program_id = p.program_id
    group by 1, 2, 3
),

programs as (
    select program_id, min(currency) as currency from {{ ref('int_program') }} group by 1
),

-- whom the program admits, and whom it pays
entitled_partners as (
    select p.program_id, n.partner_id
    from {{ ref('int_program_participant') }} as n
    inner join {{ ref('int_program') }} as p on n.program_key = p.program_key
    union
    select p.program_id, y.payee_id
    from {{ ref('int_payee_period') }} as y
    inner join {{ ref('int_program') }} as p on y.program_key = p.program_key
),

matched as (
    select
        k.claim_key,
        k.claim_kind,
        k.claim_number,
        k.claim_line_number,
        k.claim_date,
        k.partner_id,
        k.program_id,
        k.period_id,
        k.matched_program_id,
        k.matched_period_id,
        k.document_number,
        k.line_number,
        k.product_id,
        k.quantity,
        k.unit,
        k.authorization_number,
        k.claimed_amount,
        k.currency,
        k.end_customer_id,
        k.claim_reason,
        -- in base units; null where nobody knows
        cast(
            cast(k.quantity as decimal(38, 6))
            * case when k.unit = g.base_unit then cast(1 as decimal(18, 6)) else u.factor end as {{ measure() }}
        ) as claimed_base_quantity,
        m.base_quantity,
        e.paid_quantity,
        e.amount,
        e.claimed_before,
        -- why the claim line is for nothing that earned; null: it is for something, or for a period
        case
            when k.claim_kind = 'none' then 'nothing_named'
            when k.matched_program_id is null then case when k.authorization_number is null then 'no_program' else 'no_authorization' end
            when p.program_id is null then 'unknown_program'
            when p.currency <> k.currency then 'currency'
            when k.claim_kind = 'period' then case when a.partner_id is null then 'partner_not_entitled' end
            when m.line_count is null then 'no_such_line'
            when e.line_count is not null then null
            when s.is_entitled = 1 then 'out_of_period'
            when s.is_entitled = 0 or a.partner_id is null then 'partner_not_entitled'
            else 'not_eligible'
        end as reason,
        t.turn,
        t.turn_number,
        k.verdict,
        k.rules_failed,
        k.source,
        k.file_sequence,
        k.file_hash,
        k.row_number
    from keyed as k
    inner join turns as t on k.claim_key = t.claim_key
    left join programs as p on k.matched_program_id = p.program_id
    left join entitled_partners as a on k.matched_program_id = a.program_id and k.partner_id = a.partner_id
    left join {{ ref('int_product') }} as g on k.product_id = g.product_id
    left join {{ ref('int_product_unit') }} as u on k.product_id = u.product_id and k.unit = u.unit
    left join meant as m
        on k.partner_id = m.partner_id and k.claim_number = m.claim_number and k.claim_line_number = m.claim_line_number
    left join earned as e
        on k.partner_id = e.partner_id and k.claim_number = e.claim_number and k.claim_line_number = e.claim_line_number
    left join elsewhere as s
        on k.partner_id = s.partner_id and k.claim_number = s.claim_number and k.claim_line_number = s.claim_line_number
)

select
    claim_key,
    claim_kind,
    claim_number,
    claim_line_number,
    claim_date,
    partner_id,
    program_id,
    period_id,
    matched_program_id,
    matched_period_id,
    document_number,
    line_number,
    product_id,
    quantity,
    unit,
    authorization_number,
    claimed_amount,
    currency,
    end_customer_id,
    claim_reason,
    claimed_base_quantity,
    base_quantity,
    paid_quantity,
    cast(case when reason is null then coalesce(amount, 0) else 0 end as {{ money() }}) as earned_amount,
    cast(case when reason is null then coalesce(claimed_before, 0) else 0 end as {{ money() }}) as claimed_before_amount,
    reason,
    turn,
    turn_number,
    verdict,
    rules_failed,
    source,
    file_sequence,
    file_hash,
    row_number
from matched
