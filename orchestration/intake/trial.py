"""Trying a mapping on a file: what it makes of the rows, and what does not fit. Reads no landing/, writes no raw/.

What belongs here: the file read and parsed as intake does it, and what is found in the outcome. What does not:
rules on the rows (validation), the layout of the answer (intake_commands.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration import warehouse
from orchestration.contract import ENTITIES
from orchestration.intake import parse, readers
from orchestration.intake.build import copy
from orchestration.intake.mapping import Mapping
from orchestration.intake.records import staged_schema
from orchestration.settings import Settings

EXAMPLES = 5


@dataclass(frozen=True)
class Misfit:
    """Values of one column that could not be taken, for one reason. ``column`` is ours; ``row``: a whole record."""

    column: str
    theirs: str
    reason: str
    rows: int
    examples: tuple[tuple[str, int, int], ...]
    """The most frequent values: value, how many rows, number of the first of them."""


@dataclass(frozen=True)
class FileTrial:
    """What a mapping makes of a file."""

    raw: Path
    """The rows as they would stand in raw/<entity>/, with file_sequence 1."""
    rows: int
    rows_with_errors: int
    first: tuple[tuple[int, dict[str, str | None], dict[str, Any]], ...]
    """The first rows: row number, their columns as text, our columns."""
    misfits: tuple[Misfit, ...]
    empty: tuple[str, ...]
    """Our columns that are mapped and have no value in any row."""
    unmapped: tuple[str, ...]
    """Our columns that are neither mapped nor constant."""


def try_file(scratch: Settings, mapping: Mapping, path: Path, first: int) -> FileTrial:
    """What ``mapping`` makes of a file, and its first rows. Raises UnreadableError as intake would find it.

    scratch: settings of a temporary data folder; everything is written there.
    """
    import pyarrow.parquet as pq

    stage = scratch.scratch / "staged.parquet"
    raw = scratch.raw / mapping.entity / "000001_on_trial.parquet"
    with warehouse.in_memory(scratch) as connection:
        connection.execute("SET preserve_insertion_order = true")
        with pq.ParquetWriter(stage, staged_schema(mapping)) as writer:
            for batch in readers.read(path, mapping, scratch.scratch / "file", []):
                writer.write_batch(batch)
        connection.execute(
            "CREATE TEMP VIEW records AS SELECT *, 1 AS file_sequence, '' AS file_hash"
            f" FROM read_parquet({parse.literal(str(stage))})"
        )
        rows = copy(connection, parse.statement(mapping), raw)
        connection.execute(f"CREATE TEMP VIEW raw_rows AS FROM read_parquet({parse.literal(str(raw))})")
        ours = [column.name for column in ENTITIES[mapping.entity].columns]
        counts = ", ".join(f"count({name})" for name in ours)
        [(bad, *filled)] = connection.execute(f"SELECT count(parse_errors), {counts} FROM raw_rows").fetchall()
        # a code that is to be cross-referenced is known only to validation
        with_values = {name for name, count in zip(ours, filled, strict=True) if count}
        if mapping.product_codes == "cross_reference":
            with_values.add("product_id")
        after = _table(connection, f"SELECT * FROM raw_rows ORDER BY row_number LIMIT {first}").to_pylist()
        numbers = ", ".join(str(row["row_number"]) for row in after) or "-1"
        before = {
            row["row_number"]: {name: row[f"c{place}"] for place, name in enumerate(mapping.staged_columns)}
            for row in _table(connection, f"SELECT * FROM records WHERE row_number IN ({numbers})").to_pylist()
        }
        misfits = _misfits(connection, mapping, ours)
    mapped = [name for name in ours if name in mapping.columns]
    return FileTrial(
        raw, rows, bad,
        tuple((row["row_number"], before[row["row_number"]], row) for row in after),
        misfits,
        tuple(name for name in mapped if rows and name not in with_values),
        tuple(name for name in ours if name not in mapping.columns and name not in mapping.constants),
    )  # fmt: skip


def _table(connection: Any, sql: str) -> pa.Table:
    return connection.execute(sql).to_arrow_table()


def _misfits(connection: Any, mapping: Mapping, ours: list[str]) -> tuple[Misfit, ...]:
    """The parts of ``parse_errors`` by column and reason, most rows first."""
    names = "|".join(ours)
    found = connection.execute(f"""
        WITH parts AS (SELECT row_number, unnest(string_split(parse_errors, '; ')) AS part FROM raw_rows),
        split AS (
            SELECT
                row_number,
                coalesce(nullif(regexp_extract(part, '^({names}): ''', 1), ''), 'row') AS name,
                regexp_extract(part, ': ''(.*)''', 1) AS value,
                CASE WHEN part LIKE 'row: %' THEN part[6:]
                    ELSE trim(regexp_extract(part, '''([^'']*)$', 1)) END AS reason
            FROM parts WHERE regexp_matches(part, '^(({names}): ''|row: )')
        ),
        counted AS (
            SELECT name, reason, value, count(*) AS rows, min(row_number) AS first FROM split GROUP BY ALL
        )
        SELECT
            name, reason, CAST(sum(rows) AS BIGINT) AS rows,
            list({{'value': value, 'rows': rows, 'first': first}} ORDER BY rows DESC, first)[:{EXAMPLES}]
        FROM counted GROUP BY name, reason ORDER BY rows DESC, name, reason
    """).fetchall()
    return tuple(
        Misfit(
            name,
            "" if name == "row" else mapping.column(name).column,
            reason,
            rows,
            tuple((item["value"], item["rows"], item["first"]) for item in examples),
        )
        for name, reason, rows, examples in found
    )
