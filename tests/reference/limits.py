"""What other payouts do to a payout: the best of several programs, bounds of a program, budget, fund.

What belongs here: semantics 6 and 8 where they look at several payouts at once. What does not: lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.reference import exact
from tests.reference.lines import Row
from tests.reference.payouts import Payout
from tests.reference.program import Program

Payouts = Mapping[tuple[str, str], Payout]
"""By participant and period."""


@dataclass(frozen=True)
class Fund:
    """What a partner's fund stands at, in money of its currency."""

    built: Decimal
    drawn: Decimal
    open: Decimal
    expired: Decimal


def best_of(programs: Sequence[tuple[Program, Payouts]]) -> None:
    """Leave, per participant and period, the payouts of one program alone: the highest, ties by program id.

    The versions of a program are one program.
    """
    sums: defaultdict[tuple[str, str], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for program, payouts in programs:
        for at, payout in payouts.items():
            sums[at][program.program_id] += payout.final
    for program, payouts in programs:
        for at, payout in payouts.items():
            best = min(sums[at], key=lambda program_id: (-sums[at][program_id], program_id))
            if program.program_id != best:
                payout.lost = True
                payout.change(0, "best_of")


def bound(program: Program, payouts: Payouts, digits: int) -> None:
    """Bring the payouts of each period within floor and cap of the program, and all of them within the budget."""
    by_period: defaultdict[str, list[Payout]] = defaultdict(list)
    for payout in payouts.values():
        by_period[payout.period_id].append(payout)
    for mine in by_period.values():
        if program.row["program_floor"] is not None:
            _raise(mine, exact.cut(exact.fraction(program.row["program_floor"]), digits))
        if program.row["program_cap"] is not None:
            _lower(mine, exact.cut(exact.fraction(program.row["program_cap"]), digits), "program_cap")
    if program.row["budget"] is not None:
        _lower(list(payouts.values()), exact.cut(exact.fraction(program.row["budget"]), digits), "budget")


def _lower(payouts: Sequence[Payout], most: int, name: str) -> None:
    """Scale the payouts down to the amount, in proportion, where they pass it."""
    if sum(payout.final for payout in payouts) > most:
        _scale(payouts, most, name)


def _raise(payouts: Sequence[Payout], least: int) -> None:
    """Scale up to the floor, in proportion, the payouts of those whose gates hold and who have a line.

    Where those together have nothing (or less) they get equal parts. Who lost in a best_of gets nothing.
    """
    missing = least - sum(payout.final for payout in payouts)
    entitled = [p for p in payouts if p.gates_hold and p.has_lines and not p.lost]
    if missing > 0 and entitled:
        _scale(entitled, sum(payout.final for payout in entitled) + missing, "program_floor")


def _scale(payouts: Sequence[Payout], total: int, name: str) -> None:
    by_key: dict[Any, Payout] = {(payout.participant_id, payout.period_id): payout for payout in payouts}
    weights = {key: Fraction(payout.final) for key, payout in by_key.items()}
    if sum(weights.values()) <= 0:
        weights = dict.fromkeys(weights, Fraction(1))
    for key, units in exact.largest_remainder(total, weights).items():
        by_key[key].change(units, name)


def draw_fund(program: Program, payouts: Payouts, claims: Iterable[Row], as_of: date, digits: int) -> dict[str, Fund]:
    """Draw each partner's fund down by the approved claims; once expired, pay what was drawn and no more.

    ``claims``: those of this program version. The payouts of an expired fund are filled in the order of
    their periods. Returns the funds by partner.
    """
    expires: date = program.row["fund_expires_on"]
    mine: defaultdict[str, list[Payout]] = defaultdict(list)
    for payout in payouts.values():
        mine[payout.participant_id].append(payout)
    claimed = dict.fromkeys(mine, 0)
    for claim in sorted(claims, key=lambda claim: (claim["claim_date"], claim["claim_id"])):
        approved = claim["status"] == "approved" and claim["approved_on"] <= as_of
        if (
            approved
            and claim["currency"] == program.row["currency"]
            and claim["claim_date"] <= min(expires, as_of)
            and claim["partner_id"] in claimed
        ):
            claimed[claim["partner_id"]] += exact.cut(exact.fraction(claim["amount"]), digits)
    funds = {}
    for partner_id, own in mine.items():
        built = sum(payout.final for payout in own)
        drawn = min(claimed[partner_id], max(built, 0))
        left = built - drawn
        if as_of > expires:
            _fill(own, drawn)
        money = [exact.money(units, digits) for units in (built, drawn, left)]
        nothing = exact.money(0, digits)
        funds[partner_id] = Fund(money[0], money[1], *((nothing, money[2]) if as_of > expires else (money[2], nothing)))
    return funds


def _fill(payouts: Sequence[Payout], most: int) -> None:
    """Fill the payouts, in the order of their periods, so that their running sum is at most the amount."""
    running = 0
    for payout in payouts:
        before, running = min(running, most), running + payout.final
        payout.change(min(running, most) - before, "expiry")
