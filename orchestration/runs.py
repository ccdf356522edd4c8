"""What a run is: its month, its as-of date, its calculation id, and the lock that makes it alone.

What belongs here: what the assets and the command line share about a run. What does not: the work
of any room.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from orchestration import disk
from orchestration.settings import Settings
from orchestration.transform import project_fingerprint
from orchestration.warehouse import in_memory

FIRST_MONTH = "2017-01"
"""The first accounting month that the books know."""

DAGSTER_YAML = """\
# Written by set-up (orchestration/runs.py); change it there.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    default_limit: 1
    granularity: run
"""
"""Dagster's own settings. One run at a time, since one process writes the warehouse file; the pool
counts runs, so that a run that was killed holds no slot."""

QUIET = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DAGSTER_DISABLE_TELEMETRY": "1",
}
"""Telemetry off, in every process that we start."""

RUN_LOCK = ".run.lock"
"""File in the data folder that a run holds locked."""

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class RunError(ValueError):
    """A run was asked for that cannot be: a bad month, a date outside it, or another run at work."""


@dataclass(frozen=True)
class RunContext:
    """One run: the business date, the accounting month that it falls in, and what it was made from."""

    as_of: date
    accounting_month: str
    calculation_id: str
    posted_file_sequence: int
    """Highest receipt number that the last accrual batch before this month knew; 0: there is none."""


def month_of(day: date) -> str:
    """The accounting month of a date: 2017-06-30 is in 2017-06."""
    return f"{day.year:04d}-{day.month:02d}"


def month_end(month: str) -> date:
    """The last day of an accounting month; RunError when it is not written as YYYY-MM."""
    if not _MONTH.fullmatch(month):
        raise RunError(f"month {month!r}: expected YYYY-MM, for example 2017-06")
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, calendar.monthrange(year, number)[1])


def next_month(month: str) -> str:
    """The accounting month after this one."""
    return month_of(month_end(month) + timedelta(days=1))


def months(first: str, last: str) -> list[str]:
    """Accounting months from first to last, both included; RunError when last is before first."""
    end = month_end(last)
    if month_end(first) > end:
        raise RunError(f"from {first} to {last}: the last month is before the first")
    found = [first]
    while found[-1] != last:
        found.append(next_month(found[-1]))
    return found


def months_to_run(wanted: Iterable[str], closed: Collection[str]) -> list[str]:
    """The months that a walk through them still has to run.

    One that is closed, as is the month after it, is over. A closed one at the end is run again: that
    posts nothing, and brings back what was published if it was deleted.
    """
    return [month for month in wanted if not (month in closed and next_month(month) in closed)]


def as_of_in(month: str, as_of: str | None) -> date:
    """The as-of date of a run for a month: the given one, which must fall in it, or its last day."""
    end = month_end(month)
    if not as_of:
        return end
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        raise RunError(f"as-of date {as_of!r}: expected YYYY-MM-DD, for example {end}") from None
    if month_of(day) != month:
        raise RunError(f"as-of date {day} is not in the accounting month {month}")
    return day


# --- what a figure depends on ---------------------------------------------------------------


def calculation_id(settings: Settings, as_of: date) -> str:
    """64 hex digits that stand for everything the figures depend on.

    The as-of date; the hash of every received file with its receipt number and the day of receipt; what people decided
    about rows and claims; the program tables' bytes; the rules (expectations, mappings of the sources); the dbt project
    with its seeds. The same inputs give the same id, on any machine. File times and paths do not count.
    """
    digest = hashlib.sha256()
    _add(digest.update, "as_of", as_of.isoformat())
    for path in sorted((settings.landing / ".receipts").glob("*.json")):
        receipt = json.loads(path.read_text())
        parts = (str(receipt["sequence"]), receipt["source"], receipt["file_hash"], receipt.get("received_on", ""))
        _add(digest.update, "receipt", *parts)
    for path in sorted((settings.landing / ".decisions").glob("[0-9]*.json")):
        _add(digest.update, "decision", path.name, _file_hash(path))
    for path in sorted((settings.landing / ".claims").glob("[0-9]*.json")):
        _add(digest.update, "claim", path.name, _file_hash(path))
    for path in sorted(settings.program_tables.glob("*.parquet")):
        _add(digest.update, "program", path.name, _file_hash(path))
    for root in (settings.expectations, settings.sources):
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            _add(digest.update, "rules", root.name, path.relative_to(root).as_posix(), _file_hash(path))
    _add(digest.update, "models", project_fingerprint(settings))
    return digest.hexdigest()


def last_receipt(settings: Settings) -> int:
    """The highest receipt number; 0 before the first file. Receipts are named by their number."""
    return max((int(path.stem) for path in (settings.landing / ".receipts").glob("[0-9]*.json")), default=0)


def posted_file_sequence(settings: Settings, month: str) -> int:
    """The highest receipt number that the last accrual batch before a month knew; 0 when there is none.

    Files with a higher number brought lines that earlier months could not post: late data.
    """
    manifests = (json.loads(path.read_text()) for path in settings.ledger.glob("[0-9]*_accrual_*/manifest.json"))
    earlier = [manifest for manifest in manifests if manifest["accounting_month"] < month]
    return int(max(earlier, key=lambda manifest: manifest["batch_number"])["file_sequence"]) if earlier else 0


def context_of(settings: Settings, month: str, as_of: str | None) -> RunContext:
    """The context of a run for a month, from what has landed and what was posted before."""
    day = as_of_in(month, as_of)
    return RunContext(day, month, calculation_id(settings, day), posted_file_sequence(settings, month))


def _add(update: Callable[[bytes], None], *parts: str) -> None:
    """Feed parts to a digest so that no two lists of parts look the same."""
    for part in parts:
        update(f"{len(part)}:{part};".encode())


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_run_context(settings: Settings, context: RunContext) -> None:
    """Write run/run_context.parquet (one row), whole or not at all.

    Its column ``net_of_only`` says that the models calculate programs stacked by net_of alone: while
    transform/net_of.py finds their reductions.
    """
    target = settings.run_context
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}")
    with in_memory(settings) as connection:
        connection.execute(
            f"""copy (select $as_of::date as as_of, $month::varchar as accounting_month,
                             $id::varchar as calculation_id, $known::integer as posted_file_sequence,
                             false as net_of_only)
                to '{str(half).replace("'", "''")}' (format parquet)""",
            {
                "as_of": context.as_of,
                "month": context.accounting_month,
                "id": context.calculation_id,
                "known": context.posted_file_sequence,
            },
        )
    half.replace(target)


def read_run_context(settings: Settings) -> RunContext:
    """The context of the run that the warehouse holds; RunError when there was none."""
    if not settings.run_context.is_file():
        raise RunError(f"no run yet: {settings.run_context} does not exist")
    with in_memory(settings) as connection:
        rows = connection.execute(
            "select as_of, accounting_month, calculation_id, posted_file_sequence from read_parquet(?)",
            [str(settings.run_context)],
        ).fetchall()
    [(as_of, month, identifier, known)] = rows
    return RunContext(as_of, month, identifier, known)


# --- the data folder -------------------------------------------------------------------------


def set_up(settings: Settings) -> None:
    """Make the folders and write Dagster's settings. Changes nothing that is already there."""
    for folder in (settings.landing, settings.ledger, settings.scratch, settings.dagster_home, logs(settings)):
        folder.mkdir(parents=True, exist_ok=True)
    target = settings.dagster_home / "dagster.yaml"
    if not target.is_file() or target.read_text() != DAGSTER_YAML:
        half = target.with_name(".dagster.yaml")
        half.write_text(DAGSTER_YAML)
        half.replace(target)


def logs(settings: Settings) -> Path:
    """Where the command line puts what Dagster and dbt say."""
    return settings.data / "logs"


def clean(settings: Settings) -> list[Path]:
    """Delete everything but landing/ and ledger/, the two that cannot be rebuilt; what went.

    The caller holds the run lock (``alone``), whose file stays too.
    """
    if not settings.data.is_dir():
        return []
    precious = {settings.landing, settings.ledger, settings.data / RUN_LOCK}
    gone = [path for path in sorted(settings.data.iterdir()) if path not in precious]
    for path in gone:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return gone


def check_folders(settings: Settings) -> None:
    """Refuse a run that could not end: RunError naming the first folder that cannot be written, and what to do."""
    for folder in (settings.data, settings.landing, settings.ledger, settings.published):
        probe = folder / ".probe.tmp"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"probe")
            probe.unlink()
        except OSError as error:
            raise RunError(disk.explained(f"{error.strerror}: '{probe}'", folder)) from None


@contextmanager
def alone(
    settings: Settings, *, wait_seconds: float, waiting: Callable[[str], object], what: str = ""
) -> Iterator[None]:
    """Hold the run lock of the data folder; the system frees it when the process ends, however it ends.

    Another run at work is waited for, at most ``wait_seconds``; ``waiting`` is told once. ``what``: what this
    run is, shown to those who wait. RunError, naming the holder, when the other one did not end in that time.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    try:
        with disk.held(
            settings.data / RUN_LOCK,
            wait_seconds=wait_seconds,
            what=what,
            waiting=lambda holder: waiting(f"waiting for another run on {settings.data} to end: {holder}"),
        ):
            yield
    except disk.HeldError as error:
        raise RunError(f"another run is at work on {settings.data}: {error}; try again when it has ended") from None


# --- which files are new ---------------------------------------------------------------------


def dropped_files(settings: Settings) -> list[Path]:
    """Files in the drop zone, by source and name, without what intake does not receive.

    That is: dot names, unfinished uploads, and names that are not UTF-8 (intake reports those).
    """
    if not settings.landing.is_dir():
        return []
    return sorted(
        path
        for source in settings.landing.iterdir()
        if source.is_dir() and not source.name.startswith(".")
        for path in source.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.suffix not in (".part", ".tmp")
        if not any("\ud800" <= character <= "\udfff" for character in source.name + path.name)
    )


def arrivals(settings: Settings) -> list[tuple[str, str, str]]:
    """(source, name, SHA-256) of files in the drop zone whose content was not received yet.

    A file that is as old as the receipt of its name and size is that file: its bytes are not read again. The
    time of change of the file's entry counts too: a copy may keep an old time, its entry is always new. A receipt
    from the future (the clock was set back) proves nothing: the bytes are read.
    """
    now = time.time()
    known: set[tuple[str, str]] = set()
    received: dict[tuple[str, str, int], float] = {}
    for path in (settings.landing / ".receipts").glob("*.json"):
        receipt = json.loads(path.read_text())
        known.add((receipt["source"], receipt["file_hash"]))
        received[receipt["source"], receipt["file_name"], receipt["file_bytes"]] = path.stat().st_mtime
    found = []
    for path in dropped_files(settings):
        source, status = path.parent.name, path.stat()
        receipt_time = received.get((source, path.name, status.st_size), 0.0)
        if now >= receipt_time > max(status.st_mtime, status.st_ctime):
            continue
        content = _file_hash(path)
        if (source, content) not in known:
            found.append((source, path.name, content))
    return found


def arrivals_key(new: Iterable[tuple[str, str, str]]) -> str:
    """One key for a set of new files: the same set, in any order, gives the same key."""
    digest = hashlib.sha256()
    for source, name, content in sorted(new):
        _add(digest.update, source, name, content)
    return digest.hexdigest()[:16]
