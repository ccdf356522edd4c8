-- Grain: a code or unit that a source used and nobody knows, by distributor and currency, with the money that hangs on
-- it: quarantined rows that no newer file says again.
with units as (
    select base_unit as unit from {{ ref('int_product') }}
    union
    select unit from {{ ref('int_product_unit') }}
),

newest as (
    select
        *,
        row_number() over (
            partition by
                source,
                coalesce(document_number, '?' || cast(file_sequence as {{ text() }})),
                coalesce(line_number, '?' || cast(row_number as {{ text() }}))
            order by file_sequence desc, row_number desc
        ) as version_rank
    from {{ ref('stg_quarantine_line') }}
),

waiting as (
    select q.*
    from newest as q
    where
        q.version_rank = 1
        and (
            position(';unknown_product;' in ';' || q.rules_failed || ';') > 0
            or position(';unit_not_convertible;' in ';' || q.rules_failed || ';') > 0
        )
        and not exists (
            select 1 from {{ ref('stg_line') }} as l
            where
                l.source = q.source
                and l.document_number = q.document_number
                and l.line_number = q.line_number
                and l.file_sequence > q.file_sequence
        )
),

codes as (
    select
        source,
        distributor_id,
        'product' as code_type,
        coalesce(partner_product_id, product_id) as code,
        product_description,
        currency,
        document_date,
        net_amount
    from waiting
    where position(';unknown_product;' in ';' || rules_failed || ';') > 0
    union all
    select
        w.source,
        w.distributor_id,
        case when u.unit is null then 'unit' else 'product_unit' end,
        case when u.unit is null then w.unit else w.unit || ' of ' || w.product_id end,
        cast(null as {{ text() }}),
        w.currency,
        w.document_date,
        w.net_amount
    from waiting as w
    left join units as u on w.unit = u.unit
    where position(';unit_not_convertible;' in ';' || w.rules_failed || ';') > 0
),

sums as (
    select
        source as line_source,
        distributor_id,
        code_type,
        code,
        currency,
        min(product_description) as product_description,
        count(*) as line_count,
        sum(net_amount) as net_amount,
        min(document_date) as first_line_date,
        max(document_date) as last_line_date
    from codes
    group by 1, 2, 3, 4, 5
),

suggested as (
    select
        line_source,
        code_type,
        code,
        {{ joined("suggestion || ' (' || reason || ')'", '; ', 'suggestion_number') }} as suggestions
    from {{ ref('stg_code_suggestion') }}
    group by 1, 2, 3
)

select
    s.line_source,
    s.distributor_id,
    s.code_type,
    s.code,
    s.currency,
    s.product_description,
    cast(s.line_count as bigint) as line_count,
    cast(s.net_amount as {{ money() }}) as net_amount,
    s.first_line_date,
    s.last_line_date,
    g.suggestions
from sums as s
left join suggested as g
    on s.line_source = g.line_source
    and s.code_type = g.code_type
    and s.code = g.code
