"""Helper columns: what a row's verdict needs to know of other rows and of the master data.

What belongs here: reference tables and look-ups, set-based. What does not: judging (judge.py, and
the suites). A helper column is null where nothing is wrong and otherwise holds what is wrong, so
that a suite says ``expect_column_values_to_be_null`` and a sample shows the offending value; or it
is an attribute that segments ask for.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.contract import ENTITIES, INTEGER, LINE, TEXT, Column, Entity, raw_columns

ORDER = (
    "product",
    "partner",
    "end_customer",
    "product_unit",
    "partner_tier",
    "partner_group",
    "fx_rate",
    "product_cross_reference",
    "fund_claim",
    "claim",
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
    "fund_claim": ("partner",),
    "claim": ("partner", "product"),
    "line": ("product", "product_unit", "partner", "end_customer", "fx_rate", "product_cross_reference"),
}
"""Whose accepted rows the look-ups of an entity read."""

_TWICE = (
    Column("duplicate_of_row", INTEGER, "an earlier row of the file is the same row with the same key: its row number"),
    Column("conflicting_rows", TEXT, "other rows of the file have the same key and say something else: the key"),
)

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
    "fund_claim": (*_TWICE, Column("unknown_partner", TEXT, "partner that is not in the partner master")),
    "claim": (
        *_TWICE,
        Column("unknown_partner", TEXT, "partner that is not in the partner master"),
        Column("unknown_product", TEXT, "product that is not in the product master"),
    ),
    "line": (
        *_TWICE,
        Column("unknown_product", TEXT, "product code that is not known on the line's date"),
        Column("unknown_partner", TEXT, "partners named on the line that are not in the partner master"),
        Column("unknown_end_customer", TEXT, "end customer id that is not in the end-customer master"),
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
``partner_product_id``.
"""


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


def _twice(entity: Entity) -> str:
    """Common table expression ``marked``: table ``raw_rows`` with the two helpers about rows of one file.

    Only the rows of keys that come again are compared, so that the wide rows are not sorted.
    """
    key = [name for name in entity.key if name != "source"]
    content = [c.name for c in raw_columns(entity) if c.name not in ("file_sequence", "file_hash", "row_number")]
    group = ", ".join(["file_sequence", *key])
    complete = " AND ".join(f"{name} IS NOT NULL" for name in key)
    shown = " || ' ' || ".join(f"CAST({name} AS VARCHAR)" for name in key)
    return f"""
        keyed AS (
            SELECT {group}, row_number, hash({", ".join(content)}) AS content FROM raw_rows WHERE {complete}
        ),
        repeated AS (
            SELECT {group}, min(content) <> max(content) AS conflicting FROM keyed GROUP BY ALL HAVING count(*) > 1
        ),
        suspect AS (SELECT * FROM keyed JOIN repeated USING ({group})),
        twice AS (
            SELECT
                file_sequence, row_number,
                min(row_number) OVER (PARTITION BY {group}, content) AS first_row,
                CASE WHEN conflicting THEN {shown} END AS conflicting_rows
            FROM suspect
        ),
        marked AS (
            SELECT
                r.*,
                CASE WHEN t.first_row < r.row_number THEN t.first_row END AS duplicate_of_row,
                t.conflicting_rows
            FROM raw_rows AS r LEFT JOIN twice AS t USING (file_sequence, row_number)
        )
    """


def _missing(column: str, reference: str, key: str) -> str:
    return f"CASE WHEN {column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM {reference}) THEN {column} END"


def helped(entity: Entity, currencies: Currencies) -> str:
    """SELECT of table ``raw_rows`` with all helper columns; grain: one row per raw row.

    Reads ``reference_<entity>`` (see USES), and for partners ``named_partner`` (partner_id).
    """
    if entity is LINE:
        return _line(currencies)
    extra = {
        "partner": {"unknown_parent": _missing("parent_partner_id", "named_partner", "partner_id")},
        "product_unit": {"unknown_product": _missing("product_id", "reference_product", "product_id")},
        "product_cross_reference": {"unknown_product": _missing("product_id", "reference_product", "product_id")},
        "partner_tier": {"unknown_partner": _missing("partner_id", "reference_partner", "partner_id")},
        "fund_claim": {"unknown_partner": _missing("partner_id", "reference_partner", "partner_id")},
        "claim": {
            "unknown_partner": _missing("partner_id", "reference_partner", "partner_id"),
            "unknown_product": _missing("product_id", "reference_product", "product_id"),
        },
        "partner_group": {
            "unknown_partner": "nullif(concat_ws(', ', "
            + _missing("partner_id", "reference_partner", "partner_id")
            + ", "
            + _missing("group_id", "reference_partner", "partner_id")
            + "), '')"
        },
    }.get(entity.name, {})
    columns = "".join(f", {expression} AS {name}" for name, expression in extra.items())
    return f"WITH {_twice(entity)} SELECT *{columns} FROM marked"


def _line(currencies: Currencies) -> str:
    targets = ", ".join("('" + code.replace("'", "''") + "')" for code in currencies.program)
    roles = ("sold_to_id", "ship_to_id", "distributor_id", "reseller_id")
    unknown = ", ".join(_missing(f"l.{role}", "reference_partner", "partner_id") for role in roles)
    return f"""
        WITH {_twice(LINE)},
        reported AS (
            SELECT DISTINCT source, partner_product_id, document_date FROM raw_rows
            WHERE product_id IS NULL AND partner_product_id IS NOT NULL
        ),
        crossed AS (
            SELECT r.source, r.partner_product_id, r.document_date, arg_max(x.product_id, x.valid_from) AS product_id
            FROM reported AS r
            JOIN reference_product_cross_reference AS x
                ON x.line_source = r.source AND x.partner_product_id = r.partner_product_id
                AND r.document_date >= x.valid_from AND (x.valid_to IS NULL OR r.document_date <= x.valid_to)
            GROUP BY ALL
        ),
        priced AS (SELECT DISTINCT currency, document_date FROM raw_rows WHERE document_date IS NOT NULL),
        targets (program_currency) AS (VALUES {targets}),
        unrated AS (
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
        ),
        lines AS (
            SELECT
                m.* REPLACE (coalesce(m.product_id, c.product_id) AS product_id),
                CASE WHEN m.stream = 'sell_in' THEN m.sold_to_id ELSE coalesce(m.reseller_id, m.distributor_id) END
                    AS partner_id
            FROM marked AS m
            LEFT JOIN crossed AS c
                ON c.source = m.source AND c.partner_product_id = m.partner_product_id
                AND c.document_date = m.document_date
        )
        SELECT
            l.* EXCLUDE (partner_id),
            CASE WHEN p.product_id IS NULL THEN l.partner_product_id END AS unknown_product,
            nullif(concat_ws(', ', {unknown}), '') AS unknown_partner,
            CASE WHEN e.end_customer_id IS NULL THEN l.end_customer_id END AS unknown_end_customer,
            CASE WHEN p.product_id IS NOT NULL AND l.unit <> p.base_unit AND u.unit IS NULL
                THEN l.unit || ' to ' || p.base_unit || ' of ' || l.product_id END AS unit_without_factor,
            r.missing AS currency_without_rate,
            CASE WHEN sign(l.quantity) * sign(l.net_amount) < 0
                THEN l.quantity || ' for ' || l.net_amount END AS negative_price,
            CASE WHEN l.quantity = 0 AND l.net_amount <> 0 AND l.document_type IS DISTINCT FROM 'credit_memo'
                THEN CAST(l.net_amount AS VARCHAR) END AS amount_without_quantity,
            l.partner_id,
            m.partner_type, m.channel AS partner_channel, m.region AS partner_region, m.country AS partner_country,
            d.country AS distributor_country,
            p.family AS product_family, p.brand AS product_brand, p.category AS product_category,
            e.end_customer_type, e.industry AS end_customer_industry
        FROM lines AS l
        LEFT JOIN reference_product AS p ON p.product_id = l.product_id
        LEFT JOIN reference_product_unit AS u ON u.product_id = l.product_id AND u.unit = l.unit
        LEFT JOIN reference_end_customer AS e ON e.end_customer_id = l.end_customer_id
        LEFT JOIN reference_partner AS m ON m.partner_id = l.partner_id
        LEFT JOIN reference_partner AS d ON d.partner_id = l.distributor_id
        LEFT JOIN unrated AS r ON r.currency = l.currency AND r.document_date = l.document_date
    """
