"""From what should stand to journal lines and payments: the decisions of the books, without I/O.

What belongs here: pure functions from Arrow tables to Arrow tables. The DuckDB connection that
they take only computes; nothing is read from it or left in it. What does not: the ledger's folders.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.books.accounts import Traits, determined
from orchestration.books.checks import check_input, literals, refuse, sql
from orchestration.books.tables import CREDITED_BY, PAYMENT, PAYMENT_LINE, PAYOUT_KEY, POSTING, LedgerError

NO_TRAITS = Traits()

Unpayable = Callable[[pa.Table], Mapping[str, str]]
"""Why payments (schema PAYMENT) cannot be made, by payment_id: asked before they are booked."""

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_NET = "decimal(38, 4)"

_DIFFERENCE_TEXT = ("program_key", "program_id", "payee_id", "period_id", "legal_entity", "currency", "cause")
_DIFFERENCE_MONEY = ("accrued_to_date", "posted_to_date", "difference")
_DUE_TEXT = ("program_key", "program_id", "payee_id", "period_id", "legal_entity", "currency", "instrument")
_DUE_MONEY = ("earned", "held", "settled_to_date", "to_pay")


@dataclass(frozen=True)
class CloseContext:
    """What a batch is posted for, and from which calculation.

    ``accounting_month`` is ``YYYY-MM``; ``as_of`` the business date of the run; ``calculation_id`` the
    hash of all inputs; ``file_sequence`` the highest receipt known. ``run_id`` names the run that
    posted: it stands in the manifest only, so that data and ERP files do not depend on it.
    ``terms``: hash of the terms of each program version, by program key.
    """

    accounting_month: str
    as_of: date
    run_id: str
    calculation_id: str
    file_sequence: int
    terms: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a month that is none, and an as-of date before the month (LedgerError)."""
        if not _MONTH.fullmatch(self.accounting_month):
            raise LedgerError(f"accounting month {self.accounting_month!r}: expected YYYY-MM")
        if f"{self.as_of:%Y-%m}" < self.accounting_month:
            raise LedgerError(f"as-of date {self.as_of} lies before the accounting month {self.accounting_month}")

    @property
    def posting_date(self) -> date:
        """Last day of the accounting month: date of its journal lines and payments."""
        year, month = map(int, self.accounting_month.split("-"))
        return date(year, month, calendar.monthrange(year, month)[1])


def accrual_postings(
    connection: duckdb.DuckDBPyConnection,
    context: CloseContext,
    batch_number: int,
    differences: pa.Table,
    accounts: pa.Table,
    posted: pa.Table,
    traits: Traits = NO_TRAITS,
) -> pa.Table:
    """Journal lines (schema POSTING) that post the differences; semantics 10.

    ``differences``: int_accrual_difference, one row per program_key, payee_id, period_id and cause; those
    that are left for the next run (``is_left``: below the program's threshold) post nothing.
    ``accounts``: the account seed, matched by accounts.determined with ``traits``.
    ``posted``: every journal line posted so far (schema POSTING);
    what a row says was posted (``posted_to_date``) must be what the ledger's accrual batches hold.
    Above zero: debit contra_revenue, credit accrued_rebates; below zero the other way round; zero
    posts nothing. Two lines per row, in the order of its key.
    Raises LedgerError for missing columns, empty keys, floats, rows that do not add up or come
    twice, figures of another ledger, and missing accounts.
    """
    check_input(connection, "differences", differences, _DIFFERENCE_TEXT, _DIFFERENCE_MONEY)
    if "is_left" not in differences.column_names:
        raise LedgerError("differences: column(s) missing: is_left")
    refuse(
        connection,
        "difference is not accrued_to_date less posted_to_date",
        f"""
        select {", ".join(PAYOUT_KEY)} from differences group by all
        having sum(difference) <> max(accrued_to_date) - max(posted_to_date)
            or max(accrued_to_date) <> min(accrued_to_date) or max(posted_to_date) <> min(posted_to_date)
        """,
        differences=differences,
    )
    refuse(
        connection,
        "more than one row for one program_key, payee_id, period_id and cause",
        f"select {', '.join(PAYOUT_KEY)}, cause from differences group by all having count(*) > 1",
        differences=differences,
    )
    refuse(
        connection,
        "posted_to_date is not what the ledger's accrual batches hold (columns: key, handed in, in the ledger)",
        f"""
        with ledger as (
            select {", ".join(PAYOUT_KEY)}, sum(credit - debit) as amount from posted
            where batch_kind = 'accrual' and account_role = 'accrued_rebates' group by all
        )
        select distinct {", ".join(PAYOUT_KEY)}, posted_to_date::{_NET}, coalesce(amount, 0)::{_NET}
        from differences left join ledger using ({", ".join(PAYOUT_KEY)})
        where posted_to_date <> coalesce(amount, 0)
        """,
        differences=differences,
        posted=posted,
    )
    lines = f"""
        with entry as (
            select *, row_number() over (order by {", ".join(PAYOUT_KEY)}, cause) as entry
            from differences where difference <> 0 and not is_left
        ),
        line as (
            select *, 1 as side, if(difference > 0, 'contra_revenue', 'accrued_rebates') as account_role,
                abs(difference) as debit, 0 as credit
            from entry
            union all
            select *, 2 as side, if(difference > 0, 'accrued_rebates', 'contra_revenue') as account_role,
                0 as debit, abs(difference) as credit
            from entry
        )
        select *, null as payment_id from line
    """
    return _journal(connection, context, batch_number, "accrual", lines, accounts, traits, differences=differences)


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

    ``due``: int_settlement_due, one row per program_key, payee_id, period_id. ``settled``: every
    payment line so far (schema PAYMENT_LINE); ``settled_to_date`` must be what it holds, so that no
    payout is paid twice. Rows are joined to one payment per payee, legal entity, currency and
    instrument. A payment stands when its total is above zero and at least the highest
    ``minimum_payment`` of its rows (none: null); otherwise its rows are carried: they stay due, and
    are no part of the batch. Rows with nothing to pay take no part. Payments for which ``unpayable``
    gives a reason are withheld: they are no part of the batch either, and their rows stay due.
    Journal: each line debits accrued_rebates (a negative one credits it), each payment credits
    accounts_receivable (credit_memo) or accounts_payable (supplier_invoice).
    Raises LedgerError as accrual_postings does, and for unknown instruments.
    """
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
    payment_key = "payee_id, legal_entity, currency, instrument"
    paid = sql(
        connection,
        f"""
        with total as (
            select *, sum(to_pay) over payment as total, coalesce(max(minimum_payment) over payment, 0) as minimum
            from due where to_pay <> 0
            window payment as (partition by {payment_key})
        )
        select concat_ws('-', 'P', '{context.accounting_month}', {payment_key}) as payment_id,
            {batch_number} as batch_number, '{context.accounting_month}' as accounting_month,
            program_key, program_id, period_id, {payment_key}, to_pay::decimal(18, 4) as amount,
            date '{context.posting_date}' as payment_date
        from total where total > 0 and total >= minimum
        """,
        due=due,
    )
    payment = sql(
        connection,
        f"""
        select payment_id, batch_number, accounting_month, {payment_key}, sum(amount)::decimal(18, 4) as amount,
            payment_date
        from paid group by all order by {payment_key}
        """,
        paid=paid,
    )
    reasons = unpayable(payment)
    withheld = {key: reasons[key] for key in payment["payment_id"].to_pylist() if key in reasons}
    stopped = pa.array(list(withheld), pa.string())
    payment = payment.filter(pc.invert(pc.is_in(payment["payment_id"], stopped)))
    paid = paid.filter(pc.invert(pc.is_in(paid["payment_id"], stopped)))
    payment_line = sql(
        connection,
        f"""
        select payment_id, batch_number, accounting_month, program_key, program_id, payee_id, period_id,
            legal_entity, currency, amount
        from paid order by {payment_key}, program_key, period_id
        """,
        paid=paid,
    )
    credited = " ".join(f"when '{instrument}' then '{role}'" for instrument, role in CREDITED_BY.items())
    lines = f"""
        with entry as (select *, row_number() over (order by {payment_key}) as entry from payment)
        select entry, 1 as side, program_key, program_id, line.payee_id, period_id, line.legal_entity, line.currency,
            'accrued_rebates' as account_role, greatest(line.amount, 0) as debit, greatest(-line.amount, 0) as credit,
            'settlement' as cause, payment_id
        from payment_line as line join entry using (payment_id)
        union all
        select entry, 2 as side, null as program_key, null as program_id, payee_id, null as period_id, legal_entity,
            currency, case instrument {credited} end as account_role, 0 as debit, amount as credit,
            'settlement' as cause, payment_id
        from entry
    """
    payment = payment.select(PAYMENT.names).cast(PAYMENT)
    payment_line = payment_line.select(PAYMENT_LINE.names).cast(PAYMENT_LINE)
    posting = _journal(
        connection,
        context,
        batch_number,
        "settlement",
        lines,
        accounts,
        traits,
        payment=payment,
        payment_line=payment_line,
    )
    return Settlement(posting, payment, payment_line, withheld)


def _journal(
    connection: duckdb.DuckDBPyConnection,
    context: CloseContext,
    batch_number: int,
    kind: str,
    lines: str,
    accounts: pa.Table,
    traits: Traits,
    **tables: pa.Table,
) -> pa.Table:
    """Number the journal lines and find their accounts. ``lines`` is the query that gives them.

    Its columns: entry, side, program_key, program_id, payee_id, period_id, legal_entity, currency,
    account_role, debit, credit, cause, payment_id.
    """
    found = determined(connection, lines, accounts, traits, **tables)
    journal = sql(
        connection,
        f"""
        select {batch_number} as batch_number, '{kind}' as batch_kind,
            '{context.accounting_month}' as accounting_month,
            row_number() over (order by entry, side, line.program_key, period_id) as journal_line,
            format('{batch_number:06}-{{:06d}}', entry) as entry_id,
            line.program_key, program_id, payee_id, period_id, legal_entity, currency, account_role, account,
            cost_centre, tax_code, debit::decimal(18, 4) as debit, credit::decimal(18, 4) as credit, cause, payment_id,
            date '{context.posting_date}' as posting_date
        from ({lines}) as line join found using (legal_entity, account_role, payee_id)
        where line.program_key is not distinct from found.program_key
        order by journal_line
        """,
        found=found,
        **tables,
    )
    return journal.select(POSTING.names).cast(POSTING)
