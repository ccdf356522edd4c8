"""`python -m benchmarks.matching`: identification of end customers, how right and how fast.

What belongs here: writing a made-up master and lines, the watch, figures by kind of spelling. What does not: the
spellings themselves (spellings.py), the watch (measured.py).

Precision: of the spellings that were identified, how many are the right customer. Recall: of the spellings of known
customers, how many were identified rightly. Asked: how many of the others have the right customer on the review list.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.spellings import Customer, Spelling, customers, spellings
from orchestration import contract
from orchestration.matching import Identification, identify
from orchestration.settings import Settings


@dataclass(frozen=True)
class Figures:
    """Counts over some spellings."""

    spellings: int
    known: int
    identified: int
    right: int
    asked_right: int
    asked: int

    @property
    def precision(self) -> float:
        """Share of the identified that are right."""
        return self.right / self.identified if self.identified else 1.0

    @property
    def recall(self) -> float:
        """Share of the known that were identified rightly."""
        return self.right / self.known if self.known else 1.0

    @property
    def reach(self) -> float:
        """Share of the known that were identified rightly or have the right customer on the review list."""
        return (self.right + self.asked_right) / self.known if self.known else 1.0


def write(settings: Settings, master: Sequence[Customer], said: Sequence[Spelling]) -> None:
    """Write accepted/ and raw/ as intake and validation would leave them: one line per spelling.

    The document number of a line is the number of its spelling.
    """
    accepted = contract.accepted_columns(contract.END_CUSTOMER)
    rows = {
        "end_customer_id": [c.end_customer_id for c in master],
        **{f"end_customer_{name}": [getattr(c, name) for c in master] for name in ("name", *ADDRESS)},
    }
    _write(settings.accepted / "end_customer" / "000001_m.parquet", accepted, rows, len(master))
    answers = contract.accepted_columns(contract.END_CUSTOMER_ANSWER)
    _write(settings.accepted / "end_customer_answer" / "_schema.parquet", answers, {}, 0)
    lines = {
        "source": ["pos"] * len(said),
        "stream": ["sell_through"] * len(said),
        "document_number": [str(number) for number in range(len(said))],
        "net_amount": [Decimal(1)] * len(said),
        **{
            f"end_customer_{name}": [getattr(s.customer, name) or None for s in said] for name in ("name", *ADDRESS)
        },
    }  # fmt: skip
    _write(settings.raw / "line" / "000002_l.parquet", contract.raw_columns(contract.LINE), lines, len(said))


ADDRESS = ("street", "postal_code", "city", "country")


def _write(path: Path, columns: Sequence[contract.Column], rows: dict[str, list], count: int) -> None:
    types = {"VARCHAR": pa.string(), "DATE": pa.date32(), "INTEGER": pa.int32(), "DECIMAL(18,4)": pa.decimal128(18, 4)}
    table = {column.name: pa.array(rows.get(column.name, [None] * count), types[column.type]) for column in columns}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table).replace_schema_metadata({"recipe": "made"}), path)


def judge(settings: Settings, said: Sequence[Spelling]) -> dict[str, Figures]:
    """Figures by kind of spelling, with and without an address, and over all as 'all'."""
    reported = pq.read_table(settings.matching / "reported.parquet").to_pylist()
    names = ("name", *ADDRESS)
    found = {tuple(row[f"end_customer_{name}"] for name in names): row for row in reported}
    listed: dict[str, set[str]] = {}
    for row in pq.read_table(settings.matching / "candidate.parquet").to_pylist():
        listed.setdefault(row["end_customer_spelling"], set()).add(row["end_customer_id"])
    counts: dict[str, list[int]] = {}
    for spelling in said:
        row = found[tuple(getattr(spelling.customer, name) or None for name in names)]
        meant, candidates = row["identified_id"], listed.get(row["end_customer_spelling"], set())
        one = [
            1,
            spelling.truth is not None,
            meant is not None,
            meant is not None and meant == spelling.truth,
            meant is None and spelling.truth in candidates,
            meant is None and bool(candidates),
        ]
        where = "with address" if spelling.customer.city else "name alone"
        for kind in (spelling.kind, where, "all"):
            counts[kind] = [a + b for a, b in zip(counts.get(kind, [0] * len(one)), one, strict=True)]
    return {kind: Figures(*counted) for kind, counted in sorted(counts.items())}


def measure(settings: Settings, known: int, count: int) -> tuple[dict[str, Figures], Identification, float]:
    """Make, identify and judge; seconds of identification alone."""
    master = customers(known)
    said = spellings(master, count)
    write(settings, master, said)
    before = time.perf_counter()
    done = identify(settings, print)
    return judge(settings, said), done, time.perf_counter() - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--spellings", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder) / "data", memory_limit="1GB")
        figures, done, seconds = measure(settings, given.customers, given.spellings)
    print(f"{given.spellings:,} spellings, {given.customers:,} end customers: {seconds:.1f} s")
    print(f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    print(f"methods: {done.methods}; statuses: {done.statuses}")
    print(f"{'kind':<14} {'spellings':>9} {'precision':>9} {'recall':>7} {'reach':>7} {'asked':>7}")
    for kind, each in figures.items():
        print(
            f"{kind:<14} {each.spellings:>9,} {each.precision:>9.4f} {each.recall:>7.3f} {each.reach:>7.3f}"
            f" {each.asked / each.spellings:>7.3f}"
        )


if __name__ == "__main__":
    main()
