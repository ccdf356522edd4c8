"""The reply to price claims: an X12 849 interchange from decisions on claim lines.

What belongs here: which segments say what of a decision. What does not: deciding (books), and the envelope
(orchestration/x12). A pure function: the same decisions, number and moment give the same bytes.

One 849 set per claim. Each authorisation (CON) holds its lines (PAD): PAD03 says whether the line stands (NC), is
changed (RZ) or refused (RC), AAA why not, QTY and AMT what is allowed beside what was claimed. Segments and
qualifiers follow the public guides of ECIA and AmerisourceBergen for release 4010.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from orchestration.publish.format import PublishError
from orchestration.x12 import X12Error, interchange
from orchestration.x12.write import Segment

STATES = {"accepted": "NC", "adjusted": "RZ", "rejected": "RC"}
"""What was decided of a claim line, and PAD03 for it: no change, all values replaced, item refused."""

FOLLOW_UP = {"adjusted": "N", "rejected": "C"}
"""AAA04: nothing to be sent again; to be corrected and sent again."""


@dataclass(frozen=True)
class Decision:
    """What was decided of one claim line.

    ``reason_code``: two characters of the partner's list of reject reasons (AAA03), needed where the state is not
    accepted; ``reason``: words for people. Quantities are in ``unit``, amounts in ``currency``; both exact.
    """

    partner_id: str
    claim_number: str
    claim_line_number: str
    state: str
    claimed_amount: Decimal
    allowed_amount: Decimal
    currency: str
    authorization_number: str = ""
    product_id: str = ""
    unit: str = ""
    claimed_quantity: Decimal | None = None
    allowed_quantity: Decimal | None = None
    reason_code: str = ""
    reason: str = ""


def write_claim_response(
    decisions: Sequence[Decision],
    *,
    sender: tuple[str, str],
    receiver: tuple[str, str],
    control: int,
    created: datetime.datetime,
    version: str = "004010",
    test: bool = False,
) -> str:
    """The interchange that answers a partner's claims.

    ``sender``, ``receiver``: qualifier and id of ISA, agreed with the partner. ``control``: 1 to 999,999,999,
    never the same twice for a receiver. ``created``: the moment that the interchange and its replies state.
    Lines are written by claim, authorisation and line, in that order, whatever the order of ``decisions``.
    Raises PublishError naming claim and line for a decision that cannot be, or that X12 cannot say.
    """
    if not decisions:
        raise PublishError("claim response: no decisions to write")
    partners = sorted({decision.partner_id for decision in decisions})
    if len(partners) > 1:
        raise PublishError(f"claim response: decisions of several partners: {', '.join(partners)}; expected one")
    for decision in decisions:
        _check(decision)
    ordered = sorted(decisions, key=_order)
    keys = [(d.claim_number, d.claim_line_number) for d in ordered]
    if twice := [f"{number}/{line}" for number, line in sorted(set(keys)) if keys.count((number, line)) > 1]:
        raise PublishError(f"claim {twice[0]}: decided more than once")
    sets = [("849", _claim(list(lines), created)) for _, lines in groupby(ordered, key=lambda d: d.claim_number)]
    try:
        return interchange(
            sets=sets,
            group="CF",
            sender=sender,
            receiver=receiver,
            control=control,
            created=created,
            version=version,
            test=test,
        )
    except X12Error as error:
        raise PublishError(f"claim response: {error}") from error


def _order(decision: Decision) -> tuple[str, str, int, str]:
    line = decision.claim_line_number
    return decision.claim_number, decision.authorization_number, int(line) if line.isdecimal() else 0, line


def _check(decision: Decision) -> None:
    """Refuse a decision that contradicts itself."""
    name = f"claim {decision.claim_number}/{decision.claim_line_number}"
    if decision.state not in STATES:
        raise PublishError(f"{name}: state {decision.state!r}, expected one of {', '.join(STATES)}")
    if not (decision.partner_id and decision.claim_number and decision.claim_line_number and decision.currency):
        raise PublishError(f"{name}: partner, claim number, line number and currency are needed")
    if len(decision.claim_line_number) > 11:
        raise PublishError(f"{name}: a line number has at most 11 characters (PAD01)")
    same = (decision.allowed_amount, decision.allowed_quantity) == (decision.claimed_amount, decision.claimed_quantity)
    if decision.state == "accepted" and not same:
        raise PublishError(f"{name}: accepted, but what is allowed is not what was claimed")
    if decision.state == "adjusted" and same:
        raise PublishError(f"{name}: adjusted, but what is allowed is what was claimed")
    if decision.state == "rejected" and (decision.allowed_amount or decision.allowed_quantity):
        raise PublishError(f"{name}: rejected, but something is allowed")
    if decision.state == "accepted" and decision.reason_code:
        raise PublishError(f"{name}: accepted, but with reason {decision.reason_code!r}")
    if decision.state != "accepted" and len(decision.reason_code) != 2:
        raise PublishError(f"{name}: {decision.state} needs a reason code of two characters (AAA03)")
    if len(decision.reason) > 80:
        raise PublishError(f"{name}: the reason has {len(decision.reason)} characters, at most 80 can be sent (REF03)")
    if (decision.claimed_quantity is None) != (not decision.unit):
        raise PublishError(f"{name}: a quantity and its unit come together")


def _claim(lines: list[Decision], created: datetime.datetime) -> list[Segment]:
    """The segments of one claim's reply, between ST and SE."""
    currencies = sorted({line.currency for line in lines})
    if len(currencies) > 1:
        raise PublishError(f"claim {lines[0].claim_number}: several currencies ({', '.join(currencies)}); expected one")
    segments: list[Segment] = [
        ("BRC", "00", created.strftime("%Y%m%d"), "DB", lines[0].claim_number),
        ("CUR", "SE", lines[0].currency),
        ("N1", "DS", "", "92", lines[0].partner_id),
    ]
    authorisations = 0
    for number, group in groupby(lines, key=lambda line: line.authorization_number):
        authorisations += 1
        # a claim that quotes no authorisation is its own reference: CON is the loop that holds the lines
        segments.append(("CON", "CT" if number else "DB", number or lines[0].claim_number))
        for line in group:
            segments += _line(line)
    quantities = [line.allowed_quantity for line in lines if line.allowed_quantity is not None]
    total = _number(sum(quantities, Decimal())) if quantities else ""
    allowed = sum((line.allowed_amount for line in lines), Decimal())
    segments.append(("CTT", str(authorisations), total if len(total) <= 10 else ""))  # CTT02 is optional, and short
    segments.append(("AMT", "TT", _number(allowed)))
    return segments


def _line(line: Decision) -> list[Segment]:
    """The segments of one claim line. AMT*S is what was claimed, AMT*A what is allowed."""
    segments: list[Segment] = [("PAD", line.claim_line_number, "", STATES[line.state])]
    if line.product_id:
        segments.append(("LIN", "", "VN", line.product_id))
    if line.state != "accepted":
        segments.append(("AAA", "N", "", line.reason_code, FOLLOW_UP[line.state]))
    if line.allowed_quantity is not None:
        segments.append(("QTY", "32", _number(line.allowed_quantity), line.unit))
    segments += [("AMT", "S", _number(line.claimed_amount)), ("AMT", "A", _number(line.allowed_amount))]
    if line.reason:
        segments.append(("REF", "ZZ", line.reason_code, line.reason))
    return segments


def _number(value: Decimal) -> str:
    """A number of type R: no exponent, no zeros after its decimals."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
