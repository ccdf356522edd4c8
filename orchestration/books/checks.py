"""Queries over tables that were handed in, and the refusals that they lead to.

What belongs here: running one query over Arrow tables, and LedgerError naming the rows that it finds.
What does not: which rules there are (journal.py, accounts.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from orchestration.books.tables import LedgerError


def check_input(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: pa.Table,
    text: Sequence[str],
    money: Sequence[str],
    optional_money: Sequence[str] = (),
) -> None:
    """LedgerError when columns are missing, of another type or empty, or money has more than 4 decimals."""
    missing = [column for column in (*text, *money, *optional_money) if column not in table.column_names]
    if missing:
        raise LedgerError(f"{name}: column(s) missing: {', '.join(missing)}")
    for column in text:
        if not (pa.types.is_string(table[column].type) or pa.types.is_large_string(table[column].type)):
            raise LedgerError(f"{name}.{column}: expected text, got {table[column].type}")
    for column in (*money, *optional_money):
        if not pa.types.is_decimal(table[column].type):
            raise LedgerError(f"{name}.{column}: expected a decimal, got {table[column].type}")
    empty = [column for column in (*text, *money) if table[column].null_count]
    if empty:
        raise LedgerError(f"{name}: empty value(s) in {', '.join(empty)}")
    for column in (*money, *optional_money):
        refuse(
            connection,
            f"{name}.{column} does not fit DECIMAL(18,4)",
            f"select {column}::varchar from rows"
            f" where {column} is not null and try_cast({column} as decimal(18, 4)) is distinct from {column}",
            rows=table,
        )


def refuse(connection: duckdb.DuckDBPyConnection, what: str, query: str, **tables: pa.Table) -> None:
    """LedgerError with the first rows when the query finds any."""
    found = sql(connection, f"select * from ({query}) order by all", **tables)
    if found.num_rows:
        rows = ["(" + ", ".join(map(str, row.values())) + ")" for row in found.slice(0, 5).to_pylist()]
        more = f" and {found.num_rows - 5} more" if found.num_rows > 5 else ""
        raise LedgerError(f"{what}: {', '.join(rows)}{more}")


def sql(connection: duckdb.DuckDBPyConnection, query: str, **tables: pa.Table) -> pa.Table:
    """Run one query over the given tables; they are not left in the connection."""
    for name, table in tables.items():
        connection.register(name, table)
    try:
        return connection.sql(query).to_arrow_table()
    finally:
        for name in tables:
            connection.unregister(name)


def literals(values: Iterable[str]) -> str:
    """The values as an SQL list: ``('a', 'b')``."""
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"
