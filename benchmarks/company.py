"""A made-up company of any size, as validation would leave it: ``generate(settings, size)``, ``late_file(settings)``.

What belongs here: master data, lines and the register of files. What does not: programs (catalogue.py),
measuring. Everything follows from row numbers through md5 and whole numbers: the same size gives the
same bytes, whatever the machine, threads or order. Lines never pass through Python: one COPY per file.

Shape: 12 distributors, 24 buying groups and 1,964 buyers; 5,000 products in 200 families, 80 brands and
20 categories; 800 end customers. Partners and products are drawn with weights 1 / (rank + offset), so
that few are large and many small. 70 % of the lines are ours (sell_in), the rest what distributors report
(sell_through). 3 % of documents are returns, 1 % of lines come again corrected in a newer file, 1 line
in 200 is held, 5 % of our documents and all of two distributors' are in CAD.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration import contract
from orchestration.settings import Settings
from orchestration.warehouse import in_memory

YEAR = 2017
"""The fiscal year that is measured."""

DISTRIBUTORS, GROUPS, PARTNERS = 12, 24, 2000
PRODUCTS, FAMILIES, BRANDS, CATEGORIES, END_CUSTOMERS = 5000, 200, 80, 20, 800
CANADIAN_DISTRIBUTORS = (5, 11)
LINES_PER_DOCUMENT = 8

SELL_IN_SHARE = 70
"""Percent of lines that are our own invoices."""

CORRECTED = 100
"""One line in so many comes again, in the corrections of its quarter."""

MONTH_WEIGHTS = (7, 7, 8, 8, 8, 9, 8, 8, 9, 9, 10, 9)
"""How the year's lines spread over its months."""

SLOTS = 1 << 18
"""Slots that draw a partner or product in proportion to its weight, by a whole number."""

ROW_GROUP_SIZE = 122_880

RULE_RESULT = (
    "source varchar, entity varchar, file_sequence integer, file_hash varchar, suite varchar, rule_id varchar, "
    "severity varchar, status varchar, rows_evaluated bigint, rows_failed bigint, message varchar, samples varchar"
)
"""Columns of validation/<entity>/ (docs/architecture.md)."""

LATE_MONTH = 9
LATE_DISTRIBUTOR = 3


@dataclass(frozen=True)
class Size:
    """How much: ``lines`` of the measured year (corrections come on top); ``years``: 2 adds the year before."""

    lines: int
    years: int = 1


@dataclass(frozen=True)
class File:
    """One file of lines. ``distributor``: 0 for our own invoices. ``first``: its first line's number, used once."""

    source: str
    name: str
    year: int
    month: int
    distributor: int
    first: int
    lines: int
    correction: bool = False


def generate(settings: Settings, size: Size) -> int:
    """Write accepted/, quarantine/, validation/ and raw/file/ below the data folder; returns the rows of lines written.

    The folder should be new: nothing is removed.
    """
    with in_memory(settings) as connection:
        _schemas(connection, settings)
        known = _master_data(connection, settings)
        _draws(connection)
        rows = 0
        for sequence, file in enumerate(files(size), start=known + 1):
            rows += _write_lines(connection, settings, file, sequence)
    return rows


def late_file(settings: Settings, lines: int = 10_000) -> int:
    """Add one distributor's late report of a month that is over: new documents in a newer file; returns its rows."""
    sequence = 1 + max(int(path.name[:6]) for path in (settings.raw / "file").glob("[0-9]*.parquet"))
    distributor = LATE_DISTRIBUTOR
    file = File(f"pos_{distributor:02}", f"late_{LATE_MONTH:02}.csv", YEAR, LATE_MONTH, distributor, 10**12, lines)
    with in_memory(settings) as connection:
        _master_data(connection, settings, write=False)
        _draws(connection)
        return _write_lines(connection, settings, file, sequence)


def files(size: Size) -> Iterator[File]:
    """Every file of lines, in the order of their receipt: per month one per source, corrections after each quarter."""
    first = 0
    for year in range(YEAR - size.years + 1, YEAR + 1):
        done: list[File] = []
        for month in range(1, 13):
            for distributor in range(DISTRIBUTORS + 1):
                lines = _lines_of(size.lines, month, distributor)
                source = f"pos_{distributor:02}" if distributor else "erp_invoices"
                file = File(source, f"{source}_{year}-{month:02}.csv", year, month, distributor, first, lines)
                first += lines
                if lines:
                    done.append(file)
                    yield file
            if month % 3 == 0:
                for file in done:
                    corrections = len(range((-file.first) % CORRECTED, file.lines, CORRECTED))
                    if corrections:
                        name = file.name.replace(".csv", "_corrected.csv")
                        yield File(
                            file.source,
                            name,
                            file.year,
                            file.month,
                            file.distributor,
                            file.first,
                            file.lines,
                            correction=True,
                        )
                done = []


def _lines_of(lines: int, month: int, distributor: int) -> int:
    """The lines of one source and month; over all they add up to ``lines``."""
    weights = [SELL_IN_SHARE * 100] + [(100 - SELL_IN_SHARE) * 100 // (3 + rank) for rank in range(1, DISTRIBUTORS + 1)]
    scale = SELL_IN_SHARE * 100 + (100 - SELL_IN_SHARE) * 100
    through = sum(weights[1:])
    shares = [weights[0] * through] + [(scale - weights[0]) * weight for weight in weights[1:]]
    cells = [share * MONTH_WEIGHTS[number] for number in range(12) for share in shares]
    position = (month - 1) * len(shares) + distributor
    total, before = sum(cells), sum(cells[:position])
    return lines * (before + cells[position]) // total - lines * before // total


# --- writing ----------------------------------------------------------------------------------


def _schemas(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Write the empty file of each entity in each room, so that readers find the columns."""
    for name, entity in contract.ENTITIES.items():
        for room, columns in (
            (settings.accepted, contract.accepted_columns(entity)),
            (settings.quarantine, contract.quarantine_columns(entity)),
        ):
            _empty(
                connection,
                room / name / "_schema.parquet",
                ", ".join(f"{column.name} {column.type}" for column in columns),
            )
        _empty(connection, settings.validation_results / name / "_schema.parquet", RULE_RESULT)
    _empty(
        connection,
        settings.raw / "file" / "_schema.parquet",
        ", ".join(f"{column.name} {column.type}" for column in contract.FILE.columns),
    )
    _empty(
        connection,
        settings.raw / "source" / "source.parquet",
        ", ".join(f"{column.name} {column.type}" for column in contract.SOURCE.columns),
    )


def _empty(connection: duckdb.DuckDBPyConnection, path: Path, columns: str) -> None:
    connection.execute(f"create or replace temp table nothing ({columns})")
    _copy(connection, "select * from nothing", path)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write a query's rows as Parquet, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}")
    connection.execute(
        f"copy ({query}) to '{half}' (format parquet, compression snappy, row_group_size {ROW_GROUP_SIZE})"
    )
    os.replace(half, path)  # noqa: PTH105 - one step, also over an existing file


def _write_entity(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    entity: contract.Entity,
    source: str,
    name: str,
    sequence: int,
    query: str,
    order: str,
) -> int:
    """Write one accepted file and its entry in the register; returns its rows.

    ``query`` gives the entity's columns, ``row_number``, ``verdict`` and ``rules_failed``; entity columns
    that it does not give are null.
    """
    file_hash = hashlib.sha256(f"{source}/{name}".encode()).hexdigest()
    given = {row[0] for row in connection.execute(f"describe {query}").fetchall()}
    own = {"source": f"'{source}'", "file_sequence": str(sequence), "file_hash": f"'{file_hash}'"}
    own |= {name: name for name in given}
    columns = [
        f"cast({own.get(column.name, 'null')} as {column.type}) as {column.name}"
        for column in contract.accepted_columns(entity)
    ]
    path = settings.accepted / entity.name / f"{sequence:06}_{file_hash[:16]}.parquet"
    _copy(connection, f"select {', '.join(columns)} from ({query}) order by {order}", path)
    [(rows,)] = connection.execute(f"select count(*) from read_parquet('{path}')").fetchall()
    values = {
        "source": source,
        "entity": entity.name,
        "file_sequence": sequence,
        "file_name": name,
        "file_hash": file_hash,
        "file_bytes": rows * 100,
        "rows_in": rows,
        "status": "read",
    }
    fields = [
        f"cast({repr(values[column.name]) if column.name in values else 'null'} as {column.type}) as {column.name}"
        for column in contract.FILE.columns
    ]
    _copy(connection, f"select {', '.join(fields)}", settings.raw / "file" / f"{sequence:06}_{file_hash[:16]}.parquet")
    return int(rows)


# --- master data ------------------------------------------------------------------------------

REGIONS = "['NORTH', 'SOUTH', 'EAST', 'WEST', 'CENTRAL']"
CHANNELS = "['grocery', 'convenience', 'hardware', 'online', 'foodservice']"


def _draw(salt: str, key: str, below: int) -> str:
    """SQL: a whole number from 0 to below - 1 that follows from a key."""
    return f"cast(md5_number_lower('{salt}' || {key}) % {below} as integer)"


def _master_data(connection: duckdb.DuckDBPyConnection, settings: Settings, *, write: bool = True) -> int:
    """Make temp tables partner, product …, and write them as accepted files 1, 2, …; returns the last number."""
    buyers = PARTNERS - DISTRIBUTORS - GROUPS
    connection.execute(f"""
        create or replace temp table partner as
        select
            printf('D-%02d', n) as partner_id, 'distributor' as partner_type, 'wholesale' as channel,
            {REGIONS}[1 + n % 5] as region, case when n in {CANADIAN_DISTRIBUTORS} then 'CA' else 'US' end as country,
            null as parent_partner_id, 6 * n - 3 as rank
        from range(1, {DISTRIBUTORS + 1}) as d(n)
        union all
        select printf('G-%02d', n), 'buying_group', 'group', {REGIONS}[1 + n % 5], 'US', null, null
        from range(1, {GROUPS + 1}) as g(n)
        union all
        select
            printf('R-%04d', n),
            case when {_draw("type", "n", 10)} < 8 then 'reseller' else 'dealer' end,
            {CHANNELS}[1 + {_draw("channel", "n", 5)}],
            {REGIONS}[1 + {_draw("region", "n", 5)}],
            case when {_draw("country", "n", 20)} = 0 then 'CA' else 'US' end,
            printf('D-%02d', 1 + {_draw("parent", "n", DISTRIBUTORS)}),
            -- the distributors take every sixth rank at the top
            n + least({DISTRIBUTORS}, (n + 2) // 5)
        from range(1, {buyers + 1}) as r(n)
    """)
    connection.execute(f"""
        create or replace temp table product as
        select
            printf('P-%05d', n) as product_id,
            n as rank,
            1 + {_draw("family", "n", FAMILIES)} as family_number,
            {_draw("brand", "n", BRANDS)} as brand_number,
            {_draw("case", "n", 3)} as case_number,
            -- price per piece in cents
            150 + {_draw("price", "n", 9850)} as price
        from range(1, {PRODUCTS + 1}) as p(n)
    """)
    if not write:
        return 0
    order = {
        "partner": (contract.PARTNER, "select *, 'Partner ' || partner_id as partner_name from partner", "partner_id"),
        "partner_tier": (contract.PARTNER_TIER, _tiers(), "partner_id, valid_from"),
        "partner_group": (contract.PARTNER_GROUP, _memberships(), "partner_id, valid_from"),
        "end_customer": (contract.END_CUSTOMER, _end_customers(), "end_customer_id"),
        "product": (contract.PRODUCT, _products(), "product_id"),
        "product_unit": (contract.PRODUCT_UNIT, _units(), "product_id, unit"),
        "fx_rate": (contract.FX_RATE, _rates(), "from_currency, rate_date"),
    }
    for sequence, (name, (entity, query, key)) in enumerate(order.items(), start=1):
        numbered = (
            f"select *, row_number() over (order by {key}) as row_number, 'accepted' as verdict, "
            f"null as rules_failed from ({query})"
        )
        _write_entity(connection, settings, entity, f"erp_{name}s", f"{name}.csv", sequence, numbered, "row_number")
    return len(order)


def _tiers() -> str:
    """A tier for every buyer, by size; one in ten changes it in the middle of the year."""
    return f"""
        with sized as (
            select partner_id, rank, {_draw("promoted", "partner_id", 10)} = 0 as changes,
                case when rank < 150 then 1 when rank < 600 then 2 else 3 end as tier_number
            from partner where partner_type in ('reseller', 'dealer')
        )
        select partner_id, ['gold', 'silver', 'bronze'][tier_number] as tier, date '{YEAR - 2}-01-01' as valid_from,
            case when changes then date '{YEAR}-05-31' end as valid_to
        from sized
        union all
        select partner_id, ['gold', 'silver', 'bronze'][greatest(tier_number - 1, 1)], date '{YEAR}-06-01', null
        from sized where changes
    """


def _memberships() -> str:
    """Two buyers in five belong to a buying group; one in twelve of them changes it within a quarter."""
    return f"""
        with members as (
            select partner_id, 1 + {_draw("group", "partner_id", GROUPS)} as group_number,
                {_draw("moved", "partner_id", 12)} = 0 as moves
            from partner
            where partner_type in ('reseller', 'dealer') and {_draw("member", "partner_id", 5)} < 2
        )
        select partner_id, printf('G-%02d', group_number) as group_id, date '{YEAR - 2}-01-01' as valid_from,
            case when moves then date '{YEAR}-08-14' end as valid_to
        from members
        union all
        select partner_id, printf('G-%02d', 1 + group_number % {GROUPS}), date '{YEAR}-08-15', null
        from members where moves
    """


def _end_customers() -> str:
    return f"""
        select printf('H-%04d', n) as end_customer_id, printf('Customer %04d', n) as end_customer_name,
            'household' as end_customer_type, cast(1 + n % 5 as varchar) as size_band,
            ['35-49K', '50-74K', '100-124K', '150-174K'][1 + {_draw("income", "n", 4)}] as income_band,
            ['19-24', '25-34', '35-44', '45-54'][1 + {_draw("age", "n", 4)}] as age_band,
            ['1 Adult', '2 Adults', '2 Adults Kids'][1 + {_draw("kids", "n", 3)}] as composition
        from range(1, {END_CUSTOMERS + 1}) as e(n)
    """


def _products() -> str:
    return """
        select product_id, 'Product ' || product_id as product_name, printf('FAMILY %03d', family_number) as family,
            printf('BRAND %02d', brand_number) as brand, printf('CATEGORY %02d', family_number % 20) as category,
            'EA' as base_unit, cast(price as decimal(18, 0)) * 0.01 as list_price
        from product
    """


def _units() -> str:
    return "select product_id, 'CS' as unit, [6, 12, 24][1 + case_number] as factor from product"


def _rates() -> str:
    """Weekly rates between USD and CAD, from the December before the first year on."""
    return f"""
        with weeks as (
            select cast(day as date) as rate_date, 7400 + {_draw("rate", "day", 600)} as points
            from generate_series(date '{YEAR - 2}-12-21', date '{YEAR}-12-31', interval 7 day) as w(day)
        )
        select 'CAD' as from_currency, 'USD' as to_currency, rate_date, cast(points as decimal(18, 0)) * 0.0001 as rate
        from weeks
        union all
        select 'USD', 'CAD', rate_date, cast(100000000 // points as decimal(18, 0)) * 0.0001 from weeks
    """


# --- lines ------------------------------------------------------------------------------------


def _draws(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that turn a whole number below SLOTS into a partner or a product.

    buyer_slot (all who buy from us), reseller_slot (who buy from distributors), product_slot.
    """
    for table, rows, columns in (
        (
            "buyer_slot",
            "select *, rank + 2 as place from partner where rank is not null",
            "partner_id, region, country",
        ),
        (
            "reseller_slot",
            "select *, rank + 10 as place from partner where partner_type in ('reseller', 'dealer')",
            "partner_id, region, country",
        ),
        ("product_slot", "select *, rank + 20 as place from product", "product_id, price, case_number"),
    ):
        connection.execute(f"""
            create or replace temp table {table} as
            with weighted as (select *, 1000000000 // place as weight from ({rows})),
            running as (select *, sum(weight) over (order by rank) as upto, sum(weight) over () as total from weighted),
            bounds as (
                select *, cast((upto - weight) * {SLOTS} // total as integer) as low,
                    cast(upto * {SLOTS} // total as integer) as high
                from running
            )
            select cast(unnest(range(low, high)) as integer) as slot, {columns} from bounds
        """)


def _write_lines(connection: duckdb.DuckDBPyConnection, settings: Settings, file: File, sequence: int) -> int:
    return _write_entity(
        connection, settings, contract.LINE, file.source, file.name, sequence, lines_query(file), "row_number"
    )


def lines_query(file: File) -> str:
    """SQL: the lines of one file, with row_number, verdict and rules_failed.

    A document has up to 8 lines; its number, day, buyer, currency and type follow from its first line's
    number. Corrections are the same lines with another quantity; one in ten of a third party's is cancelled.
    """
    days = "[31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]"
    if file.year % 4 == 0:
        days = days.replace("28", "29")
    sell_in = file.distributor == 0
    canadian = file.distributor in CANADIAN_DISTRIBUTORS
    prefix = "I" if sell_in else f"S{file.distributor:02}"
    salt = "corrected" if file.correction else "line"
    where = f"where number % {CORRECTED} = 0" if file.correction else ""
    intent = "case when number % 1000 = 0 then 'cancellation' else 'original' end"
    return f"""
        with numbered as (
            select {file.first} + n as number, ({file.first} + n) // {LINES_PER_DOCUMENT} as document, n
            from range({file.lines}) as r(n)
        ),
        hashed as (
            select number, document, n,
                md5_number_lower('document' || '{prefix}' || document || '-{file.month}') as d,
                md5_number_lower('{salt}' || number) as h
            from numbered {where}
        ),
        placed as (
            select *,
                cast(d % {SLOTS} as integer) as buyer,
                cast((d >> 18) % 100 as integer) as document_draw,
                cast((d >> 26) % {days}[{file.month}] as integer) as day,
                cast((d >> 32) % {END_CUSTOMERS * 10 // 7} as integer) as customer,
                cast((d >> 44) % 100 as integer) as currency_draw,
                cast(md5_number_upper('product' || number) % {SLOTS} as integer) as product,
                cast(1 + (h >> 3) % 12 as integer) as pieces,
                cast((h >> 16) % 5 as integer) = 0 as is_case,
                cast((h >> 24) % 30 as integer) as discount,
                cast((h >> 32) % 200 as integer) = 0 as is_held
            from hashed
        ),
        priced as (
            select l.*, b.partner_id, b.region, p.product_id,
                case when document_draw < 3 then -pieces else pieces end as quantity,
                cast(p.price as bigint) * case when is_case then [6, 12, 24][1 + p.case_number] else 1 end as unit_price
            from placed as l
            join {"buyer_slot" if sell_in else "reseller_slot"} as b on l.buyer = b.slot
            join product_slot as p on l.product = p.slot
        )
        select
            '{"sell_in" if sell_in else "sell_through"}' as stream,
            '{prefix}-{file.year % 100:02}{file.month:02}-' || document as document_number,
            cast(10 * (1 + number % {LINES_PER_DOCUMENT}) as varchar) as line_number,
            case when document_draw < 3 then 'return' else 'invoice' end as document_type,
            make_date({file.year}, {file.month}, 1 + day) as document_date,
            case when document_draw < 3 then '{prefix}-{file.year % 100:02}{file.month:02}-' || (document - 1) end
                as reference_document_number,
            {intent if file.correction and not sell_in else "'original'"} as record_intent,
            {"partner_id" if sell_in else "null"} as sold_to_id,
            {"partner_id" if sell_in else "null"} as ship_to_id,
            {"null" if sell_in else f"'D-{file.distributor:02}'"} as distributor_id,
            {"null" if sell_in else "partner_id"} as reseller_id,
            {"null" if sell_in else f"case when customer < {END_CUSTOMERS} then printf('H-%04d', 1 + customer) end"}
                as end_customer_id,
            product_id,
            quantity,
            case when is_case then 'CS' else 'EA' end as unit,
            cast(quantity * unit_price * (100 - discount) // 100 as decimal(18, 0)) * 0.01 as net_amount,
            {"'CAD'" if canadian else "case when currency_draw < 5 then 'CAD' else 'USD' end" if sell_in else "'USD'"}
                as currency,
            region,
            2 + n as row_number,
            case when is_held then 'held' else 'accepted' end as verdict,
            case when is_held then 'price_outlier' end as rules_failed
        from priced
    """
