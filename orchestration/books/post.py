"""Posting: one batch per kind and accounting month, once.

What belongs here: the order of steps of a post under the ledger's lock. What does not: how figures
become journal lines (journal.py, paying.py, adjustment.py), what people decide (proposals.py) and how batches are
stored (ledger.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration import warehouse
from orchestration.books import chain, journal, ledger, live, paying
from orchestration.books.accounts import Traits
from orchestration.books.adjustment import adjustment
from orchestration.books.journal import NO_TRAITS, CloseContext
from orchestration.books.ledger import Batch, Render
from orchestration.books.paying import Unpayable, all_payable
from orchestration.books.policy import FOUR_EYES
from orchestration.books.proposals import check_released
from orchestration.books.tables import POSTING, REQUIRED_KINDS, TABLES_OF_KIND, LedgerError
from orchestration.settings import Settings


def post_adjustments(
    settings: Settings,
    context: CloseContext,
    reopen: pa.Table,
    accounts: pa.Table,
    render: Render,
    traits: Traits = NO_TRAITS,
) -> Batch | None:
    """Post the month's adjustment batch from int_payment_reopen and the account seed, before its accruals.

    None when there is nothing to adjust, or the month's accruals stand already: what comes later is posted in the
    next month. A batch that stands already is returned unchanged. Rules and input columns: adjustment.adjustment.
    Raises LedgerError as post_accruals does.
    """

    def compute(connection: duckdb.DuckDBPyConnection, number: int) -> dict[str, pa.Table]:
        lines, reversals = ledger.read(settings, "payment_line"), ledger.read(settings, "payment_reversal")
        return adjustment(connection, context, number, reopen, accounts, lines, reversals, traits).tables()

    month = context.accounting_month
    of_month = {manifest.kind for manifest in chain.manifests(settings) if manifest.accounting_month == month}
    if "adjustment" not in of_month and ("accrual" in of_month or not reopen.num_rows):
        return None
    return _post(settings, context, "adjustment", compute, render)


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
    policy: Mapping[str, str] | None = None,
) -> Batch:
    """Post the month's settlement batch from int_settlement_due and the account seed.

    As post_accruals, and only after it for the same month. Rules: paying.settlement. The batch says
    which payments were withheld, because ``unpayable`` gave a reason. ``policy``: how each legal entity's payments are
    released (policy.release_policy; none: automatically); those that people release are no part of the batch.
    """
    automatic, _ = _by_release(due, policy)
    withheld: dict[str, str] = {}

    def compute(connection: duckdb.DuckDBPyConnection, number: int) -> dict[str, pa.Table]:
        lines, reversals = ledger.read(settings, "payment_line"), ledger.read(settings, "payment_reversal")
        settled = live.settled(connection, lines, reversals)
        found = paying.settlement(connection, context, number, automatic, accounts, settled, traits, unpayable)
        withheld.update(found.withheld)
        return found.tables()

    return replace(_post(settings, context, "settlement", compute, render), withheld=withheld)


def post_proposal(
    settings: Settings,
    context: CloseContext,
    due: pa.Table,
    policy: Mapping[str, str],
    unpayable: Unpayable = all_payable,
) -> Batch | None:
    """Propose the month's payments of the legal entities whose payments people release, after its settlement batch.

    A batch of kind ``proposal``: it posts nothing, and stands in the ledger so that what people look at, reduce and
    release cannot change under their hands. None when no legal entity's payments are released by people, or something
    was posted after the settlement batch. A proposal that stands already is returned unchanged. Rules and errors as
    post_settlements.
    """
    _, by_people = _by_release(due, policy)
    withheld: dict[str, str] = {}

    def compute(connection: duckdb.DuckDBPyConnection, number: int) -> dict[str, pa.Table]:
        lines, reversals = ledger.read(settings, "payment_line"), ledger.read(settings, "payment_reversal")
        settled = live.settled(connection, lines, reversals)
        found = paying.payable(connection, context, number, by_people, settled, unpayable)
        withheld.update(found.withheld)
        return {"posting": POSTING.empty_table(), "proposal_line": found.table}

    month, batches = context.accounting_month, chain.manifests(settings)
    stands = any((manifest.kind, manifest.accounting_month) == ("proposal", month) for manifest in batches)
    last = batches[-1] if batches else None
    is_next = last is not None and (last.kind, last.accounting_month) == ("settlement", month)
    if not stands and (FOUR_EYES not in policy.values() or not is_next):
        return None
    return replace(_post(settings, context, "proposal", compute, _no_files), withheld=withheld)


def _no_files(folder: Path, facts: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
    """A proposal has no ERP files."""


def _by_release(due: pa.Table, policy: Mapping[str, str] | None) -> tuple[pa.Table, pa.Table]:
    """What is due and released by the close, and what people release; LedgerError for an entity without a policy."""
    entities = due["legal_entity"].unique().drop_null().to_pylist()
    if policy is not None and (unknown := sorted(set(entities) - policy.keys())):
        raise LedgerError(
            f"settlement_policy.csv: no row for legal entity {', '.join(unknown)}, which has payments due"
        )
    held = [entity for entity in entities if policy is not None and policy[entity] == FOUR_EYES]
    by_people = pc.fill_null(pc.is_in(due["legal_entity"], pa.array(held, pa.string())), False)
    return due.filter(pc.invert(by_people)), due.filter(by_people)


def _post(
    settings: Settings,
    context: CloseContext,
    kind: str,
    compute: Callable[[duckdb.DuckDBPyConnection, int], dict[str, pa.Table]],
    render: Render,
) -> Batch:
    """The batch of that kind, posted now or before."""
    month = context.accounting_month
    with ledger.locked(settings, f"{kind} of {month}"):
        batches = chain.verify(settings)
        existing = ledger.existing_batch(settings, batches, kind, month)
        if existing:
            if kind == "accrual" and ledger.unfinished_month(batches) == month:
                with warehouse.in_memory(settings) as connection:
                    _same_figures(existing, compute(connection, len(batches) + 1)["posting"])
            return existing
        posted = {manifest.kind for manifest in batches if manifest.accounting_month == month}
        kinds = list(TABLES_OF_KIND)
        ledger.close_state(batches, month)
        check_released(settings, batches, month)
        for earlier in kinds[: kinds.index(kind)]:
            if earlier in REQUIRED_KINDS and earlier not in posted:
                raise LedgerError(f"{month}: post its {earlier} batch before its {kind} batch")
        if later := sorted(posted & set(kinds[kinds.index(kind) + 1 :])):
            raise LedgerError(f"{month}: its {later[0]} batch stands, and its {kind} batch comes before that one")
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
