"""What loading documents gives: programs and errors.

What belongs here: the shapes, and what follows from one loaded program alone. What does not: loading (load.py).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from orchestration.programs.schema import Program


@dataclass(frozen=True, order=True)
class ProgramError:
    """Why a document was refused: file, path of the field, reason in plain words."""

    file_name: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file_name}: {self.field}: {self.reason}"


@dataclass(frozen=True)
class LoadedProgram:
    """One well-formed document of a kind that is calculated.

    ``calendar``: name of its fiscal calendar, its own or its legal entity's. ``first_day``: the first
    day whose lines count: ``valid_from``, or the start of its period with ``replaces: period_start``.
    ``last_day``: the last one: ``valid_to``, or the day before the first day of a later version that
    supersedes this one, or the day on which it was suspended or closed; before ``first_day`` when it
    was superseded from the start.
    """

    program: Program
    file_name: str
    document_hash: str
    calendar: str
    first_day: date
    last_day: date

    @property
    def approved(self) -> bool:
        """It was approved since it was last a draft; it may be suspended or closed by now."""
        return self.program.step("approved") is not None

    @property
    def terms_hash(self) -> str:
        """SHA-256 of what an approved version may never change: all but lifecycle and acceptances.

        Notation does not count: comments, order of fields, and defaults that are written out.
        """
        facts: dict[str, Any] = {"lifecycle": True, "participants": {"acceptances"}}
        terms = self.program.model_dump(mode="json", exclude=facts, exclude_defaults=True)
        return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()

    @property
    def calculated(self) -> bool:
        """Whether the warehouse calculates it: approved, and not superseded from its first day.

        A suspended or closed version keeps what was earned up to that day (decision 0033).
        """
        return self.approved and self.last_day >= self.first_day


@dataclass(frozen=True)
class LoadResult:
    """Programs sorted by id and version; errors sorted by file and field."""

    programs: tuple[LoadedProgram, ...]
    errors: tuple[ProgramError, ...]
