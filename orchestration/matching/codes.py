"""What unknown product codes and units of third parties may mean: suggestions for the work list.

What belongs here: unknown codes of quarantined lines, suggestions from cross-references, products and words for units.
What does not: the money that hangs on them (model rpt_unknown_code), answering (answers.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration import warehouse
from orchestration.contract import PRODUCT, PRODUCT_CROSS_REFERENCE, PRODUCT_UNIT
from orchestration.matching import normal
from orchestration.matching.normal import compact, text
from orchestration.matching.rules import Rules, load
from orchestration.settings import Settings

if TYPE_CHECKING:
    import numpy as np

MOST_CODES = 1000
"""Unknown codes, those with most lines first, whose words are compared with every product."""

SUGGESTIONS = 3
"""Suggestions for one code."""

DESCRIPTION_AT = 75
CODE_AT = 85
"""Likeness, in points, of descriptions and of codes from which a product is suggested."""

COLUMNS = {
    "line_source": "VARCHAR",
    "code_type": "VARCHAR",
    "code": "VARCHAR",
    "suggestion_number": "INTEGER",
    "suggestion": "VARCHAR",
    "score": "DECIMAL(5,2)",
    "reason": "VARCHAR",
}
"""Columns of matching/code_suggestion.parquet; one row per code and suggestion."""


def prepare(settings: Settings) -> None:
    """Write matching/code_suggestion.parquet without rows, unless it is there: dbt reads its columns."""
    if not (settings.matching / "code_suggestion.parquet").is_file():
        with warehouse.in_memory(settings) as connection:
            connection.execute(f"create temp table chosen ({', '.join(f'{n} {t}' for n, t in COLUMNS.items())})")
            _write(connection, settings)


def suggest(settings: Settings, progress: Callable[[str], None] | None = None) -> int:
    """Write matching/code_suggestion.parquet from the lines in quarantine; the number of unknown codes.

    Reads quarantine/line and the accepted products, units and cross-references.
    """
    rules = load(settings.reference)
    with warehouse.in_memory(settings) as connection:
        connection.execute("set preserve_insertion_order = true")  # the order of rows in a file is part of its bytes
        _unknown(connection, settings)
        [(codes,)] = connection.execute("select count(*) from unknown").fetchall()
        if codes and progress:
            progress(f"{codes:,} codes and units that nobody knows")
        connection.execute("""
            create temp table found (
                line_source varchar, code_type varchar, code varchar, suggestion varchar, score integer, reason varchar
            )
        """)
        if codes:
            connection.execute(f"insert into found {_same_codes()}")
            connection.execute(f"insert into found {_units(rules)}")
            _alike(connection, rules)
        connection.execute(f"""
            create temp table chosen as
            with best as (
                select
                    line_source, code_type, code, suggestion, max(score) as score,
                    arg_max(reason, (score, reason)) as reason
                from found group by 1, 2, 3, 4
            )
            select
                line_source, code_type, code,
                cast(row_number() over (
                    partition by line_source, code_type, code order by score desc, suggestion
                ) as integer) as suggestion_number,
                suggestion, cast(cast(score as decimal(9, 0)) * 0.01 as decimal(5, 2)) as score, reason
            from best qualify suggestion_number <= {SUGGESTIONS}
        """)
        _write(connection, settings)
    return int(codes)


def _write(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    target = settings.matching / "code_suggestion.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}")
    connection.execute(f"copy (from chosen order by all) to {text(str(half))} (format parquet, compression zstd)")
    half.replace(target)


def _unknown(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Tables of the masters, and ``unknown``: line_source, code_type, code, product_description, unit, lines."""
    for entity in (PRODUCT, PRODUCT_UNIT, PRODUCT_CROSS_REFERENCE):
        rows = f"read_parquet({text(str(settings.accepted / entity.name / '*.parquet'))})"
        connection.execute(f"""
            create temp table {entity.name} as
            select {", ".join(column.name for column in entity.columns)} from {rows}
            qualify row_number() over (
                partition by {", ".join(entity.key)} order by file_sequence desc, row_number desc
            ) = 1
        """)
    lines = f"read_parquet({text(str(settings.quarantine / 'line' / '*.parquet'))})"
    connection.execute(f"""
        create temp table unknown as
        with failed as (
            select
                source as line_source, string_split(rules_failed, ';') as rules, product_id, unit, product_description,
                coalesce(partner_product_id, product_id) as code
            from {lines}
        ),
        units as (select base_unit as unit from product union select unit from product_unit),
        codes as (
            select line_source, 'product' as code_type, code, product_description, null as unit, null as product_id
            from failed where list_contains(rules, 'unknown_product')
            union all
            select
                line_source, case when unit in (from units) then 'product_unit' else 'unit' end,
                case when unit in (from units) then unit || ' of ' || product_id else unit end, null, unit, product_id
            from failed where list_contains(rules, 'unit_not_convertible')
        )
        select
            line_source, code_type, code, min(product_description) as product_description, min(unit) as unit,
            list(distinct product_id) as products, count(*) as lines
        from codes where code is not null group by 1, 2, 3
    """)


def _same_codes() -> str:
    """Products that the code stands for elsewhere, or that have it in another way of writing."""
    plain = "ltrim({}, '0')"
    return f"""
        select u.line_source, u.code_type, u.code, x.product_id, 10000,
            'the cross-reference of the source on other dates, from ' || x.valid_from
        from unknown as u join product_cross_reference as x
            on x.line_source = u.line_source and x.partner_product_id = u.code
        where u.code_type = 'product'
        union all
        select u.line_source, u.code_type, u.code, x.product_id, 9000, 'the cross-reference of ' || x.line_source
        from unknown as u join product_cross_reference as x
            on x.line_source <> u.line_source and x.partner_product_id = u.code
        where u.code_type = 'product'
        union all
        select u.line_source, u.code_type, u.code, p.product_id, 9800, 'the same code, written in another way'
        from unknown as u join product as p
            on {plain.format(compact("p.product_id"))} = {plain.format(compact("u.code"))}
        where u.code_type = 'product'
    """


def _units(rules: Rules) -> str:
    """Units of the products concerned: by the words of unit_word.csv, else those that they have."""
    words = ", ".join(f"({text(word)}, {text(unit)})" for word, unit in rules.unit_words) or "(null, null)"
    return f"""
        with word (word, unit) as (values {words}),
        own as (
            select u.line_source, u.code_type, u.code, u.unit as theirs, each.product_id
            from unknown as u, unnest(u.products) as each(product_id) where u.code_type = 'unit'
        ),
        had as (
            select o.line_source, o.code_type, o.code, o.theirs, p.base_unit as unit
            from own as o join product as p using (product_id)
            union
            select o.line_source, o.code_type, o.code, o.theirs, p.unit
            from own as o join product_unit as p using (product_id)
        )
        select
            h.line_source, h.code_type, h.code, h.unit,
            case when w.word is not null then 9500 else 1000 end,
            case when w.word is not null then 'usual word' else 'unit of its products' end
        from had as h left join word as w
            on {compact("w.word")} = {compact("h.theirs")} and w.unit = h.unit
    """


def _alike(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """Products whose name is like the description, or whose number is like the code, of the codes with most lines."""
    from rapidfuzz import fuzz

    normal.prepare(connection, rules)
    connection.execute(f"""
        create temp table compared as
        select
            cast(row_number() over (order by lines desc, line_source, code) as integer) - 1 as id,
            line_source, code_type, code, {compact("code")} as plain_code, product_description
        from unknown where code_type = 'product' qualify id < {MOST_CODES}
    """)
    normal.words(connection, rules, "name", "select product_name as value from product", "our_words")
    normal.words(connection, rules, "name", "select product_description as value from compared", "their_words")
    theirs = connection.execute("""
        select c.plain_code, w.sorted from compared as c left join their_words as w on w.value = c.product_description
        order by c.id
    """).fetchall()
    ours = connection.execute(f"""
        select p.product_id, {compact("p.product_id")}, w.sorted
        from product as p left join our_words as w on w.value = p.product_name order by 1
    """).fetchall()
    if not theirs or not ours:
        return
    for place, scorer, lowest, reason in (
        (1, fuzz.ratio, DESCRIPTION_AT, "the description is alike"),
        (0, fuzz.ratio, CODE_AT, "the code is alike"),
    ):
        asked = [number for number, row in enumerate(theirs) if row[place]]
        given = [number for number, row in enumerate(ours) if row[place + 1 if place else 1]]
        their_texts = [theirs[number][place] for number in asked]
        our_texts = [ours[number][place + 1 if place else 1] for number in given]
        for rows, columns, scores in _near(their_texts, our_texts, scorer, lowest):
            _insert(
                connection, [asked[row] for row in rows], [ours[given[column]][0] for column in columns], scores, reason
            )


def _near(theirs: list[str], ours: list[str], scorer: Any, lowest: int) -> Any:
    """Pairs with at least ``lowest`` points: places in both lists and hundredths, some hundred texts at a time."""
    import numpy as np
    from rapidfuzz import process

    step = max(1, 20_000_000 // max(1, len(ours)))
    for first in range(0, len(theirs), step):
        block: np.ndarray = process.cdist(
            theirs[first : first + step], ours, scorer=scorer, score_cutoff=lowest, dtype=np.float32
        )
        rows, columns = np.nonzero(block)
        yield (rows + first).tolist(), columns.tolist(), np.rint(block[rows, columns] * 100).astype(int).tolist()


def _insert(
    connection: duckdb.DuckDBPyConnection, ids: list[int], products: list[str], scores: list[int], reason: str
) -> None:
    import pyarrow as pa

    pairs = pa.table({"id": pa.array(ids, pa.int32()), "product": pa.array(products, pa.string()), "score": scores})
    connection.register("pairs", pairs)
    connection.execute(f"""
        insert into found
        select c.line_source, c.code_type, c.code, p.product, cast(p.score as integer), {text(reason)}
        from pairs as p join compared as c using (id)
    """)
    connection.unregister("pairs")
