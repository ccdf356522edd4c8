"""What people decided about claims: landing/.claims/<number:06>.json, append-only.

What belongs here: the files, what stands in them, and what may not be decided. What does not: the table that the
models read (table.py), what becomes of a claim (the models). landing/ is precious: a decision, once written, is never
changed or removed, and a rebuild finds it again. A claim is named by its key, and a decision by what was claimed when
it was made: a claim that its partner changes afterwards is open again (decision 0193).
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.settings import Settings

KINDS = ("approve", "reject", "dispute", "resolve")
"""What can be decided. A dispute is open until it is resolved, one way or the other."""

OUTCOMES = ("approved", "rejected", "reopened")
"""How a dispute can end; reopened: the rules and people judge the claim anew."""

DECIDABLE = ("in_review", "disputed", "approved", "rejected")
"""Statuses of claims that can still be decided on; what was paid is paid."""


class ClaimError(ValueError):
    """A decision on claims cannot be read or made. The message says which and why."""


class Decided(BaseModel):
    """One claim in a decision. ``claimed_amount``: as it stood; ``amount``: approved, zero unless approved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim_key: str = Field(min_length=1)
    currency: str
    claimed_amount: Decimal
    amount: Decimal = Decimal(0)


class Decision(BaseModel):
    """Who decided what about which claims, on which day, and why. ``number`` orders decisions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    decision: str = Field(pattern=f"^({'|'.join(KINDS)})$")
    by: str = Field(min_length=1)
    comment: str = Field(min_length=1)
    decided_on: date
    reason_code: str | None = None
    above_earned: bool = False
    owner: str | None = None
    due_date: date | None = None
    outcome: str | None = None
    claims: tuple[Decided, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.decision == "dispute") != bool(self.owner and self.due_date):
            raise ValueError("a dispute, and nothing else, has an owner and a due date")
        if (self.decision == "resolve") != (self.outcome in OUTCOMES):
            raise ValueError(f"what is resolved, and nothing else, has an outcome: {', '.join(OUTCOMES)}")
        return self

    @property
    def effect(self) -> str:
        """What the models know of it: approve, reject, dispute or review."""
        ends = {"approved": "approve", "rejected": "reject", "reopened": "review"}
        return ends[self.outcome] if self.outcome else self.decision


@dataclass(frozen=True)
class Standing:
    """A claim as the published figures have it: what is decided on. Amounts in ``currency``."""

    claim_key: str
    status: str
    currency: str
    claimed_amount: Decimal
    earned_amount: Decimal
    entered_by: str | None = None


def folder(settings: Settings) -> Path:
    """Where decisions on claims stand."""
    return settings.landing / ".claims"


def read(settings: Settings) -> tuple[Decision, ...]:
    """All decisions, oldest first. Raises ClaimError for a file that cannot be read, and for a number left out."""
    found: list[Decision] = []
    for path in sorted(folder(settings).glob("[0-9]*.json")):
        try:
            decision = Decision.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            raise ClaimError(f"decision {path.name} cannot be read: {' '.join(str(error).split())}") from error
        if path.stem != f"{decision.number:06}" or decision.number != len(found) + 1:
            raise ClaimError(f"decision {path.name} says number {decision.number}; expected {len(found) + 1}")
        found.append(decision)
    return tuple(found)


def decide(
    settings: Settings,
    kind: str,
    claims: Sequence[Standing],
    *,
    by: str,
    comment: str,
    decided_on: date,
    amount: Decimal | None = None,
    above_earned: bool = False,
    reason_code: str | None = None,
    owner: str | None = None,
    due_date: date | None = None,
    outcome: str | None = None,
) -> Decision:
    """Append a decision on claims; it counts in runs as of ``decided_on`` and later.

    ``amount``: what is approved of one claim, by default all that is claimed and was earned. More than was earned is
    only approved with ``above_earned``. Raises ClaimError for a claim that cannot be decided on so, without a name or a
    comment, where who decides entered the claim, and for a day before that of an earlier decision on it.
    """
    by, comment = by.strip(), comment.strip()
    if not by or not comment:
        raise ClaimError("a decision needs who decided (--by) and why (--comment)")
    if not claims:
        raise ClaimError("a decision needs at least one claim")
    if amount is not None and len(claims) > 1:
        raise ClaimError(f"an amount is approved of one claim; {len(claims)} were named")
    approves = kind == "approve" or outcome == "approved"
    if not approves and (amount is not None or above_earned):
        raise ClaimError("an amount goes with an approval")
    if kind == "dispute" and due_date is not None and due_date < decided_on:
        raise ClaimError(f"the dispute is due on {due_date}, before the day it begins ({decided_on})")
    for claim in claims:
        _check(claim, kind, by)
    made = tuple(
        Decided(
            claim_key=claim.claim_key,
            currency=claim.currency,
            claimed_amount=claim.claimed_amount,
            amount=_approved(claim, amount, above_earned) if approves else Decimal(0),
        )
        for claim in claims
    )
    place = folder(settings)
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = read(settings)
        for earlier in known:
            for one in earlier.claims:
                if one.claim_key in {each.claim_key for each in made} and earlier.decided_on > decided_on:
                    raise ClaimError(
                        f"{one.claim_key}: decision {earlier.number:06} was made on {earlier.decided_on}, after"
                        f" {decided_on}"
                    )
        try:
            decision = Decision(
                number=len(known) + 1,
                decision=kind,
                by=by,
                comment=comment,
                decided_on=decided_on,
                reason_code=reason_code,
                above_earned=above_earned,
                owner=(owner or "").strip() or None,
                due_date=due_date,
                outcome=outcome,
                claims=made,
            )
        except ValidationError as error:
            raise ClaimError("; ".join(str(each["msg"]) for each in error.errors())) from error
        target = place / f"{decision.number:06}.json"
        half = target.with_suffix(".tmp")
        text = json.dumps(decision.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False)
        half.write_text(text + "\n", encoding="utf-8")
        half.replace(target)
    return decision


def _check(claim: Standing, kind: str, by: str) -> None:
    """Refuse what cannot be decided about a claim."""
    if claim.status not in DECIDABLE:
        raise ClaimError(f"{claim.claim_key} is {claim.status}: nothing is decided about it any more")
    if (kind == "resolve") != (claim.status == "disputed"):
        way = "a disputed claim is resolved" if claim.status == "disputed" else "only a disputed claim is resolved"
        raise ClaimError(f"{claim.claim_key} is {claim.status}: {way}")
    if claim.entered_by and claim.entered_by.strip().casefold() == by.casefold():
        raise ClaimError(f"{claim.claim_key} was entered by {claim.entered_by}: somebody else decides about it")


def _approved(claim: Standing, amount: Decimal | None, above_earned: bool) -> Decimal:
    """What is approved of a claim; ClaimError where that is more than was earned or claimed, or nothing."""
    earned = max(claim.earned_amount, Decimal(0))
    given = (
        amount if amount is not None else claim.claimed_amount if above_earned else min(claim.claimed_amount, earned)
    )
    if given <= 0:
        raise ClaimError(f"{claim.claim_key}: nothing to approve (claimed {claim.claimed_amount}, earned {earned})")
    if given > claim.claimed_amount:
        raise ClaimError(f"{claim.claim_key}: {given} is more than is claimed ({claim.claimed_amount})")
    if given > earned and not above_earned:
        raise ClaimError(
            f"{claim.claim_key}: {given} is more than was earned ({earned}); --above-earned approves it all the same,"
            " and what was earned later is paid up to it"
        )
    return given
