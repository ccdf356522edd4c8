"""The results of a simulation as tables that screen, workbook and chart page show alike.

What belongs here: which tables there are, their columns and their order. What does not: figures (results.py), how a
table looks on a medium.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orchestration.simulation.results import Amounts, Results
from orchestration.simulation.worlds import CURRENT

ZERO = Decimal(0)


@dataclass(frozen=True)
class Column:
    """A column. ``kind``: text, integer, money or number (exact, without zeros at its end)."""

    title: str
    kind: str


@dataclass(frozen=True)
class Table:
    """A table: every row has a value, or None, for each column."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Report:
    """A simulation, ready to be shown.

    ``labels``: what each world is, by number, the current one (0) first where there is one. ``programs``: ids of the
    programs that were simulated; others that appear stack with them. ``facts``: what was simulated, on what.
    ``assumptions``: sentences on what the figures take for granted. ``minor_units``: by currency.
    """

    title: str
    labels: Mapping[int, str]
    programs: tuple[str, ...]
    results: Results
    facts: tuple[tuple[str, str], ...]
    assumptions: tuple[str, ...]
    minor_units: Mapping[str, int]
    as_of: str

    @property
    def variants(self) -> list[int]:
        """Numbers of the variants."""
        return [number for number in self.labels if number != CURRENT]

    def currency(self, program_id: str) -> str:
        """Currency of a program."""
        return next(total.currency for (key, _), total in self.results.totals.items() if key == program_id)


def heading(number: int) -> str:
    """What heads a column of a world."""
    return "current" if number == CURRENT else f"variant {number}"


def settings_table(report: Report) -> Table:
    """What each variant sets."""
    rows = tuple((heading(number), label) for number, label in report.labels.items())
    return Table("Variants", (Column("", "text"), Column("what it is", "text")), rows)


def summary(report: Report) -> Table:
    """A row per program and world: payout, difference to the current versions, on what, to how many."""
    totals = report.results.totals
    ids = sorted({key for key, _ in totals}, key=lambda key: (key not in report.programs, key))
    unpaid = any(total.unpaid for total in totals.values())
    columns = (
        Column("", "text"),
        Column("program", "text"),
        Column("payout", "money"),
        Column("", "text"),
        Column("difference", "money"),
        Column("in %", "number"),
        Column("payees", "integer"),
        Column("payouts", "integer"),
        Column("payout base", "number"),
        Column("per 100", "number"),
        *([Column("not payable", "money")] if unpaid else []),
    )
    rows = []
    for program_id, number in ((program_id, number) for program_id in ids for number in report.labels):
        total, before = totals.get((program_id, number)), totals.get((program_id, CURRENT))
        if total is None:
            continue
        difference = None if before is None or number == CURRENT else total.payout - before.payout
        row = (
            heading(number),
            total.versions,
            total.payout,
            total.currency,
            difference,
            None if before is None or difference is None else _per_hundred(difference, before.payout),
            total.payees,
            total.payouts,
            total.payout_base.quantize(Decimal("0.01")),
            _per_hundred(total.payout, total.payout_base),
        )
        rows.append((*row, total.unpaid) if unpaid else row)
    return Table("Payouts", columns, tuple(rows))


def cuts(report: Report, shown: Sequence[int] | None = None) -> dict[str, Table]:
    """Payout by partner, tier, segment and month: a column per world (those shown), and the difference between two."""
    found = report.results
    numbers = [number for number in report.labels if shown is None or number in shown]
    return {
        "partner": _cut(report, "By partner", ("partner", "name"), found.partners, numbers, _largest_first),
        "tier": _cut(report, "By tier reached", ("tier",), found.tiers, numbers, _by_label, found.tier_payouts),
        "segment": _cut(report, "By segment", ("segment of", "segment"), found.segments, numbers, _by_label),
        "month": _cut(report, "By month of the line", ("month",), found.months, numbers, _by_label),
    }


def _cut(
    report: Report,
    title: str,
    labels: Sequence[str],
    cut: Mapping[Any, Amounts],
    numbers: Sequence[int],
    order: Callable[[Any, list[Decimal]], Any],
    counts: Mapping[Any, Mapping[int, int]] | None = None,
) -> Table:
    """One cut as a table. The column of the program is left out where there is only one."""
    first = 0 if len(report.programs) > 1 else 1
    compared = CURRENT in numbers and len(numbers) == 2  # the current one and one variant
    columns = [Column(label, "text") for label in ("program", *labels)][first:]
    columns += [Column(heading(number), "money") for number in numbers]
    columns += [Column("difference", "money")] if compared else []
    columns += [Column(f"payouts, {heading(number)}", "integer") for number in numbers] if counts else []
    amounts = {
        key: [found.get(number, ZERO) for number in numbers]
        for key, found in cut.items()
        if any(number in found for number in numbers)
    }
    rows = []
    for key in sorted(amounts, key=lambda key: order(key, amounts[key])):
        row: list[Any] = [key[0], *_texts(labels[0], key[1:])][first:]
        row += amounts[key]
        row += [amounts[key][1] - amounts[key][0]] if compared else []
        row += [counts[key].get(number, 0) for number in numbers] if counts else []
        rows.append(tuple(row))
    return Table(title, tuple(columns), tuple(rows))


def _by_label(key: tuple[Any, ...], amounts: list[Decimal]) -> tuple[Any, ...]:
    return key


def _largest_first(key: tuple[Any, ...], amounts: list[Decimal]) -> tuple[Any, ...]:
    return (key[0], -max(map(abs, amounts)), key)


def _texts(label: str, key: tuple[Any, ...]) -> tuple[str, ...]:
    """The labels of a row in words."""
    if label == "tier":
        return (f"tier {key[0]}" if key[0] else "none",)
    if label == "partner":
        return (key[0] or "(nobody entitled)", key[1])
    return tuple(text or "(none)" for text in key)


def _per_hundred(part: Decimal, whole: Decimal) -> Decimal | None:
    """A part per hundred of a whole above zero, two places."""
    return (part * 100 / whole).quantize(Decimal("0.01")) if whole > 0 else None
