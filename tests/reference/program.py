"""Program versions as objects: the rows of the program tables, put together by key.

What belongs here: reading the tables of docs/architecture.md. What does not: lines, figures that follow
from lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.reference.exact import fraction
from tests.reference.lines import Row
from tests.reference.tiers import Tier

Tables = Mapping[str, Sequence[Row]]

PRODUCT_DIMENSIONS = ("sku", "family", "brand", "category", "product_segment")
"""Alternatives: a product is in when any include names it and no exclude does."""

LINE_DIMENSIONS = ("document_type", "channel", "region", "end_customer_segment")
"""Must hold one beside the other; without an include there is no limit."""


@dataclass(frozen=True)
class Scope:
    """Which lines count: streams, limits, and rules by dimension."""

    key: str
    row: Row
    products: tuple[Row, ...]
    rules: Mapping[str, tuple[Row, ...]]

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that it reads."""
        stream: str = self.row["stream"]
        return ("sell_in", "sell_through") if stream == "both" else (stream,)


@dataclass(frozen=True)
class Measure:
    """What the tiers look at (number 0), or a gate."""

    number: int
    row: Row
    products: tuple[Row, ...]
    figures: Mapping[tuple[str, str], Fraction]

    @property
    def scope_key(self) -> str:
        """The scope whose lines it measures."""
        key: str = self.row["scope_key"]
        return key

    @property
    def from_lines(self) -> bool:
        """Whether it needs the lines of the year before."""
        return bool(self.row["baseline"] == "lines")


@dataclass(frozen=True)
class Program:
    """One program version."""

    row: Row
    tiers: tuple[Tier, ...]
    scopes: Mapping[str, Scope]
    basis: Measure
    gates: tuple[Measure, ...]
    participants: tuple[Row, ...]
    enrolments: tuple[Row, ...]
    authorizations: tuple[Row, ...]
    payees: tuple[Row, ...]
    accrual_figures: Mapping[tuple[str, str], Fraction] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """``<id>@<version>``."""
        key: str = self.row["program_key"]
        return key

    @property
    def program_id(self) -> str:
        """The id that all versions share."""
        return self.key.partition("@")[0]

    @property
    def first_day(self) -> date:
        """The first day whose lines count."""
        day: date = self.row["valid_from"]
        return day

    @property
    def last_day(self) -> date:
        """The last day whose lines count."""
        day: date = self.row["valid_to"]
        return day

    @property
    def to_date(self) -> bool:
        """Whether everything runs from the program's start."""
        return bool(self.row["cumulation"] == "to_date")

    @property
    def stacking(self) -> str:
        """The stacking rule; ``stack`` for a program that stands alone."""
        return self.row["stacking_rule"] or "stack"

    @property
    def earning(self) -> Scope:
        """The lines that are paid on."""
        return self.scopes[self.row["earning_scope"]]

    @property
    def target(self) -> Scope:
        """The lines that count towards the tiers."""
        return self.scopes[self.row["target_scope"]]

    def weight(self, amount: Decimal, quantity: Decimal) -> Decimal:
        """Return what a line brings into the payout base: base quantity (per unit), otherwise amount."""
        return quantity if self.row["rate_kind"] == "per_unit" else amount


def stacking_groups(tables: Tables) -> list[list[Program]]:
    """Return the calculated programs, those of one stacking group together, in their order.

    A program that stands alone is a group of its own.
    """
    index = {name: _by(name, rows) for name, rows in tables.items() if name in _OWNER}
    groups: defaultdict[tuple[str, str], list[Program]] = defaultdict(list)
    for row in tables["program"]:
        if row["calculated"]:
            alone = "" if row["stacking_group"] else row["program_key"]
            groups[row["stacking_group"] or "", alone].append(_program(row, index))
    return [
        sorted(groups[key], key=lambda program: (program.row["stacking_rank"] or 0, program.key))
        for key in sorted(groups)
    ]


_OWNER = {
    "program_tier": "program_key",
    "program_participant_rule": "program_key",
    "program_enrolment": "program_key",
    "program_scope": "program_key",
    "program_scope_rule": "scope_key",
    "program_measure": "program_key",
    "program_measure_product": "measure_key",
    "program_figure": "measure_key",
    "program_authorization": "program_key",
    "program_payee": "program_key",
}
"""The column of each table that names what its rows belong to."""

Index = Mapping[str, Mapping[str, Sequence[Row]]]


def _by(name: str, rows: Sequence[Row]) -> dict[str, list[Row]]:
    by_owner: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_owner[row[_OWNER[name]]].append(row)
    return dict(by_owner)


def _program(row: Row, index: Index) -> Program:
    key = row["program_key"]

    def rows(table: str, owner: str = key) -> tuple[Row, ...]:
        return tuple(index.get(table, {}).get(owner, ()))

    scopes = {
        scope["scope_key"]: _scope(scope, rows("program_scope_rule", scope["scope_key"]))
        for scope in rows("program_scope")
    }
    measures = [
        Measure(
            measure["gate_number"],
            measure,
            rows("program_measure_product", measure["measure_key"]),
            {
                (figure["participant_id"], figure["period_id"]): fraction(figure["figure"])
                for figure in rows("program_figure", measure["measure_key"])
            },
        )
        for measure in sorted(rows("program_measure"), key=lambda measure: measure["gate_number"])
    ]
    return Program(
        row=row,
        tiers=_tiers(rows("program_tier")),
        scopes=scopes,
        basis=measures[0],
        gates=tuple(measures[1:]),
        participants=rows("program_participant_rule"),
        enrolments=rows("program_enrolment"),
        authorizations=rows("program_authorization"),
        accrual_figures={
            (figure["participant_id"], figure["period_id"]): fraction(figure["figure"])
            for figure in rows("program_figure", f"{key}:accrual")
        },
        payees=tuple(sorted(rows("program_payee"), key=lambda payee: payee["payee_number"])),
    )


def _scope(row: Row, rules: Sequence[Row]) -> Scope:
    return Scope(
        row["scope_key"],
        row,
        tuple(rule for rule in rules if rule["dimension"] in PRODUCT_DIMENSIONS),
        {
            dimension: mine
            for dimension in LINE_DIMENSIONS
            if (mine := tuple(rule for rule in rules if rule["dimension"] == dimension))
        },
    )


def _tiers(rows: Sequence[Row]) -> tuple[Tier, ...]:
    mine: list[Any] = sorted(rows, key=lambda row: row["threshold"])
    bounds = [fraction(row["threshold"]) for row in mine]
    following: list[Fraction | None] = [*bounds[1:], None]
    return tuple(
        Tier(row["tier_number"], bound, end, fraction(row["rate"]), fraction(row["flat_amount"]))
        for row, bound, end in zip(mine, bounds, following, strict=True)
    )
