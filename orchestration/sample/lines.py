"""From retail lines to the lines that each source reports: the tables of one in-memory DuckDB.

What belongs here: choosing our goods, assigning stores to sources, picking and making the
injections. What does not: how a source writes its rows (formats) and master data (master).

Amounts are whole cents throughout (BIGINT) and become decimals when a file is written. Chance is a
hash of (what for, key, seed), never random(): a figure depends on nothing but its key.

Tables, each with its key:
own_product (product_id), own_line (basket_id, product_id), store (store_id), customer
(household_id), rate (rate_date), month_rate (month), item_code (product_id), quote (seller, buyer,
goods, first_day), marked_line (basket_id, product_id), delivered (source, part, document_number,
line_number, copy).
"""

from __future__ import annotations

import duckdb

from orchestration.sample.company import ERP, LAKESIDE, NORTH, PRAIRIE, Company
from orchestration.sample.source import data_file


def build(connection: duckdb.DuckDBPyConnection, company: Company) -> None:
    """Create all tables of this module in ``connection`` (see the module's docstring)."""
    for statement in (
        *_macros(company),
        _source_line(),
        _own_product(company),
        _own_line(),
        _store(company),
        _customer(),
        *_rate(company),
        _item_code(),
        _quote(company),
        _pick_slot(company),
        _marked_line(company),
        _delivered(company),
    ):
        connection.execute(statement)


def quoted(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: tuple[str, ...]) -> str:
    """``texts`` as an SQL list of strings."""
    return ", ".join(quoted(text) for text in texts)


def _macros(company: Company) -> tuple[str, ...]:
    return (
        # a number from 0 to 2^64-1 that depends on its arguments and the seed only
        f"create macro draw(purpose, key) as md5_number_lower(concat_ws('|', purpose, key, {company.seed}))",
        # n / d to a whole number, half away from zero; d above zero
        "create macro divided(n, d) as case when n < 0 then -((2 * -n + d) // (2 * d)) else (2 * n + d) // (2 * d) end",
        "create macro money(cents) as cast(cents * cast(0.01 as decimal(3, 2)) as decimal(18, 2))",
        "create macro month_name(day) as strftime(day, '%Y-%m')",
    )


def _source_line() -> str:
    """Real lines of all goods. Lines without quantity or amount are no sales and dropped."""
    return f"""
        create view source_line as
        select
            household_id, store_id, basket_id, product_id, quantity,
            cast(cast(sales_value as decimal(18, 2)) * 100 as bigint) as cents,
            transaction_timestamp
        from read_parquet({quoted(str(data_file("transactions")))})
        where quantity <> 0 and cast(sales_value as decimal(18, 2)) <> 0
    """


def _own_product(company: Company) -> str:
    """Products of our brands that were sold. list_cents: median cents per unit."""
    excluded = ", ".join(str(number) for number in company.excluded_manufacturers)
    return f"""
        create table own_product as
        with candidate as (
            select product_id, manufacturer_id, department, product_category, product_type, package_size
            from read_parquet({quoted(str(data_file("products")))})
            where brand = {quoted(company.brand)} and department in ({listed(company.departments)})
                and manufacturer_id not in ({excluded}) and product_category is not null
        ),
        sold as (
            select product_id, count(*) as lines, quantile_disc(divided(cents, quantity), 0.5) as list_cents
            from source_line semi join candidate using (product_id)
            group by product_id
        ),
        own as (
            select manufacturer_id from candidate join sold using (product_id)
            group by manufacturer_id
            order by sum(lines) desc, manufacturer_id
            limit {company.manufacturers}
        )
        select candidate.*, list_cents
        from candidate join sold using (product_id) semi join own using (manufacturer_id)
    """


def _own_line() -> str:
    """Lines of our brands. A basket is a document; its line numbers are 10, 20, … in order of product."""
    return """
        create table own_line as
        select
            * exclude (transaction_timestamp),
            -- timestamps are UTC of shops on US Eastern time; without this 7,423 source lines change month
            cast(timezone('America/New_York', timezone('UTC', transaction_timestamp)) as date) as sold_on,
            10 * row_number() over (partition by basket_id order by product_id) as line_number
        from source_line semi join own_product using (product_id)
    """


def _store(company: Company) -> str:
    """Stores: who serves them, size rank, channel, region, first tier and group."""
    regions = listed(company.regions)
    sources = listed(tuple(distributor.source for distributor in company.distributors))
    return f"""
        create table store as
        with sized as (
            select store_id, count(*) as lines, count(distinct basket_id) as baskets from own_line group by store_id
        ),
        ranked as (
            select
                *,
                row_number() over (order by lines desc, store_id) as size_rank,
                100 * (sum(lines) over (order by lines desc, store_id) - lines)
                    < {company.direct_percent} * sum(lines) over () as direct
            from sized
        )
        select
            store_id,
            'R-' || store_id as reseller_id,
            lines,
            size_rank,
            case when direct then {quoted(ERP)}
                else ([{sources}])[cast(1 + draw('source', store_id) % {len(company.distributors)} as integer)]
            end as source,
            case when lines >= {company.grocery_lines_per_basket} * baskets then 'grocery' else 'convenience' end
                as channel,
            ([{regions}])[cast(1 + draw('region', store_id) % {len(company.regions)} as integer)] as region,
            'S-' || lpad(cast(1 + draw('sales_rep', store_id) % {company.sales_reps} as varchar), 2, '0')
                as sales_rep_id,
            case
                when size_rank <= {company.gold_stores} then 'gold'
                when size_rank <= {company.gold_stores + company.silver_stores} then 'silver'
                else 'bronze'
            end as tier,
            draw('grouped', store_id) % 100 < {company.grouped_percent} as grouped
        from ranked
    """


def _customer() -> str:
    """Households with demographics: the end customers that we know. Region: where they buy most."""
    return f"""
        create table customer as
        with main as (
            select household_id, arg_min(region, place) as region
            from (
                select household_id, store.region,
                    row_number() over (partition by household_id order by count(*) desc, store.region) as place
                from own_line join store using (store_id)
                group by household_id, store.region
            )
            group by household_id
        )
        select demographics.*, main.region
        from read_parquet({quoted(str(data_file("demographics")))}) as demographics
        left join main using (household_id)
    """


def _rate(company: Company) -> tuple[str, ...]:
    """US dollars for one Canadian dollar in units of 10^-8: on each 1st, Monday and Thursday."""
    levels = ", ".join(company.cad_levels)
    noise = company.cad_noise
    days = f"date '{company.year}-01-01', date '{company.year}-12-31', interval 1 day"
    return (
        f"""
        create table rate as
        select
            rate_date,
            cast(cast(([{levels}])[month(rate_date)] as decimal(9, 8)) * 100000000 as bigint)
                + (cast(draw('rate', rate_date) % {2 * noise + 1} as bigint) - {noise}) * 1000 as cad_in_usd
        from (select cast(unnest(generate_series({days})) as date) as rate_date)
        where day(rate_date) = 1 or isodow(rate_date) in (1, 4)
        """,
        """
        create table month_rate as
        select month(rate_date) as month, arg_min(cad_in_usd, rate_date) as cad_in_usd
        from rate
        group by month(rate_date)
        """,
    )


def _item_code() -> str:
    """The codes that D-LAKE uses for our products."""
    return """
        create table item_code as
        select product_id, 'LK-' || lpad(cast(place as varchar), 6, '0') as item_code
        from (
            select product_id, row_number() over (order by draw('item_code', product_id), product_id) as place
            from own_product
        )
    """


def _quote(company: Company) -> str:
    """Which lines quote which special-price authorisation, and on which days of sale."""
    rows = ", ".join(
        f"({quoted(q.source)}, {q.household}, {q.product}, {quoted(q.number)}, date '{q.first}', date '{q.last}')"
        for q in company.quotes
    )
    columns = "seller, buyer, goods, authorization_number, first_day, last_day"
    return f"create table quote as select * from (values {rows}) as quote ({columns})"


def _pick_slot(company: Company) -> str:
    """Which places in the order of chance get which injection: per source, month and known or not."""
    taken: dict[tuple[str, int, bool], int] = {}
    slots = []
    for pick in company.picks:
        for month in pick.months:
            key = (pick.source, month, pick.known)
            first = taken.get(key, 0) + 1
            taken[key] = first + pick.count - 1
            slots.append(
                f"({quoted(pick.source)}, {month}, {pick.known}, {first}, {taken[key]}, {quoted(pick.injection)})"
            )
    return f"""
        create table pick_slot as
        select * from (values {", ".join(slots)}) as slot (source, month, known, first_place, last_place, injection)
    """


def _marked_line(company: Company) -> str:
    """Own lines with their store, customer and the injection that they were picked for (or null).

    Lines of the replaced stores in the replaced month are never picked, so that the replacement
    report says the same in whatever order files are read.
    """
    return f"""
        create table marked_line as
        with replaced_store as (
            select store_id from store where source = {quoted(NORTH)} order by size_rank limit {company.replaced_stores}
        ),
        placed as (
            select
                own_line.*, store.source, store.reseller_id, store.region, store.sales_rep_id,
                month(sold_on) as month,
                customer.household_id is not null as known,
                replaced_store.store_id is not null and month(sold_on) = {company.replacement_month} as restated,
                row_number() over (
                    partition by store.source, month(sold_on), customer.household_id is not null,
                        replaced_store.store_id is not null and month(sold_on) = {company.replacement_month}
                    order by draw('pick', concat_ws('|', basket_id, product_id)), basket_id, product_id
                ) as place
            from own_line
            join store using (store_id)
            left join customer using (household_id)
            left join replaced_store using (store_id)
        )
        select placed.*, pick_slot.injection
        from placed
        left join pick_slot
            on placed.source = pick_slot.source and placed.month = pick_slot.month and placed.known = pick_slot.known
            and not placed.restated and placed.place between pick_slot.first_place and pick_slot.last_place
    """


def _delivered(company: Company) -> str:
    """Every row of every file of lines; ``injected`` says what is invented about it (null: nothing).

    part: which file of the source, see calendar. copy: 1 for an exact duplicate, else 0.
    date_text, amount_text: what stands in the file instead of the date or the amount, or null.
    """
    restated = f"{company.year}-{company.replacement_month:02}"
    corrected = f"{company.year}-{company.correction_month:02}"
    key = "concat_ws('|', basket_id, product_id)"
    return f"""
        create table delivered as
        with sale as (
            select
                * exclude (quantity, cents, known, restated, place),
                known, restated,
                cast(basket_id as varchar) as document_number,
                'invoice' as document_type,
                sold_on as document_date,
                cast(null as varchar) as reference,
                'original' as intent,
                quantity,
                cents * case when injection = 'case_sale' then {company.units_per_case} else 1 end as cents,
                injection is not distinct from 'case_sale' as in_cases
            from marked_line
        ),
        reversed as (
            select
                * replace (
                    case injection when 'return' then 'RT-' else 'CM-' end || document_number as document_number,
                    injection as document_type,
                    least(sold_on + cast(1 + draw('return', {key}) % 20 as integer), date '{company.year}-12-31')
                        as document_date,
                    document_number as reference,
                    -quantity as quantity,
                    -cents as cents
                )
            from sale where injection in ('return', 'credit_memo')
        ),
        -- what a correction or a replacement says instead: one more piece, or 10 % off
        restatement as (
            select * replace (
                case when draw('restate', {key}) % 2 = 0 then quantity + 1 else quantity end as quantity,
                case when draw('restate', {key}) % 2 = 0 then divided(cents * (quantity + 1), quantity)
                    else divided(cents * 9, 10) end as cents
            )
            from sale
        ),
        plain as (
            select
                *,
                0 as copy,
                -- a picked line itself is delivered as it is, unless the injection is about the line
                case when injection in ('return', 'credit_memo', 'duplicate', 'cancellation', 'correction') then null
                    else injection end as injected,
                case when injection is not distinct from 'late_line' then month_name(sold_on + interval 1 month)
                    else month_name(sold_on) end as part
            from sale
        ),
        every as (
            select * replace (
                case when injected = 'late_line' and source <> {quoted(ERP)} then 'addendum' else intent end as intent
            ) from plain
            union all by name
            select *, 0 as copy, injection as injected, month_name(document_date) as part from reversed
            union all by name
            select *, 1 as copy, injection as injected, month_name(sold_on) as part
            from sale where injection = 'duplicate'
            union all by name
            select * replace ('cancellation' as intent), 0 as copy, injection as injected,
                month_name(sold_on + interval 1 month) as part
            from sale where injection = 'cancellation'
            union all by name
            select *, 0 as copy, injection as injected, '{corrected} corrected' as part
            from restatement where injection = 'correction'
            union all by name
            -- the replacement report restates the stores' month: one line in 20 is left out, one in 10 is changed
            select * replace ('replacement' as intent), 0 as copy, 'replacement' as injected,
                '{restated} replacement' as part
            from (
                from sale where draw('changed', {key}) % 10 <> 0
                union all by name
                from restatement where draw('changed', {key}) % 10 = 0
            )
            where restated and draw('left_out', {key}) % 20 <> 0
            union all by name
            select * replace ('replacement' as intent), 0 as copy, 'replacement' as injected,
                '{restated} replacement' as part
            from reversed
            where month_name(document_date) = '{restated}'
                and reseller_id in (select reseller_id from sale where restated)
        )
        select
            source,
            part,
            copy,
            injected,
            document_number,
            cast(line_number as integer) as line_number,
            document_type,
            document_date,
            reference as reference_document_number,
            intent as record_intent,
            store_id,
            reseller_id,
            case injected
                when 'customer_blank' then null
                when 'customer_name_only' then null
                when 'customer_unknown' then 'H-9' || lpad(cast(draw('customer', {key}) % 100000 as varchar), 5, '0')
                else case when known then 'H-' || household_id end
            end as end_customer_id,
            case injected
                when 'customer_blank' then null
                when 'customer_name_only' then 'Café Müller'
                when 'customer_unknown'
                    then 'Household 9' || lpad(cast(draw('customer', {key}) % 100000 as varchar), 5, '0')
                else case when known then 'Household ' || household_id end
            end as end_customer_name,
            case when injected is not distinct from 'unknown_product'
                then case when source = {quoted(LAKESIDE)}
                    then 'LK-9' || lpad(cast(draw('product', {key}) % 100000 as varchar), 5, '0')
                    else '99' || lpad(cast(draw('product', {key}) % 100000000 as varchar), 8, '0') end
                when source = {quoted(LAKESIDE)} then item_code
                else cast(product_id as varchar)
            end as product_code,
            case when source = {quoted(NORTH)} and not in_cases and quantity % {company.units_per_case} = 0
                then quantity // {company.units_per_case} else quantity end as quantity,
            case when in_cases or (source = {quoted(NORTH)} and quantity % {company.units_per_case} = 0)
                then 'CS' else 'EA' end as unit,
            money(
                case when injected is not distinct from 'negative_price' then -1 else 1 end
                * case when source = {quoted(PRAIRIE)}
                    then cast(divided(cast(cents as hugeint) * 100000000, month_rate.cad_in_usd) as bigint)
                    else cents end
            ) as net_amount,
            authorization_number,
            sales_rep_id,
            region,
            case when injected = 'bad_date' then
                case when source = {quoted(ERP)} then '{company.year}-02-31' else '31.02.{company.year}' end
            end as date_text,
            case when injected = 'bad_amount' then 'n/a' end as amount_text
        from every
        left join item_code using (product_id)
        left join month_rate on month(document_date) = month_rate.month
        left join quote
            on source = seller and household_id = buyer and product_id = goods
            and sold_on between first_day and last_day
    """
