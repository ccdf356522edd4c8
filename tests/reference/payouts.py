"""What one program pays by itself: basis, tiers, gates, floor and cap of every participant and period.

What belongs here: semantics 4 to 6 up to the limits of the participant. What does not: limits of the
whole program, other programs, sharing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.reference import exact
from tests.reference.eligibility import Counted, Judge, Judged
from tests.reference.measures import PERCENTAGES, Gate, Value, gate, measure
from tests.reference.program import Program
from tests.reference.tiers import Applied, Tier, apply, reached


@dataclass
class Payout:
    """One participant in one period. Amounts of money in minor units of the currency.

    ``cumulative``: after gates, floor and cap, from the program's start under ``to_date``, else of the
    period. ``alone``: the period's part of it. ``final``: what stands after everything else. ``lost``:
    another program of a best_of group pays instead.
    """

    participant_id: str
    period_id: str
    basis: Value
    payout_base: Fraction
    have: list[Tier]
    following: Tier | None
    applied: list[Applied]
    gates: list[Gate]
    has_lines: bool
    uncapped: int
    cumulative: int
    alone: int
    next_payout: int | None
    final: int
    limited_by: list[str] = field(default_factory=list)
    lost: bool = False

    @property
    def gates_hold(self) -> bool:
        """Whether all gates hold."""
        return all(each.holds for each in self.gates)

    def change(self, units: int, name: str) -> None:
        """Put another amount in the place of the payout, if it is another one, and say what did it."""
        if units != self.final:
            self.final = units
            self.limited_by.append(name)


class Lines:
    """The lines that count in one scope, by participant and period."""

    def __init__(self, judged: Judged) -> None:
        self._by: defaultdict[tuple[str, str], list[Counted]] = defaultdict(list)
        for each in judged.counted.values():
            self._by[each.participant_id, each.period_id].append(each)

    def participants(self, period_id: str) -> list[str]:
        """Return who has lines in the period."""
        return [who for who, period in self._by if period == period_id]

    def of(self, participant_id: str, periods: Sequence[str]) -> list[Counted]:
        """Return the participant's lines of the periods."""
        return [each for period in periods for each in self._by.get((participant_id, period), ())]


@dataclass(frozen=True)
class Material:
    """What a program is calculated from. ``lines`` and ``year_before`` by scope key."""

    program: Program
    digits: int
    periods: Mapping[str, Sequence[str]]
    lines: Mapping[str, Lines]
    year_before: Mapping[str, Lines]
    judge: Judge
    first_purchase: Mapping[str, date]

    def so_far(self, participant_id: str, period_id: str) -> list[str]:
        """Return the periods that count in this one: itself, under ``to_date`` all of the participant's up to it."""
        periods = list(self.periods[participant_id])
        return periods[: periods.index(period_id) + 1] if self.program.to_date else [period_id]

    def carriers(self, participant_id: str, period_id: str) -> list[Counted]:
        """Return the lines that carry the payout: the earning lines, without any the target lines."""
        periods = self.so_far(participant_id, period_id)
        earning = self.lines[self.program.earning.key].of(participant_id, periods)
        return earning or self.lines[self.program.target.key].of(participant_id, periods)


def alone(material: Material) -> dict[tuple[str, str], Payout]:
    """Return every participant's payouts by (participant, period), as if the program were the only one."""
    payouts = {}
    for participant_id, periods in material.periods.items():
        before = 0
        for period_id in periods:
            payout = _payout(material, participant_id, period_id, before)
            payouts[participant_id, period_id] = payout
            before = payout.cumulative if material.program.to_date else 0
    return payouts


def _payout(material: Material, participant_id: str, period_id: str, before: int) -> Payout:
    """``before``: the cumulative payout of the participant's previous period."""
    program, periods = material.program, material.so_far(participant_id, period_id)
    values = {
        what.number: measure(
            what,
            material.lines[what.scope_key].of(participant_id, periods),
            material.year_before[what.scope_key].of(participant_id, periods) if what.from_lines else (),
            participant_id,
            periods,
            material.judge,
            material.first_purchase,
        )
        for what in (program.basis, *program.gates)
    }
    gates = [gate(what, values[what.number]) for what in program.gates]
    hold = all(each.holds for each in gates)
    basis = values[0]
    payout_base = _payout_base(material, participant_id, periods, basis)
    have = [] if basis.value is None else reached(program.tiers, basis.value, program.row["boundary"])
    applied = apply_tiers(program, have, basis, basis.value or Fraction(0), payout_base)
    uncapped = exact.round_half_away(sum((tier.amount for tier in applied), Fraction(0)), material.digits)
    has_lines = any(material.lines[s.key].of(participant_id, periods) for s in (program.target, program.earning))
    cumulative, limited_by = limited(material, uncapped, hold, has_lines, len(periods))
    following = program.tiers[len(have)] if basis.value is not None and len(have) < len(program.tiers) else None
    upcoming = None if following is None else _next(material, [*have, following], basis, payout_base)
    return Payout(
        participant_id=participant_id,
        period_id=period_id,
        basis=basis,
        payout_base=payout_base,
        have=have,
        following=following,
        applied=applied,
        gates=gates,
        has_lines=has_lines,
        uncapped=uncapped,
        cumulative=cumulative,
        alone=cumulative - before,
        next_payout=None if upcoming is None else limited(material, upcoming, hold, True, len(periods))[0] - before,
        final=cumulative - before,
        limited_by=limited_by,
    )


def _payout_base(material: Material, participant_id: str, periods: Sequence[str], basis: Value) -> Fraction:
    """Return what the rates are applied to: purchases, or the growth."""
    program = material.program
    if program.row["basis"] == "growth" and program.row["growth_payout"] != "all":
        return growth(basis.actual, basis)
    lines = material.lines[program.earning.key].of(participant_id, periods)
    return sum((exact.fraction(program.weight(each.amount, each.quantity)) for each in lines), Fraction(0))


def growth(actual: Fraction, basis: Value) -> Fraction:
    """Return the growth itself; nothing without a baseline."""
    return max(Fraction(0), actual - basis.figure) if basis.figure is not None and basis.figure > 0 else Fraction(0)


def apply_tiers(
    program: Program, have: Sequence[Tier], basis: Value, value: Fraction, payout_base: Fraction
) -> list[Applied]:
    """Return what the reached tiers pay by the program's method."""
    increment = program.row["increment"]
    return apply(
        program.row["method"],
        program.tiers,
        have,
        value,
        payout_base,
        lump_sum=program.row["lump_sum"] or "highest",
        increment=None if increment is None else exact.fraction(increment),
        growth_of=basis.figure if program.row["growth_payout"] == "marginal_growth" else None,
    )


def limited(material: Material, units: int, hold: bool, has_lines: bool, periods: int) -> tuple[int, list[str]]:
    """Return the payout after gates, floor and cap, and which of them changed it.

    Floor and cap count once for each period; what they have beyond minor units is cut off.
    """
    row, names = material.program.row, []
    if not hold:
        return 0, ["gate"] if units else []
    if row["participant_floor"] is not None and has_lines:
        floor = exact.cut(exact.fraction(row["participant_floor"]) * periods, material.digits)
        if units < floor:
            units, names = floor, ["floor"]
    if row["participant_cap"] is not None:
        cap = exact.cut(exact.fraction(row["participant_cap"]) * periods, material.digits)
        if units > cap:
            units, names = cap, [*names, "cap"]
    return units, names


def _next(material: Material, have: Sequence[Tier], basis: Value, payout_base: Fraction) -> int | None:
    """Return what the next tier would pay, its threshold just reached; None where that is not known.

    The payout base grows as the basis does (for a share it stays, growth grows by what is missing);
    from nothing it grows to the basis itself, where both are in one unit. A threshold of zero is reached
    by anything above it, so what that pays is not known either.
    """
    program, threshold = material.program, have[-1].threshold
    assert basis.value is not None
    if threshold == 0:
        return None
    actual: Fraction | None = threshold
    if program.row["basis"] in PERCENTAGES:
        actual = threshold * basis.figure / 100 if basis.figure is not None and basis.figure > 0 else None
    unit = "quantity" if program.row["rate_kind"] == "per_unit" else "amount"
    base: Fraction | None = None
    if program.row["method"] == "lump_sum":
        base = Fraction(0)
    elif program.row["basis"] == "growth" and program.row["growth_payout"] != "all":
        base = None if actual is None else growth(actual, basis)
    elif program.row["basis"] == "share":
        base = payout_base
    elif basis.value > 0:
        base = payout_base * threshold / basis.value
    elif _unit(program) == unit:
        base = actual
    if base is None:
        return None
    applied = apply_tiers(program, have, basis, threshold, base)
    return exact.round_half_away(sum((tier.amount for tier in applied), Fraction(0)), material.digits)


def _unit(program: Program) -> str:
    """Return what the basis is (a percentage) of: amount, quantity, or a count."""
    kind: str = program.row["basis"]
    return program.basis.row["of"] if kind in PERCENTAGES else kind
