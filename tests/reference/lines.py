"""Which rows stand, and what they are worth.

What belongs here: corrections, cancellations and replacements (semantics 3), units, currencies, the
document that a return refers to. What does not: programs.

Rows are plain dictionaries with the columns of ``accepted/<entity>/``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One line that counts. ``quantity``: in base units, None where the unit is unknown.

    ``original_day``: the earliest date of the document that it refers to, its own where there is none.
    """

    key: str
    row: Row
    day: date
    original_day: date
    quantity: Decimal | None


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


def current_rows(rows: Iterable[Row], as_of: date) -> list[Row]:
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


def current_lines(rows: Iterable[Row], as_of: date, units: Units) -> list[Line]:
    """Return the lines that count, by key, with their quantities and the dates that they refer to."""
    current = sorted(current_rows(rows, as_of), key=line_key)
    first: dict[tuple[str, str | None], date] = {}
    for row in current:
        document = (row["source"], row["document_number"])
        first[document] = min(first.get(document, row["document_date"]), row["document_date"])
    return [
        Line(line_key(row), row, row["document_date"], _original(row, first), units.base_quantity(row))
        for row in current
    ]


def _original(row: Row, first: Mapping[tuple[str, str | None], date]) -> date:
    """Return the first date of the document that a return refers to, its own date where there is none."""
    own: date = row["document_date"]
    if row["document_type"] not in ("return", "credit_memo"):
        return own
    return first.get((row["source"], row["reference_document_number"]), own)


def first_purchases(lines: Sequence[Line]) -> dict[str, date]:
    """Return each end customer's first document date over all lines that count."""
    first: dict[str, date] = {}
    for line in lines:
        customer = line.row["end_customer_id"]
        if customer is not None:
            first[customer] = min(first.get(customer, line.day), line.day)
    return first


class Units:
    """Quantities in the base unit of their product."""

    def __init__(self, products: Iterable[Row], units: Iterable[Row]) -> None:
        self._base = {row["product_id"]: row["base_unit"] for row in products}
        self._factor = {(row["product_id"], row["unit"]): Decimal(row["factor"]) for row in units}

    def base_quantity(self, row: Row) -> Decimal | None:
        """Quantity in base units, not rounded; None when the unit is unknown."""
        if self._base.get(row["product_id"]) == row["unit"]:
            return Decimal(row["quantity"])
        factor = self._factor.get((row["product_id"], row["unit"]))
        return None if factor is None else Decimal(row["quantity"]) * factor


class Rates:
    """Amounts in another currency, at the rate of the line's own date."""

    def __init__(self, rates: Iterable[Row]) -> None:
        self._rate: dict[tuple[str, str, date], Decimal] = {
            (row["from_currency"], row["to_currency"], row["rate_date"]): Decimal(row["rate"]) for row in rates
        }
        self._known: dict[tuple[str, str, date, int], Decimal | None] = {}

    def rate(self, from_currency: str, to_currency: str, day: date, max_age_days: int) -> Decimal | None:
        """Return the latest rate on or before the day, at most so many days old; None when there is none."""
        if from_currency == to_currency:
            return Decimal(1)
        at = (from_currency, to_currency, day, max_age_days)
        if at not in self._known:
            days = (day - timedelta(days=age) for age in range(max_age_days + 1))
            found = (self._rate.get((from_currency, to_currency, each)) for each in days)
            self._known[at] = next((rate for rate in found if rate is not None), None)
        return self._known[at]
