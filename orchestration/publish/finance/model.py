"""What a finance workbook is: a cover, and sheets of rows with totals by currency.

What belongs here: the description that every workbook fills in. What does not: how it is written (book.py, skeleton.py,
cells.py) and which figures it shows (one module per workbook).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

ROW_LIMIT = 300_000
"""Rows up to which a sheet carries the detail; above, it says where the detail is."""

KINDS = ("identifier", "text", "integer", "amount", "date", "number")
"""Kinds of columns: identifier and text are text; amount has the decimals of its row's currency; number has two."""

Control = Mapping[str, Decimal]
"""A column's total by currency, as the marts have it."""


@dataclass(frozen=True)
class Column:
    """One column. ``name``: of the rows; ``title``: header, unique in its sheet, letters, digits, spaces and hyphens.

    ``formula``: of a row, with ``{name}`` for the cell of another column; its value still comes with the rows.
    """

    name: str
    title: str
    kind: str
    width: int
    formula: str = ""

    def __post_init__(self) -> None:
        """Refuse an unknown kind, and a title that a formula could not name (ValueError)."""
        if self.kind not in KINDS:
            raise ValueError(f"column {self.name}: kind {self.kind}, expected one of {', '.join(KINDS)}")
        if not all(letter.isalnum() or letter in " -%" for letter in self.title):
            raise ValueError(f"column {self.name}: title {self.title!r} has more than letters, digits, spaces, - and %")


@dataclass(frozen=True)
class Sheet:
    """One sheet: rows as a table.

    ``title``: at most 31 letters and spaces; ``note``: one line below it. ``rows``: values in the order of ``columns``;
    there are ``count`` of them. ``controls``: total by currency of each amount column that is totalled, by name; the
    rows must add up to it. The columns of a totalled sheet include ``currency``. ``detail``: where the rows are when
    there are too many for a sheet. ``frozen``: leading columns that stay in view.
    """

    title: str
    note: str
    columns: tuple[Column, ...]
    rows: Iterable[Sequence[Any]]
    count: int
    controls: Mapping[str, Control] = field(default_factory=dict)
    detail: str = ""
    frozen: int = 1

    @property
    def table(self) -> str:
        """Name of the sheet's table, for formulas."""
        return self.title.replace(" ", "_")

    @property
    def detailed(self) -> bool:
        """Whether the sheet itself carries the rows."""
        return self.count <= ROW_LIMIT

    @property
    def currencies(self) -> list[str]:
        """Currencies of the totals, sorted."""
        return sorted({currency for control in self.controls.values() for currency in control})

    def sum_of(self, column: str, **conditions: str) -> str:
        """Formula of a column's sum over the rows where other columns have given values, e.g. ``currency="USD"``.

        "" where the rows are too many for a sheet.
        """
        if not self.detailed:
            return ""
        titles = {one.name: one.title for one in self.columns}
        total = f"{self.table}[{titles[column]}]"
        if not conditions:
            return f"SUM({total})"
        asked = ",".join(f"{self.table}[{titles[name]}],{quoted(value)}" for name, value in conditions.items())
        return f"SUMIFS({total},{asked})"

    def rows_of(self) -> str:
        """Formula of the number of rows; "" where they are too many for a sheet."""
        first = self.columns[0]
        counted = "COUNTA" if first.kind in ("identifier", "text") else "COUNT"
        return f"{counted}({self.table}[{first.title}])" if self.detailed else ""


@dataclass(frozen=True)
class Tie:
    """Two figures that must be one. ``formula``: the first over the workbook's sheets, where they can say it.

    ``currency`` is "" where rows are counted. A tie that does not hold stops the workbook.
    """

    what: str
    legal_entity: str
    currency: str
    here: Decimal
    formula: str
    against: str
    there: Decimal


@dataclass(frozen=True)
class Figure:
    """A sum on the cover, e.g. what was accrued for a legal entity in a currency."""

    name: str
    legal_entity: str
    currency: str
    amount: Decimal
    formula: str = ""


@dataclass(frozen=True)
class Listing:
    """A small list on the cover, as text, e.g. the program versions."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Book:
    """One workbook. ``footer``: on the left of every printed page. ``created``: as-of date, YYYY-MM-DD."""

    title: str
    subject: str
    footer: str
    as_of: str
    facts: Sequence[tuple[str, str]]
    figures: Sequence[Figure]
    ties: Sequence[Tie]
    listings: Sequence[Listing]
    sheets: Sequence[Sheet]
    remarks: Sequence[str] = ()


def quoted(text: str) -> str:
    """A text in a formula."""
    return '"' + text.replace('"', '""') + '"'
