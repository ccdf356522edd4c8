"""The chain of batches: what a batch says of itself, and everything that can be wrong with the ledger.

What belongs here: reading and judging what stands in ``settings.ledger``. What does not: writing (ledger.py).

All of it is judged, not up to the first fault: who mends a ledger from a copy needs to know every batch and file
that is not as it was.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.books.live import LIVE, live_wrong
from orchestration.books.tables import SCHEMAS, TABLES_OF_KIND, LedgerError, check_batch, completed, totals
from orchestration.settings import Settings

NAMED = 10
"""How many of its faults a refusal of the ledger names."""

_NAME = re.compile(rf"(\d{{6}})_({'|'.join(TABLES_OF_KIND)})_(\d{{4}}-\d{{2}})")

Chain = list[tuple["Manifest", str]]
"""Manifests that could be read, in order, each with the SHA-256 of its bytes."""


@dataclass(frozen=True)
class Manifest:
    """What a batch says of itself (manifest.json).

    ``program_keys``: program versions with journal lines; ``terms``: hash of the terms of each.
    ``rows``: by table. ``totals``: debit and credit per legal entity and currency, as text.
    ``files``: SHA-256 by path in the batch folder. ``previous_batch`` and
    ``previous_manifest_hash``: null for the first batch. ``approval``: of a settlement that people released,
    which proposal it was, who prepared, reduced and released it, when, and why (proposals.py).
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
    approval: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Name of the batch and its folder, e.g. ``000001_accrual_2017-06``."""
        return f"{self.batch_number:06}_{self.kind}_{self.accounting_month}"

    def facts(self) -> dict[str, Any]:
        """What the ERP files may show: nothing that differs between two runs over the same data."""
        shown = ("batch_number", "kind", "accounting_month", "as_of", "calculation_id", "file_sequence")
        facts = {name: getattr(self, name) for name in (*shown, "program_keys", "rows", "totals")}
        return {"batch": self.name, **facts}


def manifests(settings: Settings) -> list[Manifest]:
    """The manifests in order, their chain checked (numbers, hashes, HEAD); contents are not read.

    Raises LedgerError naming every batch whose place in the chain is wrong, and what is wrong.
    """
    chain, wrong = chain_of(settings)
    _refuse(wrong)
    return [manifest for manifest, _ in chain]


def verify(settings: Settings) -> list[Manifest]:
    """Check the whole ledger and return its manifests in order; LedgerError with all that problems() finds."""
    chain, wrong = chain_of(settings)
    _refuse([*wrong, *contents_wrong(settings, chain)])
    return [manifest for manifest, _ in chain]


def problems(settings: Settings) -> list[str]:
    """Everything that is wrong with the ledger, each in a sentence that names batch and file; empty: it is whole.

    Chain of hashes, numbers without gaps, SHA-256 of every file, no file more or less than the
    manifest says, row counts, the rules of every batch (tables.check_batch) against the manifest's
    totals, and over all batches that no payout is settled twice (live.py).
    """
    chain, wrong = chain_of(settings)
    return [*wrong, *contents_wrong(settings, chain)]


def _refuse(wrong: Sequence[str]) -> None:
    if wrong:
        more = f"; and {len(wrong) - NAMED} more (`rebates ledger verify` names all)" if len(wrong) > NAMED else ""
        raise LedgerError("; ".join(wrong[:NAMED]) + more)


def chain_of(settings: Settings) -> tuple[Chain, list[str]]:
    """The batches in order, and what is wrong with their names, numbers, order, manifests and HEAD."""
    folders, wrong = _folders(settings)
    chain: Chain = []
    before: tuple[str, str] | None = None  # name and hash of the batch before; None: it is not known
    number, first = 0, True
    for folder in folders:
        given = int(folder.name[:6])
        if given == number:
            wrong.append(f"batch {folder.name}: another batch has the number {given:06}")
        wrong += [f"batch {lost:06} is missing: the next one is {folder.name}" for lost in range(number + 1, given)]
        manifest, manifest_hash, faults = _read_manifest(folder)
        wrong += faults
        if manifest is not None:
            follows = (manifest.previous_batch, manifest.previous_manifest_hash)
            if first and given == 1 and follows != (None, None):
                wrong.append(f"batch {folder.name}: it follows {manifest.previous_batch}, but it is the first")
            if before and given == number + 1 and follows != before:
                wrong.append(
                    f"batch {folder.name}: it follows {manifest.previous_batch}, but the manifest of {before[0]}"
                    " is not the one that it was posted on (changed or replaced)"
                )
            twin = next((m.name for m, _ in chain if slot(m) == slot(manifest)), None)
            if twin:
                wrong.append(f"batch {folder.name}: {twin} is of the same kind and month")
            chain.append((manifest, manifest_hash))
        before = None if manifest is None else (folder.name, manifest_hash)
        number, first = given, False
    return chain, [*wrong, *_head_wrong(settings, folders, chain)]


def contents_wrong(settings: Settings, chain: Chain) -> Iterator[str]:
    """What is wrong with the files of each batch: missing, changed, added, against the rules of a batch.

    Where all of them are right: also what is wrong over all batches, a payout that is settled twice (live.py).
    """
    found: dict[str, list[pa.Table]] = {name: [SCHEMAS[name].empty_table()] for name in LIVE}
    faults = 0
    for manifest, _ in chain:
        for fault in _batch_wrong(settings, manifest, found):
            faults += 1
            yield fault
    if not faults:
        yield from live_wrong(settings, *(pa.concat_tables(found[name]) for name in LIVE))


def _batch_wrong(settings: Settings, manifest: Manifest, found: dict[str, list[pa.Table]]) -> Iterator[str]:
    """What is wrong with the files of one batch; its tables that ``found`` collects are added to it."""
    folder = settings.ledger / manifest.name
    if not folder.is_dir():
        return  # a folder under another name: said by the chain
    batch = f"batch {manifest.name}"
    actual = hashes(folder)
    unequal = {path for path in actual.keys() | manifest.files.keys() if actual.get(path) != manifest.files.get(path)}
    for path in sorted(unequal):
        if path not in actual:
            yield f"{batch}: file {path} is missing"
        elif path not in manifest.files:
            yield f"{batch}: file {path} is not in its manifest"
        else:
            yield f"{batch}: file {path} was changed (its SHA-256 differs)"
    names = {f"{name}.parquet" for name in TABLES_OF_KIND[manifest.kind]}
    if absent := sorted(names - actual.keys() - unequal):
        yield f"{batch}: file {', '.join(absent)} is missing, in its manifest too"
    elif not names & unequal:
        yield from _tables_wrong(batch, folder, manifest, found)


def _tables_wrong(batch: str, folder: Path, manifest: Manifest, found: dict[str, list[pa.Table]]) -> Iterator[str]:
    try:
        tables = read_tables(folder, manifest.kind)
        check_batch(manifest.kind, tables)
    except LedgerError as error:
        yield f"{batch}: {error}"
    except (pa.ArrowException, OSError) as error:
        yield f"{batch}: a table cannot be read: {error}"
    else:
        if manifest.rows != row_counts(tables) or manifest.totals != totals(tables["posting"]):
            yield f"{batch}: rows or totals are not those of its manifest"
        for name in found.keys() & tables.keys():
            found[name].append(tables[name])


def _folders(settings: Settings) -> tuple[list[Path], list[str]]:
    """Batch folders in order of their numbers, and a sentence for each thing that does not belong there."""
    if not settings.ledger.is_dir():
        return [], []
    known = {"_schema", "HEAD"}
    entries = [p for p in sorted(settings.ledger.iterdir()) if p.name not in known and not p.name.startswith(".")]
    batches = [path for path in entries if path.is_dir() and _NAME.fullmatch(path.name)]
    strange = [path for path in entries if path not in batches]
    return batches, [f"not a batch: ledger/{path.name}; expected <number>_<kind>_<month>" for path in strange]


def _read_manifest(folder: Path) -> tuple[Manifest | None, str, list[str]]:
    """The manifest, the SHA-256 of its bytes, and what is wrong with it; no manifest when it cannot be used."""
    batch = f"batch {folder.name}"
    try:
        content = (folder / "manifest.json").read_bytes()
    except FileNotFoundError:
        return None, "", [f"{batch}: manifest.json is missing"]
    try:
        values = {"terms": {}, "approval": None, **json.loads(content)}  # not kept by the first batches
        unknown = values.keys() ^ {field.name for field in fields(Manifest)}
        if unknown:
            return None, "", [f"{batch}: manifest.json lacks or has unknown {', '.join(sorted(unknown))}"]
        manifest = Manifest(**values)
        name, files = manifest.name, dict(manifest.files)
    except (ValueError, AttributeError, TypeError):
        return None, "", [f"{batch}: manifest.json cannot be read"]
    if name != folder.name:
        return None, "", [f"{batch}: its manifest says {name}"]
    return Manifest(**{**values, "files": files}), hashlib.sha256(content).hexdigest(), []


def _head_wrong(settings: Settings, folders: Sequence[Path], chain: Chain) -> list[str]:
    """HEAD names the last batch, or the one before it (a crash came between); what is wrong otherwise."""
    said = head(settings)
    names = [folder.name for folder in folders]
    if not said:
        return [f"ledger/HEAD is missing; it should name {names[-1]}"] if len(names) > 1 else []
    name, _, manifest_hash = said.strip().partition(" ")
    if name not in names or names.index(name) < len(names) - 2:
        last = names[-1] if names else "nothing"
        return [f"batch {name} is missing or out of place: ledger/HEAD names it, the ledger ends with {last}"]
    known = next((found for manifest, found in chain if manifest.name == name), manifest_hash)
    return [] if known == manifest_hash else [f"batch {name}: manifest.json was changed (ledger/HEAD has another hash)"]


def head(settings: Settings) -> str:
    """What HEAD says; empty when there is none."""
    path = settings.ledger / "HEAD"
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def slot(manifest: Manifest) -> tuple[str, str, str | None]:
    """What there is one batch of: its kind and month; of settlements that people released, one for each proposal."""
    return manifest.kind, manifest.accounting_month, manifest.approval["proposal"] if manifest.approval else None


def row_counts(tables: Mapping[str, pa.Table]) -> dict[str, int]:
    """Rows by table."""
    return {name: tables[name].num_rows for name in tables}


def read_tables(folder: Path, kind: str) -> dict[str, pa.Table]:
    """The tables of a batch of that kind, with the columns that are theirs today."""
    return {name: completed(name, read_parquet(folder / f"{name}.parquet")) for name in TABLES_OF_KIND[kind]}


def read_parquet(path: Path) -> pa.Table:
    """One Parquet file as it stands."""
    return pq.ParquetFile(path).read()  # not read_table: it would take the folder's name for a partition


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 by relative path of every file in a batch folder but its manifest."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path) for path in paths if path != folder / "manifest.json"}


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
