"""`rebates settlement`: proposed payments, looked at, reduced, refused, or released by somebody else.

What belongs here: arguments and the layout of answers. The rules stand in books/proposals.py; after a release the job
`release` brings up to date what is published.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from orchestration import runs
from orchestration.command import Refused, page, plain_errors, settings_of_environment

if TYPE_CHECKING:
    from orchestration.settings import Settings


def decided(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every decision: who, on which day, why."""
    for option in (
        click.option("--comment", required=True, metavar="TEXT", help="Why."),
        click.option("--on", required=True, metavar="DATE", help="Day of the decision, e.g. 2017-07-05."),
        click.option("--by", required=True, metavar="NAME", help="Who decides."),
    ):
        command = option(command)
    return command


def day_of(text: str) -> date:
    """The day that was given; Refused when it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"--on {text!r}: expected YYYY-MM-DD, for example 2017-07-05") from None


def amount_of(text: str | None) -> Decimal:
    """The amount that was given, none: zero; Refused when it is no number."""
    try:
        return Decimal(text or 0)
    except InvalidOperation:
        raise Refused(f"--to {text!r}: expected an amount, for example 120.50") from None


@click.group()
def settlement() -> None:
    """Payments that people release (seeds/books/settlement_policy.csv): who prepares them does not release them."""


@settlement.command("list")
@plain_errors
def settlement_list() -> None:
    """Every proposal: what was decided, what would be or was paid."""
    from orchestration import books, screen

    settings = settings_of_environment()
    months = [batch.accounting_month for batch in books.manifests(settings) if batch.kind == "proposal"]
    found = [books.proposal_of(settings, month) for month in months]
    rows = [
        (proposal.manifest.accounting_month, proposal.state, *_sums(proposal), len(proposal.decisions))
        for proposal in found
    ]
    columns = ("month", "state", "proposed", "to be paid", "decisions")
    page().print(screen.table("Payments proposed to people", columns, rows))


@settlement.command("show")
@click.argument("month")
@click.option("--limit", default=50, show_default=True, metavar="N", help="How many lines to show.")
@plain_errors
def settlement_show(month: str, limit: int) -> None:
    """The payments proposed for MONTH, their lines, and what was decided."""
    from orchestration import books, screen

    settings, console = settings_of_environment(), page()
    proposal = books.proposal_of(settings, month)
    console.print(Text(f"{proposal.name}: {proposal.state}", style="bold"))
    rows = proposal.lines.to_pylist()
    before = dict(zip(_keys(proposal.proposed), proposal.proposed["amount"].to_pylist(), strict=True))
    payments: dict[str, list[Any]] = {}
    for key, row in zip(_keys(proposal.lines), rows, strict=True):
        payment = payments.setdefault(row["payment_id"], [row["currency"], Decimal(0), Decimal(0), 0])
        payment[1:] = [payment[1] + before[key], payment[2] + row["amount"], payment[3] + 1]
    listed = [
        (name, currency, screen.money(proposed), screen.money(now), lines)
        for name, (currency, proposed, now, lines) in payments.items()
    ]
    console.print(screen.table("Payments", ("payment", "", "proposed", "to be paid", "lines"), listed))
    lines = [
        (*key, screen.money(before[key]), screen.money(row["amount"]), screen.money(row["settled_before"]))
        for key, row in zip(_keys(proposal.lines), rows, strict=True)
    ]  # fmt: skip
    columns = ("payment", "program", "period", "proposed", "to be paid", "settled before")
    columns = ("payment", "program", "period", "proposed", "to be paid", "settled before")
    console.print(screen.table(f"Lines ({min(limit, len(lines))} of {len(lines)})", columns, lines[:limit]))
    decisions = [(d.number, d.decision, d.by, f"{d.on}", d.comment, _words(d.reduction)) for d in proposal.decisions]
    if decisions:
        console.print(screen.table("Decisions", ("", "", "by", "on", "comment", "what"), decisions))
    if proposal.state == "open":
        console.print(Text(_next(proposal), style="yellow"), soft_wrap=True)


@settlement.command("propose")
@click.argument("month")
@decided
@plain_errors
def settlement_propose(month: str, by: str, on: str, comment: str) -> None:
    """Propose the payments of MONTH for release, as the one who has prepared them."""
    from orchestration import books

    made = books.submit(settings_of_environment(), month, by=by, on=day_of(on), comment=comment)
    page().print(f"Decision {made.number:06}: proposed by {made.by}; somebody else may release it.")


@settlement.command("reduce")
@click.argument("month")
@click.option("--payment", required=True, metavar="PAYMENT", help="The payment, as `show` names it.")
@click.option("--program", metavar="PROGRAM", help="Only its line of this program version …")
@click.option("--period", metavar="PERIOD", help="… and this period.")
@click.option("--to", metavar="AMOUNT", help="Pay this much of the line; left out: nothing of it.")
@decided
@plain_errors
def settlement_reduce(
    month: str, payment: str, program: str | None, period: str | None, to: str | None, by: str, on: str, comment: str
) -> None:
    """Leave out a payment or a line of it, or lower a line; what is left out stays due."""
    from orchestration import books, publish

    if (program is None) != (period is None):
        raise Refused("--program and --period name a line together; without both the payment is left out")
    settings = settings_of_environment()
    reduction = books.Reduction(payment_id=payment, program_key=program, period_id=period, amount=amount_of(to))
    units = publish.minor_units(settings)
    made = books.reduce(settings, month, reduction, units, by=by, on=day_of(on), comment=comment)
    page().print(f"Decision {made.number:06}: reduced by {made.by}, who may not release it.")


@settlement.command("refuse")
@click.argument("month")
@decided
@plain_errors
def settlement_refuse(month: str, by: str, on: str, comment: str) -> None:
    """Pay nothing of what is proposed for MONTH; all of it stays due."""
    from orchestration import books

    made = books.refuse(settings_of_environment(), month, by=by, on=day_of(on), comment=comment)
    page().print(f"Decision {made.number:06}: refused by {made.by}; what was proposed stays due.")


def release(settings: Settings, month: str, by: str, on: date, comment: str) -> Any:
    """Post what is proposed for the month; the settlement batch. Holds the data folder meanwhile."""
    import uuid

    from orchestration import books, publish
    from orchestration.stages.common import terms_of_documents
    from orchestration.stages.posting import read_tables, traits_of

    if not settings.warehouse.is_file():
        raise Refused(f"there is no warehouse: `rebates close {month}` builds it, and posts nothing again")
    with runs.alone(settings, wait_seconds=60, waiting=click.echo):
        [accounts] = read_tables(settings, "account")
        return books.release(
            settings,
            month,
            accounts,
            publish.renderer(settings),
            traits_of(settings),
            publish.unpayable(settings),
            by=by,
            on=on,
            comment=comment,
            run_id=str(uuid.uuid4()),
            terms=terms_of_documents(settings),
        )


def add(main: click.Group, execute: Callable[..., Any]) -> None:
    """Add the commands. ``execute``: runs a job with its progress on the screen: (settings, job, month)."""
    main.add_command(settlement)

    @settlement.command("release")
    @click.argument("month")
    @decided
    @plain_errors
    def settlement_release(month: str, by: str, on: str, comment: str) -> None:
        """Release the payments of MONTH: post them, and bring up to date what is published.

        Somebody else must have proposed them, and who reduced them may not release them.
        """
        settings, console = settings_of_environment(), page()
        batch = release(settings, month, by, day_of(on), comment)
        done = f"posted, released by {batch.manifest.approval['released_by']}" if batch.new else "stood already"
        console.print(Text(f"{batch.manifest.name}: {done}"), soft_wrap=True)
        for payment, reason in batch.withheld.items():
            console.print(Text(f"  {payment} is not paid and stays due: {reason}", style="yellow"), soft_wrap=True)
        execute(settings, "release", runs.read_run_context(settings).accounting_month)
        console.print(Text(f"ERP files: {settings.published / 'erp' / batch.manifest.name}"), soft_wrap=True)


def _keys(lines: Any) -> list[tuple[str, ...]]:
    names = ("payment_id", "program_key", "period_id")
    return list(zip(*(lines[name].to_pylist() for name in names), strict=True))


def _sums(proposal: Any) -> tuple[str, str]:
    """Proposed and to be paid, by currency, in words."""
    from orchestration import screen

    found = []
    for table in (proposal.proposed, proposal.lines):
        sums = table.group_by("currency").aggregate([("amount", "sum")]).sort_by("currency").to_pylist()
        found.append("; ".join(f"{screen.money(row['amount_sum'])} {row['currency']}" for row in sums))
    return found[0], found[1]


def _words(reduction: Any) -> str:
    if reduction is None:
        return ""
    what = ", ".join(filter(None, (reduction.payment_id, reduction.program_key, reduction.period_id)))
    return f"{what}: {reduction.amount}" if reduction.amount else f"{what}: left out"


def _next(proposal: Any) -> str:
    month = proposal.manifest.accounting_month
    if proposal.by("release"):
        return f"Released, but not posted: `rebates settlement release {month}` finishes it."
    if not proposal.by("propose"):
        return f"Nobody has proposed it for release: `rebates settlement propose {month} --by … --on … --comment …`"
    return f"Waits for release: `rebates settlement release {month}`, by nobody who proposed or reduced it."
