-- Sums first: products that belong to the same scopes are one class, days on which a partner's memberships stand still are
-- one stretch, and lines are summed by them before they meet the programs. More steps, far fewer rows.
create temp table class as
select row_number() over (order by participant_role, scopes) as class, *
from (
    select participant_role, scopes, list(product_id) as products
    from (select participant_role, product_id, list(scope order by scope) as scopes from scope_product group by all)
    group by all
);

create temp table class_product as select class, participant_role, unnest(products) as product_id from class;

create temp table stretch as
select partner_id, first_day, coalesce(lead(first_day) over (partition by partner_id order by first_day), date '9999-12-31') as next_day
from (
    select partner_id, valid_from as first_day from scope_partner
    union
    select partner_id, valid_to + 1 from scope_partner where valid_to < date '2017-12-31'
);

create temp table presummed as
select
    l.partner_id,
    c.class,
    t.first_day,
    quarter(l.document_date) as quarter,
    l.document_type,
    l.region,
    l.role = 'reseller' and abs(l.net_amount * usd.rate) < 20 as is_small_usd,
    l.role = 'reseller' and abs(l.net_amount * cad.rate) < 20 as is_small_cad,
    sum(l.net_amount * usd.rate) as usd,
    sum(l.net_amount * cad.rate) as cad,
    sum(l.quantity) as quantity
from role_line as l
join class_product as c on l.role = c.participant_role and l.product_id = c.product_id
join stretch as t on l.partner_id = t.partner_id and l.document_date >= t.first_day and l.document_date < t.next_day
join fx as usd on l.currency = usd.from_currency and l.document_date = usd.day and usd.to_currency = 'USD'
join fx as cad on l.currency = cad.from_currency and l.document_date = cad.day and cad.to_currency = 'CAD'
group by all;

create temp table summed as
-- materialized: else the planner joins scopes with participants first
with placed as materialized (
    select l.*, unnest(c.scopes) as scope from presummed as l join class as c on l.class = c.class
)
select
    a.scope,
    a.participant_id,
    l.quarter,
    sum(case a.currency when 'USD' then l.usd else l.cad end) as amount,
    sum(l.quantity) as quantity
from placed as l
join scope_partner as a
    on l.scope = a.scope
    and l.partner_id = a.partner_id
    and l.first_day between a.valid_from and a.valid_to
where
    (a.regions is null or list_contains(a.regions, l.region))
    and (a.document_types is null or list_contains(a.document_types, l.document_type))
    and (a.min_amount is null or not case a.currency when 'USD' then l.is_small_usd else l.is_small_cad end)
group by all;
