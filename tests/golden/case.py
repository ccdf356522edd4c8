"""A published case in the making: documents, lines, and the figures that must come out.

What belongs here: what every translation needs. What does not: the cases themselves (worked.py,
engine.py), and the published figures: they are read from the JSON files, never typed again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.golden.document import Document, document
from tests.reference.build import line, product

HERE = Path(__file__).parent
AS_OF = date(2023, 12, 15)
YEARS = ("2022-01-01", "2023-12-31")
"""Validity of a program where the case names no dates."""
DAY = date(2022, 3, 1)
"""Date of a line where the case names none."""

PASSES = "passes"
SPELLED_OUT = "passes, spelled out"
CONTRADICTS = "contradicts its own rules"
OTHER_RULE = "another rule"
OUT_OF_SCOPE = "out of scope"


@dataclass(frozen=True)
class Term:
    """A figure of one program and participant, times ``weight``; without a period the sum over all of them.

    ``what``: payout, payout_base, basis (of fct_qualification), or tier_<n> (amount in fct_tier_application).
    """

    program_key: str
    participant_id: str
    weight: Decimal = Decimal(1)
    period_id: str | None = None
    what: str = "payout"


@dataclass(frozen=True)
class Check:
    """One figure: a sum of terms. ``published`` where the published figure is another one."""

    name: str
    expected: Decimal
    terms: tuple[Term, ...]
    published: Decimal | None = None


@dataclass(frozen=True)
class Case:
    """One published case. Without checks it is not run, and the reason says why.

    ``entities``: rows of other entities than lines and partners, by entity.
    """

    id: str
    file: str
    source: str
    status: str
    reason: str = ""
    checks: tuple[Check, ...] = ()
    documents: tuple[Document, ...] = ()
    lines: tuple[dict[str, Any], ...] = ()
    entities: Mapping[str, Sequence[dict[str, Any]]] = field(default_factory=dict)


@dataclass
class Draft:
    """A case in the making. A state of it ("after two purchases") is a partner of its own."""

    published: Mapping[str, Any]
    status: str = PASSES
    reason: str = ""
    checks: list[Check] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def program_id(self) -> str:
        """The case's id as a program id: capitals, digits, hyphens."""
        return re.sub(r"[^A-Z0-9]+", "-", self.published["id"].upper())

    def partner(self, state: str) -> str:
        """The partner that stands for a state of the case."""
        return f"{self.published['id']}:{state}"

    def product(self, name: str) -> str:
        """The product of that name: no other case has it."""
        return f"{self.published['id']}:{name}"

    def program(self, levels: Sequence[Mapping[str, str]] | None = None, suffix: str = "", **fields: Any) -> str:
        """Add a program; returns its key."""
        fields.setdefault("valid", YEARS)
        made = document(self.program_id + suffix, levels, **fields)
        self.documents.append(made)
        return f"{made['id']}@{made['version']}"

    def buy(self, state: str, amount: str | None, quantity: str | None = None, **columns: Any) -> None:
        """Add a purchase of the partner of that state; an unknown amount or quantity does not matter."""
        number = f"{self.published['id']}-{len(self.lines) + 1}"
        columns.setdefault("document_date", DAY)
        name = self.product(columns.pop("product", "P1"))
        self.products.setdefault(name, product(name))
        self.lines.append(
            line(
                columns.pop("number", number),
                amount if amount is not None else quantity or "0",
                quantity=quantity if quantity is not None else "1",
                partner=columns.pop("sold_to", self.partner(state)),
                product=name,
                source="golden",
                **columns,
            )
        )

    def term(
        self, key: str, state: str, weight: str | int = 1, period: str | None = None, what: str = "payout"
    ) -> Term:
        """Return a term of a figure."""
        return Term(key, self.partner(state), Decimal(weight), period, what)

    def expect(self, name: str, *terms: Term, ours: str | None = None, published: str | None = None) -> None:
        """Add a figure: the published one of that name, unless ``ours`` says what our rules give instead.

        ``published``: the published figure, where it does not stand under that name.
        """
        stated = Decimal(published if published is not None else _figure(self.published["expected"], name))
        expected = stated if ours is None else Decimal(ours)
        self.checks.append(Check(name, expected, terms, None if expected == stated else stated))

    def done(self, file: str) -> Case:
        """Return the finished case."""
        return Case(
            self.published["id"],
            file,
            f"{self.published['system']}: {self.published['source']}",
            self.status,
            self.reason,
            tuple(self.checks),
            tuple(self.documents),
            tuple(self.lines),
            {"product": list(self.products.values()), **self.others},
        )


def _figure(expected: Mapping[str, Any], name: str) -> str:
    match = re.fullmatch(r"(\w+)\[(\d+)\]", name)
    return str(expected[match[1]][int(match[2])] if match else expected[name])


def published(file: str) -> list[dict[str, Any]]:
    """Return the cases of a file as they were published."""
    cases: list[dict[str, Any]] = json.loads((HERE / f"{file}.json").read_text(encoding="utf-8"))
    return cases
