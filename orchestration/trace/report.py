"""What a trace consists of: steps, each a query over what was selected, and ties between them.

What belongs here: the shapes, and reading a step's rows. What does not: which steps there are (steps.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb

Rows = list[tuple[Any, ...]]


class TraceError(LookupError):
    """What is asked for is not in the snapshot, or the trail ends where it must not; ``near``: names like it."""

    def __init__(self, message: str, near: Sequence[str] = ()) -> None:
        self.near = tuple(near)
        super().__init__(message)


@dataclass(frozen=True)
class Tie:
    """Amounts that must be equal: what stands above, and the sum of its parts; summed over ``count`` of them.

    ``unit``: currency, or what is counted. ``broken``: how many of them are not equal (single ones may differ though
    their sums agree); ``example``: one of those.
    """

    step: str
    what: str
    unit: str
    count: int
    above: Decimal
    parts: Decimal
    broken: int
    example: str | None = None

    @property
    def holds(self) -> bool:
        """Whether every one of them is equal."""
        return self.broken == 0


@dataclass(frozen=True)
class Step:
    """One step of the trail. ``name``: also of the sheet and the file; ``title``: what its rows are.

    ``sql``: all its rows, in order; ``given``: the rows themselves, for what is no table of the snapshot.
    ``total``: how many rows there are. ``notes``: sentences about them.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    total: int
    sql: str = ""
    given: Rows = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def rows(self, connection: duckdb.DuckDBPyConnection, limit: int | None = None) -> Iterator[tuple[Any, ...]]:
        """The rows, or the first ``limit`` of them, in blocks; to be read to the end before the next query."""
        if not self.sql:
            yield from self.given[:limit]
            return
        cursor = connection.execute(self.sql + ("" if limit is None else f" limit {int(limit)}"))
        while block := cursor.fetchmany(10_000):
            yield from block


@dataclass(frozen=True)
class Trace:
    """The trail of one thing, ``kind`` and ``key``; ``about``: as of when, and which way it is read."""

    kind: str
    key: str
    about: tuple[str, ...]
    steps: tuple[Step, ...]
    ties: tuple[Tie, ...]

    @property
    def broken(self) -> list[Tie]:
        """The ties that do not hold: such a trace is an error."""
        return [tie for tie in self.ties if not tie.holds]
