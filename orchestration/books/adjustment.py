"""Adjustments: what changes the liability and is neither accrual nor settlement, from tables to journal lines.

What belongs here: reopening payments that were rejected or came back (semantics 11), as a pure function. What does
not: which payments those are (dbt, int_payment_reopen), accounts, the ledger's folders.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from orchestration.books.accounts import Traits
from orchestration.books.checks import check_input, literals, refuse, sql
from orchestration.books.journal import NO_TRAITS, CloseContext, numbered
from orchestration.books.tables import CREDITED_BY, PAYMENT_REVERSAL, REVERSAL_CAUSES

_TEXT = ("payment_id", "program_key", "program_id", "payee_id", "period_id")
_PLACE = ("legal_entity", "currency", "instrument", "cause")
_LINE = "payment_id, program_key, payee_id, period_id"


@dataclass(frozen=True)
class Adjustment:
    """Journal (schema POSTING) and reopened lines of payments (PAYMENT_REVERSAL) of one batch."""

    posting: pa.Table
    payment_reversal: pa.Table

    def tables(self) -> dict[str, pa.Table]:
        """The tables by name."""
        return {"posting": self.posting, "payment_reversal": self.payment_reversal}


def adjustment(
    connection: duckdb.DuckDBPyConnection,
    context: CloseContext,
    batch_number: int,
    reopen: pa.Table,
    accounts: pa.Table,
    lines: pa.Table,
    reversals: pa.Table,
    traits: Traits = NO_TRAITS,
) -> Adjustment:
    """Reopen parts of payments: they are no longer settled, and due again.

    ``reopen``: int_payment_reopen, one row per payment and payout, ``amount`` with the sign of the payment's line.
    ``lines``, ``reversals``: every line of a payment (PAYMENT_LINE) and everything that was reopened so far
    (PAYMENT_REVERSAL). The entry is that of the settlement turned round: each payment debits receivables or
    payables, each row credits accrued rebates (one below zero debits them).
    Raises LedgerError for missing columns, empty keys, floats, rows that come twice, unknown causes and
    instruments, lines that the ledger does not hold, and more than is left of a line.
    """
    check_input(connection, "reopen", reopen, (*_TEXT, *_PLACE), ("amount",))
    refuse(
        connection,
        f"cause or instrument unknown, expected one of {', '.join((*REVERSAL_CAUSES, *CREDITED_BY))}",
        f"""select distinct payment_id, cause, instrument from reopen
            where cause not in {literals(REVERSAL_CAUSES)} or instrument not in {literals(CREDITED_BY)}""",
        reopen=reopen,
    )
    refuse(
        connection,
        "more than one row for one payment and payout, or more than one cause for one payment",
        f"""select {_LINE} from reopen group by all having count(*) > 1
            union all select payment_id, null, null, null from reopen group by all having count(distinct cause) > 1""",
        reopen=reopen,
    )
    refuse(
        connection,
        "to be reopened is more than what is left of the payment's line (columns: key, to reopen, left)",
        f"""
        with live as (
            select {_LINE}, sum(amount) as amount from (
                select {_LINE}, amount from lines union all select {_LINE}, -amount from reversals
            ) group by all
        )
        select {_LINE}, reopen.amount, coalesce(live.amount, 0) from reopen left join live using ({_LINE})
        where sign(reopen.amount) <> sign(coalesce(live.amount, 0)) or abs(reopen.amount) > abs(live.amount)
        """,
        reopen=reopen,
        lines=lines,
        reversals=reversals,
    )
    reversal = sql(
        connection,
        f"""
        select payment_id, {batch_number} as batch_number, '{context.accounting_month}' as accounting_month,
            program_key, program_id, payee_id, period_id, {", ".join(_PLACE[:-1])},
            amount::decimal(18, 4) as amount, cause
        from reopen order by payment_id, program_key, period_id
        """,
        reopen=reopen,
    )
    credited = " ".join(f"when '{instrument}' then '{role}'" for instrument, role in CREDITED_BY.items())
    entries = f"""
        with entry as (
            select row_number() over (order by payment_id) as entry, payment_id, payee_id, legal_entity, currency,
                instrument, cause, sum(amount) as amount
            from reversal group by payment_id, payee_id, legal_entity, currency, instrument, cause
        )
        select entry, 2 as side, program_key, program_id, line.payee_id, period_id, line.legal_entity, line.currency,
            'accrued_rebates' as account_role, greatest(-line.amount, 0) as debit, greatest(line.amount, 0) as credit,
            line.cause, payment_id
        from reversal as line join entry using (payment_id)
        union all
        select entry, 1 as side, null as program_key, null as program_id, payee_id, null as period_id, legal_entity,
            currency, case instrument {credited} end as account_role, greatest(amount, 0) as debit,
            greatest(-amount, 0) as credit, cause, payment_id
        from entry where amount <> 0
    """
    reversal = reversal.select(PAYMENT_REVERSAL.names).cast(PAYMENT_REVERSAL)
    posting = numbered(connection, context, batch_number, "adjustment", entries, accounts, traits, reversal=reversal)
    return Adjustment(posting, reversal)
