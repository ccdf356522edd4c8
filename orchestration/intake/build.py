"""Contents of the store into raw/: many small ones together, a large one by itself.

What belongs here: reading, parsing and writing contents, and their entries in the register of files.
What does not: which contents are due (take.py), formats (readers.py), the parsing statement (parse.py).

A statement costs DuckDB about 10 ms whatever the number of rows, so small contents of one mapping are
parsed together and their rows written one Parquet per content. How a content is written depends on
the content alone (its rows and bytes once read), never on what it was parsed with: the same bytes.

A file of raw/file/ is written last and carries in its Parquet metadata the ``recipe``: a hash of
how its content was read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.contract import ENTITIES, FILE, SOURCE, Column
from orchestration.intake import agreement, landing, parse, readers
from orchestration.intake.landing import Receipt
from orchestration.intake.mapping import Mapping, Mappings
from orchestration.intake.records import staged_schema
from orchestration.settings import Settings

SMALL_ROWS = 20_000
SMALL_BYTES = 4 << 20
"""A content with at most so many rows and bytes of text is parsed together with others."""
FEW_ROWS = 1_000
"""Up to so many rows zstd takes longer to set up than to compress, a millisecond per file."""
TOGETHER_FILES = 1_000
TOGETHER_BYTES = 32 << 20
"""So much is parsed together."""


@dataclass(frozen=True)
class Registered:
    """A row of raw/file/ as far as reports need it."""

    entity: str
    status: str
    rows: int
    error: str
    recipe: str


@dataclass
class _Content:
    """A content that is being built."""

    receipt: Receipt
    recipe: str
    mapping: Mapping | None
    error: str = ""
    rows: int = 0
    parts: list[readers.Part] = field(default_factory=list)
    batches: list[pa.RecordBatch] = field(default_factory=list)

    @property
    def small(self) -> bool:
        """Whether what was read so far is little enough to be parsed with others."""
        rows = sum(batch.num_rows for batch in self.batches)
        return rows <= SMALL_ROWS and sum(batch.nbytes for batch in self.batches) <= SMALL_BYTES


def raw_path(settings: Settings, entity: str, receipt: Receipt) -> Path:
    """The Parquet of a content in raw/<entity>/."""
    return settings.raw / entity / f"{receipt.key}.parquet"


class Builder:
    """Brings contents into raw/. ``built`` is told of those whose entries in the register stand."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        settings: Settings,
        mappings: Mappings,
        present: set[tuple[str, str]],
        built: Callable[[list[tuple[Receipt, Registered]]], None],
    ) -> None:
        """``present``: (entity, file key) of the files that raw/ has."""
        self.connection = connection
        self.settings = settings
        self.mappings = mappings
        self.present = present
        self.built = built
        self.waiting: list[_Content] = []
        self.bytes = 0

    def add(self, receipt: Receipt, recipe: str) -> None:
        """Read a content from the store; it stands in raw/ at the latest after ``finish``."""
        path = landing.check_stored(self.settings, receipt)
        mapping, reason = self.mappings.find(receipt.source, receipt.file_name)
        content = _Content(receipt, recipe, mapping, reason)
        for entity in ("file", *ENTITIES):
            if (entity, receipt.key) in self.present:
                raw_path(self.settings, entity, receipt).unlink()
        if mapping is not None:
            try:
                self._read(content, mapping, path)
            except readers.UnreadableError as error:
                content.error, content.batches, content.parts = str(error), [], []
        self.waiting.append(content)
        self.bytes += sum(batch.nbytes for batch in content.batches)
        if len(self.waiting) >= TOGETHER_FILES or self.bytes >= TOGETHER_BYTES:
            self.finish()

    def finish(self) -> None:
        """Parse and write what was read, the register last."""
        by_mapping: dict[str, list[_Content]] = {}
        for content in self.waiting:
            if content.mapping is not None and content.batches:
                by_mapping.setdefault(content.mapping.source, []).append(content)
        for contents in by_mapping.values():
            self._parse_together(contents)
        self._register(self.waiting)
        self.waiting, self.bytes = [], 0

    def _read(self, content: _Content, mapping: Mapping, path: Path) -> None:
        """Read a small content into memory; parse and write a large one."""
        folder = self.settings.scratch / "intake"
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / content.receipt.key
        batches = readers.read(path, mapping, scratch, content.parts)
        for batch in batches:
            content.batches.append(batch)
            if not content.small:
                self._parse_alone(content, mapping, batches, scratch)
                return
        if not content.batches:
            content.batches.append(pa.RecordBatch.from_pylist([], schema=staged_schema(mapping)))

    def _parse_alone(self, content: _Content, mapping: Mapping, rest: Iterator[pa.RecordBatch], scratch: Path) -> None:
        """Stage a large content in a scratch file, so that parsing needs no more memory than a batch."""
        import pyarrow.parquet as pq

        stage = scratch.with_suffix(".parquet")
        receipt = content.receipt
        try:
            with pq.ParquetWriter(stage, staged_schema(mapping), compression="snappy") as writer:
                for batch in content.batches:
                    writer.write_batch(batch)
                content.batches = []
                for batch in rest:
                    writer.write_batch(batch)
            self.connection.execute(
                f"CREATE OR REPLACE TEMP VIEW records AS SELECT *, {receipt.sequence} AS file_sequence,"
                f" {parse.literal(receipt.file_hash)} AS file_hash FROM read_parquet({parse.literal(str(stage))})"
            )
            target = raw_path(self.settings, mapping.entity, receipt)
            content.rows = copy(self.connection, parse.statement(mapping), target, content.recipe)
        finally:
            stage.unlink(missing_ok=True)

    def _parse_together(self, contents: list[_Content]) -> None:
        """Parse the small contents of one mapping in one statement; write one Parquet for each."""
        import numpy as np

        mapping = contents[0].mapping
        assert mapping is not None
        counts = [sum(batch.num_rows for batch in content.batches) for content in contents]
        order = np.repeat(np.arange(len(contents)), counts)
        sequences = np.array([content.receipt.sequence for content in contents], dtype=np.int32)
        hashes = pa.array([content.receipt.file_hash for content in contents], pa.string())
        records = pa.Table.from_batches([batch for content in contents for batch in content.batches])
        records = records.append_column("file_sequence", pa.array(sequences[order], pa.int32()))
        records = records.append_column("file_hash", hashes.take(pa.array(order)))
        with _registered(self.connection, "staged", records.combine_chunks()):
            self.connection.execute("CREATE OR REPLACE TEMP VIEW records AS FROM staged")
            parsed = self.connection.execute(parse.statement(mapping)).to_arrow_table().combine_chunks()
        found = parsed.column("file_sequence").to_numpy()
        for content in contents:
            first, last = np.searchsorted(found, [content.receipt.sequence, content.receipt.sequence + 1])
            content.rows, content.batches = int(last - first), []
            target = raw_path(self.settings, mapping.entity, content.receipt)
            _write(parsed.slice(first, content.rows), target, content.recipe)

    def _register(self, contents: list[_Content]) -> None:
        """Write the register's entry of each content, and tell of them."""
        if not contents:
            return
        values: list[dict[str, Any]] = [
            {
                "source": content.receipt.source,
                "entity": content.mapping.entity if content.mapping else None,
                "file_sequence": content.receipt.sequence,
                "file_name": content.receipt.file_name,
                "file_hash": content.receipt.file_hash,
                "file_bytes": content.receipt.file_bytes,
                "rows_in": content.rows,
                "status": "unreadable" if content.error else "read",
                "error": content.error or None,
                "received_on": date.fromisoformat(content.receipt.received_on) if content.receipt.received_on else None,
                "parts": json.dumps([asdict(p) for p in content.parts], ensure_ascii=False) if content.parts else None,
            }
            for content in contents
        ]
        types = {"VARCHAR": pa.string(), "INTEGER": pa.int32(), "BIGINT": pa.int64(), "DATE": pa.date32()}
        schema = pa.schema([(column.name, types[column.type]) for column in FILE.columns])
        table = pa.Table.from_pylist(values, schema=schema)
        entries = []
        for place, content in enumerate(contents):
            _write(table.slice(place, 1), raw_path(self.settings, "file", content.receipt), content.recipe)
            status = values[place]["status"]
            entity = content.mapping.entity if content.mapping else ""
            entry = Registered(entity, status, content.rows, content.error, content.recipe)
            entries.append((content.receipt, entry))
        self.built(entries)


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    connection.register(name, table)
    try:
        yield
    finally:
        connection.execute("DROP VIEW IF EXISTS records")
        connection.unregister(name)


def _write(table: pa.Table, target: Path, recipe: str) -> None:
    """Write a small table in one step. Its bytes depend on its rows and the recipe alone."""
    import pyarrow.parquet as pq

    half = target.with_name(f".{target.name}.tmp")
    with pq.ParquetWriter(
        half,
        table.schema,
        compression="zstd" if table.num_rows > FEW_ROWS else "snappy",
        use_dictionary=False,
        store_schema=False,
        store_decimal_as_integer=True,  # as DuckDB writes them
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"recipe": recipe})
    half.replace(target)


def copy(connection: duckdb.DuckDBPyConnection, select: str, target: Path, recipe: str | None = None) -> int:
    """Write a SELECT's rows to a Parquet file in one step; the number of rows."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}.tmp")
    metadata = f", KV_METADATA {{recipe: {parse.literal(recipe)}}}" if recipe else ""
    connection.execute(f"COPY ({select}) TO {parse.literal(str(half))} (FORMAT parquet, COMPRESSION zstd{metadata})")
    rows = connection.fetchall()[0][0]
    half.replace(target)
    return int(rows)


def write_schemas(
    connection: duckdb.DuckDBPyConnection, settings: Settings, kinds: dict[str, tuple[Column, ...]]
) -> None:
    """A file without rows per kind, so that readers find the columns before the first file."""
    for name, columns in kinds.items():
        nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in columns)
        copy(connection, f"SELECT {nulls} WHERE false", settings.raw / name / "_schema.parquet")


def write_sources(connection: duckdb.DuckDBPyConnection, settings: Settings, mappings: Mappings) -> None:
    """The register of sources: what each agreed to deliver (agreement.py)."""
    values = [
        "(" + ", ".join("NULL" if value is None else parse.literal(str(value)) for value in row) + ")"
        for row in agreement.rows(list(mappings.usable.values()))
    ]
    names = ", ".join(column.name for column in SOURCE.columns)
    typed = ", ".join(f"CAST({column.name} AS {column.type}) AS {column.name}" for column in SOURCE.columns)
    none = f"(SELECT {', '.join(['NULL'] * len(SOURCE.columns))} LIMIT 0)"
    rows = f"(VALUES {', '.join(values)})" if values else none
    select = f"SELECT {typed} FROM {rows} AS sources ({names}) ORDER BY source"
    copy(connection, select, settings.raw / "source" / "source.parquet")
