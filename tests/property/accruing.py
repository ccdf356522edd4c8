"""Accrual methods for random programs.

What belongs here: drawing how the liability of a running period is found. What does not: the programs (world.py).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from tests.golden.document import Document
from tests.property import world
from tests.property.world import Choice

RUNNING = {"month": "2023-12", "quarter": "2023-Q4", "half_year": "2023-H2", "year": "2023", "program": "program"}
"""The period of each measurement that runs on after world.AS_OF, in calendar months."""


def accruing(documents: Sequence[Document], start: int) -> list[Document]:
    """Give every third document with tiers, and those of lump sums, a method that is not `earned`."""
    choice = Choice(random.Random(start).randint)
    return [{**each, "accrual": _accrual(choice, each)} if _takes_one(choice, each) else each for each in documents]


def _takes_one(choice: Choice, document: Document) -> bool:
    return "tiers" in document and (document["tiers"]["method"] == "lump_sum" or not choice.once_in(3))


def _accrual(choice: Choice, document: Document) -> dict[str, Any]:
    method = choice.one("expected", "expected", "expected", "most_likely", "most_likely", "fixed_rate")
    if document["tiers"]["method"] == "lump_sum" and choice.once_in(2):
        return {"method": "straight_line"}
    if method == "fixed_rate":
        return {"method": method, **choice.one({"percent": "1.25"}, {"per_unit": "0.037"})}
    kind = document["basis"]["kind"]
    forecast = choice.one("run_rate", "given", "run_rate" if kind == "count" else "seasonality")
    accrual: dict[str, Any] = {"method": method, "forecast": forecast}
    if forecast == "given":
        accrual["figures"] = _figures(choice, document, {"amount": 3000, "quantity": 60, "count": 9}.get(kind, 300))
    return accrual


def _figures(choice: Choice, document: Document, high: int) -> dict[str, Any]:
    who = document["participants"]
    names = [*world.PARTNERS, *world.DISTRIBUTORS] if document["aggregate"] == "participant" else [*world.GROUPS]
    if not who.get("all") and not who.get("segments"):
        names = [*who.get("partners", ()), *who.get("groups", ())]
    places = 0 if document["basis"]["kind"] == "count" else 2
    period = RUNNING[document["measurement"]]
    given = {name: {period: choice.number(1, high, places)} for name in names if not choice.once_in(4)}
    return given or {names[0]: {period: "100"}}
