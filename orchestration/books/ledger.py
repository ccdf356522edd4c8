"""The ledger's folders: written whole or not at all, chained by hash, read back.

What belongs here: I/O on ``settings.ledger`` (layout: docs/architecture.md). What does not: which
postings a batch holds, and what can be wrong with the chain (chain.py).

``HEAD`` names the newest batch and its manifest's hash, so that a batch missing at the end is seen
like one missing in between. It is replaced after the rename: a crash between the two leaves it one
batch behind, which is accepted and mended by the next post.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration import disk
from orchestration.books.chain import (
    Manifest,
    hashes,
    head,
    manifests,
    read_parquet,
    read_tables,
    row_counts,
    sha256,
    slot,
)
from orchestration.books.journal import CloseContext
from orchestration.books.tables import (
    REQUIRED_KINDS,
    SCHEMAS,
    TABLES_OF_KIND,
    LedgerError,
    check_batch,
    completed,
    totals,
)
from orchestration.settings import Settings

LOCK_WAIT_SECONDS = 5.0
"""How long a second closer waits for the lock before it gives up."""

Render = Callable[[Path, Mapping[str, Any], Mapping[str, pa.Table]], None]
"""Writes a batch's ERP files: (batch folder, facts as Manifest.facts gives them, tables by name)."""


@dataclass(frozen=True)
class Batch:
    """One batch of the ledger. ``new`` is false when it stood there already.

    ``withheld``: of a new settlement, payments that could not be made, with the reason by payment_id.
    """

    folder: Path
    manifest: Manifest
    tables: dict[str, pa.Table]
    new: bool
    withheld: dict[str, str] = field(default_factory=dict)


def prepare(settings: Settings) -> None:
    """Make the ledger readable before its first batch, and mend what a crash left.

    Writes ``_schema/<table>.parquet`` (no rows) for each table. Under the lock: clears ``.new/``, and lets
    HEAD name the newest batch where a crash came between the two. LedgerError when the chain is broken.
    """
    schemas = settings.ledger / "_schema"
    schemas.mkdir(parents=True, exist_ok=True)
    for name, schema in SCHEMAS.items():
        path = schemas / f"{name}.parquet"
        if not path.exists() or not pq.read_schema(path).equals(schema):
            _write_parquet(schema.empty_table(), path.with_suffix(".part"))
            path.with_suffix(".part").replace(path)
    found = manifests(settings)
    if any((settings.ledger / ".new").glob("*")) or (found and not head(settings).startswith(f"{found[-1].name} ")):
        with locked(settings, "mending after a crash"):
            _clear_new(settings)
            if found := manifests(settings):
                _write_head(settings, found[-1].name)


def read(settings: Settings, table: str) -> pa.Table:
    """All rows of one table (tables.SCHEMAS) over all batches, in batch order."""
    if table not in SCHEMAS:
        raise LedgerError(f"unknown ledger table {table}: expected one of {', '.join(SCHEMAS)}")
    paths = [
        settings.ledger / manifest.name / f"{table}.parquet"
        for manifest in manifests(settings)
        if table in TABLES_OF_KIND[manifest.kind]
    ]
    return pa.concat_tables([SCHEMAS[table].empty_table(), *(completed(table, read_parquet(path)) for path in paths)])


def closed_months(settings: Settings) -> set[str]:
    """Accounting months (``YYYY-MM``) that have both their accrual and their settlement batch."""
    return _closed(manifests(settings))


def unfinished(settings: Settings) -> str | None:
    """The accounting month whose close was interrupted: it has a batch, and lacks a later one. None: there is none."""
    return unfinished_month(manifests(settings))


def unfinished_month(batches: Sequence[Manifest]) -> str | None:
    """`unfinished`, from the manifests alone: only the newest month can be."""
    if not batches or batches[-1].accounting_month in _closed(batches):
        return None
    return batches[-1].accounting_month


def changed_terms(settings: Settings, terms: Mapping[str, str]) -> list[str]:
    """Posted program versions whose terms are no longer what they were posted on, each in a sentence.

    ``terms``: hash of the terms of each program version as its document is now, by program key. An
    approved version never changes (semantics 1); one that is missing was deleted or is refused.
    """
    posted: dict[str, tuple[str, str]] = {}
    for manifest in manifests(settings):
        for key, terms_hash in manifest.terms.items():
            posted.setdefault(key, (terms_hash, manifest.name))
    return [
        f"{key} was posted in {batch}, but "
        + ("its document was changed: a change is a new version" if key in terms else "its document is gone or refused")
        for key, (terms_hash, batch) in sorted(posted.items())
        if terms.get(key) != terms_hash
    ]


def close_state(batches: Sequence[Manifest], month: str) -> str:
    """``open`` or ``closed``, from the manifests alone.

    The first close may be of any month; then only the month after the last closed one is open, or
    the one that lacks its second batch. LedgerError for earlier months and for gaps.
    """
    if month in _closed(batches):
        return "closed"
    if not batches or month == batches[-1].accounting_month:
        return "open"
    last = batches[-1].accounting_month
    if last not in _closed(batches):
        raise LedgerError(f"{month} cannot be closed: the close of {last} is not finished; close {last} again")
    following = _following(last)
    if month < following:
        raise LedgerError(
            f"{month} cannot be closed: later months are ({last} is the last); what came late is posted in {following}"
        )
    if month > following:
        raise LedgerError(f"{month} cannot be closed yet: {following} is next, {last} is the last closed month")
    return "open"


@contextmanager
def locked(settings: Settings, what: str = "") -> Iterator[None]:
    """Hold the ledger's lock; LedgerError, naming the holder, when another process does not let it go in a short while.

    ``what``: what is done under the lock, shown to those who wait.
    """
    disk.folder(settings.ledger)
    path = settings.ledger / ".lock"
    try:
        with disk.held(path, wait_seconds=LOCK_WAIT_SECONDS, what=what):
            yield
    except disk.HeldError as error:
        raise LedgerError(
            f"another close is writing the ledger: {error} holds {path}; try again when it has ended"
        ) from None


def existing_batch(
    settings: Settings, batches: Sequence[Manifest], kind: str, month: str, proposal: str | None = None
) -> Batch | None:
    """The batch of that kind and month (the one that released ``proposal``), if it was posted. Under the lock."""
    for manifest in batches:
        if slot(manifest) == (kind, month, proposal):
            _write_head(settings, batches[-1].name)
            folder = settings.ledger / manifest.name
            return Batch(folder, manifest, read_tables(folder, kind), new=False)
    return None


def write_batch(
    settings: Settings,
    batches: Sequence[Manifest],
    kind: str,
    context: CloseContext,
    tables: Mapping[str, pa.Table],
    render: Render,
    approval: dict[str, Any] | None = None,
) -> Batch:
    """Write the batch that follows ``batches``. To be called under the lock, on a verified ledger.

    Everything is written and flushed under ``.new/``, then renamed: after an error or a crash at any
    point the batch is either whole or not there. Raises LedgerError for a batch that breaks a rule,
    and what ``render`` raises.
    """
    check_batch(kind, tables)
    previous = batches[-1].name if batches else None
    if previous:
        _write_head(settings, previous)  # mended before it could fall two behind
    number = len(batches) + 1
    program_keys = sorted(set(tables["posting"]["program_key"].drop_null().to_pylist()))
    facts = Manifest(
        batch_number=number,
        kind=kind,
        accounting_month=context.accounting_month,
        as_of=context.as_of.isoformat(),
        run_id=context.run_id,
        calculation_id=context.calculation_id,
        file_sequence=context.file_sequence,
        program_keys=program_keys,
        rows=row_counts(tables),
        totals=totals(tables["posting"]),
        files={},
        previous_batch=previous,
        previous_manifest_hash=sha256(settings.ledger / previous / "manifest.json") if previous else None,
        terms={key: context.terms[key] for key in program_keys if key in context.terms},
        approval=approval,
    )
    folder = settings.ledger / facts.name
    new = settings.ledger / ".new" / facts.name
    _clear_new(settings)
    new.mkdir(parents=True)
    try:
        for name in TABLES_OF_KIND[kind]:
            _write_parquet(tables[name], new / f"{name}.parquet")
        render(new, facts.facts(), tables)
        manifest = Manifest(**{**asdict(facts), "files": hashes(new)})
        (new / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
        for path in sorted(new.rglob("*")):
            disk.flush(path)
        disk.flush(new)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    disk.flush(settings.ledger)
    _write_head(settings, manifest.name)
    return Batch(folder, manifest, dict(tables), new=True)


def _closed(batches: Sequence[Manifest]) -> set[str]:
    posted = {(manifest.kind, manifest.accounting_month) for manifest in batches}
    return {month for _, month in posted if all((kind, month) in posted for kind in REQUIRED_KINDS)}


def _following(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def _write_head(settings: Settings, batch: str) -> None:
    """Let HEAD name the batch; replaced in one step, and only when it names another."""
    text = f"{batch} {sha256(settings.ledger / batch / 'manifest.json')}\n"
    if head(settings) != text:
        disk.put_text(settings.ledger / ".HEAD.part", settings.ledger / "HEAD", text)


def _clear_new(settings: Settings) -> None:
    if (settings.ledger / ".new").exists():
        shutil.rmtree(settings.ledger / ".new")


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")
    disk.flush(path)
