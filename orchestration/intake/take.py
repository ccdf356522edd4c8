"""Intake: landing → raw, one immutable Parquet per received content.

What belongs here: which files are new, known, not whole yet or to be rebuilt. What does not: how a
content gets into raw/ (build.py), formats (readers.py), mappings (mapping.py), parsing (parse.py).

A file of raw/file/ carries in its Parquet metadata the ``recipe``: a hash of how its content was
read. Where the recipe of today differs (the mapping changed, or came later),
or a file is missing, the content is read again from the store. So raw/ depends on landing/ and the
mappings alone, never on the order of runs.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb

from orchestration import warehouse
from orchestration.contract import ENTITIES, FILE, raw_columns
from orchestration.intake import landing, parse
from orchestration.intake.build import Builder, Registered, write_schemas, write_sources
from orchestration.intake.landing import Receipt
from orchestration.intake.mapping import RECIPE_VERSION, Mappings, load_mappings
from orchestration.settings import Settings

TOLD_EACH = 50
"""Of so many contents a line each is said; every line becomes an event in the run's log."""

Progress = Callable[[str], None]
Status = Literal["new", "known", "waiting", "unreadable", "unmapped"]


@dataclass(frozen=True)
class FileReport:
    """What became of one delivered file.

    status: new (received and read now), known (its content was received before), waiting (not whole yet:
    not received), unreadable or unmapped (received, no rows; the message says why). rows: rows read from
    its content.
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
        states: tuple[Status, ...] = ("new", "known", "waiting", "unreadable", "unmapped")
        return {**{s: counts[s] for s in states}, "rebuilt": self.rebuilt, "new_rows": self.new_rows}


def take_in(
    settings: Settings, progress: Progress | None = None, received_on: date | None = None, hold_back: str = ""
) -> IntakeReport:
    """Receive what is new in landing/ and bring raw/ up to date.

    received_on: business date that new receipts keep; never before that of an older receipt. hold_back: why nothing
    new may be received now (new files wait; raw/ is still brought up to date); empty: it may.
    Reads landing/, seeds/sources/. Writes landing/.receipts, landing/.store, raw/. A file that
    cannot be read never stops the others. Raises LandingError when landing/ itself is damaged.
    """
    say = progress or (lambda message: None)
    mappings = load_mappings(settings.sources)
    with landing.one_at_a_time(settings), warehouse.in_memory(settings) as connection:
        # the order of rows in a file is part of its bytes
        connection.execute("SET preserve_insertion_order = true")
        kinds = {name: raw_columns(entity) for name, entity in ENTITIES.items()}
        write_schemas(connection, settings, {**kinds, "file": FILE.columns})
        write_sources(connection, settings, mappings)
        known = _Known(landing.receipts(settings))
        before = known.last
        files, misplaced = landing.delivered(settings)
        day = _received_on(known.receipts, received_on)
        outcomes = [
            _receive(settings, mappings, known, source, path, day, hold_back)
            for source, path in files
            if not _only_a_marker(mappings, source, path)
        ]
        register = _register(connection, settings)
        read_again: set[int] = set()

        def built(entries: list[tuple[Receipt, Registered]]) -> None:
            register.update((receipt.key, entry) for receipt, entry in entries)
            read_again.update(receipt.sequence for receipt, _ in entries if receipt.sequence <= before)
            for message in _told(entries):
                say(message)

        present = {(path.parent.name, path.stem) for path in settings.raw.glob("*/[0-9]*.parquet")}
        builder = Builder(connection, settings, mappings, present, built)
        for receipt in known.receipts:
            recipe = _recipe(mappings, receipt)
            if not _current(register.get(receipt.key), recipe, receipt, present):
                builder.add(receipt, recipe)
        builder.finish()
        _remove_strangers(settings, {receipt.key for receipt in known.receipts})
    reports = [_report(mappings, register, before, outcome) for outcome in outcomes]
    seen = {report.file_sequence for report in reports}
    reports += [
        _report(mappings, register, before, _Delivery(r.source, r.file_name, r.file_hash, r, "rebuilt from the store"))
        for r in known.receipts
        if r.sequence in read_again - seen
    ]
    reports += [_misplaced(settings, path) for path in misplaced]
    return IntakeReport(tuple(reports), len(read_again))


def _told(entries: list[tuple[Receipt, Registered]]) -> list[str]:
    """What is said of contents that were read: a line each for a few, a line per source for many."""
    if len(entries) <= TOLD_EACH:
        return [
            f"{receipt.source}/{receipt.file_name}: {f'{entry.rows:,} rows' if entry.status == 'read' else entry.error}"
            for receipt, entry in entries
        ]
    files = Counter(receipt.source for receipt, _ in entries)
    rows: Counter[str] = Counter()
    for receipt, entry in entries:
        rows[receipt.source] += entry.rows
    unread = Counter(receipt.source for receipt, entry in entries if entry.status != "read")
    return [
        f"{source}: {count:,} files, {rows[source]:,} rows"
        + (f", {unread[source]:,} unreadable" * bool(unread[source]))
        for source, count in sorted(files.items())
    ]


# --- what was delivered -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Delivery:
    source: str
    file_name: str
    file_hash: str
    receipt: Receipt | None
    message: str
    status: Status = "unreadable"
    """What a delivery without a receipt is."""


class _Known:
    """The receipts, oldest first, and the newest of each content of a source."""

    def __init__(self, receipts: list[Receipt]) -> None:
        self.receipts = receipts
        self.newest = {(receipt.source, receipt.file_hash): receipt for receipt in receipts}

    @property
    def last(self) -> int:
        """The highest receipt number; 0 without any."""
        return self.receipts[-1].sequence if self.receipts else 0

    def add(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)
        self.newest[receipt.source, receipt.file_hash] = receipt


def _only_a_marker(mappings: Mappings, source: str, path: Path) -> bool:
    """Whether a file only says that another one is whole."""
    mapping = mappings.usable.get(source)
    return mapping is not None and mapping.is_marker(path.name)


def _received_on(known: list[Receipt], received_on: date | None) -> str | None:
    """The day that new receipts keep. A month that is run again does not turn time back."""
    days = [receipt.received_on for receipt in known if receipt.received_on]
    return max([received_on.isoformat(), *days]) if received_on else None


def _receive(
    settings: Settings, mappings: Mappings, known: _Known, source: str, path: Path, day: str | None, hold_back: str
) -> _Delivery:
    """Give a new content its receipt (added to ``known``), or find the receipt that it has."""
    mapping, _ = mappings.find(source, path.name)
    if mapping is not None and mapping.complete_when:
        marker = mapping.marker(path.name)
        if not path.with_name(marker).is_file():
            reason = f"not whole yet: {marker} has not come; it is taken in when it has"
            return _Delivery(source, path.name, "", None, reason, "waiting")
    try:
        seen = path.stat()
        file_hash = landing.fingerprint(path)
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); it is taken in when it can be"
        return _Delivery(source, path.name, "", None, reason)
    same = known.newest.get((source, file_hash))
    # a content first delivered under a name that does not fit is received anew under one that does
    if same is not None and not (mapping is not None and mappings.find(source, same.file_name)[0] is None):
        message = f"same content as receipt {same.sequence:06} ({same.file_name})"
        return _Delivery(source, path.name, file_hash, same, message)
    if hold_back:
        return _Delivery(source, path.name, file_hash, None, hold_back, "waiting")
    try:
        receipt = landing.receive(settings, source, path, file_hash, known.last + 1, seen, day)
    except FileNotFoundError:
        receipt = None  # taken away while it was copied
    if receipt is None:
        reason = "changed while it was read; it is taken in next time"
        return _Delivery(source, path.name, file_hash, None, reason, "waiting")
    known.add(receipt)
    return _Delivery(source, path.name, file_hash, receipt, "")


def _report(mappings: Mappings, register: dict[str, Registered], before: int, item: _Delivery) -> FileReport:
    if item.receipt is None:
        return FileReport(item.source, item.file_name, item.file_hash, None, "", item.status, 0, item.message)
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
    register = ", ".join(f"{column.name} {column.type}" for column in FILE.columns)
    return hashlib.sha256(f"{RECIPE_VERSION}: {reason}: {register}".encode()).hexdigest()[:32]


def _current(entry: Registered | None, recipe: str, receipt: Receipt, present: set[tuple[str, str]]) -> bool:
    """Whether raw/ holds a content as it is read today. ``present``: (entity, file key) of the files of raw/."""
    if entry is None or entry.recipe != recipe:
        return False
    return entry.status != "read" or (entry.entity, receipt.key) in present


def _register(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, Registered]:
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
    return {key: Registered(entity, status, n, error, recipes.get(key, "")) for key, entity, status, n, error in rows}


def _remove_strangers(settings: Settings, keys: set[str]) -> None:
    """Remove raw files without a receipt: raw/ holds what landing/ holds."""
    for path in settings.raw.glob("*/[0-9]*.parquet"):
        if path.stem not in keys:
            path.unlink()
