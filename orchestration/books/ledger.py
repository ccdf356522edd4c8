"""The ledger's folders: written whole or not at all, chained by hash, verified, read back.

What belongs here: I/O on ``settings.ledger`` (layout: docs/architecture.md). What does not: which
postings a batch holds.

``HEAD`` names the newest batch and its manifest's hash, so that a batch missing at the end is seen
like one missing in between. It is replaced after the rename: a crash between the two leaves it one
batch behind, which is accepted and mended by the next post.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration import disk
from orchestration.books.journal import CloseContext
from orchestration.books.tables import SCHEMAS, TABLES_OF_KIND, LedgerError, check_batch, completed, totals
from orchestration.settings import Settings

LOCK_WAIT_SECONDS = 5.0
"""How long a second closer waits for the lock before it gives up."""

_NAME = re.compile(rf"(\d{{6}})_({'|'.join(TABLES_OF_KIND)})_(\d{{4}}-\d{{2}})")

Render = Callable[[Path, Mapping[str, Any], Mapping[str, pa.Table]], None]
"""Writes a batch's ERP files: (batch folder, facts as Manifest.facts gives them, tables by name)."""


@dataclass(frozen=True)
class Manifest:
    """What a batch says of itself (manifest.json).

    ``program_keys``: program versions with journal lines; ``terms``: hash of the terms of each.
    ``rows``: by table. ``totals``: debit and credit per legal entity and currency, as text.
    ``files``: SHA-256 by path in the batch folder. ``previous_batch`` and
    ``previous_manifest_hash``: null for the first batch.
    """

    batch_number: int
    kind: str
    accounting_month: str
    as_of: str
    run_id: str
    calculation_id: str
    file_sequence: int
    program_keys: list[str]
    rows: dict[str, int]
    totals: list[dict[str, str]]
    files: dict[str, str]
    previous_batch: str | None
    previous_manifest_hash: str | None
    terms: dict[str, str]

    @property
    def name(self) -> str:
        """Name of the batch and its folder, e.g. ``000001_accrual_2017-06``."""
        return f"{self.batch_number:06}_{self.kind}_{self.accounting_month}"

    def facts(self) -> dict[str, Any]:
        """What the ERP files may show: nothing that differs between two runs over the same data."""
        shown = ("batch_number", "kind", "accounting_month", "as_of", "calculation_id", "file_sequence")
        facts = {name: getattr(self, name) for name in (*shown, "program_keys", "rows", "totals")}
        return {"batch": self.name, **facts}


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
    if any((settings.ledger / ".new").glob("*")) or (found and not _head(settings).startswith(f"{found[-1].name} ")):
        with locked(settings, "mending after a crash"):
            _clear_new(settings)
            if found := manifests(settings):
                _write_head(settings, found[-1].name)


def manifests(settings: Settings) -> list[Manifest]:
    """The manifests in order, their chain checked (numbers, hashes, HEAD); contents are not read.

    Raises LedgerError naming the batch and what is wrong.
    """
    found: list[Manifest] = []
    previous: tuple[str | None, str | None] = (None, None)
    chain: list[tuple[str, str]] = []
    for number, folder in enumerate(_folders(settings), start=1):
        manifest, manifest_hash = _read_manifest(folder)
        if manifest.name != folder.name:
            raise LedgerError(f"batch {folder.name}: its manifest says {manifest.name}")
        if manifest.batch_number != number:
            raise LedgerError(f"batch {number:06} is missing: the next one is {folder.name}")
        if (manifest.previous_batch, manifest.previous_manifest_hash) != previous:
            raise LedgerError(
                f"batch {folder.name}: it follows {manifest.previous_batch}, but the manifest of {previous[0]}"
                " is not the one that it was posted on (changed or replaced)"
            )
        twin = next((m.name for m in found if (m.kind, m.accounting_month) == _kind_and_month(manifest)), None)
        if twin:
            raise LedgerError(f"batch {folder.name}: {twin} is of the same kind and month")
        previous = (folder.name, manifest_hash)
        chain.append((folder.name, manifest_hash))
        found.append(manifest)
    _check_head(settings, chain)
    return found


def verify(settings: Settings) -> list[Manifest]:
    """Check the whole ledger and return its manifests in order.

    Chain of hashes, numbers without gaps, SHA-256 of every file, no file more or less than the
    manifest says, row counts, and the rules of every batch (tables.check_batch) against the
    manifest's totals. Raises LedgerError naming the batch and what is wrong.
    """
    checked = manifests(settings)
    for manifest in checked:
        folder = settings.ledger / manifest.name
        actual = _hashes(folder)
        for path in sorted(actual.keys() | manifest.files.keys()):
            if path not in actual:
                raise LedgerError(f"batch {manifest.name}: file {path} is missing")
            if path not in manifest.files:
                raise LedgerError(f"batch {manifest.name}: file {path} is not in its manifest")
            if actual[path] != manifest.files[path]:
                raise LedgerError(f"batch {manifest.name}: file {path} was changed (its SHA-256 differs)")
        tables = _read_tables(folder, manifest.kind)
        try:
            check_batch(manifest.kind, tables)
        except LedgerError as error:
            raise LedgerError(f"batch {manifest.name}: {error}") from None
        if manifest.rows != _rows(tables) or manifest.totals != totals(tables["posting"]):
            raise LedgerError(f"batch {manifest.name}: rows or totals are not those of its manifest")
    return checked


def read(settings: Settings, table: str) -> pa.Table:
    """All rows of ``posting``, ``payment`` or ``payment_line`` over all batches, in batch order."""
    if table not in SCHEMAS:
        raise LedgerError(f"unknown ledger table {table}: expected one of {', '.join(SCHEMAS)}")
    paths = [
        settings.ledger / manifest.name / f"{table}.parquet"
        for manifest in manifests(settings)
        if table in TABLES_OF_KIND[manifest.kind]
    ]
    return pa.concat_tables([SCHEMAS[table].empty_table(), *(completed(table, _read_parquet(path)) for path in paths)])


def closed_months(settings: Settings) -> set[str]:
    """Accounting months (``YYYY-MM``) that have both of their batches."""
    return _closed(manifests(settings))


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


def open_for_close(settings: Settings, month: str) -> str:
    """``open`` when a close of the month may post, ``closed`` when it has both batches already.

    Raises LedgerError when the month may not be closed; see close_state.
    """
    return close_state(manifests(settings), month)


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


def existing_batch(settings: Settings, batches: Sequence[Manifest], kind: str, month: str) -> Batch | None:
    """The batch of that kind and month, if it was posted. To be called under the lock."""
    for manifest in batches:
        if _kind_and_month(manifest) == (kind, month):
            _write_head(settings, batches[-1].name)
            folder = settings.ledger / manifest.name
            return Batch(folder, manifest, _read_tables(folder, kind), new=False)
    return None


def write_batch(
    settings: Settings,
    batches: Sequence[Manifest],
    kind: str,
    context: CloseContext,
    tables: Mapping[str, pa.Table],
    render: Render,
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
        rows=_rows(tables),
        totals=totals(tables["posting"]),
        files={},
        previous_batch=previous,
        previous_manifest_hash=_sha256(settings.ledger / previous / "manifest.json") if previous else None,
        terms={key: context.terms[key] for key in program_keys if key in context.terms},
    )
    folder = settings.ledger / facts.name
    new = settings.ledger / ".new" / facts.name
    _clear_new(settings)
    new.mkdir(parents=True)
    try:
        for name in TABLES_OF_KIND[kind]:
            _write_parquet(tables[name], new / f"{name}.parquet")
        render(new, facts.facts(), tables)
        manifest = Manifest(**{**asdict(facts), "files": _hashes(new)})
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
    posted = {_kind_and_month(manifest) for manifest in batches}
    return {month for _, month in posted if all((kind, month) in posted for kind in TABLES_OF_KIND)}


def _following(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def _kind_and_month(manifest: Manifest) -> tuple[str, str]:
    return manifest.kind, manifest.accounting_month


def _folders(settings: Settings) -> list[Path]:
    """Batch folders in order of their numbers; LedgerError for anything that does not belong there."""
    if not settings.ledger.is_dir():
        return []
    known = {"_schema", "HEAD"}
    entries = [p for p in sorted(settings.ledger.iterdir()) if p.name not in known and not p.name.startswith(".")]
    strange = [path.name for path in entries if not (path.is_dir() and _NAME.fullmatch(path.name))]
    if strange:
        raise LedgerError(f"not a batch: ledger/{strange[0]}; expected <number>_<kind>_<month>")
    return entries


def _read_manifest(folder: Path) -> tuple[Manifest, str]:
    """The manifest and the SHA-256 of its bytes."""
    try:
        content = (folder / "manifest.json").read_bytes()
    except FileNotFoundError:
        raise LedgerError(f"batch {folder.name}: manifest.json is missing") from None
    try:
        values = {"terms": {}, **json.loads(content)}  # not yet kept by the very first batches
        unknown = values.keys() ^ {field.name for field in fields(Manifest)}
    except (ValueError, AttributeError, TypeError):
        raise LedgerError(f"batch {folder.name}: manifest.json cannot be read") from None
    if unknown:
        raise LedgerError(f"batch {folder.name}: manifest.json lacks or has unknown {', '.join(sorted(unknown))}")
    return Manifest(**values), hashlib.sha256(content).hexdigest()


def _check_head(settings: Settings, chain: Sequence[tuple[str, str]]) -> None:
    """LedgerError unless HEAD is the last batch, or the one before it (a crash came between)."""
    path = settings.ledger / "HEAD"
    if not path.exists():
        if len(chain) > 1:
            raise LedgerError(f"ledger/HEAD is missing; it should name {chain[-1][0]}")
        return
    name, _, manifest_hash = path.read_text(encoding="utf-8").strip().partition(" ")
    position = next((index for index, (batch, _) in enumerate(chain) if batch == name), None)
    if position is None or position < len(chain) - 2:
        last = chain[-1][0] if chain else "nothing"
        raise LedgerError(f"batch {name} is missing or out of place: ledger/HEAD names it, the ledger ends with {last}")
    if chain[position][1] != manifest_hash:
        raise LedgerError(f"batch {name}: manifest.json was changed (ledger/HEAD has another hash)")


def _write_head(settings: Settings, batch: str) -> None:
    """Let HEAD name the batch; replaced in one step, and only when it names another."""
    text = f"{batch} {_sha256(settings.ledger / batch / 'manifest.json')}\n"
    if _head(settings) != text:
        disk.put_text(settings.ledger / ".HEAD.part", settings.ledger / "HEAD", text)


def _head(settings: Settings) -> str:
    """What HEAD says; empty when there is none."""
    path = settings.ledger / "HEAD"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _clear_new(settings: Settings) -> None:
    if (settings.ledger / ".new").exists():
        shutil.rmtree(settings.ledger / ".new")


def _rows(tables: Mapping[str, pa.Table]) -> dict[str, int]:
    return {name: tables[name].num_rows for name in tables}


def _read_tables(folder: Path, kind: str) -> dict[str, pa.Table]:
    return {name: completed(name, _read_parquet(folder / f"{name}.parquet")) for name in TABLES_OF_KIND[kind]}


def _read_parquet(path: Path) -> pa.Table:
    return pq.ParquetFile(path).read()  # not read_table: it would take the folder's name for a partition


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")
    disk.flush(path)


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 by relative path of every file in a batch folder but its manifest."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): _sha256(path) for path in paths if path != folder / "manifest.json"}


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
