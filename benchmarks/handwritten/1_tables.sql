-- What an analyst would write who knows these programs: payout per program, participant and quarter of 2017, straight from
-- the files. Rules that none of the hundred programs uses are left out (gates, floors, budgets, stacking, replacement
-- reports), and segments are written down as conditions. Four steps: the small tables, the lines, their sums (in one
-- of two ways), the tiers. Variables: `data`, the data folder, and `result`, the Parquet file to write.

-- the newest file wins: only keys whose hash comes twice can be corrections
create temp table again as
select key_hash
from (select hash(source, document_number, line_number) as key_hash from read_parquet(getvariable('data') || '/accepted/line/*.parquet'))
group by key_hash
having count(*) > 1;

create temp table old as
select file_sequence, row_number
from (
    select
        file_sequence,
        row_number,
        row_number() over (partition by source, document_number, line_number order by file_sequence desc, row_number desc) as place
    from read_parquet(getvariable('data') || '/accepted/line/*.parquet')
    where hash(source, document_number, line_number) in (select key_hash from again)
)
where place > 1;

-- the small tables
create temp table program as
select * from read_parquet(getvariable('data') || '/programs/program.parquet')
where calculated;

create temp table partner as
select *
from read_parquet(getvariable('data') || '/accepted/partner/*.parquet');

create temp table product as
select * from read_parquet(getvariable('data') || '/accepted/product/*.parquet');

create temp table unit as
select product_id, unit, factor from read_parquet(getvariable('data') || '/accepted/product_unit/*.parquet')
union all
select product_id, base_unit, 1 from product;

create temp table tier as
select partner_id, tier, valid_from, coalesce(valid_to, date '9999-12-31') as valid_to
from read_parquet(getvariable('data') || '/accepted/partner_tier/*.parquet');

create temp table fx as
select
    r.from_currency,
    r.to_currency,
    cast(d.day as date) as day,
    max_by(r.rate, r.rate_date) as rate
from read_parquet(getvariable('data') || '/accepted/fx_rate/*.parquet') as r
join generate_series(date '2017-01-01', date '2017-12-31', interval 1 day) as d(day)
    on d.day between r.rate_date and r.rate_date + 10
group by all
union all
select 'USD', 'USD', cast(day as date), 1 from generate_series(date '2017-01-01', date '2017-12-31', interval 1 day) as d(day)
union all
select 'CAD', 'CAD', cast(day as date), 1 from generate_series(date '2017-01-01', date '2017-12-31', interval 1 day) as d(day);

-- the lines that count, in base units
create temp table line as
select
    l.stream,
    l.sold_to_id,
    l.distributor_id,
    l.reseller_id,
    l.product_id,
    l.document_date,
    l.document_type,
    l.region,
    l.currency,
    l.net_amount,
    l.quantity * u.factor as quantity
from read_parquet(getvariable('data') || '/accepted/line/*.parquet') as l
join unit as u on l.product_id = u.product_id and l.unit = u.unit
anti join old as o on l.file_sequence = o.file_sequence and l.row_number = o.row_number
where l.record_intent <> 'cancellation' and l.document_date between date '2017-01-01' and date '2017-12-31';

create temp view role_line as
select 'sold_to' as role, sold_to_id as partner_id, * from line where stream = 'sell_in'
union all
select 'distributor', distributor_id, * from line where stream = 'sell_through'
union all
select 'reseller', reseller_id, * from line where stream = 'sell_through';

-- who is in, when, and as which participant
create temp table admitted as
with named as (
    select r.program_key, p.partner_id, date '1900-01-01' as valid_from, date '9999-12-31' as valid_to
    from read_parquet(getvariable('data') || '/programs/program_participant_rule.parquet') as r
    join partner as p
        on r.kind = 'all'
        or r.kind = 'partner' and r.value = p.partner_id
        or r.value = 'resellers' and p.partner_type = 'reseller'
        or r.value = 'grocery_resellers' and p.partner_type = 'reseller' and p.channel = 'grocery'
        or r.value = 'distributors' and p.partner_type = 'distributor'
    union all
    select r.program_key, t.partner_id, t.valid_from, t.valid_to
    from read_parquet(getvariable('data') || '/programs/program_participant_rule.parquet') as r
    join tier as t on r.value = t.tier || '_resellers'
    join partner as p on t.partner_id = p.partner_id and p.partner_type = 'reseller'
    union all
    select r.program_key, g.partner_id, g.valid_from, coalesce(g.valid_to, date '9999-12-31')
    from read_parquet(getvariable('data') || '/programs/program_participant_rule.parquet') as r
    join read_parquet(getvariable('data') || '/accepted/partner_group/*.parquet') as g on r.kind = 'group' and r.value = g.group_id
)
select
    n.program_key,
    n.partner_id,
    greatest(n.valid_from, p.valid_from) as valid_from,
    least(n.valid_to, p.valid_to) as valid_to,
    case p.aggregate when 'group' then g.group_id else n.partner_id end as participant_id
from named as n
join program as p on n.program_key = p.program_key
left join read_parquet(getvariable('data') || '/accepted/partner_group/*.parquet') as g
    on p.aggregate = 'group'
    and n.partner_id = g.partner_id
    and n.valid_from = g.valid_from;

-- which products each scope takes, with the scope's other conditions
create temp table scope as
select
    row_number() over (order by s.scope_key) as scope,
    s.scope_key,
    s.program_key,
    s.stream,
    p.currency,
    p.participant_role,
    s.min_amount,
    (select list(r.value) from read_parquet(getvariable('data') || '/programs/program_scope_rule.parquet') as r
     where r.scope_key = s.scope_key and r.dimension = 'region') as regions,
    (select list(r.value) from read_parquet(getvariable('data') || '/programs/program_scope_rule.parquet') as r
     where r.scope_key = s.scope_key and r.dimension = 'document_type') as document_types
from read_parquet(getvariable('data') || '/programs/program_scope.parquet') as s
join program as p on s.program_key = p.program_key and s.scope_key in (p.earning_scope, p.target_scope);

create temp table scope_product as
select distinct s.scope, d.product_id, s.participant_role
from scope as s
join read_parquet(getvariable('data') || '/programs/program_scope_rule.parquet') as r on s.scope_key = r.scope_key
join product as d
    on r.dimension = 'category' and r.value = d.category
    or r.dimension = 'family' and r.value = d.family
    or r.dimension = 'brand' and r.value = d.brand;

create temp table scope_partner as
select s.scope, a.partner_id, a.participant_id, a.valid_from, a.valid_to, s.currency, s.min_amount, s.regions, s.document_types
from scope as s
join admitted as a on s.program_key = a.program_key;
