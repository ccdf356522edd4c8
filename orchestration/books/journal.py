"""From what should stand to journal lines: the decisions of the books, without I/O.

What belongs here: pure functions from Arrow tables to Arrow tables. The DuckDB connection that
they take only computes; nothing is read from it or left in it. What does not: payments (paying.py), the
ledger's folders.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import duckdb
import pyarrow as pa

from orchestration.books.accounts import Traits, determined
from orchestration.books.checks import check_input, refuse, sql
from orchestration.books.tables import (
    PAYOUT_KEY,
    POSTING,
    LedgerError,
)

NO_TRAITS = Traits()

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_NET = "decimal(38, 4)"

_DIFFERENCE_TEXT = ("program_key", "program_id", "payee_id", "period_id", "legal_entity", "currency", "cause")
_DIFFERENCE_MONEY = ("accrued_to_date", "posted_to_date", "difference")


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
    return numbered(connection, context, batch_number, "accrual", lines, accounts, traits, differences=differences)


def numbered(
    connection: duckdb.DuckDBPyConnection,
    context: CloseContext,
    batch_number: int,
    kind: str,
    lines: str,
    accounts: pa.Table,
    traits: Traits,
    **tables: pa.Table,
) -> pa.Table:
    """Number the journal lines and find their accounts: schema POSTING. ``lines`` is the query that gives them.

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
