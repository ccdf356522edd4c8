"""What of payments still stands: every line less what adjustments have reopened (semantics 11).

What belongs here: the check over all batches that nothing is reopened twice and no payout is settled by two
payments that live. What does not: the rules within one batch (tables.py).
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from orchestration import warehouse
from orchestration.books.checks import refuse, sql
from orchestration.books.tables import LedgerError
from orchestration.settings import Settings

LIVE = ("payment_line", "payment_reversal")
"""Tables whose rows say, over all batches, what is settled."""

_LINE = "payment_id, program_key, payee_id, period_id"


def settled(connection: duckdb.DuckDBPyConnection, lines: pa.Table, reversals: pa.Table) -> pa.Table:
    """Settled so far: one row (program_key, payee_id, period_id, amount) for each payout that was ever in a payment.

    ``lines``, ``reversals``: all rows of schemas PAYMENT_LINE and PAYMENT_REVERSAL.
    """
    return sql(
        connection,
        """
        select program_key, payee_id, period_id, sum(amount)::decimal(38, 4) as amount
        from (
            select program_key, payee_id, period_id, amount from lines
            union all
            select program_key, payee_id, period_id, -amount from reversals
        )
        group by all order by all
        """,
        lines=lines,
        reversals=reversals,
    )


def check_live(connection: duckdb.DuckDBPyConnection, lines: pa.Table, reversals: pa.Table) -> None:
    """LedgerError, naming the rows, unless every payout is settled once.

    A reversal is of a line of an earlier batch, has its sign, and all reversals of a line are at most the line. What a
    line says was settled before (``settled_before``) is what earlier batches settled less what was reopened until then:
    a second payment of a payout, while the first one lives, can only be for what came on top.
    """
    refuse(
        connection,
        "more is reopened than the payment's line (columns: key, line, reopened)",
        f"""
        with reopened as (
            select {_LINE}, sum(amount) as amount, min(batch_number) as batch_number,
                bool_or(amount > 0) and bool_or(amount < 0) as has_both_signs
            from reversals group by all
        )
        select {_LINE}, lines.amount, reopened.amount
        from reopened left join lines using ({_LINE})
        where coalesce(lines.batch_number >= reopened.batch_number, true) or has_both_signs
            or sign(lines.amount) <> sign(reopened.amount) or abs(reopened.amount) > abs(lines.amount)
        """,
        lines=lines,
        reversals=reversals,
    )
    refuse(
        connection,
        "a payout in two payments: settled before, and not reopened (columns: key, the line says, settled before)",
        f"""
        with moved as (
            select {_LINE}, batch_number, amount, settled_before, true as is_line from lines
            union all
            select {_LINE}, batch_number, -amount, null, false from reversals
        ),
        running as (
            select *, coalesce(sum(amount) over (
                partition by program_key, payee_id, period_id order by batch_number
                range between unbounded preceding and 1 preceding
            ), 0) as actual
            from moved
        )
        select {_LINE}, settled_before, actual from running
        where is_line and settled_before is not null and settled_before <> actual
        """,
        lines=lines,
        reversals=reversals,
    )


def live_wrong(settings: Settings, lines: pa.Table, reversals: pa.Table) -> list[str]:
    """What check_live finds, in a sentence; empty: nothing."""
    if not lines.num_rows and not reversals.num_rows:
        return []
    with warehouse.in_memory(settings) as connection:
        try:
            check_live(connection, lines, reversals)
        except LedgerError as error:
            return [str(error)]
    return []
