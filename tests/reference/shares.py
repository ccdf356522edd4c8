"""Who gets a payout, and which lines bring it.

What belongs here: semantics 7 and 9, sharing over members, payees and lines. What does not: how much
there is to share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

from tests.reference import exact
from tests.reference.eligibility import Counted
from tests.reference.payouts import Material, Payout
from tests.reference.program import Program

Part = tuple[str, str, str]
"""member_id, payee_id (empty: nobody), line_key."""


def share(material: Material, payouts: Mapping[tuple[str, str], Payout]) -> dict[tuple[str, str], dict[Part, int]]:
    """Return by (participant, period) what each part gets of the payout, in minor units; no zeros.

    Under ``to_date`` the running sum is shared over all lines so far, and a period's part is the
    difference to what the part had of the sum before.
    """
    found = {}
    for participant_id, periods in material.periods.items():
        before: dict[Part, int] = {}
        running = 0
        for period_id in periods:
            final = payouts[participant_id, period_id].final
            running = running + final if material.program.to_date else final
            shared = parts(material.program, running, material.carriers(participant_id, period_id)) if running else {}
            change = {key: shared.get(key, 0) - before.get(key, 0) for key in sorted({*shared, *before})}
            found[participant_id, period_id] = {key: units for key, units in change.items() if units}
            before = shared if material.program.to_date else {}
    return found


def parts(program: Program, total: int, lines: Sequence[Counted]) -> dict[Part, int]:
    """Share over members, then payees, then lines, each time by largest remainder, in proportion to payout base."""
    weights: defaultdict[str, defaultdict[str, defaultdict[str, Fraction]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Fraction))
    )
    for line in lines:
        weight = exact.fraction(program.weight(line.amount, line.quantity))
        for row in program.payees:
            payee = _payee(row["role"], line) or row["fallback_partner_id"] or ""
            weights[line.member_id][payee][line.line_key] += exact.fraction(row["share"]) / 100 * weight
    sums = {
        member: {payee: sum(lines.values(), Fraction(0)) for payee, lines in by_payee.items()}
        for member, by_payee in weights.items()
    }
    found = {}
    by_member = exact.largest_remainder(total, {m: sum(s.values(), Fraction(0)) for m, s in sums.items()})
    for member, member_units in by_member.items():
        for payee, payee_units in exact.largest_remainder(member_units, sums[member]).items():
            for line_key, units in exact.largest_remainder(payee_units, weights[member][payee]).items():
                found[member, payee, line_key] = units
    return found


def _payee(role: str, line: Counted) -> str | None:
    """Return who has the role on the line."""
    if role == "participant":
        return line.member_id
    if role == "group_head":
        return line.group_id
    payee: str | None = line.line.row[f"{role}_id"]
    return payee
