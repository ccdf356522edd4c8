"""What people decided about settlements: landing/.settlements/<number:06>.json, append-only.

What belongs here: the files and what stands in them. What does not: what may be decided (proposals.py). landing/ is
precious: a decision, once written, is never changed or removed.
"""

from __future__ import annotations

import fcntl
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestration.books.tables import LedgerError
from orchestration.settings import Settings


class Reduction(BaseModel):
    """A payment (program_key and period_id empty: not paid at all) or one of its lines, paid with ``amount``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    payment_id: str
    program_key: str | None = None
    period_id: str | None = None
    amount: Decimal = Decimal(0)


class Decision(BaseModel):
    """Who decided what about a proposal, on which day, and why. ``number`` orders decisions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    proposal: str
    decision: Literal["propose", "reduce", "refuse", "release"]
    by: str = Field(min_length=1)
    on: date
    comment: str = Field(min_length=1)
    reduction: Reduction | None = None


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same, whatever their case and spaces."""
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def decisions(settings: Settings, proposal: str | None = None) -> list[Decision]:
    """All decisions, or those about one proposal, oldest first. LedgerError for a file that cannot be read."""
    found = []
    for path in sorted(_folder(settings).glob("[0-9]*.json")):
        try:
            decision = Decision.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            raise LedgerError(
                f"settlement decision {path.name} cannot be read: {' '.join(str(error).split())}"
            ) from None
        if int(path.stem) != decision.number:
            raise LedgerError(f"settlement decision {path.name} says number {decision.number}")
        found.append(decision)
    return [decision for decision in found if proposal in (None, decision.proposal)]


def decide(
    settings: Settings,
    proposal: str,
    decision: Literal["propose", "reduce", "refuse", "release"],
    *,
    by: str,
    on: date,
    comment: str,
    reduction: Reduction | None = None,
) -> Decision:
    """Append a decision. LedgerError without a name or a comment. The caller has looked whether it may be made."""
    if not by.strip() or not comment.strip():
        raise LedgerError("a decision needs who decided (--by) and why (--comment)")
    place = _folder(settings)
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = decisions(settings)
        made = Decision(
            number=known[-1].number + 1 if known else 1,
            proposal=proposal,
            decision=decision,
            by=" ".join(by.split()),
            on=on,
            comment=comment.strip(),
            reduction=reduction,
        )
        target = place / f"{made.number:06}.json"
        half = target.with_suffix(".tmp")
        half.write_text(json.dumps(made.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        half.replace(target)
    return made


def _folder(settings: Settings) -> Path:
    return settings.landing / ".settlements"
