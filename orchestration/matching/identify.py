"""Which end customer each spelling means: answers, exact keys, the normalised name and address, then likeness.

What belongs here: spellings of third-party lines, what decides and in which order, the files in matching/. What does
not: how a text is normalised (normal.py) and scored (compare.py), the work of a person (review.py).

A spelling is all that a source says of an end customer that we do not know by its id: code, tax id, name, address.
Its key is a hash of the source and these values, folded, so that it is the same in every file and after a rebuild; it
begins with a letter, so that no spreadsheet takes it for a number. What a spelling means depends on raw/line, the
accepted end customers and answers and the rules alone: not on the order of files or rows, nor on earlier runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration import warehouse
from orchestration.contract import END_CUSTOMER, ENTITIES, REPORTED_END_CUSTOMER
from orchestration.matching import compare, normal
from orchestration.matching.normal import compact, folded, text
from orchestration.matching.rules import Rules, load
from orchestration.settings import Settings

VERSION = 1
"""Raised when the same inputs come to mean something else; everything is then identified again."""

SHORTEST_TAX_ID = 5
"""Letters and digits that a tax id has at least; a shorter one identifies nobody."""

STATUSES = ("identified", "review", "unknown", "none", "new")
"""What became of a spelling: known; a person is asked; nothing is like it; answered none; answered new."""


@dataclass(frozen=True)
class Identification:
    """What one pass did. ``methods``: spellings by method; ``again``: False when everything stood already."""

    spellings: int
    methods: dict[str, int]
    statuses: dict[str, int]
    again: bool


def identify(settings: Settings, progress: Callable[[str], None] | None = None) -> Identification:
    """Bring matching/ up to date: reported.parquet, spelling.parquet, candidate.parquet.

    Reads raw/line, accepted/end_customer, accepted/end_customer_answer, seeds/reference/matching. Raises
    MatchingRuleError for rules that cannot be used.
    """
    rules = load(settings.reference)
    say = progress or (lambda message: None)
    with warehouse.in_memory(settings) as connection:
        connection.execute("set preserve_insertion_order = true")  # the order of rows in a file is part of its bytes
        _masters(connection, settings)
        stamp = _stamp(connection, settings, rules)
        state = settings.matching / "state.json"
        files = [settings.matching / f"{name}.parquet" for name in ("reported", "spelling", "candidate")]
        again = not (state.is_file() and state.read_text() == stamp and all(file.is_file() for file in files))
        if again:
            state.unlink(missing_ok=True)
            _spellings(connection, settings)
            _decide(connection, rules, say)
            _write(connection, settings)
            half = state.with_name(f".{state.name}")
            half.write_text(stamp)
            half.replace(state)
        spellings = f"read_parquet({text(str(settings.matching / 'spelling.parquet'))})"
        counts = connection.execute(f"select method, status, count(*) from {spellings} group by all").fetchall()
    methods: dict[str, int] = {}
    statuses: dict[str, int] = {}
    for method, status, count in sorted(counts):
        methods[method] = methods.get(method, 0) + count
        statuses[status] = statuses.get(status, 0) + count
    if again:
        say(f"end customers: {statuses.get('identified', 0):,} of {sum(statuses.values()):,} spellings identified")
    return Identification(sum(statuses.values()), methods, statuses, again)


def reported_name(alias: str) -> str:
    """SQL: whether a line says anything that names an end customer."""
    return f"coalesce({', '.join(f'{alias}.{name}' for name in REPORTED_END_CUSTOMER[:4])}) is not null"


# --- what is read ---------------------------------------------------------------------------


def _rows(folder: Path) -> str:
    return f"read_parquet({text(str(folder / '*.parquet'))})"


def _masters(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Tables ``known`` (the newest row of each end customer) and ``answer`` (the newest answer of each spelling)."""
    columns = ", ".join(column.name for column in END_CUSTOMER.columns)
    newest = "qualify row_number() over (partition by {} order by file_sequence desc, row_number desc) = 1"
    connection.execute(
        f"create temp table known as select {columns} from {_rows(settings.accepted / END_CUSTOMER.name)}"
        f" {newest.format('end_customer_id')}"
    )
    connection.execute(f"""
        create temp table answer as
        select end_customer_spelling, answer, answered_by, file_sequence
        from {_rows(settings.accepted / "end_customer_answer")}
        where answer is not null {newest.format("end_customer_spelling")}
    """)
    connection.execute("delete from answer where answer = 'open'")


def _stamp(connection: duckdb.DuckDBPyConnection, settings: Settings, rules: Rules) -> str:
    """A text that changes when anything does that spellings are identified by."""
    files = sorted(path.stem for path in (settings.raw / "line").glob("[0-9]*.parquet"))
    recipes = []
    if files:
        found = text(str(settings.raw / "line" / "[0-9]*.parquet"))
        recipes = connection.execute(
            "select parse_filename(file_name, true), decode(value)"
            f" from parquet_kv_metadata({found}) where decode(key) = 'recipe' order by all"
        ).fetchall()
    tables = [
        connection.execute(f"select count(*), coalesce(bit_xor(hash({names})), 0) from {table}").fetchall()
        for table, names in (
            ("known", ", ".join(column.name for column in END_CUSTOMER.columns)),
            ("answer", "end_customer_spelling, answer, answered_by, file_sequence"),
        )
    ]
    columns = [(column.name, column.type) for column in ENTITIES["line"].columns]
    described = repr((VERSION, duckdb.__version__, files, recipes, tables, rules.digest, columns))
    return json.dumps({"inputs": hashlib.sha256(described.encode()).hexdigest()}) + "\n"


def _spellings(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Tables ``reported`` (what third-party lines say, each once, with its key) and ``spelled`` (one row per key)."""
    names = ", ".join(REPORTED_END_CUSTOMER)
    parts = {
        "code": folded("coalesce(end_customer_code, end_customer_id)"),
        "tax_id": compact("end_customer_tax_id"),
        **{
            name: folded(f"end_customer_{name}") for name in ("name", "street", "city", "country")
        },
        "postal_code": compact("end_customer_postal_code"),
    }  # fmt: skip
    key = ", ".join(f"coalesce({parts[name]}, '')" for name in sorted(parts))
    connection.execute(f"""
        create temp table reported as
        with said as (
            select distinct source as line_source, {names}
            from {_rows(settings.raw / "line")} as l
            where stream = 'sell_through' and {reported_name("l")}
            and (end_customer_id is null or end_customer_id not in (select end_customer_id from known))
        )
        select 's' || left(md5(concat_ws('|', line_source, {key})), 15) as end_customer_spelling, * from said
    """)
    shown = ", ".join(f"min({name}) as {name}" for name in REPORTED_END_CUSTOMER[2:])
    connection.execute(f"""
        create temp table spelled as
        select
            row_number() over (order by end_customer_spelling) as id, end_customer_spelling, line_source,
            end_customer_code, {", ".join(REPORTED_END_CUSTOMER[2:])}
        from (
            select
                end_customer_spelling, line_source,
                min(coalesce(end_customer_code, end_customer_id)) as end_customer_code, {shown}
            from reported group by all
        )
    """)


# --- what decides ---------------------------------------------------------------------------


def _decide(connection: duckdb.DuckDBPyConnection, rules: Rules, say: Callable[[str], None]) -> None:
    """Table ``decided`` (spelling id, method, end_customer_id, score, reason, by) and ``scored``."""
    connection.execute(
        "create temp table master as select row_number() over (order by end_customer_id) as id, * from known"
    )
    normal.prepare(connection, rules)
    for table, rows in (("customer", "master"), ("spelling", "spelled")):
        for field in ("name", "street", "city", "country"):
            normal.words(
                connection, rules, field, f"select end_customer_{field} as value from {rows}", f"{table}_{field}"
            )
        connection.execute(f"""
            create temp table {table} as
            select
                m.id, n.plain, n.sorted, n.words, n.numbers, t.plain as street, c.plain as city, o.plain as country,
                {compact("m.end_customer_postal_code")} as postal_code
            from {rows} as m
            join {table}_name as n on n.value = m.end_customer_name
            left join {table}_street as t on t.value = m.end_customer_street
            left join {table}_city as c on c.value = m.end_customer_city
            left join {table}_country as o on o.value = m.end_customer_country
        """)
    connection.execute("""
        create temp table decided (
            id integer, method varchar, status varchar, end_customer_id varchar, score integer, reason varchar,
            answered_by varchar
        )
    """)
    for step in (_answered, _by_tax_id, _by_code, _normalised):
        connection.execute(f"insert into decided {step()}")
    connection.execute("""
        create temp table open_spelling as
        select cast(id as integer) as id from spelling
        where id not in (select id from decided)
    """)
    compare.score(connection, rules, say)
    connection.execute(f"""
        insert into decided
        select s.spelling, 'fuzzy', 'identified', m.end_customer_id, s.score,
            case when s.by_address then 'name and address are alike' else 'the names are alike' end, null
        from scored as s join master as m on m.id = s.customer
        where s.chosen and s.spelling not in ({_NEW})
    """)


_NEW = """
    select s.id from spelled as s join answer as a using (end_customer_spelling) where a.answer = 'new'
"""
"""Spellings that a person said are a customer still to be created: likeness must not decide them."""


def _answered() -> str:
    """A person's word stands above all else; 'new' leaves exact and normalised matches open."""
    return """
        select
            s.id, case when a.answer = 'none' then 'unidentified' else 'answered' end,
            case when a.answer = 'none' then 'none' else 'identified' end,
            nullif(a.answer, 'none'), null, 'answered by ' || a.answered_by, a.answered_by
        from spelled as s join answer as a using (end_customer_spelling)
        where a.answer <> 'new'
    """


def _by_tax_id() -> str:
    """The tax id of one end customer, and of no other."""
    return f"""
        with numbered as (
            select {compact("end_customer_tax_id")} as tax_id, min(end_customer_id) as end_customer_id
            from known where end_customer_tax_id is not null group by 1
            having count(*) = 1 and length(tax_id) >= {SHORTEST_TAX_ID}
        )
        select s.id, 'exact', 'identified', n.end_customer_id, null, 'tax id ' || s.end_customer_tax_id, null
        from spelled as s join numbered as n on n.tax_id = {compact("s.end_customer_tax_id")}
        where s.id not in (select id from decided)
    """


def _by_code() -> str:
    """The source's own code, where all answers on spellings with that code name one end customer."""
    return f"""
        with coded as (
            select
                s.line_source, {folded("s.end_customer_code")} as code, min(a.answer) as end_customer_id,
                min(a.answered_by) as answered_by
            from spelled as s join answer as a using (end_customer_spelling)
            where s.end_customer_code is not null and a.answer <> 'new'
            group by 1, 2 having count(distinct a.answer) = 1 and min(a.answer) <> 'none'
        )
        select
            s.id, 'exact', 'identified', c.end_customer_id, null,
            'code ' || s.end_customer_code || ', answered by ' || c.answered_by, null
        from spelled as s join coded as c
            on c.line_source = s.line_source and c.code = {folded("s.end_customer_code")}
        where s.id not in (select id from decided)
    """


def _normalised() -> str:
    """The same words in the name, and an address that does not contradict; of several the one that agrees in more."""
    return """
        with pair as (
            select
                s.id, m.end_customer_id,
                case when starts_with(s.postal_code, c.postal_code) or starts_with(c.postal_code, s.postal_code) then 1
                    when s.postal_code is not null and c.postal_code is not null then 0 end as postal_code,
                case when s.city = c.city then 1 when s.city <> c.city then 0 end as city,
                case when s.street = c.street then 1 when s.street <> c.street then 0 end as street
            from spelling as s
            join customer as c on c.sorted = s.sorted
                and (c.country is null or s.country is null or c.country = s.country)
            join master as m on m.id = c.id
            where s.id not in (select id from decided)
        ),
        agreeing as (
            select
                id, end_customer_id,
                coalesce(postal_code, 0) + coalesce(city, 0) + coalesce(street, 0) as agreed,
                case when postal_code = 1 then 'name and postal code' when city = 1 then 'name and city'
                    when street = 1 then 'name and street' else 'name' end as reason
            from pair where coalesce(postal_code, city, 1) = 1
        ),
        placed as (
            select
                *, row_number() over (partition by id order by agreed desc, end_customer_id) as place,
                lead(agreed) over (partition by id order by agreed desc, end_customer_id) as second
            from agreeing
        )
        select id, 'normalised', 'identified', end_customer_id, null, reason, null
        from placed where place = 1 and (second is null or second < agreed)
    """


# --- what is written ------------------------------------------------------------------------


def _write(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """The three files, each in one step, in the order of their keys."""
    connection.execute(f"""
        create temp table outcome as
        select
            s.end_customer_spelling, s.line_source, {", ".join(f"s.{name}" for name in REPORTED_END_CUSTOMER[1:])},
            coalesce(d.status,
                case
                    when s.id in ({_NEW}) then 'new'
                    when s.id in (select spelling from scored) then 'review'
                    else 'unknown'
                end) as status,
            coalesce(d.method, 'unidentified') as method,
            d.end_customer_id,
            cast(cast(d.score as decimal(9, 0)) * 0.01 as decimal(5, 2)) as score,
            d.reason,
            coalesce(d.answered_by, a.answered_by) as answered_by
        from spelled as s
        left join decided as d using (id)
        left join answer as a using (end_customer_spelling)
    """)
    _copy(
        connection,
        "select * from outcome order by end_customer_spelling",
        settings.matching / "spelling.parquet",
    )
    _copy(
        connection,
        f"""select r.end_customer_spelling, r.line_source, {", ".join(f"r.{name}" for name in REPORTED_END_CUSTOMER)},
                o.method as end_customer_method, o.end_customer_id as identified_id
            from reported as r join outcome as o using (end_customer_spelling) order by all""",
        settings.matching / "reported.parquet",
    )
    _copy(
        connection,
        """select p.end_customer_spelling, cast(s.place as integer) as candidate_number, m.end_customer_id,
                m.end_customer_name, m.end_customer_street, m.end_customer_postal_code, m.end_customer_city,
                m.end_customer_country, cast(cast(s.score as decimal(9, 0)) * 0.01 as decimal(5, 2)) as score
            from scored as s join spelled as p on p.id = s.spelling join master as m on m.id = s.customer
            order by 1, 2""",
        settings.matching / "candidate.parquet",
    )


def _copy(connection: duckdb.DuckDBPyConnection, select: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}")
    connection.execute(f"copy ({select}) to {text(str(half))} (format parquet, compression zstd)")
    half.replace(target)
