"""Posting: one batch per kind and accounting month, once.

What belongs here: the order of steps of a post under the ledger's lock. What does not: how figures
become journal lines (journal.py) and how batches are stored (ledger.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb
import pyarrow as pa

from orchestration import warehouse
from orchestration.books import chain, journal, ledger
from orchestration.books.accounts import Traits
from orchestration.books.journal import NO_TRAITS, CloseContext, Unpayable, all_payable
from orchestration.books.ledger import Batch, Render
from orchestration.books.tables import TABLES_OF_KIND, LedgerError
from orchestration.settings import Settings


def post_accruals(
    settings: Settings,
    context: CloseContext,
    differences: pa.Table,
    accounts: pa.Table,
    render: Render,
    traits: Traits = NO_TRAITS,
) -> Batch:
    """Post the month's accrual batch from int_accrual_difference and the account seed.

    A batch that stands already is returned unchanged (``new`` false). No difference: an empty batch,
    which marks the month as accrued. Rules and input columns: journal.accrual_postings.
    Raises LedgerError when the ledger does not verify, the month may not be closed, another process
    holds the lock, or the input breaks a rule; nothing is written then.
    """

    def compute(connection: duckdb.DuckDBPyConnection, number: int) -> dict[str, pa.Table]:
        posted = ledger.read(settings, "posting")
        posting = journal.accrual_postings(connection, context, number, differences, accounts, posted, traits)
        return {"posting": posting}

    return _post(settings, context, "accrual", compute, render)


def post_settlements(
    settings: Settings,
    context: CloseContext,
    due: pa.Table,
    accounts: pa.Table,
    render: Render,
    traits: Traits = NO_TRAITS,
    unpayable: Unpayable = all_payable,
) -> Batch:
    """Post the month's settlement batch from int_settlement_due and the account seed.

    As post_accruals, and only after it for the same month. Rules: journal.settlement. The batch says
    which payments were withheld, because ``unpayable`` gave a reason.
    """
    withheld: dict[str, str] = {}

    def compute(connection: duckdb.DuckDBPyConnection, number: int) -> dict[str, pa.Table]:
        settled = ledger.read(settings, "payment_line")
        found = journal.settlement(connection, context, number, due, accounts, settled, traits, unpayable)
        withheld.update(found.withheld)
        return found.tables()

    return replace(_post(settings, context, "settlement", compute, render), withheld=withheld)


def _post(
    settings: Settings,
    context: CloseContext,
    kind: str,
    compute: Callable[[duckdb.DuckDBPyConnection, int], dict[str, pa.Table]],
    render: Render,
) -> Batch:
    month = context.accounting_month
    with ledger.locked(settings, f"{kind} of {month}"):
        batches = chain.verify(settings)
        existing = ledger.existing_batch(settings, batches, kind, month)
        if existing:
            if kind == "accrual" and ledger.unfinished_month(batches) == month:
                with warehouse.in_memory(settings) as connection:
                    _same_figures(existing, compute(connection, len(batches) + 1)["posting"])
            return existing
        ledger.close_state(batches, month)
        posted = {manifest.kind for manifest in batches if manifest.accounting_month == month}
        for earlier in TABLES_OF_KIND:
            if earlier == kind:
                break
            if earlier not in posted:
                raise LedgerError(f"{month}: post its {earlier} batch before its {kind} batch")
        with warehouse.in_memory(settings) as connection:
            tables = compute(connection, len(batches) + 1)
        return ledger.write_batch(settings, batches, kind, context, tables, render)


def _same_figures(accrual: Batch, posting: pa.Table) -> None:
    """LedgerError when the warehouse would accrue more or less than the batch whose settlement is still to come.

    A settlement pays from the figures that its month was accrued with (decision 0198). ``posting``: what would be
    posted on top of the batch; nothing, if the figures are the same.
    """
    if not posting.num_rows:
        return
    first = posting.slice(0, 1).to_pylist()[0]
    raise LedgerError(
        f"{accrual.manifest.accounting_month}: {accrual.manifest.name} was posted from other figures (calculation"
        f" {accrual.manifest.calculation_id[:16]}, files up to receipt {accrual.manifest.file_sequence});"
        f" {posting.num_rows} more journal line(s) would be posted now, the first for {first['program_key']},"
        f" {first['payee_id']}, {first['period_id']}. Its settlement pays from the same figures: put back the program"
        f" documents, rules and models that it was posted with, close {accrual.manifest.accounting_month} again,"
        " and change them afterwards"
    )
