"""A trail from its start to both ends.

What belongs here: the order in which things are selected, told and tied. What does not: the queries.
"""

from __future__ import annotations

import duckdb

from orchestration.settings import Settings
from orchestration.trace.report import Step, Tie, Trace, TraceError
from orchestration.trace.source import (
    ORIGINALS,
    Originals,
    fate,
    find_file,
    origin_of_lines,
    originals,
    read_batches,
)
from orchestration.trace.start import KINDS, rows, select_line, table
from orchestration.trace.steps import DOWNWARDS, step_of
from orchestration.trace.ties import ties_of

ROW = "row"
"""The kind of a trace that begins with a row of a file."""


def trace(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    kind: str,
    key: str,
    read: Originals,
    *,
    row: int | None = None,
    shown: int = ORIGINALS,
) -> Trace:
    """The trail of a payment, journal line, payout or line (``kind``, one of KINDS), or of a ``row`` of a file.

    ``connection``: on the published snapshot; temporary tables are left in it. ``key``: payment_id, posting_id,
    payout_id or payout_payee_id, line_key; of a row the file's name, hash or receipt number. ``read``: rows of files as
    delivered. ``shown``: how many of these at most. Payments, journal lines and payouts are told downwards (money
    first), lines and rows upwards (file first); every trail goes to both ends. Raises TraceError for what the snapshot
    does not hold, and what ``read`` raises where landing is not what it was.
    """
    read_batches(connection, settings)
    [(as_of, month, calculation)] = rows(connection, "select as_of, accounting_month, calculation_id from rpt_run")
    about = [f"As of {as_of}, accounting month {month}, calculation {calculation}."]
    if kind == ROW:
        if row is None:
            raise TraceError("a row of a file is named by its file and its row number")
        line = _select_row(connection, key, row, about)
    else:
        if kind not in KINDS:
            raise TraceError(f"{kind}: expected one of {', '.join([*KINDS, ROW])}")
        KINDS[kind](connection, key)
        origin_of_lines(connection)
        line = key if kind == "line" else None
    about += _said(connection, kind, key, line)
    if line is None and kind == ROW:
        steps: list[Step] = []
        ties: list[Tie] = []
    else:
        table(
            connection,
            "total",
            """select r.payout_id, r.payee_id, r.currency, count(*) as lines, count(distinct r.file_sequence) as files,
                      sum(r.payout_base) as payout_base, sum(r.amount) as amount
               from fct_line_rebate as r
               semi join traced_payout as o on r.payout_id = o.payout_id and r.payee_id = o.payee_id
               group by all""",
        )
        steps = [step_of(connection, query) for query in DOWNWARDS]
        ties = ties_of(connection)
    delivered, found = originals(connection, read, shown)
    if kind == ROW and line is None and delivered.given[0][-1] is None:
        raise TraceError(f"{key} has no row {row}")
    steps.append(delivered)
    if kind in (ROW, "line"):
        steps.reverse()
    name = key if row is None else f"{key} row {row}"
    return Trace(kind, name, tuple(about), tuple(step for step in steps if step.total), tuple(ties + found))


def _select_row(connection: duckdb.DuckDBPyConnection, named: str, row: int, about: list[str]) -> str | None:
    """Select the line that a row of a file is; says what it is in ``about``. None where no line comes from it."""
    sequence, entity = find_file(connection, named)
    said, line = fate(connection, sequence, row, entity)
    about.append(said)
    if line is not None:
        select_line(connection, line)
    table(
        connection,
        "origin",
        "select ?::varchar as line_key, ?::integer as file_sequence, ?::integer as row_number, 1 as place",
        line,
        sequence,
        row,
    )
    return line


def _said(connection: duckdb.DuckDBPyConnection, kind: str, key: str, line: str | None) -> list[str]:
    """A sentence or two about the start, and about what was settled of what it leads to."""
    said = []
    if kind == "journal":
        [(role, debit, credit, currency, cause, batch)] = rows(
            connection,
            """select account_role, debit, credit, currency, cause, batch
               from fct_posting left join traced_batch using (batch_number) where posting_id = ?""",
            key,
        )
        side, amount = ("debit", debit) if debit else ("credit", credit)
        said.append(f"{side.capitalize()} of {amount.normalize():f} {currency} to {role}, {cause}, in batch {batch}.")
    if line is not None:
        earned = rows(
            connection,
            "select sum(amount), currency, count(distinct payout_id) from traced_rebate group by 2 order by 2",
        )
        if earned:
            said.append(
                "It earned " + ", ".join(f"{sum_.normalize():f} {c} in {n} payout(s)" for sum_, c, n in earned) + "."
            )
        else:
            said.append(f"It earned nothing in any program: `rebates explain line '{line}'` says why.")
    return said
