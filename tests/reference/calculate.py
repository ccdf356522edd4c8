"""The calculator: ``calculate(inputs) -> Results``.

What belongs here: the order of the steps, from accepted rows to shares and liability. The steps
themselves stand in lines, eligibility, tiers and exact. What does not: reading files.

>>> inputs = Inputs(programs=tables, entities=rows, as_of=date(2017, 6, 30))   # doctest: +SKIP
>>> calculate(inputs).payouts["P-1@1", "R-367", "2017-Q2"]                     # doctest: +SKIP
Decimal('350.00')
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

from tests.reference import exact
from tests.reference.eligibility import Eligible, Judge, Master, Program, Segments
from tests.reference.lines import Rates, Row, Units, current_lines, newest
from tests.reference.tiers import Applied, Tier, apply, reached

PayoutKey = tuple[str, str, str]
"""program_key, participant_id, period_id."""


@dataclass(frozen=True)
class Inputs:
    """Everything that a calculation depends on, as plain dictionaries.

    ``programs``: table name to rows, as in docs/architecture.md (program, program_tier, …).
    ``entities``: entity name to rows of accepted/. ``minor_units``: decimals of a currency (2 where
    it is not named).
    """

    programs: Mapping[str, Sequence[Row]]
    entities: Mapping[str, Sequence[Row]]
    as_of: date
    segments: Sequence[Row] = ()
    segment_rules: Sequence[Row] = ()
    minor_units: Mapping[str, int] = field(default_factory=dict)
    fx_max_age_days: int = 10


@dataclass(frozen=True)
class Qualification:
    """What one participant reached in one period. Basis, gap and payout base are exact."""

    basis: Fraction | None
    payout_base: Fraction
    tier_number: int | None
    next_tier_number: int | None
    gap: Fraction | None
    unrounded: Fraction
    payout: Decimal


@dataclass(frozen=True)
class Share:
    """What one line brings one payee (None: unpaid) through one program."""

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

    eligible: list[Eligible] = field(default_factory=list)
    excluded: dict[tuple[str, str], str] = field(default_factory=dict)
    """(program_key, line_key) to the reason."""
    qualification: dict[PayoutKey, Qualification] = field(default_factory=dict)
    tiers: dict[PayoutKey, list[Applied]] = field(default_factory=dict)
    payouts: dict[PayoutKey, Decimal] = field(default_factory=dict)
    shares: list[Share] = field(default_factory=list)

    def payees(self) -> dict[tuple[str, str, str, str | None], Decimal]:
        """Amount per (program_key, participant_id, period_id, payee_id); payee None: unpaid."""
        total: defaultdict[tuple[str, str, str, str | None], Decimal] = defaultdict(Decimal)
        for share in self.shares:
            total[share.program_key, share.participant_id, share.period_id, share.payee_id] += share.amount
        return dict(total)

    def line_rebates(self) -> dict[tuple[str, str, str | None], Decimal]:
        """Amount per (program_key, line_key, payee_id); payee None: unpaid."""
        return {(share.program_key, share.line_key, share.payee_id): share.amount for share in self.shares}

    def liability(self) -> dict[tuple[str, str, str], Decimal]:
        """Earned to date per (program_key, payee_id, period_id); what is unpaid is owed to nobody."""
        total: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for share in self.shares:
            if share.payee_id is not None:
                total[share.program_key, share.payee_id, share.period_id] += share.amount
        return dict(total)


def calculate(inputs: Inputs) -> Results:
    """Everything from accepted rows to shares, for the programs that are calculated.

    Raises decimal.Inexact when an amount cannot be held exactly, KeyError or ValueError when a
    program names something that does not exist.
    """
    with localcontext(exact.EXACT):
        master = Master(inputs.entities)
        segments = Segments(inputs.segments, inputs.segment_rules, master)
        units = Units(master.products.values(), newest(inputs.entities.get("product_unit", ()), ("product_id", "unit")))
        rates = Rates(
            newest(inputs.entities.get("fx_rate", ()), ("from_currency", "to_currency", "rate_date")),
            inputs.fx_max_age_days,
        )
        lines = current_lines(inputs.entities.get("line", ()), inputs.as_of)
        judge = Judge(master, segments, units, rates)
        results = Results()
        for row in inputs.programs["program"]:
            if row["calculated"]:
                _program(Program(row, inputs.programs), inputs, lines, judge, master, results)
        return results


def _program(
    program: Program, inputs: Inputs, lines: Sequence[Row], judge: Judge, master: Master, results: Results
) -> None:
    by_payout: defaultdict[PayoutKey, list[Eligible]] = defaultdict(list)
    for line in lines:
        verdict = judge.line(program, line)
        if isinstance(verdict, str):
            results.excluded[program.key, f"{line['source']}|{line['document_number']}|{line['line_number']}"] = verdict
        else:
            results.eligible.append(verdict)
            by_payout[program.key, verdict.participant_id, verdict.period_id].append(verdict)
    digits = inputs.minor_units.get(program.row["currency"], 2)
    figures = _figures(inputs.programs.get("program_figure", ()), program.key)
    tiers = _tiers(inputs.programs.get("program_tier", ()), program.key)
    payees = sorted(
        (row for row in inputs.programs["program_payee"] if row["program_key"] == program.key),
        key=lambda row: row["payee_number"],
    )
    for key, eligible in sorted(by_payout.items()):
        qualification, applied = _qualify(program.row, tiers, figures, key, eligible, digits)
        results.qualification[key] = qualification
        results.tiers[key] = applied
        results.payouts[key] = qualification.payout
        results.shares.extend(_shares(program.row, payees, key, eligible, qualification.payout, digits, master))


def _tiers(rows: Sequence[Row], program_key: str) -> list[Tier]:
    mine = sorted((row for row in rows if row["program_key"] == program_key), key=lambda row: row["threshold"])
    bounds = [exact.fraction(row["threshold"]) for row in mine]
    following: list[Fraction | None] = [*bounds[1:], None]
    return [
        Tier(row["tier_number"], bound, end, exact.fraction(row["rate"]), exact.fraction(row["flat_amount"]))
        for row, bound, end in zip(mine, bounds, following, strict=True)
    ]


def _figures(rows: Sequence[Row], program_key: str) -> dict[tuple[str, str, str], Fraction]:
    return {
        (row["kind"], row["participant_id"], row["period_id"]): exact.fraction(row["figure"])
        for row in rows
        if row["program_key"] == program_key
    }


def _qualify(
    program: Row,
    tiers: Sequence[Tier],
    figures: Mapping[tuple[str, str, str], Fraction],
    key: PayoutKey,
    eligible: Sequence[Eligible],
    digits: int,
) -> tuple[Qualification, list[Applied]]:
    """Basis, payout base, tiers and payout of one participant in one period."""
    _, participant_id, period = key
    target = [line for line in eligible if line.in_target]
    earning = [line for line in eligible if line.in_earning]
    amount = exact.fraction(sum((line.amount for line in target), Decimal(0)))
    quantity = exact.fraction(sum((line.quantity for line in target), Decimal(0)))
    payout_base = exact.fraction(sum((_weight(program, line) for line in earning), Decimal(0)))

    growth_of: Fraction | None = None
    basis: Fraction | None
    kind = program["basis"]
    if kind in ("growth", "attainment"):
        figure = figures.get(("baseline" if kind == "growth" else "target", participant_id, period))
        basis = None if figure is None or figure <= 0 else amount / figure * 100
        if kind == "growth" and program["growth_payout"] in ("on_growth", "marginal_growth"):
            payout_base = Fraction(0) if figure is None else max(Fraction(0), amount - figure)
            growth_of = figure if program["growth_payout"] == "marginal_growth" else None
    elif kind == "amount":
        basis = amount
    elif kind == "quantity":
        basis = quantity
    else:
        raise ValueError(f"basis {kind}: not one of those that are calculated")

    applied: list[Applied] = []
    have: list[Tier] = []
    if basis is not None:
        have = reached(tiers, basis, program["boundary"])
        applied = apply(
            program["method"],
            tiers,
            basis,
            payout_base,
            boundary=program["boundary"],
            lump_sum=program["lump_sum"] or "highest",
            increment=None if program["increment"] is None else exact.fraction(program["increment"]),
            growth_of=growth_of,
        )
    unrounded = sum((tier.amount for tier in applied), Fraction(0))
    payout = exact.money(exact.round_half_away(unrounded, digits), digits)
    cap = program["participant_cap"]
    if cap is not None and payout > cap:
        payout = exact.money(math.floor(exact.fraction(cap) * 10**digits), digits)
    following = tiers[len(have)] if len(have) < len(tiers) else None
    return (
        Qualification(
            basis=basis,
            payout_base=payout_base,
            tier_number=have[-1].number if have else None,
            next_tier_number=following.number if following else None,
            gap=following.threshold - basis if following and basis is not None else None,
            unrounded=unrounded,
            payout=payout,
        ),
        applied,
    )


def _weight(program: Row, line: Eligible) -> Decimal:
    """Return what a line brings into the payout base: base quantity (per unit), otherwise amount."""
    return line.quantity if program["rate_kind"] == "per_unit" else line.amount


def _payee(role: str, line: Eligible, master: Master) -> str | None:
    if role == "participant":
        return line.member_id
    if role == "group_head":
        return master.group(line.member_id, line.line["document_date"])
    payee: str | None = line.line[f"{role}_id"]
    return payee


def _shares(
    program: Row,
    payees: Sequence[Row],
    key: PayoutKey,
    eligible: Sequence[Eligible],
    payout: Decimal,
    digits: int,
    master: Master,
) -> list[Share]:
    """Share a payout over members, then payees, then lines, each time by largest remainder.

    The earning lines carry it; a payout without any (a flat amount for target lines) is carried by
    its target lines.
    """
    weights: defaultdict[str, defaultdict[str, defaultdict[str, Fraction]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Fraction))
    )
    earning = [line for line in eligible if line.in_earning]
    for line in earning or eligible:
        weight = exact.fraction(_weight(program, line))
        for row in payees:
            payee = _payee(row["role"], line, master) or row["fallback_partner_id"] or ""
            weights[line.member_id][payee][line.line_key] += exact.fraction(row["share"]) / 100 * weight
    sums = {
        member: {payee: sum(lines.values(), Fraction(0)) for payee, lines in by_payee.items()}
        for member, by_payee in weights.items()
    }
    total = int(payout.scaleb(digits))
    shares: list[Share] = []
    by_member = exact.largest_remainder(total, {m: sum(s.values(), Fraction(0)) for m, s in sums.items()})
    for member, member_units in sorted(by_member.items()):
        for payee, payee_units in sorted(exact.largest_remainder(member_units, sums[member]).items()):
            by_line = exact.largest_remainder(payee_units, weights[member][payee])
            shares.extend(
                Share(*key, member, payee or None, line, exact.money(units, digits))
                for line, units in sorted(by_line.items())
            )
    return shares
