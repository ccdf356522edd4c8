"""Reading the published snapshot: rows as mappings, and the things that a question may name.

What belongs here: queries that several answers need, and what is said when a name is not known. What does not: wording.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import duckdb

Row = dict[str, Any]


class UnknownError(LookupError):
    """A question names something that the snapshot does not hold; ``near`` holds names that look like it."""

    def __init__(self, message: str, near: Sequence[str] = ()) -> None:
        self.near = tuple(near)
        super().__init__(message)


def rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any, **named: Any) -> list[Row]:
    """All rows of a query as mappings, read before the next query. Values for `?`, or by name for `$name`."""
    cursor = connection.execute(sql, named or list(values))
    columns = [column[0] for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def as_of(connection: duckdb.DuckDBPyConnection) -> date:
    """The business date that the snapshot was calculated for."""
    [row] = rows(connection, "select as_of from rpt_run")
    found: date = row["as_of"]
    return found


def programs(connection: duckdb.DuckDBPyConnection, named: str | None = None) -> list[Row]:
    """Program versions by key; ``named``: those of one program, by id or key. Raises UnknownError."""
    found = rows(
        connection,
        "select * from dim_program where ? is null or program_key = ? or program_id = ? order by program_key",
        *[named] * 3,
    )
    if not found:
        known = [row["program_key"] for row in rows(connection, "select program_key from dim_program order by 1")]
        raise UnknownError(
            f"no program {named} in the snapshot (`rebates programs list` shows the documents that were refused)", known
        )
    return found


def memberships(connection: duckdb.DuckDBPyConnection, partners: Sequence[str]) -> list[Row]:
    """Segments and groups of partners, dated: partner_id, kind (segment, group), value, valid_from, valid_to."""
    return rows(
        connection,
        """select entity_id as partner_id, 'segment' as kind, segment_id as value, valid_from, valid_to
           from dim_segment_member where entity = 'partner' and list_contains($partners::varchar[], entity_id)
           union all
           select partner_id, 'group', group_id, valid_from, valid_to
           from dim_partner_group where list_contains($partners::varchar[], partner_id)
           order by all""",
        partners=list(partners),
    )


def by(found: Iterable[Row], column: str) -> dict[Any, list[Row]]:
    """The rows by the value of a column, in their order."""
    sorted_out: dict[Any, list[Row]] = {}
    for row in found:
        sorted_out.setdefault(row[column], []).append(row)
    return sorted_out


def on(found: Iterable[Row], day: date) -> list[Row]:
    """The rows whose validity covers a day."""
    return [row for row in found if row["valid_from"] <= day <= row["valid_to"]]
