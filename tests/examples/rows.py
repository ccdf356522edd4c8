"""The rows of the warehouse that the examples' input tables stand for: ``entities(examples)``.

What belongs here: columns of the page to columns of the data contract. What does not: documents, figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tests.examples.example import NOTHING, PARTNERS, Example, Row
from tests.reference.build import fund_claim, line, membership, partner, product

Dict = dict[str, Any]

TEXTS = {"type": "document_type", "unit": "unit", "currency": "currency", "region": "region", "stream": "stream"}
"""Columns of lines that are taken as they stand."""

NAMES = {
    **PARTNERS,
    "product": "product_id",
    "end customer": "end_customer_id",
    "refers to": "reference_document_number",
}
"""Columns of lines whose names are made unique."""

KNOWN = {*TEXTS, *NAMES, "date", "document", "quantity", "amount", "quotes"}


def number(cell: str) -> Decimal:
    """A number as the page shows it: with separators of thousands."""
    return Decimal(cell.replace(",", ""))


def entities(examples: Sequence[Example]) -> dict[str, list[Dict]]:
    """The accepted rows of all examples by entity. ValueError for a column that has no meaning."""
    found: dict[str, list[Dict]] = {}
    for example in examples:
        for entity, row in _rows(example):
            found.setdefault(entity, []).append(row)
    for row_number, row in enumerate(found["line"], start=1):
        row["row_number"] = row_number
    return found


def _rows(example: Example) -> Iterator[tuple[str, Dict]]:
    for name in example.partner_names:
        yield "partner", partner(example.unique(name))
    for name in example.group_names:
        yield "partner", partner(example.unique(name), partner_type="buying_group")
    for name in example.column("lines", "end customer"):
        yield (
            "end_customer",
            {
                "end_customer_id": example.unique(name),
                "end_customer_name": name,
                "end_customer_type": "business",
            },
        )
    attributes = {row["product"]: row for row in example.rows("products")}
    for name in example.column("lines", "product") or ["Goods"]:
        more = {column: cell for column, cell in attributes.get(name, {}).items() if column != "product"}
        yield "product", product(example.unique(name), **more)
    for row in example.rows("units"):
        unit = {"unit": row["unit"], "factor": number(row["base units"])}
        yield "product_unit", {"product_id": example.unique(row["product"]), **unit}
    for row in example.rows("rates"):
        rate = {"from_currency": row["from"], "to_currency": row["to"], "rate": number(row["rate"])}
        yield "fx_rate", {**rate, "rate_date": date.fromisoformat(row["date"])}
    for row in example.rows("members"):
        to = None if row["to"] == NOTHING else date.fromisoformat(row["to"])
        since = date.fromisoformat(row["from"])
        yield "partner_group", membership(example.unique(row["partner"]), example.unique(row["group"]), since, to)
    for case in example.cases() if example.rows("claims") else ():
        for row in example.rows("claims"):
            yield "fund_claim", _claim(example, case.document["id"], row)
    yield from (("line", each) for each in _lines(example))


def _claim(example: Example, program_id: str, row: Row) -> Dict:
    day = date.fromisoformat(row["date"])
    return fund_claim(
        claim_id(program_id, row["claim"]),
        str(number(row["amount"])),
        program_id=program_id,
        partner_id=example.unique(row["partner"]),
        claim_date=day,
        approved_on=day if row["status"] == "approved" else None,
        approved_by="Otto Brandt" if row["status"] == "approved" else None,
        status=row["status"],
    )


def claim_id(program_id: str, claim: str) -> str:
    """The claim of that number on the program: each build of an example has its own."""
    return f"{program_id}:{claim}"


def line_key(example: Example, document: str, line_number: int = 1) -> str:
    """The key of the line of that document."""
    return f"erp|{example.unique(document)}|{line_number}"


def _lines(example: Example) -> Iterator[Dict]:
    """One line for each row; rows of one document are its lines."""
    seen: Counter[str] = Counter()
    for position, row in enumerate(example.rows("lines"), start=1):
        if set(row) - KNOWN:
            raise ValueError(
                f"{example.id}: columns {sorted(set(row) - KNOWN)} of lines: expected some of {sorted(KNOWN)}"
            )
        given = {column: cell for column, cell in row.items() if cell != NOTHING}
        document = given.get("document", str(position))
        seen[document] += 1
        columns: Dict = {TEXTS[column]: cell for column, cell in given.items() if column in TEXTS}
        columns |= {NAMES[column]: example.unique(cell) for column, cell in given.items() if column in NAMES}
        third_party = "partner" not in row and "stream" not in row
        yield line(
            example.unique(document),
            str(number(given["amount"])),
            quantity=str(number(given.get("quantity", "1"))),
            day=date.fromisoformat(given["date"]),
            partner=columns.pop("sold_to_id", None),
            product=columns.pop("product_id", example.unique("Goods")),
            line_number=str(seen[document]),
            stream=columns.pop("stream", "sell_through" if third_party else "sell_in"),
            authorization_number=given.get("quotes"),
            **columns,
        )
