"""Proposed payments: looked at, reduced, refused, or released by somebody else (semantics 11).

What belongs here: what people may do with a proposal, and the batch that its release posts. What does not: how a
proposal comes about (post.py), and how payments are booked (paying.py).

A proposal is a batch of the ledger and never changes; what people decide stands in landing/ (decisions.py). What a
reduction or a refusal leaves out was never settled, so that it stays due and in the liability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration import warehouse
from orchestration.books import chain, ledger, live, paying
from orchestration.books.accounts import Traits
from orchestration.books.chain import Manifest
from orchestration.books.checks import refuse as refuse_rows
from orchestration.books.decisions import Decision, Reduction, decide, decisions, same_person
from orchestration.books.journal import NO_TRAITS, CloseContext
from orchestration.books.ledger import Batch, Render
from orchestration.books.paying import Unpayable, all_payable
from orchestration.books.tables import MONEY, PROPOSAL_LINE, LedgerError
from orchestration.settings import Settings


@dataclass(frozen=True)
class Proposal:
    """One month's proposal and what was decided about it.

    ``proposed``: its rows as they were proposed, ``lines``: as they would be paid now, those left out with amount 0
    (both PROPOSAL_LINE). ``state``: open, released, refused or empty; an open one has a ``release`` decision when
    posting it did not end.
    """

    manifest: Manifest
    proposed: pa.Table
    lines: pa.Table
    decisions: Sequence[Decision]
    state: str

    @property
    def name(self) -> str:
        """Name of its batch."""
        return self.manifest.name

    def by(self, *kinds: str) -> list[Decision]:
        """Its decisions of these kinds, oldest first."""
        return [decision for decision in self.decisions if decision.decision in kinds]


def open_for_close(settings: Settings, month: str) -> str:
    """``open`` when a close of the month may post, ``closed`` when it has its batches already.

    Raises LedgerError when the month may not be closed: see ledger.close_state, and a proposal that is open.
    """
    batches = chain.manifests(settings)
    state = ledger.close_state(batches, month)
    if state == "open":
        check_released(settings, batches, month)
    return state


def check_released(settings: Settings, batches: Sequence[Manifest], month: str) -> None:
    """LedgerError when the proposal of an earlier month is neither released nor refused."""
    for manifest in batches:
        earlier = manifest.accounting_month
        if manifest.kind != "proposal" or earlier >= month:
            continue
        if _state(manifest, batches, decisions(settings, manifest.name)) == "open":
            raise LedgerError(
                f"{month} cannot be closed: the payments proposed for {earlier} are neither released nor refused;"
                f" look at them with `rebates settlement show {earlier}`, then `rebates settlement release {earlier}`"
                f" or `rebates settlement refuse {earlier}`"
            )


def proposal_of(settings: Settings, month: str) -> Proposal:
    """The proposal of a month; LedgerError if there is none."""
    batches = chain.manifests(settings)
    manifest = next((m for m in batches if (m.kind, m.accounting_month) == ("proposal", month)), None)
    if manifest is None:
        known = ", ".join(m.accounting_month for m in batches if m.kind == "proposal") or "none"
        raise LedgerError(f"no payments were proposed for {month}; months with a proposal: {known}")
    every = ledger.read(settings, "proposal_line")
    proposed = every.filter(pc.equal(every["batch_number"], manifest.batch_number))
    made = decisions(settings, manifest.name)
    lines = proposed
    for decision in made:
        if decision.reduction:
            lines = _reduced(lines, decision.reduction)
    return Proposal(manifest, proposed, lines, made, _state(manifest, batches, made))


def submit(settings: Settings, month: str, *, by: str, on: date, comment: str) -> Decision:
    """Propose the month's payments for release; who does so has prepared them. LedgerError unless it is open."""
    with ledger.locked(settings, f"proposal of {month}"):
        return decide(settings, _open(settings, month).name, "propose", by=by, on=on, comment=comment)


def reduce(
    settings: Settings,
    month: str,
    reduction: Reduction,
    units: Mapping[str, int],
    *,
    by: str,
    on: date,
    comment: str,
) -> Decision:
    """Pay less than proposed: leave out a payment, or a line of one, or pay a line with a smaller amount.

    ``units``: decimals of each currency. LedgerError unless the proposal is open, the payment or line is in it, and
    less is paid after it than before: a line below zero is netted from its payment and goes only with all of it.
    """
    with ledger.locked(settings, f"proposal of {month}"):
        proposal = _open(settings, month)
        mine = proposal.lines.filter(_meant(proposal.lines, reduction))
        mine = mine.filter(pc.not_equal(mine["amount"], Decimal(0)))
        what = ", ".join(filter(None, (reduction.payment_id, reduction.program_key, reduction.period_id)))
        if not mine.num_rows:
            raise LedgerError(f"{what}: not in the payments proposed for {month}, or left out already")
        now = Decimal(pc.sum(mine["amount"]).as_py())
        if reduction.program_key is None and reduction.amount:
            raise LedgerError(f"{what}: name the program and the period whose amount is to be lowered")
        if reduction.program_key is not None and now < 0:
            raise LedgerError(f"{what}: {now} is netted from the payment and cannot be left out of it")
        if not 0 <= reduction.amount < abs(now):
            raise LedgerError(f"{what}: {reduction.amount} is not less than the proposed {now}, and not below zero")
        decimals = units[mine["currency"][0].as_py()]
        if reduction.amount != round(reduction.amount, decimals):
            raise LedgerError(f"{what}: {reduction.amount} has more than {decimals} decimals")
        return decide(settings, proposal.name, "reduce", by=by, on=on, comment=comment, reduction=reduction)


def refuse(settings: Settings, month: str, *, by: str, on: date, comment: str) -> Decision:
    """Pay nothing of a proposal: all of it stays due for the next month. LedgerError unless it is open."""
    with ledger.locked(settings, f"proposal of {month}"):
        proposal = _open(settings, month)
        if decided := proposal.by("release"):
            raise LedgerError(f"{month}: {decided[0].by} has released it; `rebates settlement release` finishes that")
        return decide(settings, proposal.name, "refuse", by=by, on=on, comment=comment)


def release(
    settings: Settings,
    month: str,
    accounts: pa.Table,
    render: Render,
    traits: Traits = NO_TRAITS,
    unpayable: Unpayable = all_payable,
    *,
    by: str,
    on: date,
    comment: str,
    run_id: str,
    terms: Mapping[str, str],
) -> Batch:
    """Release a proposal: post its payments as a settlement batch whose manifest says who prepared and released them.

    ``accounts``, ``render``, ``traits``, ``unpayable``: as post_settlements takes them; ``terms`` as CloseContext. What
    was reduced, and payments that no longer reach their minimum or cannot be made, are no part of it and stay due. A
    proposal that is released already is returned unchanged (``new`` false); one whose release was decided but not
    posted is posted on that decision. LedgerError when it is refused, nobody has proposed it, ``by`` has proposed or
    reduced it, nothing of it is left, or it does not fit the ledger.
    """
    with ledger.locked(settings, f"release of {month}"):
        batches = chain.verify(settings)
        proposal = proposal_of(settings, month)
        name = proposal.name
        if existing := ledger.existing_batch(settings, batches, "settlement", month, name):
            return existing
        _check_state(proposal, month)
        decided = proposal.by("release")
        if not decided:
            _check_eyes(proposal, month, by)
        given = {"by": decided[0].by, "on": decided[0].on, "comment": decided[0].comment} if decided else None
        given = given or {"by": " ".join(by.split()), "on": on, "comment": comment.strip()}
        if not given["by"] or not given["comment"]:
            raise LedgerError("a decision needs who decided (--by) and why (--comment)")
        context = CloseContext(
            accounting_month=month,
            as_of=date.fromisoformat(proposal.manifest.as_of),
            run_id=run_id,
            calculation_id=proposal.manifest.calculation_id,
            file_sequence=proposal.manifest.file_sequence,
            terms=terms,
        )
        number = len(batches) + 1
        with warehouse.in_memory(settings) as connection:
            lines, withheld = _to_pay(settings, connection, context, number, proposal.lines, unpayable)
            if not lines.num_rows:
                reasons = "".join(f"; {payment}: {why}" for payment, why in withheld.items())
                raise LedgerError(
                    f"{month}: nothing of the proposal is left to be paid{reasons};"
                    f" refuse it with `rebates settlement refuse {month}`"
                )
            found = paying.booked(connection, context, number, lines, accounts, traits)

        def render_and_decide(folder: Path, facts: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
            """Nothing is decided before all files could be written."""
            render(folder, facts, tables)
            if not decided:
                decide(settings, name, "release", by=by, on=on, comment=comment)

        approval = {
            "proposal": name,
            "prepared_by": [decision.by for decision in proposal.by("propose")],
            "reduced_by": [decision.by for decision in proposal.by("reduce")],
            "released_by": given["by"],
            "released_on": f"{given['on']}",
            "decisions": [
                *(
                    decision.model_dump(mode="json", exclude={"proposal"})
                    for decision in proposal.by("propose", "reduce")
                ),
                {"decision": "release", **given, "on": f"{given['on']}"},
            ],
        }
        batch = ledger.write_batch(
            settings, batches, "settlement", context, found.tables(), render_and_decide, approval
        )
    return Batch(batch.folder, batch.manifest, batch.tables, batch.new, withheld)


def _to_pay(
    settings: Settings, connection: Any, context: CloseContext, number: int, lines: pa.Table, unpayable: Unpayable
) -> tuple[pa.Table, dict[str, str]]:
    """The rows that are paid, and payments that cannot be made; LedgerError when the ledger has moved on."""
    settled = live.settled(connection, ledger.read(settings, "payment_line"), ledger.read(settings, "payment_reversal"))
    refuse_rows(
        connection,
        "settled since it was proposed (columns: key, settled before, settled now)",
        """
        select program_key, payee_id, period_id, settled_before, coalesce(settled.amount, 0)
        from lines left join settled using (program_key, payee_id, period_id)
        where settled_before <> coalesce(settled.amount, 0)
        """,
        lines=lines,
        settled=settled,
    )
    numbers = pa.array([number] * lines.num_rows, pa.int32())
    lines = lines.set_column(PROPOSAL_LINE.get_field_index("batch_number"), "batch_number", numbers)
    return paying.made(connection, context, lines, unpayable)


def _open(settings: Settings, month: str) -> Proposal:
    proposal = proposal_of(settings, month)
    _check_state(proposal, month)
    return proposal


def _check_state(proposal: Proposal, month: str) -> None:
    if proposal.state != "open":
        last = f" by {proposal.decisions[-1].by}" if proposal.decisions else ""
        raise LedgerError(f"the payments proposed for {month} are {proposal.state}{last}; nothing can be changed")


def _check_eyes(proposal: Proposal, month: str, by: str) -> None:
    """LedgerError unless somebody else has proposed it, and whoever releases it has not touched it."""
    if not proposal.by("propose"):
        raise LedgerError(f"{month}: nobody has proposed it for release yet: `rebates settlement propose {month}`")
    for decision in proposal.by("propose", "reduce"):
        if same_person(decision.by, by):
            did = "proposed" if decision.decision == "propose" else "reduced"
            raise LedgerError(f"{month}: {decision.by} has {did} it, so somebody else must release it")


def _state(manifest: Manifest, batches: Sequence[Manifest], made: Sequence[Decision]) -> str:
    if any(batch.approval and batch.approval["proposal"] == manifest.name for batch in batches):
        return "released"
    if any(decision.decision == "refuse" for decision in made):
        return "refused"
    return "open" if manifest.rows["proposal_line"] else "empty"


def _meant(lines: pa.Table, reduction: Reduction) -> pa.ChunkedArray:
    """Which rows a reduction means."""
    mask = pc.equal(lines["payment_id"], reduction.payment_id)
    for column in ("program_key", "period_id"):
        wanted = getattr(reduction, column)
        if wanted is not None:
            mask = pc.and_(mask, pc.equal(lines[column], wanted))
    return mask


def _reduced(lines: pa.Table, reduction: Reduction) -> pa.Table:
    amount = pc.if_else(_meant(lines, reduction), pa.scalar(reduction.amount, MONEY), lines["amount"])
    return lines.set_column(lines.schema.get_field_index("amount"), "amount", amount)
