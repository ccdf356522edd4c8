"""From what is asked for to what is selected: payments, payouts, parts of lines and journal lines, by keys alone.

What belongs here: the temporary tables that every step reads (``traced_…``), one set whatever the start is. What does
not: what is shown of them (steps.py). A temporary table lives in this connection and changes nothing.

A payout is settled and posted under its program version, payee and period (``traced_key``): several participants'
payouts to one payee share it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb

from orchestration.trace.report import TraceError

KEY = "program_key, payee_id, period_id"
PART = "payout_id, payee_id"

LIKE = 5
"""How many names are shown that are like the one that is not known."""


def rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """All rows of a query, read before the next one."""
    return connection.execute(sql, list(values)).fetchall()


def table(connection: duckdb.DuckDBPyConnection, name: str, sql: str, *values: Any) -> None:
    """Let the temporary table ``traced_<name>`` hold the rows of a query."""
    connection.execute(f"create or replace temp table traced_{name} as {sql}", list(values))


def select_payment(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """One payment: its lines' payouts, their lines, and the journal of both. Raises TraceError."""
    _known(connection, "payment", "fct_payment", "payment_id", key)
    table(connection, "payment", "select * from fct_payment where payment_id = ?", key)
    table(connection, "key", f"select distinct {KEY} from fct_payment_line where payment_id = ?", key)
    _payouts_of_keys(connection)
    _rebates_of_payouts(connection)
    _postings(connection)


def select_journal(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """One journal line: what it posts for, its entry, and every other journal line of the same. Raises TraceError."""
    _known(connection, "journal line", "fct_posting", "posting_id", key)
    [(entry, program, payment)] = rows(
        connection, "select entry_id, program_key, payment_id from fct_posting where posting_id = ?", key
    )
    if program is None:  # the payable of a payment: what it pays is what the payment consists of
        select_payment(connection, payment)
        return
    table(connection, "key", f"select {KEY} from fct_posting where posting_id = ?", key)
    _payouts_of_keys(connection)
    _rebates_of_payouts(connection)
    _payments_of_keys(connection)
    _postings(connection, entry)


def select_payout(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """One payout for all its payees, or for one (``<payout>|<payee>``): its lines, its journal, its payments."""
    found = rows(connection, "select 1 from fct_payout where payout_id = $1 or payout_payee_id = $1 limit 1", key)
    if not found:
        _known(connection, "payout", "fct_payout", "payout_id", key)
    table(connection, "payout", "select * from fct_payout where payout_id = $1 or payout_payee_id = $1", key)
    _rebates_of_payouts(connection)
    _keys_of_payouts(connection)
    _payments_of_keys(connection)
    _postings(connection)


def select_line(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """One line: its parts of payouts, those payouts, their journal, their payments. Raises TraceError."""
    _known(connection, "line", "fct_line", "line_key", key)
    table(connection, "rebate", "select * from fct_line_rebate where line_key = ?", key)
    table(connection, "payout", f"select * from fct_payout semi join traced_rebate using ({PART})")
    _keys_of_payouts(connection)
    _payments_of_keys(connection)
    _postings(connection)
    table(connection, "line", "select line_key from fct_line where line_key = ?", key)


KINDS: dict[str, Callable[[duckdb.DuckDBPyConnection, str], None]] = {
    "payment": select_payment,
    "journal": select_journal,
    "payout": select_payout,
    "line": select_line,
}
"""What a trace may begin with, but for a row of a file, which leads to a line or to what became of it (source.py)."""


def _payouts_of_keys(connection: duckdb.DuckDBPyConnection) -> None:
    table(connection, "payout", f"select * from fct_payout semi join traced_key using ({KEY})")


def _keys_of_payouts(connection: duckdb.DuckDBPyConnection) -> None:
    table(connection, "key", f"select distinct {KEY} from traced_payout where is_payable")


def _rebates_of_payouts(connection: duckdb.DuckDBPyConnection) -> None:
    table(connection, "rebate", f"select * from fct_line_rebate semi join traced_payout using ({PART})")
    table(connection, "line", "select distinct line_key from traced_rebate")


def _payments_of_keys(connection: duckdb.DuckDBPyConnection) -> None:
    lines = f"select payment_id from fct_payment_line semi join traced_key using ({KEY})"
    table(connection, "payment", f"select * from fct_payment where payment_id in ({lines})")


def _postings(connection: duckdb.DuckDBPyConnection, entry: str = "") -> None:
    """Every journal line of the keys, the payables of the payments, and one entry as a whole."""
    table(
        connection,
        "posting",
        """select * from fct_posting as p
            where exists (from traced_key as k where k.program_key = p.program_key and k.payee_id = p.payee_id
                          and k.period_id = p.period_id)
               or (p.program_key is null and p.payment_id in (select payment_id from traced_payment))
               or p.entry_id = ?""",
        entry,
    )


def _known(connection: duckdb.DuckDBPyConnection, kind: str, mart: str, column: str, key: str) -> None:
    """TraceError with names that are like it, unless the mart has the key."""
    if rows(connection, f"select 1 from {mart} where {column} = ? limit 1", key):
        return
    near = rows(
        connection,
        f"""select distinct {column}, jaro_winkler_similarity({column}, ?) as likeness from {mart}
            order by likeness desc, {column} limit {LIKE}""",
        key,
    )
    raise TraceError(f"no {kind} {key} in the snapshot", [name for name, _ in near])
