"""What should stand for running periods of programs that accrue by another method than what was earned.

What belongs here: semantics 10 up to the liability that should stand, and who it is owed to. What does not: what was
posted before.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from tests.reference import exact, limits
from tests.reference.eligibility import Counted
from tests.reference.measures import PERCENTAGES, Gate, Value, gate, measure
from tests.reference.payouts import Material, Payout, apply_tiers, growth, limited
from tests.reference.program import Measure, Program
from tests.reference.shares import parts
from tests.reference.tiers import apply, reached

PLACES = 10**12
FORECASTS = ("expected", "most_likely")

Key = tuple[str, str]
"""Participant and period."""


@dataclass(frozen=True)
class Estimate:
    """The liability of one participant's running period, in minor units, and by payee (empty: nobody)."""

    source: str | None
    payout: int
    liability: int
    payees: Mapping[str, int]
    limited_by: tuple[str, ...]


@dataclass(frozen=True)
class _Forecast:
    """``base`` and ``full_base``: payout base of the period's own lines, so far and forecast."""

    source: str
    payout: int
    gates: list[Gate]
    base: Fraction
    full_base: Fraction


def estimates(
    group: Sequence[tuple[Material, Mapping[Key, Payout]]], budgeted: Mapping[str, Mapping[Key, int]], as_of: date
) -> dict[tuple[str, str, str], Estimate]:
    """Return the estimates by (program_key, participant_id, period_id) for the programs of one stacking group.

    ``budgeted``: by program key what each payout is within its bounds and its budget. A program of a
    best_of group that accrues what was earned takes part where another of the group does not.
    """
    others = any(material.program.row.get("accrual_method", "earned") != "earned" for material, _ in group)
    best_of = any(material.program.stacking == "best_of" for material, _ in group)
    candidates: list[tuple[Material, dict[Key, Payout], dict[Key, _Forecast | None]]] = []
    for material, payouts in group:
        if material.program.row.get("accrual_method", "earned") != "earned" or (best_of and others):
            running = {at: payout for at, payout in payouts.items() if _is_running(material, at[1], as_of)}
            found = {at: _candidate(material, payout, as_of) for at, payout in running.items()}
            candidates.append(
                (material, {at: one for at, (one, _) in found.items()}, {at: one for at, (_, one) in found.items()})
            )
    if best_of:
        limits.best_of([(material.program, mine) for material, mine, _ in candidates])
    results = {}
    for material, mine, forecasts in candidates:
        program = material.program
        left = sum(units for at, units in budgeted[program.key].items() if at not in mine)
        limits.bound(_with_budget_left(program, exact.money(left, material.digits)), mine, material.digits)
        for at, payout in mine.items():
            liability = _liability(material, payout, forecasts[at], as_of)
            results[program.key, *at] = Estimate(
                forecast.source if (forecast := forecasts[at]) else None,
                payout.final,
                liability,
                _payees(material, at, liability),
                tuple(payout.limited_by),
            )
    return results


def _span(material: Material, period_id: str) -> tuple[date, date]:
    """First and last day of the period within the version's validity."""
    program = material.program
    first, last = material.judge.calendar(program).span(
        program.row["measurement"], period_id, program.first_day, program.last_day
    )
    return max(first, program.first_day), min(last, program.last_day)


def _is_running(material: Material, period_id: str, as_of: date) -> bool:
    return _span(material, period_id)[1] > as_of


def _days(material: Material, period_id: str, as_of: date) -> tuple[int, int]:
    first, last = _span(material, period_id)
    return (as_of - first).days + 1, (last - first).days + 1


def _with_budget_left(program: Program, spent: Decimal) -> Program:
    budget = program.row["budget"]
    if budget is None:
        return program
    return replace(program, row={**program.row, "budget": max(budget - spent, Decimal(0))})


def _candidate(material: Material, payout: Payout, as_of: date) -> tuple[Payout, _Forecast | None]:
    """Return the payout as programs are compared by it: the forecast, the rate, the lump sum, or what was earned."""
    method = material.program.row.get("accrual_method", "earned")
    if method == "earned":
        return replace(payout, final=payout.alone, limited_by=[], lost=False), None
    if method in FORECASTS:
        forecast = _forecast(material, payout, as_of)
        units = max(forecast.payout, 0)
        return replace(payout, final=units, gates=forecast.gates, limited_by=[], lost=False), forecast
    units = _fixed(material, payout) if method == "fixed_rate" else _lump_sum(material, payout)
    cap = material.program.row["participant_cap"]
    if cap is not None:
        units = min(units, exact.cut(exact.fraction(cap), material.digits))
    never = [Gate(0, None, Fraction(0), holds=False)]
    return replace(payout, final=units, gates=never, limited_by=[], lost=False), None


def _fixed(material: Material, payout: Payout) -> int:
    row = material.program.row
    lines = material.lines[material.program.earning.key].of(payout.participant_id, [payout.period_id])
    by_unit = row["accrual_rate_kind"] == "per_unit"
    base = exact.fraction(sum((each.quantity if by_unit else each.amount for each in lines), Decimal(0)))
    return exact.round_half_away(max(base, Fraction(0)) * exact.fraction(row["accrual_rate"]), material.digits)


def _lump_sum(material: Material, payout: Payout) -> int:
    """Return the flat amount of the reached tier (or of all), at least that of the first."""
    tiers = payout.have or material.program.tiers[:1]
    flats = tiers if material.program.row["lump_sum"] == "each" else tiers[-1:]
    return exact.cut(sum((tier.flat for tier in flats), Fraction(0)), material.digits)


def _liability(material: Material, payout: Payout, forecast: _Forecast | None, as_of: date) -> int:
    if payout.final <= 0:
        return 0
    if forecast is not None:
        if forecast.base <= 0 or forecast.full_base <= 0:
            return 0
        return exact.round_half_away(payout.final * forecast.base / forecast.full_base, 0)
    if material.program.row.get("accrual_method") == "straight_line":
        elapsed, total = _days(material, payout.period_id, as_of)
        return exact.round_half_away(Fraction(payout.final * elapsed, total), 0)
    return payout.final


def _payees(material: Material, at: Key, liability: int) -> dict[str, int]:
    """Share over payees by the period's own lines; without any it is the participant's, where it alone is paid."""
    if not liability:
        return {}
    program = material.program
    lines = material.lines[program.earning.key].of(at[0], [at[1]]) or material.lines[program.target.key].of(
        at[0], [at[1]]
    )
    if not lines:
        direct = [row["role"] for row in program.payees] == ["participant"] and program.row["aggregate"] != "group"
        return {at[0] if direct else "": liability}
    total: defaultdict[str, int] = defaultdict(int)
    for (_, payee, _), units in parts(program, liability, lines).items():
        total[payee] += units
    return dict(total)


# --- the forecast -----------------------------------------------------------------------------------
def _forecast(material: Material, payout: Payout, as_of: date) -> _Forecast:
    program = material.program
    who, period_id = payout.participant_id, payout.period_id
    periods = material.so_far(who, period_id)
    values = {what.number: _two(material, what, who, periods) for what in (program.basis, *program.gates)}
    source, numerator, denominator = _factor(material, who, period_id, values[0], as_of)

    def grown(own: Fraction) -> Fraction:
        """What is zero or less does not grow; cut at 12 places."""
        return Fraction(math.floor(own * PLACES * numerator / denominator), PLACES) if own > 0 else own

    given = program.accrual_figures.get((who, period_id)) if source == "given" else None
    full = {
        what.number: _full(what, *values[what.number], grown, None if what.number else given)
        for what in (program.basis, *program.gates)
    }
    gates = [gate(what, full[what.number]) for what in program.gates]
    base = _base(material, who, [period_id])
    before = _base(material, who, periods) - base
    basis = full[0]
    payout_base = before + grown(base)
    if program.row["basis"] == "growth" and program.row["growth_payout"] != "all":
        payout_base = growth(basis.actual, basis)
    have = [] if basis.value is None else reached(program.tiers, basis.value, program.row["boundary"])
    if program.row["accrual_method"] == "most_likely":
        method = "lump_sum" if program.row["method"] == "lump_sum" else "retrospective"
        applied = apply(method, program.tiers, have, basis.value or Fraction(0), payout_base, lump_sum="highest")
    else:
        applied = apply_tiers(program, have, basis, basis.value or Fraction(0), payout_base)
    units = exact.round_half_away(sum((tier.amount for tier in applied), Fraction(0)), material.digits)
    hold = all(each.holds for each in gates)
    cumulative, _ = limited(material, units, hold, payout.has_lines, len(periods))
    return _Forecast(source, cumulative - (payout.cumulative - payout.alone), gates, base, grown(base))


def _two(material: Material, what: Measure, who: str, periods: Sequence[str]) -> tuple[Value, Fraction]:
    """Return what is measured so far, and how much of it was before the running period."""

    def value(of: Sequence[str]) -> Value:
        lines = material.lines[what.scope_key].of(who, of)
        before = material.year_before[what.scope_key].of(who, of) if what.from_lines else ()
        return measure(what, lines, before, who, of, material.judge, material.first_purchase)

    return value(periods), value(periods[:-1]).actual if len(periods) > 1 else Fraction(0)


def _stays(what: Measure, value: Value) -> bool:
    """Whether it does not grow with the lines: a share, or a growth that is taken as given."""
    kind = what.row["kind"]
    return kind == "share" or (kind == "growth" and (value.figure is None or value.figure <= 0))


def _base(material: Material, who: str, periods: Sequence[str]) -> Fraction:
    lines = material.lines[material.program.earning.key].of(who, periods)
    weights = (material.program.weight(each.amount, each.quantity) for each in lines)
    return exact.fraction(sum(weights, Decimal(0)))


def _cut(value: Fraction) -> Fraction:
    return Fraction(math.trunc(value * PLACES), PLACES)


def _factor(
    material: Material, who: str, period_id: str, basis: tuple[Value, Fraction], as_of: date
) -> tuple[str, Fraction, Fraction]:
    """Return by what the period's own lines grow until its end, and where that comes from."""
    program = material.program
    value, before = basis
    own = value.actual - before
    elapsed, total = _days(material, period_id, as_of)
    days = (Fraction(total), Fraction(elapsed))
    forecast = program.row["accrual_forecast"]
    given = program.accrual_figures.get((who, period_id))
    stays = _stays(program.basis, value)
    if forecast == "given" and given is not None and (own > 0 or stays):
        if stays:
            return ("given", *days)
        of = value.figure
        if of is None and program.row["basis"] not in PERCENTAGES:
            return "given", max(given - before, own), own
        if of is not None and of > 0:
            return "given", max(_cut(given / 100 * of) - before, own), own
    if forecast == "seasonality":
        year = material.year_before[program.target.key]
        mine = year.of(who, [period_id])
        everybody = [line for one in year.participants(period_id) for line in year.of(one, [period_id])]
        for source, lines in (("seasonality", mine), ("seasonality_of_all", everybody)):
            whole, gone_by = _sum(program, lines), _sum(program, [one for one in lines if one.day <= as_of])
            if whole > 0 and gone_by > 0:
                return source, whole, gone_by
    return ("run_rate", *days)


def _sum(program: Program, lines: Sequence[Counted]) -> Fraction:
    by_quantity = "quantity" in (program.basis.row["kind"], program.basis.row["of"])
    return exact.fraction(sum((each.quantity if by_quantity else each.amount for each in lines), Decimal(0)))


def _full(
    what: Measure, value: Value, before: Fraction, grown: Callable[[Fraction], Fraction], given: Fraction | None
) -> Value:
    """Return what will be measured at the period's end."""
    figure = value.figure
    if _stays(what, value):
        if given is None or value.value is None:
            return value
        if what.row["kind"] == "growth":
            return replace(value, value=given)
        assert figure is not None
        return replace(value, value=_cut(given / 100 * figure) / figure * 100)
    actual = before + grown(value.actual - before)
    if value.value is None or figure is None:
        return Value(actual, figure, None if value.value is None else actual)
    return Value(actual, figure, actual / figure * 100)
