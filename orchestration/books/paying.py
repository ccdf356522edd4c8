"""From what is due to payments, their lines and their journal, without I/O (semantics 11).

What belongs here: pure functions from Arrow tables to Arrow tables, as in journal.py. What does not: who may
release payments (proposals.py), what was reopened (adjustment.py), the ledger's folders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.books.accounts import Traits
from orchestration.books.checks import check_input, literals, refuse, sql
from orchestration.books.journal import NO_TRAITS, CloseContext, numbered
from orchestration.books.tables import CREDITED_BY, INVOICE, PAYMENT, PAYMENT_LINE, PAYOUT_KEY, PROPOSAL_LINE

Unpayable = Callable[[pa.Table], Mapping[str, str]]
"""Why payments (schema PAYMENT) cannot be made, by payment_id: asked before they are booked."""

PAYMENT_KEY = "payee_id, legal_entity, currency, instrument"
"""What makes one payment of a month, as columns."""

_NET = "decimal(38, 4)"
_DUE_TEXT = ("program_key", "program_id", "payee_id", "period_id", "legal_entity", "currency", "instrument")
_DUE_MONEY = ("earned", "held", "settled_to_date", "to_pay")


def all_payable(payment: pa.Table) -> Mapping[str, str]:
    """No reason against any payment."""
    return {}


@dataclass(frozen=True)
class Settlement:
    """Payments (schema PAYMENT), their lines (PAYMENT_LINE) and the journal (POSTING) of one batch.

    ``withheld``: payments that cannot be made and are no part of it, with the reason by payment_id.
    """

    posting: pa.Table
    payment: pa.Table
    payment_line: pa.Table
    withheld: dict[str, str] = field(default_factory=dict)

    def tables(self) -> dict[str, pa.Table]:
        """The tables by name."""
        return {"posting": self.posting, "payment": self.payment, "payment_line": self.payment_line}


def settlement(
    connection: duckdb.DuckDBPyConnection,
    context: CloseContext,
    batch_number: int,
    due: pa.Table,
    accounts: pa.Table,
    settled: pa.Table,
    traits: Traits = NO_TRAITS,
    unpayable: Unpayable = all_payable,
) -> Settlement:
    """Payments for what is due; semantics 11.

    ``due``: int_settlement_due, one row per program_key, payee_id, period_id. ``settled``: what lives
    of every payment line so far (live.settled); ``settled_to_date`` must be what it holds, so that no
    payout is paid twice. Rows are joined to one payment per payee, legal entity, currency and
    instrument. A payment stands when its total is above zero (of an ``invoice`` below) and at least the highest
    ``minimum_payment`` of its rows (none: null); otherwise its rows are carried: they stay due, and
    are no part of the batch. Rows with nothing to pay take no part. Payments for which ``unpayable``
    gives a reason are withheld: they are no part of the batch either, and their rows stay due.
    Journal: each line debits accrued_rebates (a negative one credits it), each payment credits
    accounts_receivable (credit_memo) or accounts_payable (supplier_invoice); an invoice debits accounts_receivable.
    Raises LedgerError as accrual_postings does, and for unknown instruments.
    """
    lines = payable(connection, context, batch_number, due, settled, unpayable)
    return replace(booked(connection, context, batch_number, lines.table, accounts, traits), withheld=lines.withheld)


@dataclass(frozen=True)
class Payable:
    """What would be paid: rows of schema PROPOSAL_LINE, and why payments cannot be made, by payment_id."""

    table: pa.Table
    withheld: dict[str, str]


def payable(
    connection: duckdb.DuckDBPyConnection,
    context: CloseContext,
    batch_number: int,
    due: pa.Table,
    settled: pa.Table,
    unpayable: Unpayable = all_payable,
) -> Payable:
    """What of ``due`` makes a payment; arguments, rules and errors: settlement."""
    check_input(connection, "due", due, _DUE_TEXT, _DUE_MONEY, ("minimum_payment",))
    refuse(
        connection,
        f"unknown instrument, expected one of {', '.join(CREDITED_BY)}",
        f"select distinct program_key, instrument from due where instrument not in {literals(CREDITED_BY)}",
        due=due,
    )
    refuse(
        connection,
        "to_pay is not earned less held less settled_to_date",
        f"select {', '.join(PAYOUT_KEY)} from due where to_pay <> earned - held - settled_to_date",
        due=due,
    )
    refuse(
        connection,
        "more than one row for one program_key, payee_id and period_id",
        f"select {', '.join(PAYOUT_KEY)} from due group by all having count(*) > 1",
        due=due,
    )
    refuse(
        connection,
        "settled_to_date is not what the ledger's payments hold (columns: key, handed in, in the ledger)",
        f"""
        with ledger as (select {", ".join(PAYOUT_KEY)}, sum(amount) as amount from settled group by all)
        select {", ".join(PAYOUT_KEY)}, settled_to_date::{_NET}, coalesce(amount, 0)::{_NET}
        from due left join ledger using ({", ".join(PAYOUT_KEY)})
        where settled_to_date <> coalesce(amount, 0)
        """,
        due=due,
        settled=settled,
    )
    lines = sql(
        connection,
        f"""
        select concat_ws('-', 'P', '{context.accounting_month}', {PAYMENT_KEY}) as payment_id,
            {batch_number} as batch_number, '{context.accounting_month}' as accounting_month,
            program_key, program_id, payee_id, period_id, legal_entity, currency, instrument,
            minimum_payment::decimal(18, 4) as minimum_payment, to_pay::decimal(18, 4) as amount,
            settled_to_date::decimal(18, 4) as settled_before
        from due where to_pay <> 0
        """,
        due=due,
    )
    return Payable(*made(connection, context, lines.select(PROPOSAL_LINE.names).cast(PROPOSAL_LINE), unpayable))


def made(
    connection: duckdb.DuckDBPyConnection, context: CloseContext, lines: pa.Table, unpayable: Unpayable
) -> tuple[pa.Table, dict[str, str]]:
    """Of rows of schema PROPOSAL_LINE those whose payment stands and can be made, and why others cannot."""
    lines = _standing(connection, lines)
    reasons = unpayable(_payments(connection, context, lines))
    withheld = {key: reasons[key] for key in sorted(set(lines["payment_id"].to_pylist())) if key in reasons}
    stopped = pa.array(list(withheld), pa.string())
    return lines.filter(pc.invert(pc.is_in(lines["payment_id"], stopped))), withheld


def _standing(connection: duckdb.DuckDBPyConnection, lines: pa.Table) -> pa.Table:
    """The rows (PROPOSAL_LINE) whose payment is above zero (an invoice: below) and reaches its highest minimum."""
    return sql(
        connection,
        f"""
        select * from lines where amount <> 0
        window payment as (partition by payment_id)
        qualify if(instrument = '{INVOICE}', -1, 1) * sum(amount) over payment
            >= greatest(coalesce(max(minimum_payment) over payment, 0), 0.0001)
        order by {PAYMENT_KEY}, program_key, period_id
        """,
        lines=lines,
    ).cast(PROPOSAL_LINE)


def _payments(connection: duckdb.DuckDBPyConnection, context: CloseContext, lines: pa.Table) -> pa.Table:
    """The payments (schema PAYMENT) that the rows make up."""
    payment = sql(
        connection,
        f"""
        select payment_id, batch_number, accounting_month, {PAYMENT_KEY}, sum(amount)::decimal(18, 4) as amount,
            date '{context.posting_date}' as payment_date
        from lines group by all order by {PAYMENT_KEY}
        """,
        lines=lines,
    )
    return payment.select(PAYMENT.names).cast(PAYMENT)


def booked(
    connection: duckdb.DuckDBPyConnection,
    context: CloseContext,
    batch_number: int,
    lines: pa.Table,
    accounts: pa.Table,
    traits: Traits = NO_TRAITS,
) -> Settlement:
    """Payments, their lines and their journal, from rows of schema PROPOSAL_LINE; errors as settlement."""
    payment = _payments(connection, context, lines)
    payment_line = lines.select(PAYMENT_LINE.names).cast(PAYMENT_LINE)
    credited = " ".join(f"when '{instrument}' then '{role}'" for instrument, role in CREDITED_BY.items())
    entries = f"""
        with entry as (select *, row_number() over (order by {PAYMENT_KEY}) as entry from payment)
        select entry, 1 as side, program_key, program_id, line.payee_id, period_id, line.legal_entity, line.currency,
            'accrued_rebates' as account_role, greatest(line.amount, 0) as debit, greatest(-line.amount, 0) as credit,
            'settlement' as cause, payment_id
        from payment_line as line join entry using (payment_id)
        union all
        select entry, 2 as side, null as program_key, null as program_id, payee_id, null as period_id, legal_entity,
            currency, case instrument {credited} end as account_role, greatest(-amount, 0) as debit,
            greatest(amount, 0) as credit,
            'settlement' as cause, payment_id
        from entry
    """
    posting = numbered(
        connection,
        context,
        batch_number,
        "settlement",
        entries,
        accounts,
        traits,
        payment=payment,
        payment_line=payment_line,
    )
    return Settlement(posting, payment, payment_line)
