"""What a validation came to: a verdict per file, and the figures over all of them.

What belongs here: the report. What does not: verdicts (verdicts.py), what is written (written.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.validation.written import File


@dataclass(frozen=True)
class FileVerdict:
    """What became of one file's rows. ``rules``: rows that failed each rule, by rule id.

    rows = accepted + held + quarantined. judged: False when the verdicts were current.
    """

    source: str
    entity: str
    file_name: str
    file_sequence: int
    file_hash: str
    rows: int
    accepted: int
    held: int
    quarantined: int
    rules: dict[str, int]
    judged: bool


@dataclass(frozen=True)
class ValidationReport:
    """Verdicts of every file that could be read, in order of receipt."""

    files: tuple[FileVerdict, ...]
    severities: dict[str, str]
    """Severity of every rule that failed anywhere, by ``<entity>.<rule id>``."""
    errors: tuple[str, ...]
    """Rules that could not be evaluated, with file and message. Their rows failed (unless warn)."""

    def total(self, name: str, entity: str | None = None) -> int:
        """Sum of rows, accepted, held or quarantined over the files (of an entity)."""
        return sum(getattr(file, name) for file in self.files if entity in (None, file.entity))

    def by_rule(self, entity: str | None = None) -> dict[str, int]:
        """Rows that failed each rule, by ``<entity>.<rule id>``, most first."""
        counts: dict[str, int] = {}
        for file in self.files:
            if entity in (None, file.entity):
                for rule, rows in file.rules.items():
                    counts[f"{file.entity}.{rule}"] = counts.get(f"{file.entity}.{rule}", 0) + rows
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def report_of(files: list[File]) -> ValidationReport:
    """The report of files that have their verdicts."""
    severities: dict[str, str] = {}
    errors: list[str] = []
    verdicts = []
    for file in files:
        state = file.state
        rules = {rule: entry["rows"] for rule, entry in state["rules"].items()}
        severities |= {f"{file.entity.name}.{rule}": entry["severity"] for rule, entry in state["rules"].items()}
        errors += [f"{file.source}/{file.name}: {message}" for message in state["errors"]]
        counts = (state["rows"], state["accepted"], state["held"], state["quarantined"])
        verdicts.append(
            FileVerdict(file.source, file.entity.name, file.name, file.sequence, file.hash, *counts, rules, file.judged)
        )
    return ValidationReport(tuple(verdicts), dict(sorted(severities.items())), tuple(errors))
