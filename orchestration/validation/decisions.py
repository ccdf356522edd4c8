"""What people decided about rows: landing/.decisions/<number:06>.json, append-only.

What belongs here: the files and what stands in them. What does not: which rows wait for a decision (worklist.py),
what a released row becomes (verdicts.py). landing/ is precious: a decision, once written, is never changed or
removed here, and a rebuild finds it again. Rows are named by source, content hash and row number, which a rebuild
gives them again.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestration import disk
from orchestration.settings import Settings


class DecisionError(ValueError):
    """A decision cannot be read or made. The message says which and why."""


class Released(BaseModel):
    """One row, and the rules that are not to hold it any longer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    file_hash: str
    row_number: int
    rules: tuple[str, ...] = Field(min_length=1)


class Decision(BaseModel):
    """Who released which rows, and why. ``number`` orders decisions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    decision: str = Field(pattern="^release$")
    by: str = Field(min_length=1)
    comment: str = Field(min_length=1)
    rows: tuple[Released, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Decisions:
    """All decisions, oldest first."""

    every: tuple[Decision, ...]

    def of(self, source: str, file_hash: str) -> list[tuple[int, str]]:
        """(row number, rule id) that were released in a file, each once, in order."""
        return self._by_file.get((source, file_hash), [])

    @cached_property
    def _by_file(self) -> dict[tuple[str, str], list[tuple[int, str]]]:
        found: dict[tuple[str, str], set[tuple[int, str]]] = {}
        for decision in self.every:
            for row in decision.rows:
                found.setdefault((row.source, row.file_hash), set()).update((row.row_number, r) for r in row.rules)
        return {file: sorted(rows) for file, rows in found.items()}


def folder(settings: Settings) -> Path:
    """Where decisions stand."""
    return settings.landing / ".decisions"


def read(settings: Settings) -> Decisions:
    """All decisions. Raises DecisionError for a file that cannot be read."""
    found = []
    for path in sorted(folder(settings).glob("[0-9]*.json")):
        try:
            decision = Decision.model_validate_json(path.read_text(encoding="utf-8"))
        except (ValidationError, UnicodeDecodeError) as error:
            raise DecisionError(f"decision {path.name} cannot be read: {' '.join(str(error).split())}") from error
        if int(path.stem) != decision.number:
            raise DecisionError(f"decision {path.name} says number {decision.number}")
        found.append(decision)
    return Decisions(tuple(found))


def release(settings: Settings, rows: Iterable[Released], *, by: str, comment: str) -> Decision:
    """Append a decision; it counts with the next run. Raises DecisionError without a name, a comment or rows."""
    given = tuple(rows)
    if not by.strip() or not comment.strip():
        raise DecisionError("a release needs who decided (--by) and why (--comment)")
    if not given:
        raise DecisionError("a release needs at least one row")
    place = folder(settings)
    disk.folder(place)
    with (place / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = read(settings).every
        number = known[-1].number + 1 if known else 1
        made = Decision(number=number, decision="release", by=by.strip(), comment=comment.strip(), rows=given)
        target = place / f"{number:06}.json"
        half = target.with_suffix(".tmp")
        text = json.dumps(made.model_dump(mode="json"), indent=2, ensure_ascii=False)
        disk.put_text(half, target, text + "\n")
    return made
