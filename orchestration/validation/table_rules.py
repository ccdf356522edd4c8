"""Rules about a file of lines as a whole, as data: ``table_expectations`` of a suite.

What belongs here: their schema, what a file is compared with, and which files fail. What does not: what a failure
means for rows (verdicts.py).

What a file is compared with hangs on its receipt alone: a file sees the rows of files of its own source with lower
numbers, as raw/ has them, and nothing that came later; and the day of its own receipt. No clock and no as-of date is
read. So the outcome is the same in whatever order runs happen, and changes only when those files are read otherwise.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, Field, model_validator

TYPES: dict[str, dict[str, bool]] = {
    "freshness": {"max_days_behind": False, "max_days_after_period": False},
    "volume": {"measure": True, "months": True, "min_ratio": False, "max_ratio": False},
    "duplicate_rate": {"max_share": True},
    "price_outliers": {"against": True, "factor": True, "max_share": True, "currency": False},
}
"""Types, their limits, and whether a limit must be given."""

COLUMNS = (
    "file_sequence", "document_date", "document_number", "line_number", "product_id", "partner_product_id", "unit",
    "quantity", "net_amount", "currency",
)  # fmt: skip
"""Columns of raw/line/ that the rules read."""

_AT_LEAST_ONE = {"freshness": ("max_days_behind", "max_days_after_period"), "volume": ("min_ratio", "max_ratio")}


class TableRule(BaseModel):
    """One rule about files.

    freshness: the newest document date of the file is at most ``max_days_behind`` days before the newest one that
    any file of the source had brought before; and the file was received at most ``max_days_after_period`` days after
    the end of the month that most of its rows are of (of equally many: the later month).
    volume: rows (or sum of net_amount, by currency) of the file's months, with what older files said of them, against
    the average of up to ``months`` months before that the source reported (fewer than two: nothing to compare with).
    duplicate_rate: share of rows whose key stands more than once in the file.
    price_outliers: share of rows whose price per unit is more than ``factor`` times, or less than one part in
    ``factor`` of, the product's list price per base unit (``list_price``: lines in ``currency``, the company's) or the
    median of the medians of the source's older files (``history``, per product code, unit and currency).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: str
    limits: dict[str, Any]
    severity: Literal["hold", "warn"]
    reason: str = Field(min_length=1)
    owner: str = ""
    repair: str = ""

    @model_validator(mode="after")
    def _has_its_limits(self) -> TableRule:
        if self.type not in TYPES:
            raise ValueError(f"type: unknown type {self.type!r}; expected one of {', '.join(TYPES)}")
        known = TYPES[self.type]
        for name in self.limits:
            if name not in known:
                raise ValueError(f"limits.{name}: unknown limit; expected one of {', '.join(known)}")
        for name, required in known.items():
            if required and name not in self.limits:
                raise ValueError(f"limits.{name}: missing; {self.type} needs {', '.join(n for n in known if known[n])}")
            if name in self.limits:
                _check(name, self.limits[name])
        needed = _AT_LEAST_ONE.get(self.type, ())
        if needed and not set(needed) & set(self.limits):
            raise ValueError(f"limits: expected {', '.join(needed[:-1])}, {needed[-1]} or both")
        if (self.limits.get("against") == "list_price") != ("currency" in self.limits):
            raise ValueError("limits.currency: expected with against: list_price, the currency of list prices, only")
        return self


def _check(name: str, value: Any) -> None:
    if name == "currency":
        if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
            raise ValueError(f"limits.currency: {value!r}: expected a code of three capital letters")
        return
    if name in ("measure", "against"):
        expected = ("rows", "amount") if name == "measure" else ("list_price", "history")
        if value not in expected:
            raise ValueError(f"limits.{name}: {value!r}: expected {' or '.join(expected)}")
        return
    whole = name in ("max_days_behind", "max_days_after_period", "months")
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise ValueError(f"limits.{name}: {value!r}: expected a {'whole ' if whole else ''}number")
    least = {"months": 2, "factor": 1}.get(name, 0)
    most = 1 if name == "max_share" else 10**9
    if not least <= value <= most or (name == "factor" and value == 1):
        raise ValueError(f"limits.{name}: {value!r}: expected {'above' if name == 'factor' else 'from'} {least}")


def failing(connection: duckdb.DuckDBPyConnection, rule: TableRule) -> dict[int, tuple[bool, str]]:
    """By file sequence: whether a file of a source fails, and the figures in words.

    Reads tables ``source_rows`` (COLUMNS of the rows of all files of the source), ``source_file`` (file_sequence,
    received_on) and ``reference_product``. Files that the rule has nothing to say about (no rows, no history, no day of
    receipt) are left out.
    """
    found = connection.execute(_SQL[rule.type](rule.limits)).fetchall()
    return {sequence: (bool(failed), words) for sequence, failed, words in found}


def _freshness(limits: dict[str, Any]) -> str:
    parts = []
    if "max_days_behind" in limits:
        parts.append(f"""
            SELECT file_sequence, before - day > {limits["max_days_behind"]} AS failed,
                'newest date ' || day || ', older files had brought ' || before AS words
            FROM (
                SELECT *,
                    max(day) OVER (ORDER BY file_sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                FROM newest
            )
            WHERE before IS NOT NULL
        """)
    if "max_days_after_period" in limits:
        parts.append(f"""
            SELECT file_sequence, received_on - last_day(month) > {limits["max_days_after_period"]} AS failed,
                'received on ' || received_on || ', ' || (received_on - last_day(month)) || ' days after the end of '
                || strftime(month, '%Y-%m') AS words
            FROM period JOIN source_file USING (file_sequence) WHERE received_on IS NOT NULL
        """)
    return f"""
        WITH dated AS (
            SELECT file_sequence, date_trunc('month', document_date) AS month, max(document_date) AS day,
                count(*) AS n
            FROM source_rows WHERE document_date IS NOT NULL GROUP BY ALL
        ),
        newest AS (SELECT file_sequence, max(day) AS day FROM dated GROUP BY ALL),
        period AS (
            SELECT file_sequence, month FROM dated
            QUALIFY row_number() OVER (PARTITION BY file_sequence ORDER BY n DESC, month DESC) = 1
        ),
        found AS ({" UNION ALL ".join(parts)})
        SELECT file_sequence, bool_or(failed),
            coalesce(string_agg(words, '; ' ORDER BY words) FILTER (failed), string_agg(words, '; ' ORDER BY words))
        FROM found GROUP BY ALL
    """


def _volume(limits: dict[str, Any]) -> str:
    measure = "count(*)" if limits["measure"] == "rows" else "sum(net_amount)"
    currency = "''" if limits["measure"] == "rows" else "coalesce(currency, '')"
    outside = " OR ".join(
        f"CAST(total AS DOUBLE) {operator} {limits[name]} * CAST(usual AS DOUBLE)"
        for name, operator in (("min_ratio", "<"), ("max_ratio", ">"))
        if name in limits
    )
    return f"""
        WITH reported AS (
            SELECT
                file_sequence, {currency} AS currency, date_trunc('month', document_date) AS month, {measure} AS total
            FROM source_rows WHERE document_date IS NOT NULL GROUP BY ALL
        ),
        known AS (
            SELECT f.file_sequence, f.currency, f.month, sum(o.total) AS total
            FROM reported AS f JOIN reported AS o USING (currency, month)
            WHERE o.file_sequence <= f.file_sequence GROUP BY ALL
        ),
        earlier AS (
            SELECT
                k.file_sequence, k.currency, k.month, any_value(k.total) AS total, o.month AS earlier,
                sum(o.total) AS was
            FROM known AS k JOIN reported AS o USING (currency)
            WHERE o.file_sequence < k.file_sequence AND o.month < k.month GROUP BY ALL
        ),
        usual AS (
            SELECT file_sequence, currency, month, total, sum(was) / count(*) AS usual
            FROM (
                SELECT * FROM earlier
                QUALIFY row_number() OVER (PARTITION BY file_sequence, currency, month ORDER BY earlier DESC)
                    <= {limits["months"]}
            )
            GROUP BY ALL HAVING count(*) >= 2
        )
        SELECT file_sequence, bool_or({outside}),
            string_agg(
                strftime(month, '%Y-%m') || ': ' || CAST(total AS DECIMAL(38, 2)) || ' ' || currency
                || ' against usually ' || CAST(usual AS DECIMAL(38, 2)), '; ' ORDER BY month, currency)
        FROM usual GROUP BY ALL
    """


def _duplicate_rate(limits: dict[str, Any]) -> str:
    return f"""
        WITH keyed AS (
            SELECT file_sequence, hash(document_number, line_number) AS key, count(*) AS times
            FROM source_rows WHERE document_number IS NOT NULL AND line_number IS NOT NULL GROUP BY ALL
        ),
        counted AS (
            SELECT file_sequence, coalesce(sum(times) FILTER (WHERE times > 1), 0)::bigint AS again,
                sum(times)::bigint AS n
            FROM keyed GROUP BY ALL
        )
        SELECT file_sequence, again > {limits["max_share"]} * n, again || ' of ' || n || ' rows have a key twice'
        FROM counted
    """


def _price_outliers(limits: dict[str, Any]) -> str:
    if limits["against"] == "list_price":
        usual = f"""
            SELECT r.file_sequence, r.price, p.list_price AS usual
            FROM priced AS r JOIN reference_product AS p ON p.product_id = r.code AND p.base_unit = r.unit
            WHERE p.list_price > 0 AND r.currency = '{limits["currency"]}'
        """
    else:
        usual = """
            SELECT r.file_sequence, r.price, m.usual
            FROM priced AS r JOIN history AS m USING (file_sequence, code, unit, currency)
        """
    factor = limits["factor"]
    return f"""
        WITH priced AS (
            SELECT file_sequence, coalesce(product_id, partner_product_id) AS code, unit, currency,
                CAST(net_amount AS DOUBLE) / CAST(quantity AS DOUBLE) AS price
            FROM source_rows WHERE sign(quantity) * sign(net_amount) > 0
        ),
        medians AS (
            SELECT file_sequence, code, unit, currency, median(price) AS usual FROM priced GROUP BY ALL
        ),
        history AS (
            SELECT f.file_sequence, f.code, f.unit, f.currency, median(o.usual) AS usual
            FROM medians AS f JOIN medians AS o USING (code, unit, currency)
            WHERE o.file_sequence < f.file_sequence GROUP BY ALL
        ),
        compared AS ({usual}),
        counted AS (
            SELECT file_sequence, count(*) FILTER (WHERE price > {factor} * usual OR price * {factor} < usual) AS wide,
                count(*) AS n
            FROM compared GROUP BY ALL
        )
        SELECT file_sequence, wide > {limits["max_share"]} * n,
            wide || ' of ' || n || ' prices are more than {factor} times off'
        FROM counted
    """


_SQL = {
    "freshness": _freshness,
    "volume": _volume,
    "duplicate_rate": _duplicate_rate,
    "price_outliers": _price_outliers,
}
