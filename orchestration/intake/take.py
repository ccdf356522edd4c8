"""Intake: landing → raw, one immutable Parquet per received content.

What belongs here: which files are new, known or to be rebuilt, and the register of files. What
does not: formats (readers.py), mappings (mapping.py), parsing (parse.py).

A file of raw/file/ is written last and carries in its Parquet metadata the ``recipe``: a hash of
how its content was read. Where the recipe of today differs (the mapping changed, or came later),
or a file is missing, the content is read again from the store. So raw/ depends on landing/ and the
mappings alone, never on the order of runs.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from orchestration import warehouse
from orchestration.contract import ENTITIES, FILE, Column, raw_columns
from orchestration.intake import landing, parse, readers
from orchestration.intake.landing import Receipt
from orchestration.intake.mapping import RECIPE_VERSION, Mapping, Mappings, load_mappings
from orchestration.settings import Settings

Progress = Callable[[str], None]
Status = Literal["new", "known", "unreadable", "unmapped"]


@dataclass(frozen=True)
class FileReport:
    """What became of one delivered file.

    status: new (received and read now), known (its content was received before), unreadable or
    unmapped (received, no rows; the message says why). rows: rows read from its content.
    """

    source: str
    file_name: str
    file_hash: str
    file_sequence: int | None
    entity: str
    status: Status
    rows: int
    message: str


@dataclass(frozen=True)
class IntakeReport:
    """What one intake did: a report per delivered file, and per rebuilt content that is no longer delivered."""

    files: tuple[FileReport, ...]
    rebuilt: int
    """Contents whose rows were read again from the store."""

    def count(self, status: Status) -> int:
        """Number of files with that status."""
        return sum(report.status == status for report in self.files)

    @property
    def new_rows(self) -> int:
        """Rows of the files that were read for the first time."""
        return sum(report.rows for report in self.files if report.status == "new")

    @property
    def totals(self) -> dict[str, int]:
        """Files by status, files rebuilt, and rows of new files."""
        counts = Counter(report.status for report in self.files)
        states: tuple[Status, ...] = ("new", "known", "unreadable", "unmapped")
        return {**{s: counts[s] for s in states}, "rebuilt": self.rebuilt, "new_rows": self.new_rows}


@dataclass(frozen=True)
class _Registered:
    """A row of raw/file/ as far as reports need it."""

    entity: str
    status: str
    rows: int
    error: str
    recipe: str


def take_in(settings: Settings, progress: Progress | None = None) -> IntakeReport:
    """Receive what is new in landing/ and bring raw/ up to date.

    Reads landing/, seeds/sources/. Writes landing/.receipts, landing/.store, raw/. A file that
    cannot be read never stops the others. Raises LandingError when landing/ itself is damaged.
    """
    say = progress or (lambda message: None)
    mappings = load_mappings(settings.sources)
    with landing.one_at_a_time(settings), warehouse.in_memory(settings) as connection:
        # the order of rows in a file is part of its bytes
        connection.execute("SET preserve_insertion_order = true")
        _write_schemas(connection, settings)
        known = landing.receipts(settings)
        before = len(known)
        files, misplaced = landing.delivered(settings)
        outcomes = [_receive(settings, mappings, known, source, path) for source, path in files]
        register = _register(connection, settings)
        rebuilt = 0
        read_again = set()
        for receipt in known:
            if not _current(settings, mappings, receipt, register.get(receipt.key)):
                entry = _build(connection, settings, mappings, receipt)
                register[receipt.key] = entry
                note = f"{entry.rows:,} rows" if entry.status == "read" else entry.error
                say(f"{receipt.source}/{receipt.file_name}: {note}")
                if receipt.sequence <= before:
                    rebuilt += 1
                    read_again.add(receipt.sequence)
        _remove_strangers(settings, {receipt.key for receipt in known})
    reports = [_report(mappings, register, before, outcome) for outcome in outcomes]
    seen = {report.file_sequence for report in reports}
    reports += [
        _report(mappings, register, before, _Delivery(r.source, r.file_name, r.file_hash, r, "rebuilt from the store"))
        for r in known
        if r.sequence in read_again - seen
    ]
    reports += [_misplaced(settings, path) for path in misplaced]
    return IntakeReport(tuple(reports), rebuilt)


# --- what was delivered -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Delivery:
    source: str
    file_name: str
    file_hash: str
    receipt: Receipt | None
    message: str


def _receive(settings: Settings, mappings: Mappings, known: list[Receipt], source: str, path: Path) -> _Delivery:
    """Give a new content its receipt (appended to ``known``), or find the receipt that it has."""
    try:
        file_hash = landing.fingerprint(path)
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); it is taken in when it can be"
        return _Delivery(source, path.name, "", None, reason)
    same = [r for r in known if (r.source, r.file_hash) == (source, file_hash)]
    fits = mappings.find(source, path.name)[0] is not None
    # a content first delivered under a name that does not fit is received anew under one that does
    if same and not (fits and mappings.find(source, same[-1].file_name)[0] is None):
        first = same[-1]
        message = f"same content as receipt {first.sequence:06} ({first.file_name})"
        return _Delivery(source, path.name, file_hash, first, message)
    sequence = known[-1].sequence + 1 if known else 1
    receipt = landing.receive(settings, source, path, file_hash, sequence)
    if receipt is None:
        return _Delivery(source, path.name, file_hash, None, "changed while it was read; it is taken in next time")
    known.append(receipt)
    return _Delivery(source, path.name, file_hash, receipt, "")


def _report(mappings: Mappings, register: dict[str, _Registered], before: int, item: _Delivery) -> FileReport:
    if item.receipt is None:
        return FileReport(item.source, item.file_name, item.file_hash, None, "", "unreadable", 0, item.message)
    entry = register[item.receipt.key]
    first_time = item.receipt.sequence > before and not item.message
    status: Status
    if entry.status == "read":
        status = "new" if first_time else "known"
    else:
        status = "unreadable" if mappings.find(item.source, item.receipt.file_name)[0] else "unmapped"
    message = "; ".join(part for part in (entry.error, item.message) if part)
    return FileReport(
        item.source,
        item.file_name,
        item.file_hash,
        item.receipt.sequence,
        entry.entity,
        status,
        entry.rows,
        message,
    )


def _misplaced(settings: Settings, path: Path) -> FileReport:
    folder = path.parent.relative_to(settings.landing).as_posix()
    reason = "not in a source's folder: expected landing/<source>/<file>; it is not received"
    if not landing.named_in_text(path):
        reason = "its name is not UTF-8 text; it is not received until it is renamed"
    name = path.name.encode(errors="backslashreplace").decode()
    return FileReport("" if folder == "." else folder, name, "", None, "", "unmapped", 0, reason)


# --- raw/ -------------------------------------------------------------------------------------


def _recipe(mappings: Mappings, receipt: Receipt) -> str:
    """How the content is read today; for a content without a mapping, why it is not."""
    mapping, reason = mappings.find(receipt.source, receipt.file_name)
    if mapping is not None:
        return mapping.recipe
    return hashlib.sha256(f"{RECIPE_VERSION}: {reason}".encode()).hexdigest()[:32]


def _raw_path(settings: Settings, entity: str, receipt: Receipt) -> Path:
    return settings.raw / entity / f"{receipt.key}.parquet"


def _current(settings: Settings, mappings: Mappings, receipt: Receipt, entry: _Registered | None) -> bool:
    if entry is None or entry.recipe != _recipe(mappings, receipt):
        return False
    return entry.status != "read" or _raw_path(settings, entry.entity, receipt).is_file()


def _build(
    connection: duckdb.DuckDBPyConnection, settings: Settings, mappings: Mappings, receipt: Receipt
) -> _Registered:
    """Read a content from the store into raw/, the register's row last."""
    path = landing.check_stored(settings, receipt)
    mapping, error = mappings.find(receipt.source, receipt.file_name)
    recipe = _recipe(mappings, receipt)
    _raw_path(settings, "file", receipt).unlink(missing_ok=True)
    for entity in ENTITIES:
        _raw_path(settings, entity, receipt).unlink(missing_ok=True)
    rows = 0
    if mapping is not None:
        try:
            rows = _read(connection, settings, mapping, receipt, path, recipe)
        except readers.UnreadableError as unreadable:
            error = str(unreadable)
    entry = _Registered(mapping.entity if mapping else "", "unreadable" if error else "read", rows, error, recipe)
    values = {
        "source": parse.literal(receipt.source),
        "entity": parse.literal(entry.entity) if entry.entity else "NULL",
        "file_sequence": str(receipt.sequence),
        "file_name": parse.literal(receipt.file_name),
        "file_hash": parse.literal(receipt.file_hash),
        "file_bytes": str(receipt.file_bytes),
        "rows_in": str(entry.rows),
        "status": parse.literal(entry.status),
        "error": parse.literal(entry.error) if entry.error else "NULL",
    }
    columns = ", ".join(f"CAST({values[c.name]} AS {c.type}) AS {c.name}" for c in FILE.columns)
    _copy(connection, f"SELECT {columns}", _raw_path(settings, "file", receipt), recipe)
    return entry


def _read(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    mapping: Mapping,
    receipt: Receipt,
    path: Path,
    recipe: str,
) -> int:
    """Stage the records as text, parse them into raw/<entity>/; the number of rows."""
    records = readers.open_records(path, mapping)
    with _staged(settings, receipt, records) as stage:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW records AS FROM read_parquet({parse.literal(str(stage))})")
        select = parse.statement(mapping, records.header, receipt.source, receipt.sequence, receipt.file_hash)
        return _copy(connection, select, _raw_path(settings, mapping.entity, receipt), recipe)


@contextmanager
def _staged(settings: Settings, receipt: Receipt, records: readers.Records) -> Iterator[Path]:
    """The records in a scratch file, so that parsing needs no more memory than a batch."""
    import pyarrow.parquet as pq

    folder = settings.scratch / "intake"
    folder.mkdir(parents=True, exist_ok=True)
    stage = folder / f"{receipt.key}.parquet"
    try:
        with pq.ParquetWriter(stage, records.schema, compression="snappy") as writer:
            for batch in records.batches:
                writer.write_batch(batch)
        yield stage
    finally:
        stage.unlink(missing_ok=True)


def _copy(connection: duckdb.DuckDBPyConnection, select: str, target: Path, recipe: str | None = None) -> int:
    """Write a SELECT's rows to a Parquet file in one step; the number of rows."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}.tmp")
    metadata = f", KV_METADATA {{recipe: {parse.literal(recipe)}}}" if recipe else ""
    connection.execute(f"COPY ({select}) TO {parse.literal(str(half))} (FORMAT parquet, COMPRESSION zstd{metadata})")
    rows = connection.fetchall()[0][0]
    half.replace(target)
    return int(rows)


def _write_schemas(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """A file without rows per entity, so that readers find the columns before the first file."""
    kinds: dict[str, tuple[Column, ...]] = {name: raw_columns(entity) for name, entity in ENTITIES.items()}
    kinds["file"] = FILE.columns
    for name, columns in kinds.items():
        nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in columns)
        _copy(connection, f"SELECT {nulls} WHERE false", settings.raw / name / "_schema.parquet")


def _register(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, _Registered]:
    """raw/file/ by file key, with each file's recipe."""
    files = parse.literal(str(settings.raw / "file" / "[0-9]*.parquet"))
    if not any((settings.raw / "file").glob("[0-9]*.parquet")):
        return {}
    recipes = dict(
        connection.execute(
            f"SELECT parse_filename(file_name, true), decode(value) FROM parquet_kv_metadata({files})"
            " WHERE decode(key) = 'recipe'"
        ).fetchall()
    )
    rows = connection.execute(
        "SELECT parse_filename(filename, true), coalesce(entity, ''), status, rows_in, coalesce(error, '')"
        f" FROM read_parquet({files}, filename = true)"
    ).fetchall()
    return {key: _Registered(entity, status, n, error, recipes.get(key, "")) for key, entity, status, n, error in rows}


def _remove_strangers(settings: Settings, keys: set[str]) -> None:
    """Remove raw files without a receipt: raw/ holds what landing/ holds."""
    for path in settings.raw.glob("*/[0-9]*.parquet"):
        if path.stem not in keys:
            path.unlink()
