"""What the rules found in each file, and whether the rows of every file tie.

What belongs here: rows of validation/<entity>/ (written.RESULTS) and the count of rows in and out. What does not:
verdicts (verdicts.py), writing (written.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.contract import ENTITIES, Entity
from orchestration.settings import Settings
from orchestration.validation.distinct import Rows
from orchestration.validation.suites import Rule, Suite
from orchestration.validation.table_rules import TableRule
from orchestration.validation.written import File, text

Query = Callable[[str], list[tuple[Any, ...]]]


class TieError(RuntimeError):
    """Rows in differ from rows accepted + held + quarantined; the message names the files."""


def by_file(
    query: Query,
    rows_of: Rows,
    entity: Entity,
    rules: list[tuple[Suite, Rule | TableRule]],
    files: list[File],
    evaluated: dict[tuple[str, int], int],
    errors: dict[tuple[int, int], str],
    whole: dict[tuple[int, int], tuple[bool, str]],
    released: dict[tuple[int, int], int],
) -> dict[int, list[dict[str, Any]]]:
    """By file sequence: one result per rule that concerns the file, in order of suite and rule id."""
    tally: dict[tuple[int, int], tuple[int, list[int]]] = {}
    samples: dict[tuple[int, int], str | None] = {}
    if rules:
        for number, sequence, failed, first in query("SELECT * FROM tally"):
            tally[number, sequence] = (failed, first)
    for number in sorted({number for number, _ in tally}):
        rule = rules[number][1]
        assert isinstance(rule, Rule)  # rules about whole files have no failing rows of their own
        columns = rule.columns
        shown = f"concat_ws(' | ', {', '.join(f'CAST({name} AS VARCHAR)' for name in columns)})"
        if len(columns) == 1:
            shown = f"CAST({columns[0]} AS VARCHAR)"
        query(f"""
            CREATE OR REPLACE TEMP TABLE sampled AS
            SELECT file_sequence, CAST(row_id & {2**32 - 1} AS INTEGER) AS row_number
            FROM (SELECT file_sequence, unnest(first) AS row_id FROM tally WHERE rule_number = {number})
        """)
        for row_id, value in query(f"""
            SELECT row_id, {shown} FROM ({rows_of(columns)}) AS r
            SEMI JOIN sampled AS s ON s.file_sequence = r.file_sequence AND s.row_number = r.row_number
        """):
            samples[number, row_id] = value
    found: dict[int, list[dict[str, Any]]] = {}
    for file in files:
        found[file.sequence] = []
        for number, (suite, rule) in enumerate(rules):
            if not suite.concerns(entity.name, file.source):
                continue
            rows, error = evaluated.get((suite.name, file.sequence), 0), errors.get((number, file.sequence), "")
            if isinstance(rule, TableRule):
                found[file.sequence].append(_of_whole(file, suite, rule, rows, whole.get((number, file.sequence))))
            else:
                failed, first = tally.get((number, file.sequence), (0, []))
                shown_rows = [{"row_number": i & (2**32 - 1), "value": samples[number, i]} for i in first]
                found[file.sequence].append(_result(file, suite, rule, rows, failed, shown_rows, error))
            if count := released.get((number, file.sequence)):
                found[file.sequence][-1]["message"] += f"; {count:,} released"
        found[file.sequence].sort(key=lambda result: (result["suite"], result["rule_id"]))
    return found


def check_ties(query: Query, settings: Settings, files: list[File]) -> None:
    """Raise TieError unless every file's rows in are its rows accepted, held and quarantined."""
    counts: dict[tuple[Path, str], int] = {}
    for room in (settings.raw, settings.accepted, settings.quarantine):
        for name in ENTITIES:
            if any((room / name).glob("[0-9]*.parquet")):
                found = text(str(room / name / "[0-9]*.parquet"))
                rows = query(f"SELECT parse_filename(file_name, true), num_rows FROM parquet_file_metadata({found})")
                counts |= {(room, key): count for key, count in rows}
    wrong = []
    for file in files:
        held_and_accepted = counts.get((settings.accepted, file.key), 0)
        quarantined = counts.get((settings.quarantine, file.key), 0)
        state = file.state
        if not (
            file.rows == counts.get((settings.raw, file.key), -1) == held_and_accepted + quarantined
            and held_and_accepted == state["accepted"] + state["held"]
            and quarantined == state["quarantined"]
        ):
            wrong.append(
                f"{file.source}/{file.name} (receipt {file.sequence:06}): {file.rows} rows in,"
                f" {held_and_accepted} accepted or held, {quarantined} quarantined"
            )
    if wrong:
        raise TieError("rows do not tie: " + "; ".join(wrong))


def _result(
    file: File,
    suite: Suite,
    rule: Rule | TableRule,
    evaluated: int,
    failed: int,
    samples: list[dict[str, Any]],
    error: str,
) -> dict[str, Any]:
    """One row of RESULTS."""
    message = f"{failed:,} of {evaluated:,} rows: {rule.reason}" if failed else None
    if error:
        status, message = "error", f"the rule could not be evaluated: {error}"
    elif not evaluated:
        status = "no_rows"
    elif evaluated - failed < (rule.mostly if isinstance(rule, Rule) else 1) * evaluated:
        status = "failed"
    else:
        status = "passed"
    return {
        "source": file.source,
        "entity": file.entity.name,
        "file_sequence": file.sequence,
        "file_hash": file.hash,
        "suite": suite.name,
        "rule_id": rule.id,
        "severity": rule.severity,
        "status": status,
        "rows_evaluated": evaluated,
        "rows_failed": failed,
        "message": message,
        "samples": json.dumps(samples, ensure_ascii=False) if samples else "[]",
    }


def _of_whole(file: File, suite: Suite, rule: TableRule, rows: int, outcome: tuple[bool, str] | None) -> dict[str, Any]:
    """One row of RESULTS for a rule about a whole file; outcome: None where it has nothing to compare with."""
    failed, words = outcome or (False, "")
    result = _result(file, suite, rule, rows, rows if failed else 0, [], "")
    if failed:
        result |= {"status": "failed", "message": f"{words}: {rule.reason}"}
    elif outcome is None:
        result |= {"status": "no_rows", "message": "nothing to compare the file with" if rows else None}
    return result
