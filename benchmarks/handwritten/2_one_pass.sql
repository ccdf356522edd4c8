-- One pass over the lines: products and participants of each scope, exchange rate, the scope's other conditions, sums.
-- joined as written: the planner's own order takes four times as long on ten million lines
set disabled_optimizers = 'join_order';

create temp table summed as
select
    a.scope,
    a.participant_id,
    quarter(l.document_date) as quarter,
    sum(l.net_amount * f.rate) as amount,
    sum(l.quantity) as quantity
from role_line as l
join scope_product as s on l.role = s.participant_role and l.product_id = s.product_id
join scope_partner as a
    on s.scope = a.scope
    and l.partner_id = a.partner_id
    and l.document_date between a.valid_from and a.valid_to
join fx as f on l.currency = f.from_currency and a.currency = f.to_currency and l.document_date = f.day
where
    (a.regions is null or list_contains(a.regions, l.region))
    and (a.document_types is null or list_contains(a.document_types, l.document_type))
    and (a.min_amount is null or abs(l.net_amount * f.rate) >= a.min_amount)
group by all;

reset disabled_optimizers;
