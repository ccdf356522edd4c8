"""What is measured on lines: the basis of the tiers, and gates.

What belongs here: semantics 4. What does not: which lines count, what is paid.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from tests.reference.eligibility import Counted, Judge
from tests.reference.exact import fraction
from tests.reference.lines import Row
from tests.reference.program import Measure

PERCENTAGES = ("growth", "attainment", "share")

OPERATORS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "=": operator.eq,
}
"""How a gate compares actual and required."""


@dataclass(frozen=True)
class Value:
    """``actual``: what was counted; ``figure``: what it is set against; ``value``: what is compared.

    ``value`` is in money, base units, percent or a number of things; None where there is nothing to
    take a percentage of.
    """

    actual: Fraction
    figure: Fraction | None
    value: Fraction | None


@dataclass(frozen=True)
class Gate:
    """One gate of one payout. ``actual``: None where there is nothing to take a percentage of."""

    number: int
    actual: Fraction | None
    required: Fraction
    holds: bool


def measure(
    what: Measure,
    lines: Sequence[Counted],
    year_before: Sequence[Counted],
    participant_id: str,
    periods: Sequence[str],
    judge: Judge,
    first_purchase: Mapping[str, date],
) -> Value:
    """Return what the lines of one participant measure. ``periods``: those that they are of.

    ``year_before``: the lines of the same periods one fiscal year before.
    Raises ValueError for an unknown kind.
    """
    row = what.row
    kind = row["kind"]
    if kind in ("amount", "quantity"):
        total = _sum(kind, lines)
        return Value(total, None, total)
    if kind == "count":
        number = Fraction(len(_things(row["counted"], lines, first_purchase)))
        return Value(number, None, number)
    if kind == "share":
        subset = [each for each in lines if judge.product_in(what.products, each.line.row["product_id"], each.day)]
        actual, figure = _sum(row["of"], subset), _sum(row["of"], lines)
        return Value(actual, figure, actual / figure * 100 if figure > 0 else None)
    if kind not in ("growth", "attainment"):
        raise ValueError(f"measure {kind}: expected amount, quantity, growth, attainment, share or count")
    actual = _sum(row["of"], lines)
    known = _sum(row["of"], year_before) if what.from_lines else _given(what, participant_id, periods)
    if kind == "growth" and (known is None or known <= 0):
        return _new_partner(row, actual, known)
    return Value(actual, known, actual / known * 100 if known is not None and known > 0 else None)


def _sum(of: str, lines: Sequence[Counted]) -> Fraction:
    return fraction(sum((each.quantity if of == "quantity" else each.amount for each in lines), Decimal(0)))


def _given(what: Measure, participant_id: str, periods: Sequence[str]) -> Fraction | None:
    """Return the sum of the figures that are given for the periods; None where none is."""
    given = [what.figures[participant_id, period] for period in periods if (participant_id, period) in what.figures]
    return sum(given, Fraction(0)) if given else None


def _new_partner(row: Row, actual: Fraction, known: Fraction | None) -> Value:
    """Return what stands for the growth of a participant without a baseline."""
    if row["treat_as"] is not None:
        return Value(actual, known, fraction(row["treat_as"]) if actual > 0 else Fraction(0))
    if row["new_partner_baseline"] is not None:
        figure = fraction(row["new_partner_baseline"])
        return Value(actual, figure, actual / figure * 100)
    return Value(actual, known, None)


def _things(counted: str, lines: Sequence[Counted], first_purchase: Mapping[str, date]) -> set[object]:
    """Return the distinct things that are counted; end customers who are not known do not count."""
    rows = [each.line.row for each in lines]
    if counted == "documents":
        return {(row["source"], row["document_number"]) for row in rows}
    if counted == "end_customers":
        return {row["end_customer_id"] for row in rows} - {None}
    if counted == "first_time_end_customers":
        return {
            row["end_customer_id"] for row in rows if row["document_date"] == first_purchase.get(row["end_customer_id"])
        }
    raise ValueError(f"counted {counted}: expected documents, end_customers or first_time_end_customers")


def gate(what: Measure, value: Value) -> Gate:
    """Hold the value against what the gate requires."""
    required = fraction(what.row["required"])
    holds = value.value is not None and OPERATORS[what.row["operator"]](value.value, required)
    return Gate(what.number, value.value, required, holds)
