-- Grain: program version, partner channel, partner tier, segments of partner, end customer and product, product category and
-- month: the lines that carry payouts, what their rates were applied to and what they earned. Segments are those of the line
-- on its date, joined by ';': a line stands in one row, whatever number of segments it is in.
-- All that is many rows is numbers: lines are given the number of their group before they meet their parts of payouts.
{%- set names = ['partner_channel', 'partner_tier', 'partner_segments', 'end_customer_segments', 'product_segments', 'category', 'month_id'] %}
with lines {{ as_a_step() }} (
    select
        l.file_sequence,
        l.row_number,
        {%- for name in names %}
        nullif({{ 'd' if name == 'category' else 'l' }}.{{ name }}, '') as {{ name }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('fct_line') }} as l
    inner join {{ ref('dim_product') }} as d on l.product_id = d.product_id
),

line_groups {{ as_a_step() }} (
    select *, row_number() over (order by {{ names | join(', ') }}) as group_number
    from (select distinct {{ names | join(', ') }} from lines) as found
),

numbered as (
    select l.file_sequence, l.row_number, g.group_number
    from lines as l
    inner join line_groups as g
        on {% for name in names %}coalesce(l.{{ name }}, '') = coalesce(g.{{ name }}, ''){% if not loop.last %}
        and {% endif %}{% endfor %}
),

programs as (
    select
        program_key,
        count(*) > 1 or max(role) <> 'participant' as has_payees,
        row_number() over (order by program_key) as program_number
    from {{ ref('stg_program_payee') }}
    group by 1
),

shares as (
    select
        s.share_number,
        p.program_number,
        p.has_payees,
        dense_rank() over (order by s.payout_id) as payout_number
    from {{ ref('int_payee_share') }} as s
    inner join {{ ref('int_basis') }} as b on s.payout_id = b.payout_id
    inner join programs as p on b.program_key = p.program_key
),

-- a line that pays several payees stands once for each, with its payout base every time
parts as (
    select s.program_number, l.file_sequence, l.row_number, l.payout_base, l.amount
    from {{ ref('int_line_part') }} as l
    inner join shares as s on l.share_number = s.share_number and not s.has_payees
    union all
    select s.program_number, l.file_sequence, l.row_number, max(l.payout_base), sum(l.amount)
    from {{ ref('int_line_part') }} as l
    inner join shares as s on l.share_number = s.share_number and s.has_payees
    group by s.payout_number, 1, 2, 3
),

sums as (
    select
        p.program_number,
        n.group_number,
        count(*) as lines,
        sum(p.payout_base) as payout_base,
        sum(p.amount) as earned
    from parts as p
    inner join numbered as n on p.file_sequence = n.file_sequence and p.row_number = n.row_number
    group by 1, 2
)

select
    md5(
        r.program_key
        {%- for name in names %}
        || '|' || coalesce(g.{{ name }}, '')
        {%- endfor %}
    ) as program_performance_id,
    p.program_id,
    r.program_key,
    {%- for name in names %}
    g.{{ name }},
    {%- endfor %}
    p.currency,
    s.lines,
    cast(s.payout_base as decimal(38, 4)) as payout_base,
    cast(s.earned as {{ money() }}) as earned
from sums as s
inner join line_groups as g on s.group_number = g.group_number
inner join programs as r on s.program_number = r.program_number
inner join {{ ref('int_program') }} as p on r.program_key = p.program_key
