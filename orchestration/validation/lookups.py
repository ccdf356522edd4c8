"""Helper columns: what a row's verdict needs to know of other rows and of the master data.

What belongs here: reference tables and look-ups, set-based. What does not: judging (judge.py, and
the suites). A helper column is null where nothing is wrong and otherwise holds what is wrong, so
that a suite says ``expect_column_values_to_be_null`` and a sample shows the offending value; or it
is an attribute that segments ask for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from orchestration.contract import (
    ANSWERS,
    ENTITIES,
    INTEGER,
    LINE,
    REPORTED_END_CUSTOMER,
    TEXT,
    Column,
    Entity,
    raw_columns,
)

ORDER = (
    "product",
    "partner",
    "end_customer",
    "product_unit",
    "partner_tier",
    "partner_group",
    "fx_rate",
    "product_cross_reference",
    "unit_cross_reference",
    "end_customer_answer",
    "fund_claim",
    "claim",
    "stock_report",
    "stock_release",
    "payment_reply",
    "line",
)
"""Entities in the order in which they are judged: each after those that it refers to."""

USES: dict[str, tuple[str, ...]] = {
    "product": (),
    "partner": (),
    "end_customer": (),
    "product_unit": ("product",),
    "partner_tier": ("partner",),
    "partner_group": ("partner",),
    "fx_rate": (),
    "product_cross_reference": ("product",),
    "unit_cross_reference": ("product", "product_unit"),
    "end_customer_answer": ("end_customer",),
    "fund_claim": ("partner",),
    "claim": ("partner", "product"),
    "stock_report": ("product", "product_unit", "partner", "product_cross_reference"),
    "stock_release": ("product", "partner"),
    "payment_reply": (),
    "line": (
        "product",
        "product_unit",
        "partner",
        "end_customer",
        "fx_rate",
        "product_cross_reference",
        "unit_cross_reference",
    ),
}
"""Whose accepted rows the look-ups of an entity read."""

_TWICE = (
    Column("duplicate_of_row", INTEGER, "an earlier row of the file is the same row with the same key: its row number"),
    Column("conflicting_rows", TEXT, "other rows of the file have the same key and say something else: the key"),
)

SEGMENT_OF = {
    "partner": "coalesce(r.reseller_id, r.sold_to_id)",
    "end_customer": "{end_customer_id}",
    "product": "{product_id}",
}
"""Who of a line is looked at for a segment, by its entity: of partners the one who bought or sold on."""

HELPERS: dict[str, tuple[Column, ...]] = {
    "product": _TWICE,
    "partner": (*_TWICE, Column("unknown_parent", TEXT, "parent that no partner extract holds")),
    "end_customer": _TWICE,
    "product_unit": (*_TWICE, Column("unknown_product", TEXT, "product that is not in the product master")),
    "partner_tier": (*_TWICE, Column("unknown_partner", TEXT, "partner that is not in the partner master")),
    "partner_group": (
        *_TWICE,
        Column("unknown_partner", TEXT, "member or group that is not in the partner master"),
    ),
    "fx_rate": _TWICE,
    "product_cross_reference": (
        *_TWICE,
        Column("unknown_product", TEXT, "product that is not in the product master"),
    ),
    "unit_cross_reference": (
        *_TWICE,
        Column("unknown_unit", TEXT, "our unit that is neither a base unit nor has a factor for any product"),
    ),
    "end_customer_answer": (
        *_TWICE,
        Column("unknown_end_customer", TEXT, "answer that is neither an end customer nor none, new, open"),
    ),
    "fund_claim": (*_TWICE, Column("unknown_partner", TEXT, "partner that is not in the partner master")),
    "claim": (
        *_TWICE,
        Column("unknown_partner", TEXT, "partner that is not in the partner master"),
        Column("unknown_product", TEXT, "product that is not in the product master"),
    ),
    "stock_report": (
        *_TWICE,
        Column("unknown_partner", TEXT, "distributor that is not in the partner master"),
        Column("unknown_product", TEXT, "product code that is not known on the day of the stock"),
        Column("unit_without_factor", TEXT, "unit that cannot be converted to the product's base unit"),
    ),
    "stock_release": (
        *_TWICE,
        Column("unknown_partner", TEXT, "distributor that is not in the partner master"),
        Column("unknown_product", TEXT, "product that is not in the product master"),
    ),
    "payment_reply": _TWICE,
    "line": (
        *_TWICE,
        Column("unknown_product", TEXT, "product code that is not known on the line's date"),
        Column("unknown_partner", TEXT, "partners named on the line that are not in the partner master"),
        Column("unknown_end_customer", TEXT, "end customer id that is not in the master, and nobody was identified"),
        Column("end_customer_method", TEXT, "given, answered, exact, normalised, fuzzy, unidentified or unnamed"),
        Column("unit_without_factor", TEXT, "unit that cannot be converted to the product's base unit"),
        Column("currency_without_rate", TEXT, "currencies without a rate that is recent enough on the line's date"),
        Column("negative_price", TEXT, "quantity and net amount, where they have opposite signs"),
        Column("amount_without_quantity", TEXT, "net amount of a line with quantity 0 that is not a credit memo"),
        Column("partner_id", TEXT, "whom the line is measured for: sold-to (sell-in), reseller, else distributor"),
        Column("partner_type", TEXT, "type of that partner"),
        Column("partner_channel", TEXT, "channel of that partner"),
        Column("partner_region", TEXT, "region of that partner"),
        Column("partner_country", TEXT, "country of that partner"),
        Column("distributor_country", TEXT, "country of the line's distributor"),
        Column("product_family", TEXT, "family of the product"),
        Column("product_brand", TEXT, "brand of the product"),
        Column("product_category", TEXT, "category of the product"),
        Column("end_customer_type", TEXT, "type of the end customer"),
        Column("end_customer_industry", TEXT, "industry of the end customer"),
    ),
}
"""Helper columns by entity, in order."""


def _judged(entity: Entity) -> tuple[str, ...]:
    return tuple(column.name for column in (*raw_columns(entity), *HELPERS[entity.name]))


JUDGED_COLUMNS: dict[str, tuple[str, ...]] = {name: _judged(entity) for name, entity in ENTITIES.items()}
"""Columns that a suite may use: those of raw/ and the helper columns.

``product_id`` of a line is our product after the cross-reference; the code as reported is
``partner_product_id``. ``unit`` is ours after the cross-reference; ``end_customer_id`` after identification.
"""

RESOLVED: dict[str, tuple[str, ...]] = {
    "line": ("product_id", "unit", "end_customer_id", "end_customer_spelling", "end_customer_method"),
}
"""Columns of accepted/ and quarantine/ that look-ups give, by entity; everything else stays as the file has it."""


@dataclass(frozen=True)
class Currencies:
    """Which conversions a line needs: to every program currency, from a rate at most so many days old."""

    program: tuple[str, ...]
    max_age_days: int


def newest(entity: Entity, rows: str) -> str:
    """SELECT of the valid rows of a master: for each key the row of the newest file."""
    key = ", ".join(name for name in entity.key if name != "source")
    return (
        f"SELECT * FROM {rows} QUALIFY row_number() OVER"
        f" (PARTITION BY {key} ORDER BY file_sequence DESC, row_number DESC) = 1"
    )


def signature(columns: list[str], rows: str) -> str:
    """SELECT of one text that changes when the rows of a table do, whatever their order."""
    return f"SELECT count(*) || '-' || coalesce(bit_xor(hash({', '.join(columns)})), 0) FROM {rows}"


def repeated(entity: Entity) -> str:
    """SELECT of hash and nothing else: of keys that may stand more than once in a file of table ``raw_rows``.

    Whole numbers are grouped, not texts; ``twice`` looks at the keys themselves. No row: no key comes again.
    """
    return f"SELECT {_hash(entity)} AS hash FROM raw_rows WHERE {_complete(entity)} GROUP BY ALL HAVING count(*) > 1"


def twice(entity: Entity) -> str:
    """SELECT of file_sequence, row_number, duplicate_of_row and conflicting_rows, for rows whose key comes again.

    Reads ``raw_rows`` and ``repeated`` (the table of ``repeated``).
    """
    key = _key(entity)
    content = [c.name for c in raw_columns(entity) if c.name not in ("file_sequence", "file_hash", "row_number")]
    group = ", ".join(["file_sequence", *key])
    shown = " || ' ' || ".join(f"CAST({name} AS VARCHAR)" for name in key)
    return f"""
        WITH keyed AS (
            SELECT {group}, row_number, hash({", ".join(content)}) AS content FROM raw_rows
            WHERE {_complete(entity)} AND {_hash(entity)} IN (SELECT hash FROM repeated)
        ),
        again AS (
            SELECT {group}, min(content) <> max(content) AS conflicting FROM keyed GROUP BY ALL HAVING count(*) > 1
        ),
        suspect AS (
            SELECT
                file_sequence, row_number,
                min(row_number) OVER (PARTITION BY {group}, content) AS first_row,
                CASE WHEN conflicting THEN {shown} END AS conflicting_rows
            FROM keyed JOIN again USING ({group})
        )
        SELECT
            file_sequence, row_number,
            CASE WHEN first_row < row_number THEN first_row END AS duplicate_of_row, conflicting_rows
        FROM suspect
    """


def _key(entity: Entity) -> list[str]:
    return [name for name in entity.key if name != "source"]


def _hash(entity: Entity) -> str:
    return f"hash(file_sequence, {', '.join(_key(entity))})"


def _complete(entity: Entity) -> str:
    return " AND ".join(f"{name} IS NOT NULL" for name in _key(entity))


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _missing(column: str, reference: str, key: str) -> str:
    return f"CASE WHEN {column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM {reference}) THEN {column} END"


def crossed() -> str:
    """SELECT of source, reported_id, partner_product_id, document_date, product_id: our products for unknown codes.

    Of table ``raw_rows``; reported_id: the product that a row gives, if any, which is not in the product master.
    """
    return """
        WITH reported AS (
            SELECT DISTINCT source, product_id AS reported_id, partner_product_id, document_date FROM raw_rows
            WHERE partner_product_id IS NOT NULL
            AND (product_id IS NULL OR product_id NOT IN (SELECT product_id FROM reference_product))
        )
        SELECT
            r.source, r.reported_id, r.partner_product_id, r.document_date,
            arg_max(x.product_id, x.valid_from) AS product_id
        FROM reported AS r
        JOIN reference_product_cross_reference AS x
            ON x.line_source = r.source AND x.partner_product_id = r.partner_product_id
            AND r.document_date >= x.valid_from AND (x.valid_to IS NULL OR r.document_date <= x.valid_to)
        GROUP BY ALL
    """


def worded() -> str:
    """SELECT of source, unit, document_date, our_unit: our units for the units of table ``raw_rows``."""
    return """
        WITH reported AS (
            SELECT DISTINCT source, unit, document_date FROM raw_rows
            WHERE unit IN (SELECT partner_unit FROM reference_unit_cross_reference)
        )
        SELECT r.source, r.unit, r.document_date, arg_max(x.unit, x.valid_from) AS our_unit
        FROM reported AS r
        JOIN reference_unit_cross_reference AS x
            ON x.line_source = r.source AND x.partner_unit = r.unit
            AND r.document_date >= x.valid_from AND (x.valid_to IS NULL OR r.document_date <= x.valid_to)
        GROUP BY ALL
    """


def identified() -> str:
    """SELECT of one row if ``raw_rows`` holds third parties' lines of a source that table ``identified`` names."""
    return (
        "SELECT 1 FROM raw_rows WHERE stream = 'sell_through'"
        " AND source IN (SELECT line_source FROM identified) LIMIT 1"
    )


def unidentified() -> str:
    """SELECT of one row if a row of table ``raw_rows`` names an end customer, but none by its number in our master."""
    return (
        f"SELECT 1 FROM raw_rows AS r WHERE {_NAMED} IS NOT NULL AND (r.end_customer_id IS NULL"
        " OR r.end_customer_id NOT IN (SELECT end_customer_id FROM reference_end_customer)) LIMIT 1"
    )


def unrated(currencies: Currencies) -> str:
    """SELECT of currency, document_date, missing: conversions that lines of table ``raw_rows`` need and do not have."""
    targets = ", ".join(f"({_quoted(code)})" for code in currencies.program)
    return f"""
        WITH priced AS (SELECT DISTINCT currency, document_date FROM raw_rows WHERE document_date IS NOT NULL),
        targets (program_currency) AS (VALUES {targets})
        SELECT
            p.currency, p.document_date,
            string_agg(p.currency || ' to ' || t.program_currency, ', ' ORDER BY t.program_currency) AS missing
        FROM priced AS p
        JOIN targets AS t ON p.currency <> t.program_currency
        WHERE NOT EXISTS (
            SELECT 1 FROM reference_fx_rate AS f
            WHERE f.from_currency = p.currency AND f.to_currency = t.program_currency
            AND f.rate_date <= p.document_date AND f.rate_date >= p.document_date - {currencies.max_age_days}
        )
        GROUP BY ALL
    """


@dataclass(frozen=True)
class Found:
    """Which look-ups of the rows at hand found anything; tables without rows are not joined."""

    twice: bool
    crossed: bool
    unrated: bool
    segments: tuple[str, ...] = ()
    """Entities whose members stand in ``segment_member``."""
    worded: bool = False
    identified: bool = False
    """Third parties' rows are of a source that table ``identified`` names."""
    unidentified: bool = False
    """Some rows name an end customer otherwise than by its number in our master."""

    @property
    def resolved(self) -> bool:
        """Whether a row may come out with a value that its file does not have (RESOLVED)."""
        return self.crossed or self.worded or self.identified or self.unidentified

    def as_reported(self) -> Found:
        """The same for rows that are not ``looked_up``, nor name an end customer that nobody knows."""
        return replace(self, crossed=False, worded=False, identified=False, unidentified=False)


_NAMED = f"coalesce({', '.join(f'r.{name}' for name in REPORTED_END_CUSTOMER[:4])})"
"""Null where a line names no end customer: an address alone names none."""

_ROLES = ("sold_to_id", "ship_to_id", "distributor_id", "reseller_id")

_LINE: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown_product": (("product",), "CASE WHEN p.product_id IS NULL THEN r.partner_product_id END"),
    "unknown_partner": (
        (),
        "nullif(concat_ws(', ', "
        + ", ".join(_missing(f"r.{role}", "reference_partner", "partner_id") for role in _ROLES)
        + "), '')",
    ),
    "unknown_end_customer": (("end_customer",), "CASE WHEN e.end_customer_id IS NULL THEN {end_customer_id} END"),
    "unit_without_factor": (
        ("product", "unit"),
        "CASE WHEN p.product_id IS NOT NULL AND {unit} <> p.base_unit AND u.unit IS NULL"
        " THEN {unit} || ' to ' || p.base_unit || ' of ' || {product_id} END",
    ),
    "currency_without_rate": (("unrated",), "x.missing"),
    "negative_price": (
        (),
        "CASE WHEN sign(r.quantity) * sign(r.net_amount) < 0 THEN r.quantity || ' for ' || r.net_amount END",
    ),
    "amount_without_quantity": (
        (),
        "CASE WHEN r.quantity = 0 AND r.net_amount <> 0 AND r.document_type IS DISTINCT FROM 'credit_memo'"
        " THEN CAST(r.net_amount AS VARCHAR) END",
    ),
    "partner_id": ((), "{partner}"),
    "partner_type": (("partner",), "m.partner_type"),
    "partner_channel": (("partner",), "m.channel"),
    "partner_region": (("partner",), "m.region"),
    "partner_country": (("partner",), "m.country"),
    "distributor_country": (("distributor",), "d.country"),
    "product_family": (("product",), "p.family"),
    "product_brand": (("product",), "p.brand"),
    "product_category": (("product",), "p.category"),
    "end_customer_type": (("end_customer",), "e.end_customer_type"),
    "end_customer_industry": (("end_customer",), "e.industry"),
}
"""Helpers of a line: which tables are joined, and the expression."""

_PARTNER = "CASE WHEN r.stream = 'sell_in' THEN r.sold_to_id ELSE coalesce(r.reseller_id, r.distributor_id) END"

_JOINS = {
    "product": "LEFT JOIN reference_product AS p ON p.product_id = {product_id}",
    "unit": "LEFT JOIN reference_product_unit AS u ON u.product_id = {product_id} AND u.unit = {unit}",
    "end_customer": "LEFT JOIN reference_end_customer AS e ON e.end_customer_id = {end_customer_id}",
    "partner": "LEFT JOIN reference_partner AS m ON m.partner_id = {partner}",
    "distributor": "LEFT JOIN reference_partner AS d ON d.partner_id = r.distributor_id",
    "unrated": "LEFT JOIN unrated AS x ON x.currency = r.currency AND x.document_date = r.document_date",
}

_FIRST = {
    "c": "LEFT JOIN crossed AS c ON c.source = r.source AND c.reported_id IS NOT DISTINCT FROM r.product_id"
    " AND c.partner_product_id = r.partner_product_id AND c.document_date = r.document_date",
    "w": "LEFT JOIN worded AS w ON w.source = r.source AND w.unit = r.unit AND w.document_date = r.document_date",
    # a condition on r alone would make this a join by nested loops
    "i": "LEFT JOIN identified AS i ON i.line_source = CASE WHEN r.stream = 'sell_through' THEN r.source END"
    + "".join(f" AND i.{name} IS NOT DISTINCT FROM r.{name}" for name in REPORTED_END_CUSTOMER),
}
"""Joins that give what lines mean, by the name that the expressions use; before all that look this up."""

_STOCKED = """CASE WHEN r.code_source IS NULL THEN r.product_id ELSE (
    SELECT arg_max(y.product_id, y.valid_from) FROM reference_product_cross_reference AS y
    WHERE y.line_source = r.code_source AND y.partner_product_id = r.product_id
    AND r.stock_date >= y.valid_from AND (y.valid_to IS NULL OR r.stock_date <= y.valid_to)) END"""
"""Our product of a stock report; the code as reported stays on the row, and the models map it in the same way."""

_MASTER: dict[str, dict[str, str]] = {
    "partner": {"unknown_parent": _missing("r.parent_partner_id", "named_partner", "partner_id")},
    "product_unit": {"unknown_product": _missing("r.product_id", "reference_product", "product_id")},
    "product_cross_reference": {"unknown_product": _missing("r.product_id", "reference_product", "product_id")},
    "unit_cross_reference": {
        "unknown_unit": "CASE WHEN r.unit IS NOT NULL AND r.unit NOT IN (SELECT base_unit FROM reference_product)"
        " AND r.unit NOT IN (SELECT unit FROM reference_product_unit) THEN r.unit END"
    },
    "end_customer_answer": {
        "unknown_end_customer": f"CASE WHEN r.answer NOT IN ({', '.join(map(_quoted, ANSWERS))})"
        " AND r.answer NOT IN (SELECT end_customer_id FROM reference_end_customer) THEN r.answer END"
    },
    "partner_tier": {"unknown_partner": _missing("r.partner_id", "reference_partner", "partner_id")},
    "fund_claim": {"unknown_partner": _missing("r.partner_id", "reference_partner", "partner_id")},
    "claim": {
        "unknown_partner": _missing("r.partner_id", "reference_partner", "partner_id"),
        "unknown_product": _missing("r.product_id", "reference_product", "product_id"),
    },
    "stock_report": {
        "unknown_partner": _missing("r.distributor_id", "reference_partner", "partner_id"),
        "unknown_product": f"CASE WHEN NOT coalesce({_STOCKED} IN (SELECT product_id FROM reference_product), false)"
        " THEN r.product_id END",
        "unit_without_factor": f"""CASE
            WHEN ({_STOCKED}, r.unit) NOT IN (SELECT (product_id, base_unit) FROM reference_product)
            AND ({_STOCKED}, r.unit) NOT IN (SELECT (product_id, unit) FROM reference_product_unit)
            AND {_STOCKED} IN (SELECT product_id FROM reference_product)
            THEN r.unit || ' of ' || r.product_id END""",
    },
    "stock_release": {
        "unknown_partner": _missing("r.distributor_id", "reference_partner", "partner_id"),
        "unknown_product": _missing("r.product_id", "reference_product", "product_id"),
    },
    "partner_group": {
        "unknown_partner": "nullif(concat_ws(', ', "
        + _missing("r.partner_id", "reference_partner", "partner_id")
        + ", "
        + _missing("r.group_id", "reference_partner", "partner_id")
        + "), '')"
    },
}
"""Helpers of master data and claims beside those about rows that come twice."""


def rows(entity: Entity, columns: Iterable[str], found: Found) -> str:
    """SELECT of row_id, source, file_sequence, row_number and these columns; grain: one row per row of ``raw_rows``.

    Only the tables that the columns need are joined: ``reference_<entity>`` (see USES), ``twice``, ``crossed``,
    ``unrated``, ``worded``, ``identified``, ``segment_member``, and for partners ``named_partner`` (partner_id).
    Of lines also ``end_customer_spelling`` and ``looked_up``: whether a cross-reference or an identification was found.
    """
    meant = _meant(found) if entity is LINE else {}
    kinds = {column.name: column.type for column in HELPERS[entity.name]}
    raw = {column.name for column in raw_columns(entity)}
    wanted = dict.fromkeys(["source", "file_sequence", "row_number", *columns])
    expressions: dict[str, str] = {}
    joins: dict[str, None] = {}
    for name in wanted:
        if name in ("duplicate_of_row", "conflicting_rows"):
            expressions[name] = f"t.{name}" if found.twice else f"CAST(NULL AS {kinds[name]})"
            if found.twice:
                joins["LEFT JOIN twice AS t ON t.file_sequence = r.file_sequence AND t.row_number = r.row_number"] = (
                    None
                )
        elif entity is LINE and name == "currency_without_rate" and not found.unrated:
            expressions[name] = "CAST(NULL AS VARCHAR)"
        elif entity is LINE and name in meant:
            needed, expressions[name] = meant[name]
            joins |= dict.fromkeys(_JOINS[join] for join in needed)
        elif entity is LINE and name == "segments":
            expressions[name] = f"concat('', {', '.join(f's_{kind}.segments' for kind in found.segments)})"
            for kind in found.segments:
                who = SEGMENT_OF[kind]
                joins[
                    f"LEFT JOIN segment_member AS s_{kind} ON s_{kind}.entity = '{kind}' AND s_{kind}.entity_id = {who}"
                    f" AND r.document_date BETWEEN s_{kind}.valid_from AND s_{kind}.valid_to"
                ] = None
        elif name in raw:
            expressions[name] = f"r.{name}"
        elif entity is LINE:
            needed, expressions[name] = _LINE[name]
            joins |= dict.fromkeys(_JOINS[join] for join in needed)
        else:
            expressions[name] = _MASTER[entity.name][name]
    text = ", ".join(f"{expression} AS {name}" for name, expression in expressions.items())
    every = "\n".join(joins)
    for place, (_, expression) in meant.items():
        text, every = text.replace(f"{{{place}}}", expression), every.replace(f"{{{place}}}", expression)
    first = [join for alias, join in _FIRST.items() if re.search(rf"\b{alias}\.", text + every)]
    return (
        "SELECT (CAST(r.file_sequence AS BIGINT) << 32) + r.row_number AS row_id,"
        f" {text} FROM raw_rows AS r {' '.join(first)} {every}"
    ).replace("{partner}", _PARTNER)


def _meant(found: Found) -> dict[str, tuple[tuple[str, ...], str]]:
    """What lines mean, after what was found: which tables are joined, and the expression, by column."""
    method = f"WHEN {_NAMED} IS NULL THEN 'unnamed'"
    looked_up = ["c.product_id IS NOT NULL"] * found.crossed + ["w.our_unit IS NOT NULL"] * found.worded
    if found.identified:
        method = f"WHEN i.line_source IS NOT NULL THEN i.end_customer_method {method}"
        looked_up.append("i.line_source IS NOT NULL")
    if found.unidentified:
        method += " WHEN e.end_customer_id IS NULL THEN 'unidentified'"
    master = ("end_customer",) if found.unidentified else ()
    return {
        "product_id": ((), "coalesce(c.product_id, r.product_id)" if found.crossed else "r.product_id"),
        "unit": ((), "coalesce(w.our_unit, r.unit)" if found.worded else "r.unit"),
        "end_customer_id": (
            (),
            "coalesce(i.identified_id, r.end_customer_id)" if found.identified else "r.end_customer_id",
        ),
        "end_customer_spelling": ((), "i.end_customer_spelling" if found.identified else "CAST(NULL AS VARCHAR)"),
        "end_customer_method": (master, f"CASE {method} ELSE 'given' END"),
        "looked_up": ((), " OR ".join(looked_up) or "false"),
    }
