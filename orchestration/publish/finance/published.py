"""What workbooks are made from: one version of the published snapshot, the ledger's manifests and its journal files.

What belongs here: reading, and what every cover says of it. What does not: any one workbook.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.publish.finance.model import Listing
from orchestration.publish.format import Format, PublishError
from orchestration.publish.formats import journal, payments
from orchestration.settings import Settings
from orchestration.warehouse import in_memory

SETTLEMENT = "settlement"
"""Kind of the batches that the payment run shows; the accrual journal shows every other kind."""

_SLICE = 5_000

Key = tuple[str, str]
"""Legal entity and currency."""


@dataclass(frozen=True)
class Posted:
    """One batch of the ledger, from its manifest."""

    name: str
    kind: str
    month: str
    run_id: str
    calculation_id: str
    rows: dict[str, int]
    manifest_hash: str


class Published:
    """One version of the snapshot, open; and the ledger beside it. The caller closes ``connection``."""

    def __init__(self, settings: Settings, connection: duckdb.DuckDBPyConnection, units: dict[str, int]) -> None:
        self.settings = settings
        self.connection = connection
        self.units = units
        [(self.as_of, self.month, self.calculation_id)] = self.rows(
            "select as_of, accounting_month, calculation_id from rpt_run"
        )
        [(path,)] = self.rows("select path from duckdb_databases() where not internal and path is not null")
        self.version = Path(path).parent.name
        self.batches = _batches(settings.ledger)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        return self.connection.execute(sql, list(values)).fetchall()

    def stream(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Rows of a long result, one after the other, on a cursor of their own; nothing is asked before the first."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql, list(values))
            while rows := cursor.fetchmany(_SLICE):
                yield from rows
        finally:
            cursor.close()

    def count(self, sql: str, *values: Any) -> int:
        """Number of rows that a query gives."""
        [(count,)] = self.rows(f"select count(*) from ({sql})", *values)
        return int(count)

    def sums(self, sql: str, *values: Any) -> dict[Key, tuple[Decimal, ...]]:
        """Rows of (legal entity, currency, amounts …) by the first two, sorted."""
        return {(row[0], row[1]): tuple(row[2:]) for row in sorted(self.rows(sql, *values), key=lambda row: row[:2])}

    def detail(self, table: str) -> str:
        """Where a mart's rows are, for sheets that cannot hold them."""
        return f"published/snapshot/{self.version}/{table}.parquet"

    def of_month(self, month: str, *, settlement: bool) -> list[Posted]:
        """The month's batches: those of the payment run, or all others."""
        return [one for one in self.batches if one.month == month and (one.kind == SETTLEMENT) == settlement]

    def facts(self, month: str) -> list[tuple[str, str]]:
        """What every cover says first."""
        return [
            ("Accounting month", month),
            ("As of", self.as_of.isoformat()),
            ("Calculation", self.calculation_id),
            ("Published snapshot", self.version),
        ]

    def made_from(self, batches: Sequence[Posted]) -> Listing:
        """Each batch with its run, its calculation and the hash of its manifest."""
        rows = [
            line
            for one in batches
            for line in (
                (f"Batch {one.name}", f"run {one.run_id}"),
                ("", f"calculation {one.calculation_id}"),
                ("", f"SHA-256 of its manifest {one.manifest_hash}"),
            )
        ]
        return Listing("Batches of the ledger", ("Batch", "Made by"), rows)

    def programs(self, sql: str, *values: Any) -> Listing:
        """The program versions whose keys a query gives, each with the hash of its document."""
        rows = self.rows(
            f"""select p.program_key, p.status, p.currency, p.document_hash
                from dim_program as p where p.program_key in ({sql}) order by 1""",
            *values,
        )
        return Listing("Program versions", ("Program version", "Status", "Currency", "SHA-256 of its document"), rows)

    def posted_files(self, format: Format, batches: Sequence[Posted], keys: str, sums: str) -> list[tuple[Any, ...]]:
        """Sums over the ledger's CSV files of a neutral format: what the general ledger or the payables were given.

        ``keys`` and ``sums``: select list over the file's columns (all text), e.g. ``legal_entity`` and
        ``sum(debit::decimal(18, 4))``. PublishError when a batch lacks its file.
        """
        paths = []
        for one in batches:
            if one.kind not in format.files:
                raise PublishError(f"{one.name}: a batch of kind {one.kind} has no file of format {format.name}")
            path = self.settings.ledger / one.name / "erp" / f"{format.files[one.kind]}_{one.month}.csv"
            if not path.is_file():
                raise PublishError(f"{one.name}: its file {path.name} is not in the ledger")
            paths.append(str(path))
        if not paths:
            return []
        with in_memory(self.settings) as connection:
            return connection.execute(
                f"""select {keys}, {sums} from read_csv($paths, header = true, all_varchar = true, delim = ',',
                    quote = '"', escape = '"', union_by_name = true) group by all order by all""",
                {"paths": paths},
            ).fetchall()

    def journals(self, batches: Sequence[Posted], role: str | None = None) -> dict[Key, tuple[Decimal, Decimal, int]]:
        """Debit, credit and number of journal lines in the journal files of batches, of one account role or of all."""
        rows = self.posted_files(
            journal.FORMAT, batches, "legal_entity, currency, account_role",
            "sum(debit::decimal(18, 4)), sum(credit::decimal(18, 4)), count(*)",
        )  # fmt: skip
        found: dict[Key, tuple[Decimal, Decimal, int]] = {}
        for entity, currency, account_role, debit, credit, count in rows:
            if role in (None, account_role):
                before = found.get((entity, currency), (Decimal(0), Decimal(0), 0))
                found[entity, currency] = (before[0] + debit, before[1] + credit, before[2] + count)
        return found

    def payments(self, batches: Sequence[Posted]) -> dict[Key, Decimal]:
        """Amount in the payment files of batches."""
        rows = self.posted_files(
            payments.FORMAT, batches, "legal_entity, currency", "sum(amount::decimal(18, 4))"
        )  # fmt: skip
        return {(entity, currency): amount for entity, currency, amount in rows}


def _batches(ledger: Path) -> list[Posted]:
    """Every batch of the ledger, oldest first, but for kinds that post nothing and so have no journal (proposals)."""
    found = []
    for path in sorted(ledger.glob("[0-9]*/manifest.json")):
        content = path.read_bytes()
        manifest = json.loads(content)
        if not manifest["rows"]["posting"] and manifest["kind"] not in journal.FORMAT.files:
            continue
        found.append(
            Posted(
                name=path.parent.name,
                kind=manifest["kind"],
                month=manifest["accounting_month"],
                run_id=manifest["run_id"],
                calculation_id=manifest["calculation_id"],
                rows=manifest["rows"],
                manifest_hash=hashlib.sha256(content).hexdigest(),
            )
        )
    return found
