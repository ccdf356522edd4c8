"""Ship and debit, special price: what a line that quotes an authorisation is paid.

What belongs here: which authorisation a line draws from, its open quantity, the amount (semantics 5).
What does not: tiers; the amounts go the way of any other program.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from tests.reference.eligibility import Counted, Judged
from tests.reference.exact import cut, fraction, money
from tests.reference.lines import Row
from tests.reference.program import Program

PLACES = 12
"""Decimals of an amount that is a quotient."""


@dataclass(frozen=True)
class Use:
    """What was drawn from one authorisation, in base units."""

    authorized: Decimal
    paid: Decimal
    exceeded: Decimal


def price(program: Program, judged: Judged) -> dict[str, Use]:
    """Put in the place of amount and quantity of each line what it is paid, and for how many.

    Lines without a valid authorisation are left out. The authorised quantity is drawn in the order of
    document date and line key; returns give it back. Lines of which nothing is paid for want of open
    quantity are left out too. Returns the use of every authorisation by its id.
    """
    lines: defaultdict[str, list[Counted]] = defaultdict(list)
    for key, each in list(judged.counted.items()):
        authorization = _authorization(program, each)
        if isinstance(authorization, str):
            judged.leave_out(key, authorization)
        else:
            lines[authorization["authorization_id"]].append(each)
    uses = {}
    for row in program.authorizations:
        uses[row["authorization_id"]] = _draw(program, row, lines[row["authorization_id"]], judged)
    return uses


def _authorization(program: Program, counted: Counted) -> Row | str:
    """Return the row that the line draws from, or the first thing that no row of its number fulfils."""
    line = counted.line
    if line.row["authorization_number"] is None:
        return "no_authorization"
    rows = [r for r in program.authorizations if r["authorization_number"] == line.row["authorization_number"]]
    if not rows:
        return "authorization_unknown"
    rows = [r for r in rows if r["partner_id"] == counted.member_id]
    if not rows:
        return "authorization_partner"
    rows = [r for r in rows if r["end_customer_id"] == line.row["end_customer_id"]]
    if not rows:
        return "authorization_end_customer"
    rows = [r for r in rows if r["product_id"] == line.row["product_id"]]
    if not rows:
        return "authorization_product"
    rows = [r for r in rows if r["valid_from"] <= line.day <= r["valid_to"]]
    if not rows:
        return "authorization_date"
    (row,) = rows
    return row


def _draw(program: Program, row: Row, lines: Sequence[Counted], judged: Judged) -> Use:
    """Draw one authorisation down by its lines, and say so in ``judged``."""
    authorized = Decimal(row["quantity"])
    drawn = paid = Decimal(0)
    for each in sorted(lines, key=lambda each: (each.line.day, each.line_key)):
        before, drawn = min(drawn, authorized), drawn + each.quantity
        quantity = min(drawn, authorized) - before
        paid += quantity
        if quantity == 0 and each.quantity != 0:
            judged.leave_out(each.line_key, "authorization_exceeded")
        else:
            amount = _amount(program.row["price_method"], row, each, quantity)
            judged.counted[each.line_key] = replace(each, quantity=quantity, amount=amount)
    return Use(authorized, paid, drawn - paid)


def _amount(method: str, row: Row, counted: Counted, quantity: Decimal) -> Decimal:
    """Return what so many base units of the line are paid."""
    if method != "margin_protection":
        return Decimal(row["unit_amount"]) * quantity
    if quantity == 0:
        return Decimal(0)
    resale = fraction(counted.amount) * fraction(quantity) / fraction(counted.quantity)
    owed = fraction(row["protected_margin"]) * resale - resale + fraction(row["reference_cost"]) * fraction(quantity)
    owed = max(owed, Fraction(0)) if quantity > 0 else min(owed, Fraction(0))
    return money(cut(owed, PLACES), PLACES)
