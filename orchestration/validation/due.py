"""Which files are to have verdicts, what these depend on, and which files are judged together.

What belongs here: reading the register of raw/, hashes, groups. What does not: judging (verdicts.py), what the files
written look like (written.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from orchestration.contract import ENTITIES, Entity, quarantine_columns
from orchestration.segments import Segment
from orchestration.settings import Settings
from orchestration.validation.decisions import Decisions
from orchestration.validation.lookups import Currencies
from orchestration.validation.suites import Suite, digest
from orchestration.validation.written import File, text

VERSION = 3
"""Raised when the same rules come to mean something else, or files are written otherwise; all is then judged again."""

GROUP_ROWS = 4_000_000
"""Files are judged together up to about so many rows."""

MEMORY_ROWS = 1_000_000
"""Files with few rows are read into memory first, up to so many rows: opening each costs more than judging it."""

SMALL_ROWS = 100_000
"""Files with fewer rows are small."""

MOST_FILES = 2_000
"""Files are judged together up to so many, whatever their rows: each has its results in memory until it is written."""

TINY_ROWS = 1_000
"""Files with fewer rows on the average are read by one thread: more cost more processor time and gain nothing."""


def files_of(
    query: Callable[[str], list[tuple[Any, ...]]],
    settings: Settings,
    suites: list[Suite],
    segments: Mapping[str, Segment],
    currencies: Currencies,
    decided: Decisions,
) -> list[File]:
    """Files of raw/ that were read, in order of receipt, with hashes of what their verdicts depend on.

    Their Parquet metadata say how each was read (``recipe``).
    """
    register = settings.raw / "file"
    if not any(register.glob("[0-9]*.parquet")):
        return []
    recipes: dict[str, str] = {}
    for name in ENTITIES:
        if any((settings.raw / name).glob("[0-9]*.parquet")):
            found = text(str(settings.raw / name / "[0-9]*.parquet"))
            recipes |= dict(
                query(
                    "SELECT parse_filename(file_name, true), decode(value)"
                    f" FROM parquet_kv_metadata({found}) WHERE decode(key) = 'recipe'"
                )
            )
    rows = query(
        "SELECT parse_filename(filename, true), source, entity, file_name, file_sequence, file_hash, rows_in,"
        f" received_on FROM read_parquet({text(str(register / '[0-9]*.parquet'))}, filename = true)"
        " WHERE status = 'read' ORDER BY file_sequence"
    )
    files = []
    older: dict[tuple[str, str], str] = {}
    rulesets: dict[tuple[str, str], tuple[str, bool]] = {}
    for key, source, entity, name, sequence, file_hash, count, received in rows:
        file = File(key, source, ENTITIES[entity], name, sequence, file_hash, count, recipes.get(key, ""), received)
        kind = (entity, source)
        if kind not in rulesets:
            mine = [suite for suite in suites if suite.concerns(entity, source)]
            whole = any(suite.table_rules for suite in mine)
            rulesets[kind] = ruleset(file.entity, mine, segments, currencies), whole
        of_rules, whole = rulesets[kind]
        if whole:
            older[kind] = digest([older.get(kind, ""), key, file.recipe, str(received or "")])
        file.depends = {
            "ruleset": of_rules,
            "recipe": file.recipe,
            "decisions": digest(decided.of(source, file_hash)),
            "older_files": older.get(kind, ""),
        }
        files.append(file)
    return files


def ruleset(entity: Entity, suites: list[Suite], segments: Mapping[str, Segment], currencies: Currencies) -> str:
    """Hash of all that decides the verdicts of a source's rows, but for the rows and the master data.

    suites: those that concern the source.
    """
    document: dict[str, Any] = {
        "version": VERSION,
        "suites": [suite.document for suite in suites],
        "segments": [asdict(segments[name]) for suite in suites for name in suite.segments],
        "columns": [(column.name, column.type) for column in quarantine_columns(entity)],
    }
    if entity.name == "line":
        document["currencies"] = [currencies.program, currencies.max_age_days]
    return digest(document)


def tiny(files: list[File]) -> bool:
    """Whether files hold so few rows each that opening them is what they cost."""
    return sum(file.rows for file in files) < TINY_ROWS * len(files)


def groups(files: list[File]) -> Iterable[list[File]]:
    """Files that are judged together: small ones that fit into memory, and large ones."""
    for large, most in ((False, min(GROUP_ROWS, MEMORY_ROWS)), (True, GROUP_ROWS)):
        group: list[File] = []
        rows = 0
        for file in files:
            if (file.rows >= SMALL_ROWS) is large:
                group.append(file)
                rows += file.rows
                if rows >= most or len(group) >= MOST_FILES:
                    yield group
                    group, rows = [], 0
        if group:
            yield group
