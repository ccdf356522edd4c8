"""Which rows stand, and what they are worth.

What belongs here: corrections, cancellations and replacements (semantics 3), units, currencies,
periods. What does not: programs.

Rows are plain dictionaries with the columns of ``accepted/<entity>/``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]


def line_key(row: Row) -> str:
    """``source|document_number|line_number``."""
    return f"{row['source']}|{row['document_number']}|{row['line_number']}"


def newest(rows: Iterable[Row], key: tuple[str, ...]) -> list[Row]:
    """For each natural key the row of the newest file (then the highest row number)."""
    best: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        at = tuple(row[name] for name in key)
        known = best.get(at)
        if known is None or _age(known) < _age(row):
            best[at] = row
    return list(best.values())


def _age(row: Row) -> tuple[int, int]:
    return (row.get("file_sequence") or 0, row.get("row_number") or 0)


def current_lines(rows: Iterable[Row], as_of: date) -> list[Row]:
    """Return the lines that count on the as-of date.

    Of each key the newest row speaks for the line: if it is a cancellation, or if a newer file
    replaced its (source, distributor, reseller, month), the line is gone, and no older row of
    that key comes back. Lines dated after the as-of date do not count.
    """
    rows = list(rows)
    replaced: dict[tuple[Any, ...], int] = {}
    for row in rows:
        if row["record_intent"] == "replacement":
            report = _report(row)
            replaced[report] = max(replaced.get(report, 0), row["file_sequence"])
    return [
        row
        for row in newest(rows, ("source", "document_number", "line_number"))
        if row["record_intent"] != "cancellation"
        and row["file_sequence"] >= replaced.get(_report(row), 0)
        and row["document_date"] <= as_of
    ]


def _report(row: Row) -> tuple[Any, ...]:
    day: date = row["document_date"]
    return (row["source"], row["distributor_id"], row["reseller_id"], day.year, day.month)


class Units:
    """Quantities in the base unit of their product."""

    def __init__(self, products: Iterable[Row], units: Iterable[Row]) -> None:
        self._base = {row["product_id"]: row["base_unit"] for row in products}
        self._factor = {(row["product_id"], row["unit"]): Decimal(row["factor"]) for row in units}

    def base_quantity(self, line: Row) -> Decimal | None:
        """Quantity in base units, not rounded; None when the unit is unknown."""
        if self._base.get(line["product_id"]) == line["unit"]:
            return Decimal(line["quantity"])
        factor = self._factor.get((line["product_id"], line["unit"]))
        return None if factor is None else Decimal(line["quantity"]) * factor


class Rates:
    """Amounts in another currency, at the rate of the line's date."""

    def __init__(self, rates: Iterable[Row], max_age_days: int = 10) -> None:
        self._max_age = max_age_days
        self._rate: dict[tuple[str, str, date], Decimal] = {
            (row["from_currency"], row["to_currency"], row["rate_date"]): Decimal(row["rate"]) for row in rates
        }

    def rate(self, from_currency: str, to_currency: str, day: date) -> Decimal | None:
        """Return the latest rate on or before the day, at most so many days old; None when there is none."""
        if from_currency == to_currency:
            return Decimal(1)
        for age in range(self._max_age + 1):
            rate = self._rate.get((from_currency, to_currency, day - timedelta(days=age)))
            if rate is not None:
                return rate
        return None


def period_id(measurement: str, day: date) -> str:
    """Id of the measurement period that the day falls in (calendar periods).

    Raises KeyError for an unknown measurement.
    """
    return {
        "month": f"{day:%Y-%m}",
        "quarter": f"{day.year}-Q{(day.month + 2) // 3}",
        "half_year": f"{day.year}-H{(day.month + 5) // 6}",
        "year": f"{day.year}",
        "program": "program",
    }[measurement]
