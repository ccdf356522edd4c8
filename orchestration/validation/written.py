"""What validation writes: rows with their verdicts, results per file and rule, and each file's state.

What belongs here: the files below accepted/, quarantine/ and validation/. What does not: verdicts (verdicts.py).

A room holds a file of rows only where there are rows. Files with few rows are written from memory, many at a time:
a COPY each would cost more than judging them. Which way is taken hangs on the file alone, so that its bytes do not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.contract import Column, Entity, accepted_columns, quarantine_columns

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from orchestration.settings import Settings
    from orchestration.validation.distinct import Rows

FEW_ROWS = 20_000
"""Files with fewer rows are written from memory."""

TINY_ROWS = 1_000
"""Files with fewer rows are not compressed, nor given dictionaries and statistics: these cost more than they help."""

BATCH_ROWS = 100_000
"""So many rows of such files are in memory at a time."""

RESULTS_TOGETHER = 500
"""Of so many files the results are put into columns together."""

MOST_HELD = 8
"""Up to so many different sets of failed rules among a large file's held rows are told apart while it is copied."""

RESULTS = (
    Column("source", "VARCHAR", "the file's source"),
    Column("entity", "VARCHAR", "what its rows are"),
    Column("file_sequence", "INTEGER", "receipt number of the file"),
    Column("file_hash", "VARCHAR", "SHA-256 of the file's bytes"),
    Column("suite", "VARCHAR", "suite file under expectations/, without its extension"),
    Column("rule_id", "VARCHAR", "id of the expectation"),
    Column("severity", "VARCHAR", "reject, hold or warn"),
    Column("status", "VARCHAR", "passed, failed, no_rows (the suite found no row to judge) or error"),
    Column("rows_evaluated", "BIGINT", "rows of the file that the suite judges"),
    Column("rows_failed", "BIGINT", "rows that failed"),
    Column("message", "VARCHAR", "the reason with figures, or the error; null where nothing failed"),
    Column("samples", "VARCHAR", "JSON list of the first failing rows: row_number and value, up to 5"),
)
"""Columns of validation/<entity>/<file key>.parquet; one row per file and rule."""


@dataclass
class File:
    """A file of raw/ that is to have verdicts."""

    key: str
    source: str
    entity: Entity
    name: str
    sequence: int
    hash: str
    rows: int
    recipe: str
    received_on: date | None = None
    depends: dict[str, str] = field(default_factory=dict)
    """Hashes of what its verdicts depend on, by name; the master data beside."""
    state: dict[str, Any] = field(default_factory=dict)
    judged: bool = False


def text(value: str) -> str:
    """An SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def paths(found: Iterable[Path]) -> str:
    """An SQL list of files."""
    return "[" + ", ".join(text(str(path)) for path in found) + "]"


class Rooms:
    """The three rooms that validation writes."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self.connection = connection
        self.settings = settings

    def result(self, file: File, ending: str) -> Path:
        """A file's results (parquet) or state (json)."""
        return self.settings.validation_results / file.entity.name / f"{file.key}.{ending}"

    def of_rows(self, room: Path, file: File) -> Path:
        """A file's rows in a room."""
        return room / file.entity.name / f"{file.key}.parquet"

    def copy(self, select: str, target: Path) -> int:
        """Write a SELECT's rows to a Parquet file in one step; the number of rows."""
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f".{target.name}.tmp")
        command = f"COPY ({select}) TO {text(str(half))} (FORMAT parquet, COMPRESSION zstd)"
        rows = self.connection.execute(command).fetchall()
        half.replace(target)
        return int(rows[0][0])

    def read_state(self, file: File) -> dict[str, Any]:
        """The state beside the results; empty if anything that belongs to it is missing."""
        try:
            state: dict[str, Any] = json.loads(self.result(file, "json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        there = (
            self.result(file, "parquet").is_file()
            and self.of_rows(self.settings.accepted, file).is_file() == bool(state["accepted"] + state["held"])
            and self.of_rows(self.settings.quarantine, file).is_file() == bool(state["quarantined"])
        )
        return state if there else {}

    def write_state(self, file: File) -> None:
        """Write a file's state whole or not at all."""
        target = self.result(file, "json")
        half = target.with_name(f".{target.name}.tmp")
        half.write_text(json.dumps(file.state, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        half.replace(target)

    def write(
        self,
        entity: Entity,
        files: list[File],
        rows: Rows,
        results: dict[int, list[dict[str, Any]]],
        *,
        as_reported: Rows,
        looked_up: Mapping[int, bool],
    ) -> None:
        """Write judged files; each one's state last, so that a half-written file is judged again.

        Reads table ``verdict`` (file_sequence, row_number, verdict, rules_failed: rows that failed something).
        looked_up: by sequence, files of which even an accepted row is not as raw/ has it, as a cross-reference or an
        identification was found (True), or as end customers are unidentified and no more (False). as_reported: the
        rows of all files but the former, without looking that up.
        """
        for room in (self.settings.accepted, self.settings.quarantine, self.settings.validation_results):
            (room / entity.name).mkdir(parents=True, exist_ok=True)
        for file in files:
            self.result(file, "json").unlink(missing_ok=True)
        for room, columns in (
            (self.settings.accepted, accepted_columns(entity)),
            (self.settings.quarantine, quarantine_columns(entity)),
        ):
            inside = room == self.settings.accepted
            few: list[File] = []
            for file in files:
                state = file.state
                count = state["accepted"] + state["held"] if inside else state["quarantined"]
                target = self.of_rows(room, file)
                if not count:
                    target.unlink(missing_ok=True)
                elif file.rows >= FEW_ROWS:
                    select = None
                    if inside and not looked_up.get(file.sequence):
                        select = self._in_order(
                            file, as_reported, columns, rows if file.sequence in looked_up else None
                        )
                    self.copy(select or _select(rows, columns, inside, f"= {file.sequence}"), target)
                else:
                    few.append(file)
            for batch in _batches(few):
                sequences = ", ".join(str(file.sequence) for file in batch)
                select = _select(rows, columns, inside, f"IN ({sequences})")
                self._write_few(batch, self.connection.execute(select).to_arrow_table(), room)
        import pyarrow as pa

        schema = pa.schema([(column.name, _ARROW[column.type]) for column in RESULTS])
        for start in range(0, len(files), RESULTS_TOGETHER):
            some = files[start : start + RESULTS_TOGETHER]
            every = [result for file in some for result in results[file.sequence]]
            table = pa.table(
                [pa.array([r[name] for r in every], schema.field(name).type) for name in schema.names], schema
            )
            place = 0
            for file in some:
                count = len(results[file.sequence])
                self._write_table(table.slice(place, count), self.result(file, "parquet"))
                place += count
                file.judged = True
                self.write_state(file)

    def _in_order(self, file: File, rows: Rows, columns: tuple[Column, ...], unidentified: Rows | None) -> str | None:
        """SELECT of a file's accepted and held rows in the order in which raw/ holds them, without a sort.

        Which rows are not simply accepted is looked up in bit strings, as a join would lose the order. None where
        held rows failed too many different rules for that. unidentified: rows that say which lines name an end customer
        whom nobody knows; None: no line does.
        """
        mine = f"FROM verdict WHERE file_sequence = {file.sequence}"
        held = self.connection.execute(
            f"SELECT DISTINCT rules_failed {mine} AND verdict = 'held' ORDER BY ALL LIMIT {MOST_HELD + 1}"
        ).fetchall()
        if len(held) > MOST_HELD:
            return None
        [(last,)] = self.connection.execute(
            f"SELECT max(row_number) FROM ({rows([])}) WHERE file_sequence = {file.sequence}"
        ).fetchall()
        sets = {"quarantined": "verdict = 'quarantined'"} if file.state["quarantined"] else {}
        sets |= {
            f"held_{place}": f"verdict = 'held' AND rules_failed = {text(name)}" for place, (name,) in enumerate(held)
        }
        for name, condition in sets.items():
            bits = f"SELECT bitstring_agg(row_number, 0, {last}) {mine} AND {condition}"
            self.connection.execute(f"SET VARIABLE {name} = ({bits})")
        if unidentified:
            sets["unidentified"] = "end_customer_method = 'unidentified'"
            lines = f"({unidentified(['end_customer_method'])}) WHERE file_sequence = {file.sequence}"
            bits = f"SELECT bitstring_agg(row_number, 0, {last}) FROM {lines} AND {sets['unidentified']}"
            self.connection.execute(f"SET VARIABLE unidentified = ({bits})")
        found = {name: f"get_bit(getvariable('{name}'), r.row_number) = 1" for name in sets}
        rules = " ".join(f"WHEN {found[f'held_{place}']} THEN {text(name)}" for place, (name,) in enumerate(held))
        failed = f"CASE {rules} END" if rules else "CAST(NULL AS VARCHAR)"
        own = {"verdict": f"CASE WHEN {failed} IS NULL THEN 'accepted' ELSE 'held' END", "rules_failed": failed}
        if not held:
            own["verdict"] = "'accepted'"
        names = [column.name for column in columns if column.name not in own]
        if unidentified:
            known = "r.end_customer_method"
            own["end_customer_method"] = f"CASE WHEN {found['unidentified']} THEN 'unidentified' ELSE {known} END"
        select = ", ".join(f"{own.get(column.name, f'r.{column.name}')} AS {column.name}" for column in columns)
        kept = f"NOT {found['quarantined']}" if "quarantined" in found else "true"
        return f"SELECT {select} FROM ({rows(names)}) AS r WHERE r.file_sequence = {file.sequence} AND {kept}"

    def _write_few(self, files: list[File], table: pa.Table, room: Path) -> None:
        """Cut the rows of several files, in order of receipt, into their files."""
        import numpy as np

        sequences = table["file_sequence"].to_numpy()
        for file in files:
            first, end = np.searchsorted(sequences, [file.sequence, file.sequence + 1])
            self._write_table(table.slice(first, end - first), self.of_rows(room, file))

    @staticmethod
    def _write_table(table: pa.Table, target: Path) -> None:
        import pyarrow.parquet as pq

        half = target.with_name(f".{target.name}.tmp")
        tiny = table.num_rows < TINY_ROWS  # what helps large files costs small ones more than they are
        compression = "none" if tiny else "zstd"
        pq.write_table(
            table,
            half,
            compression=compression,
            use_dictionary=not tiny,
            write_statistics=not tiny,
            store_schema=False,
        )
        half.replace(target)


def _select(rows: Rows, columns: tuple[Column, ...], inside: bool, sequences: str) -> str:
    """Rows of files with their verdict: inside (accepted and held) or quarantined."""
    own = {"verdict": "coalesce(v.verdict, 'accepted')", "rules_failed": "v.rules_failed"}
    select = ", ".join(f"{own.get(column.name, f'r.{column.name}')} AS {column.name}" for column in columns)
    names = [column.name for column in columns if column.name not in own]
    verdicts = f"(SELECT * FROM verdict WHERE file_sequence {sequences})"
    return (
        f"SELECT {select} FROM ({rows(names)}) AS r {'LEFT ' if inside else ''}JOIN {verdicts} AS v"
        " ON v.file_sequence = r.file_sequence AND v.row_number = r.row_number"
        f" WHERE r.file_sequence {sequences} AND coalesce(v.verdict, '') {'<>' if inside else '='} 'quarantined'"
        " ORDER BY r.file_sequence, r.row_number"
    )


def _batches(files: list[File]) -> list[list[File]]:
    batches: list[list[File]] = []
    rows = BATCH_ROWS
    for file in files:
        if rows >= BATCH_ROWS:
            batches.append([])
            rows = 0
        batches[-1].append(file)
        rows += file.rows
    return batches


class _Types(dict[str, Any]):
    """Arrow types of the results' columns, made when they are asked for."""

    def __missing__(self, kind: str) -> Any:
        import pyarrow as pa

        return {"VARCHAR": pa.string(), "INTEGER": pa.int32(), "BIGINT": pa.int64()}[kind]


_ARROW = _Types()
