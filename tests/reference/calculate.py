"""The calculator: ``calculate(inputs) -> Results``.

What belongs here: inputs, results, and the order of the steps, from accepted rows to shares. The steps
stand in modules of their own, in this order: lines, periods, master, program, eligibility, prices,
measures, tiers, payouts, limits, shares, accruals. What does not: reading files.

>>> inputs = Inputs(programs=tables, entities=rows, as_of=date(2017, 6, 30))   # doctest: +SKIP
>>> calculate(inputs).payouts["P-1@1", "R-367", "2017-Q2"]                     # doctest: +SKIP
Decimal('350.00')
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

from tests.reference import accruals, exact, limits, prices
from tests.reference.accruals import Estimate
from tests.reference.eligibility import Counted, Judge, Judged
from tests.reference.limits import Fund
from tests.reference.lines import Rates, Row, Units, current_lines, first_purchases, newest
from tests.reference.master import Master, Segments
from tests.reference.measures import Gate
from tests.reference.payouts import Lines, Material, Payout, alone
from tests.reference.periods import calendar_months, calendars
from tests.reference.program import Program, stacking_groups
from tests.reference.shares import share
from tests.reference.tiers import Applied

PayoutKey = tuple[str, str, str]
"""program_key, participant_id, period_id."""

CALENDAR_MONTHS = tuple(calendar_months())


@dataclass(frozen=True)
class Inputs:
    """Everything that a calculation depends on, as plain dictionaries.

    ``programs``: table name to rows, as in docs/architecture.md (program, program_tier, …).
    ``entities``: entity name to rows of accepted/. ``minor_units``: decimals of a currency (2 where
    it is not named). ``fiscal_months``: the rows of seeds/reference/fiscal_month.csv.
    """

    programs: Mapping[str, Sequence[Row]]
    entities: Mapping[str, Sequence[Row]]
    as_of: date
    segments: Sequence[Row] = ()
    segment_rules: Sequence[Row] = ()
    minor_units: Mapping[str, int] = field(default_factory=dict)
    fiscal_months: Sequence[Row] = CALENDAR_MONTHS


@dataclass(frozen=True)
class Qualification:
    """What one participant reached in one period.

    ``basis``: what the tiers look at, ``actual`` and ``figure`` what it comes from, ``gap`` to the next
    tier, ``payout_base`` and ``unrounded``: exact. ``uncapped_payout``: rounded, before gates and
    limits (under ``to_date`` cumulative). ``payout``: what stands. ``shortfall``: what other programs,
    program bounds, budget and expiry took. ``next_payout``: what the next tier would pay, None where
    there is none or it is not known.
    """

    basis: Fraction | None
    actual: Fraction
    figure: Fraction | None
    payout_base: Fraction
    tier_number: int | None
    next_tier_number: int | None
    gap: Fraction | None
    gates_hold: bool
    unrounded: Fraction
    uncapped_payout: Decimal
    limited_by: tuple[str, ...]
    shortfall: Decimal
    payout: Decimal
    next_payout: Decimal | None


@dataclass(frozen=True)
class Share:
    """What one line brings one payee (None: unpaid) through one program. Never zero."""

    program_key: str
    participant_id: str
    period_id: str
    member_id: str
    payee_id: str | None
    line_key: str
    amount: Decimal


@dataclass
class Results:
    """Every figure, by key."""

    counted: dict[str, list[Counted]] = field(default_factory=dict)
    """scope_key to the lines that count, after stacking."""
    excluded: dict[tuple[str, str], str] = field(default_factory=dict)
    """(scope_key, line_key) to the reason."""
    qualification: dict[PayoutKey, Qualification] = field(default_factory=dict)
    gates: dict[PayoutKey, list[Gate]] = field(default_factory=dict)
    tiers: dict[PayoutKey, list[Applied]] = field(default_factory=dict)
    payouts: dict[PayoutKey, Decimal] = field(default_factory=dict)
    shares: list[Share] = field(default_factory=list)
    estimates: dict[PayoutKey, Estimate] = field(default_factory=dict)
    """What should stand for running periods that do not accrue what was earned."""
    authorizations: dict[str, prices.Use] = field(default_factory=dict)
    """authorization_id to what was drawn from it."""
    funds: dict[tuple[str, str], Fund] = field(default_factory=dict)
    """(program_key, partner_id) to the fund."""

    def payees(self) -> dict[tuple[str, str, str, str | None], Decimal]:
        """Amount per (program_key, participant_id, period_id, payee_id); payee None: unpaid."""
        total: defaultdict[tuple[str, str, str, str | None], Decimal] = defaultdict(Decimal)
        for each in self.shares:
            total[each.program_key, each.participant_id, each.period_id, each.payee_id] += each.amount
        return dict(total)

    def line_rebates(self) -> dict[tuple[str, str, str | None], Decimal]:
        """Amount per (program_key, line_key, payee_id), over all periods; payee None: unpaid."""
        total: defaultdict[tuple[str, str, str | None], Decimal] = defaultdict(Decimal)
        for each in self.shares:
            total[each.program_key, each.line_key, each.payee_id] += each.amount
        return dict(total)

    def liability(self) -> dict[tuple[str, str, str], Decimal]:
        """Earned to date per (program_key, payee_id, period_id); what is unpaid is owed to nobody."""
        total: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for each in self.shares:
            if each.payee_id is not None:
                total[each.program_key, each.payee_id, each.period_id] += each.amount
        return dict(total)


def calculate(inputs: Inputs) -> Results:
    """Everything from accepted rows to shares, for the programs that are calculated.

    Raises decimal.Inexact when an amount cannot be held exactly, KeyError or ValueError when a
    program names something that does not exist.
    """
    with localcontext(exact.EXACT):
        calculation = _Calculation(inputs)
        for group in stacking_groups(inputs.programs):
            calculation.group(group)
        return calculation.results


class _Calculation:
    """One calculation: what all programs share, and the results so far."""

    def __init__(self, inputs: Inputs) -> None:
        entities = inputs.entities
        master = Master(entities)
        units = Units(master.products.values(), newest(entities.get("product_unit", ()), ("product_id", "unit")))
        rates = Rates(newest(entities.get("fx_rate", ()), ("from_currency", "to_currency", "rate_date")))
        self._inputs = inputs
        self._lines = current_lines(entities.get("line", ()), inputs.as_of, units)
        segments = Segments(inputs.segments, inputs.segment_rules, master, self._lines, rates)
        self._judge = Judge(master, segments, rates, calendars(inputs.fiscal_months))
        self._first_purchase = first_purchases(self._lines)
        self._claims = newest(entities.get("fund_claim", ()), ("claim_id",))
        self._budgeted: dict[str, dict[tuple[str, str], int]] = {}
        self.results = Results()

    def group(self, programs: Sequence[Program]) -> None:
        """Calculate the programs of one stacking group, in their order."""
        claimed: dict[str, str] = {}
        paid: defaultdict[str, list[tuple[str, Decimal]]] = defaultdict(list)
        found = []
        for program in programs:
            material = self._material(program, claimed, paid)
            payouts = alone(material)
            found.append((material, payouts))
            if program.stacking != "best_of":
                self._finish(material, payouts, paid)
        if any(program.stacking == "best_of" for program in programs):
            limits.best_of([(material.program, payouts) for material, payouts in found])
            for material, payouts in found:
                self._finish(material, payouts, paid)
        self.results.estimates |= accruals.estimates(found, self._budgeted, self._inputs.as_of)

    def _material(
        self, program: Program, claimed: dict[str, str], paid: Mapping[str, Sequence[tuple[str, Decimal]]]
    ) -> Material:
        """Judge the program's lines, after what the earlier programs of its group have left of them.

        ``claimed``: by line the program that has claimed it (``priority``); ``paid``: by line what
        earlier programs pay on it (``net_of``).
        """
        judged = {key: self._judge.scope(program, scope, self._lines) for key, scope in program.scopes.items()}
        if program.row["price_method"]:
            self.results.authorizations |= prices.price(program, judged[program.earning.key])
        if program.stacking == "priority":
            _claim(program, judged, claimed)
        if program.row["reduced_by_earlier"]:
            for each in judged.values():
                _reduce(program, each, paid)
        for key, each in judged.items():
            self.results.counted[key] = list(each.counted.values())
            self.results.excluded |= {(key, line_key): reason for line_key, reason in each.excluded.items()}
        baselines = {what.scope_key for what in (program.basis, *program.gates) if what.from_lines}
        if program.row.get("accrual_forecast") == "seasonality":
            baselines.add(program.target.key)
        return Material(
            program=program,
            digits=self._inputs.minor_units.get(program.row["currency"], 2),
            periods=self._judge.participant_periods(program, self._inputs.as_of),
            lines={key: Lines(each) for key, each in judged.items()},
            year_before={
                key: Lines(self._judge.scope(program, program.scopes[key], self._lines, year_before=True))
                for key in baselines
            },
            judge=self._judge,
            first_purchase=self._first_purchase,
        )

    def _finish(
        self,
        material: Material,
        payouts: Mapping[tuple[str, str], Payout],
        paid: defaultdict[str, list[tuple[str, Decimal]]],
    ) -> None:
        """Bring the payouts within the bounds of the program, share them, and note the results."""
        program, digits = material.program, material.digits
        limits.bound(program, payouts, digits)
        self._budgeted[program.key] = {at: payout.final for at, payout in payouts.items()}
        if program.row["kind"] == "fund":
            claims = _claims_of(program, self._inputs.programs["program"], self._claims)
            funds = limits.draw_fund(program, payouts, claims, self._inputs.as_of, digits)
            self.results.funds |= {(program.key, partner_id): fund for partner_id, fund in funds.items()}
        shares = [
            Share(program.key, *at, member, payee or None, line_key, exact.money(units, digits))
            for at, parts in share(material, payouts).items()
            for (member, payee, line_key), units in parts.items()
        ]
        self.results.shares += shares
        if program.row["reduces_later"]:
            for each in shares:
                paid[each.line_key].append((program.program_id, each.amount))
        for at, payout in payouts.items():
            key = (program.key, *at)
            self.results.qualification[key] = _qualification(payout, digits)
            self.results.gates[key] = payout.gates
            self.results.tiers[key] = payout.applied
            self.results.payouts[key] = exact.money(payout.final, digits)


def _claim(program: Program, judged: Mapping[str, Judged], claimed: dict[str, str]) -> None:
    """Leave out the lines that an earlier program has claimed; claim the other earning lines."""
    for each in judged.values():
        for key in list(each.counted):
            if claimed.get(key, program.program_id) != program.program_id:
                each.leave_out(key, "stacking_priority")
    for key in judged[program.earning.key].counted:
        claimed[key] = program.program_id


def _reduce(program: Program, judged: Judged, paid: Mapping[str, Sequence[tuple[str, Decimal]]]) -> None:
    """Take off each line's amount what earlier programs pay on it."""
    for key, each in judged.counted.items():
        others = [amount for program_id, amount in paid.get(key, ()) if program_id != program.program_id]
        judged.counted[key] = replace(each, amount=each.amount - sum(others, Decimal(0)))


def _claims_of(program: Program, programs: Iterable[Row], claims: Iterable[Row]) -> list[Row]:
    """Return the claims on this version of the fund.

    A claim names the program; it is one on the version (of those that are funds) that had begun last on
    its date, and before all of them on the first.
    """
    versions = [row for row in programs if row["program_key"].partition("@")[0] == program.program_id]
    starts = sorted(row["valid_from"] for row in versions if row["calculated"] and row["kind"] == "fund")
    mine = []
    for claim in claims:
        begun = [day for day in starts if day <= claim["claim_date"]]
        if claim["program_id"] == program.program_id and (begun[-1] if begun else starts[0]) == program.first_day:
            mine.append(claim)
    return mine


def _qualification(payout: Payout, digits: int) -> Qualification:
    value, following = payout.basis.value, payout.following
    return Qualification(
        basis=value,
        actual=payout.basis.actual,
        figure=payout.basis.figure,
        payout_base=payout.payout_base,
        tier_number=payout.have[-1].number if payout.have else None,
        next_tier_number=following.number if following else None,
        gap=following.threshold - value if following and value is not None else None,
        gates_hold=payout.gates_hold,
        unrounded=sum((tier.amount for tier in payout.applied), Fraction(0)),
        uncapped_payout=exact.money(payout.uncapped, digits),
        limited_by=tuple(payout.limited_by),
        shortfall=exact.money(payout.alone - payout.final, digits),
        payout=exact.money(payout.final, digits),
        next_payout=None if payout.next_payout is None else exact.money(payout.next_payout, digits),
    )
