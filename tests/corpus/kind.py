"""What a kind of broken file is, and the line and mapping that all kinds are variations of.

What belongs here: the words of the corpus. What does not: the kinds (text.py, values.py, …).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

COLUMNS = {
    "document_number": "doc",
    "line_number": "line",
    "document_type": "type",
    "document_date": "date",
    "reference_document_number": "ref",
    "record_intent": "intent",
    "reseller_id": "store",
    "end_customer_name": "name",
    "product_id": "product",
    "quantity": "qty",
    "unit": "unit",
    "net_amount": "amount",
    "currency": "currency",
}
"""Our columns and theirs, in the order of the file."""
HEADER = list(COLUMNS.values())

GOOD = {
    "doc": "D1",
    "line": "1",
    "type": "invoice",
    "date": "2017-03-31",
    "ref": "",
    "intent": "original",
    "store": "R-1",
    "name": "Müller",
    "product": "0077",
    "qty": "2",
    "unit": "EA",
    "amount": "5.58",
    "currency": "USD",
}
"""A line that is accepted: master data know R-1, D-1 and product 0077."""

CSV = {"type": "csv", "encoding": "utf-8", "separator": ",", "decimal": ".", "date_format": "%Y-%m-%d"}


@dataclass(frozen=True)
class Row:
    """What must become of one row. ``reason``: part of its rules_failed and parse_errors; ``values``: of raw/."""

    number: int
    verdict: str
    reason: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """One kind of file. ``error``: part of the message, if the file as a whole cannot be read; otherwise ``rows``."""

    name: str
    title: str
    content: bytes | Callable[[], bytes]
    rows: tuple[Row, ...] = ()
    error: str = ""
    format: dict[str, Any] = field(default_factory=lambda: dict(CSV))
    mapping: dict[str, Any] = field(default_factory=dict)
    declared: str = ""
    """What the mapping says that makes the difference, in words of a mapping file; empty: nothing special."""
    slow: bool = False

    @property
    def bytes(self) -> bytes:
        """The file."""
        return self.content if isinstance(self.content, bytes) else self.content()

    @property
    def document(self) -> dict[str, Any]:
        """The mapping file of the kind's source."""
        document = {
            "source": self.name,
            "description": self.title,
            "owner": "corpus",
            "entity": "line",
            "file_pattern": "*",
            "format": self.format,
            "columns": copy.deepcopy(COLUMNS),
            "constants": {"stream": "sell_through", "distributor_id": "D-1"},
        }
        columns = document["columns"]
        for name, value in self.mapping.items():
            if name == "columns":
                columns.update(value)
            else:
                document[name] = value
        return document


def line(number: int = 1, **changes: str) -> dict[str, str]:
    """The good line, as document ``D<number>``, with changes."""
    return {**GOOD, "doc": f"D{number}", **changes}


def text(
    *lines: dict[str, str] | str,
    separator: str = ",",
    end: str = "\n",
    header: Sequence[str] | str | None = None,
    encoding: str = "utf-8",
) -> bytes:
    """A delimited text file: header and lines; a line given as text stands as it is."""
    head = HEADER if header is None else header
    rows = [head if isinstance(head, str) else separator.join(head)]
    rows += [row if isinstance(row, str) else separator.join(row.values()) for row in lines]
    return (end.join(rows) + end).encode(encoding)


def accepted(number: int = 2, **values: Any) -> Row:
    """A row that is accepted, with these values."""
    return Row(number, "accepted", "", values)


def quarantined(reason: str, number: int = 2) -> Row:
    """A row that is quarantined for this reason."""
    return Row(number, "quarantined", reason)


def held(reason: str, number: int = 2) -> Row:
    """A row that is held for this reason."""
    return Row(number, "held", reason)
