"""The review list: spellings whose end customer nobody knows yet, with candidates and the money behind them.

What belongs here: the list, in the order of its money. What does not: writing and reading its file (answers.py).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from orchestration import warehouse
from orchestration.contract import REPORTED_END_CUSTOMER
from orchestration.matching.normal import text
from orchestration.settings import Settings

OPEN = ("review", "unknown")
"""Statuses of spellings that wait for an answer: with candidates, and without."""


class NotIdentifiedError(FileNotFoundError):
    """Nobody was identified yet: there is no list."""


@dataclass(frozen=True)
class Candidate:
    """An end customer that a spelling may mean. score: 0 to 100."""

    end_customer_id: str
    name: str
    address: str
    score: Decimal

    def __str__(self) -> str:
        place = f", {self.address}" if self.address else ""
        return f"{self.end_customer_id}: {self.name}{place} ({self.score})"


@dataclass(frozen=True)
class Listed:
    """One spelling. ``said``: what the source says, by column; ``amounts``: net amount by currency."""

    end_customer_spelling: str
    status: str
    line_source: str
    said: dict[str, str]
    lines: int
    amounts: dict[str, Decimal]
    candidates: tuple[Candidate, ...]
    end_customer_id: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """The name as reported, or what stands for it."""
        return self.said["end_customer_name"] or self.said["end_customer_code"] or self.said["end_customer_tax_id"]

    @property
    def address(self) -> str:
        """The address as reported, on one line."""
        return address(self.said)

    @property
    def money(self) -> str:
        """The amounts as text: '1,234.50 USD, 20.00 CAD'."""
        return ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(self.amounts.items()))


def address(row: dict[str, Any]) -> str:
    """Street, postal code, city, country of a row, as far as they are there, on one line."""
    parts = [row.get(f"end_customer_{part}") for part in ("street", "postal_code", "city", "country")]
    return ", ".join(part for part in parts if part)


def review(settings: Settings, statuses: tuple[str, ...] = OPEN) -> list[Listed]:
    """Every spelling with one of the statuses; those with the largest amount in a currency first, then by key.

    Lines: the newest version of each, accepted, held or quarantined. Raises NotIdentifiedError before the first intake.
    """
    spellings = settings.matching / "spelling.parquet"
    if not spellings.is_file():
        raise NotIdentifiedError(f"no spellings yet: {spellings} does not exist; run the intake or `rebates run` first")
    with warehouse.in_memory(settings) as connection:
        wanted = ", ".join(text(status) for status in statuses)
        connection.execute(
            f"create temp table listed as from read_parquet({text(str(spellings))}) where status in ({wanted})"
        )
        rows = _dicts(connection.execute("from listed order by end_customer_spelling"))
        candidates = defaultdict(list)
        path = text(str(settings.matching / "candidate.parquet"))
        for row in _dicts(connection.execute(f"from read_parquet({path}) order by all")):
            found = Candidate(row["end_customer_id"], row["end_customer_name"], address(row), row["score"])
            candidates[row["end_customer_spelling"]].append(found)
        lines: dict[str, int] = defaultdict(int)
        amounts: dict[str, dict[str, Decimal]] = defaultdict(dict)
        for key, currency, count, amount in _money(connection, settings):
            lines[key] += count
            if amount is not None:
                amounts[key][currency or "?"] = amount
    found_rows = [
        Listed(
            end_customer_spelling=row["end_customer_spelling"],
            status=row["status"],
            line_source=row["line_source"],
            said={name: row[name] or "" for name in REPORTED_END_CUSTOMER[1:]},
            lines=lines[row["end_customer_spelling"]],
            amounts=amounts[row["end_customer_spelling"]],
            candidates=tuple(candidates[row["end_customer_spelling"]]) if row["status"] in OPEN else (),
            end_customer_id=row["end_customer_id"] or "",
            reason=row["reason"] or "",
        )
        for row in rows
    ]
    return sorted(
        found_rows,
        key=lambda each: (-max(map(abs, each.amounts.values()), default=Decimal(0)), each.end_customer_spelling),
    )


def _dicts(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _money(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[tuple[Any, ...]]:
    """Spelling, currency, lines, net amount of the newest version of each line that has a listed spelling."""
    versions = " union all ".join(
        f"""select source, document_number, line_number, file_sequence, row_number, end_customer_spelling, currency,
                net_amount from read_parquet({text(str(room / "line" / "*.parquet"))})"""
        for room in (settings.accepted, settings.quarantine)
    )
    return connection.execute(f"""
        with versions as ({versions}),
        spelled as (
            select distinct source, document_number, line_number from versions
            where end_customer_spelling in (select end_customer_spelling from listed)
        ),
        newest as (
            select
                v.end_customer_spelling, v.currency, v.net_amount,
                row_number() over (
                    partition by v.source, v.document_number, v.line_number
                    order by v.file_sequence desc, v.row_number desc
                ) as version_rank
            from versions as v join spelled as s
                on s.source = v.source and s.document_number = v.document_number and s.line_number = v.line_number
        )
        select end_customer_spelling, currency, count(*), sum(net_amount)
        from newest
        where version_rank = 1 and end_customer_spelling in (select end_customer_spelling from listed)
        group by all order by all
    """).fetchall()
