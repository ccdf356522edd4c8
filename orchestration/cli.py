"""The `rebates` command.

What belongs here: arguments, exit codes, the order of words on the screen. The work is done by the
jobs (execute.py), the rooms, and queries on the snapshot (explain/); groups of commands
have modules of their own.

Exit codes: 0 done, 1 the run stopped or a check failed, 2 the command cannot be carried out as given.
"""

from __future__ import annotations

import os
import warnings
from datetime import date
from typing import TYPE_CHECKING

import click
from rich.text import Text

from orchestration import (
    answer_commands,
    backtest_commands,
    backup_commands,
    claims_commands,
    finance_commands,
    intake_commands,
    program_commands,
    quality_commands,
    runs,
    settlement_commands,
    trace_commands,
    work_lists,
)
from orchestration.command import Refused, page, plain_errors, refused, settings_of_environment
from orchestration.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.execute import Outcome

MONTH = "2017-06"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Channel rebates: from landing files to accruals and payments that tie."""
    os.environ.update(runs.QUIET)
    warnings.filterwarnings("ignore", module="dagster")


# --- runs -----------------------------------------------------------------------------------


@main.command()
@click.option(
    "--as-of", required=True, metavar="DATE", help="Business date, e.g. 2017-06-30; later lines do not count."
)
@plain_errors
def run(as_of: str) -> None:
    """Compute as of a date (later lines do not count) and publish the snapshot; posts nothing."""
    try:
        month = runs.month_of(date.fromisoformat(as_of))
    except ValueError:
        raise Refused(f"as-of date {as_of!r}: expected YYYY-MM-DD, for example 2017-06-30") from None
    settings = settings_of_environment()
    outcome = _execute(settings, "refresh", month, as_of)
    _page(settings, [outcome])


@main.command()
@click.argument("month")
@plain_errors
def close(month: str) -> None:
    """Close an accounting MONTH (2017-06): compute at its last day, post the differences, publish.

    A month that is closed already is computed and published again; nothing is posted.
    """
    from orchestration import books

    settings = settings_of_environment()
    runs.month_end(month)
    _may_close(settings, month)
    outcome = _execute(settings, "close", month)
    _page(settings, [outcome])
    if month < (newest := max(books.closed_months(settings))):
        page().print(
            Text(f"The snapshot now shows {month}, as that month saw it; `rebates close {newest}` shows the newest.")
        )


@main.command()
@click.option("--through", metavar="DATE", help="Deliver what is due on or before this date (default: everything).")
@plain_errors
def sample(through: str | None) -> None:
    """Deliver the sample company's files into landing/, as the outside world would send them."""
    settings = settings_of_environment()
    try:
        day = date.fromisoformat(through) if through else date.max
    except ValueError:
        raise Refused(f"--through {through!r}: expected YYYY-MM-DD, for example 2017-07-05") from None
    _deliver(settings, day, page())


@main.command("sample-year")
@click.option("--from", "first", default="2017-05", show_default=True, metavar="MONTH", help="First month to close.")
@click.option("--to", "last", default=MONTH, show_default=True, metavar="MONTH", help="Last month to close.")
@plain_errors
def sample_year(first: str, last: str) -> None:
    """Live through months of the sample company: deliver each month's files, then close it.

    Files are delivered through the 5th of the next month. A month whose successor is closed too is
    skipped; the last one is always computed and published, so that a second call changes nothing.
    """
    from orchestration import books

    settings = settings_of_environment()
    console = page()
    wanted = runs.months(first, last)
    closed = books.closed_months(settings)
    todo = runs.months_to_run(wanted, closed)
    skipped = [month for month in wanted if month not in todo]
    if skipped:
        console.print(Text(f"Closed already, with the month after: {', '.join(skipped)}", style="dim"))
    if not todo:
        raise Refused(f"{first} to {last}: all closed, and so is the month after; nothing to do")
    outcomes = []
    for month in todo:
        following = runs.next_month(month)
        _deliver(settings, date(int(following[:4]), int(following[5:]), 5), console)
        _may_close(settings, month)
        outcomes.append(_execute(settings, "close", month))
        console.print()
    _page(settings, outcomes)


def _may_close(settings: Settings, month: str) -> None:
    """Refuse early, with the books' own words, a month that may not be closed."""
    from orchestration import books

    books.open_for_close(settings, month)


def _deliver(settings: Settings, through: date, console: Console) -> None:
    from orchestration import sample as company

    with console.status("sample company: deliveries") as status:

        def tell(message: str) -> None:
            if console.is_terminal:
                status.update(Text(message))

        delivered = company.deliver(settings, through, tell)
    when = "" if through == date.max else f" through {through}"
    console.print(Text(f"Sample company: {len(delivered)} new file(s) in {settings.landing}{when}"), soft_wrap=True)


def _execute(settings: Settings, job: str, month: str | None = None, as_of: str | None = None) -> Outcome:
    """Run a job with its progress on the screen; exit with 1 when it stops."""
    from orchestration import execute, screen

    title = {"close": f"Close of {month}", "refresh": f"Run as of {as_of}", "intake": "Intake", "release": "Publish"}[
        job
    ]
    with execute.aside(execute.log_of(settings, job, month)) as real:
        console = screen.page(real)
        console.print(Text(title, style="bold"))
        progress = screen.Progress(console)
        try:
            outcome = execute.execute(settings, job, month=month, as_of=as_of, tell=progress)
        finally:
            progress.close()
        if outcome.failure:
            screen.failure(console, outcome)
    if outcome.failure:
        raise SystemExit(1)
    return outcome


def _page(settings: Settings, outcomes: list[Outcome]) -> None:
    """The screen at the end: files and rows, programs, batches and files written, elapsed."""
    from orchestration import explain as answers
    from orchestration import publish, screen

    console = page()
    last = outcomes[-1]
    with publish.open_snapshot(settings) as connection:
        console.print()
        screen.answer(console, answers.intake_page(connection))
        console.print()
        screen.answer(console, answers.program_page(connection))
    console.print()
    batches = [
        (
            made["batch"],
            made["rows"]["posting"],
            "posted now" if made["posted now"] else "stood already, nothing posted",
        )
        for outcome in outcomes
        for name in ("adjustment_batch", "accrual_batch", "settlement_batch", "settlement_proposal")
        if (made := outcome.made.get(name)) and "batch" in made
    ]
    if batches:
        console.print(screen.table(f"Batches in {settings.ledger}", ("batch", "journal lines", ""), batches))
        for outcome in outcomes:
            if outcome.made.get("settlement_proposal", {}).get("rows", {}).get("proposal_line"):
                console.print(
                    Text(f"Payments wait for people: `rebates settlement show {outcome.month}`", style="yellow")
                )
        console.print()
    written = [settings.published / name for outcome in outcomes for name in outcome.made["erp_files"]["written"]]
    if written:
        screen.paths(console, f"Files written below {settings.published}", written, settings.published)
    else:
        console.print(
            Text(f"No new ERP file; those of every batch are in {settings.published / 'erp'}"), soft_wrap=True
        )
    for name, title in screen.WORKBOOKS.items():
        for made in (outcome.made[name] for outcome in outcomes if name in outcome.made):
            console.print(Text(f"{title}: {made['workbooks']} in {made['folder']}"), soft_wrap=True)
    console.print(
        Text(f"Snapshot {last.made['snapshot']['version']} in {last.made['snapshot']['folder']}"), soft_wrap=True
    )
    console.print()
    passed, warned = sum(o.checks_passed for o in outcomes), sorted({w for o in outcomes for w in o.checks_warned})
    console.print(Text(f"Checks: {passed:,} passed, {len(warned)} warned, none failed"))
    for name in warned:
        console.print(Text(f"  warned: {name}", style="yellow"), soft_wrap=True)
    if idle := sorted({name.partition(" on ")[0] for outcome in outcomes for name in outcome.checks_without_rows}):
        console.print(
            Text(f"Suites that had no row to judge ({len(idle)}): {', '.join(idle)}", style="dim"), soft_wrap=True
        )
    console.print()
    screen.elapsed(console, outcomes)
    console.print(Text(f"Log: {last.log}", style="dim"), soft_wrap=True)


@main.group()
def ledger() -> None:
    """What was posted and paid."""


@ledger.command()
@plain_errors
def verify() -> None:
    """Check the ledger's chain, every file and every batch, and say all that is wrong; exit code 1 if anything is."""
    from orchestration import books, screen

    settings = settings_of_environment()
    console = page()
    if wrong := books.problems(settings):
        console.print(Text(f"The ledger is not whole ({len(wrong)} faults):", style="bold red"))
        for fault in wrong:
            console.print(Text(f"  {fault}"), soft_wrap=True)
        raise SystemExit(1)
    batches = books.manifests(settings)
    rows = [
        (batch.name, batch.as_of, batch.rows["posting"], "; ".join(" ".join(total.values()) for total in batch.totals))
        for batch in batches
    ]
    console.print(screen.table("Batches", ("batch", "as of", "journal lines", "entity, currency, debit, credit"), rows))
    console.print(Text(f"{len(batches)} batches: chain, hashes, rows and balances hold"))


@ledger.command("formats")
@plain_errors
def ledger_formats() -> None:
    """Which ERP files each legal entity gets, checked as a close would; exit code 1 for a wrong bank account."""
    from orchestration import publish, screen

    settings = settings_of_environment()
    console = page()
    switched, problems = publish.switched_on(settings)
    if switched:
        console.print(screen.table("", ("legal entity", "format", "for", "settings"), switched))
    else:
        console.print(Text("Neutral files only: seeds/erp/format.csv switches nothing on."))
    if problems:
        refused(console, problems)


@main.command()
@plain_errors
def status() -> None:
    """Where the data folder stands: files, months, the last run, the snapshot."""
    from orchestration import books, screen

    settings = settings_of_environment()
    closed = sorted(books.closed_months(settings))
    current = settings.published / "snapshot" / "CURRENT"
    try:
        now = runs.read_run_context(settings)
        last = f"as of {now.as_of}, accounting month {now.accounting_month}"
    except runs.RunError:
        last = "none"
    rows = [
        ("data folder", str(settings.data)),
        ("files received", runs.last_receipt(settings)),
        ("files waiting in landing/", len(runs.arrivals(settings))),
        ("closed months", ", ".join(closed) or "none"),
        ("next month to close", runs.next_month(closed[-1]) if closed else "any"),
        ("last calculation", last),
        ("snapshot", current.read_text().strip() if current.is_file() else "none"),
    ]
    page().print(screen.table("", ("", ""), [(name, screen.cell(value)) for name, value in rows]))


# --- the house ------------------------------------------------------------------------------


@main.command()
@plain_errors
def setup() -> None:
    """Make the data folders, write Dagster's settings, parse the dbt project where it has changed."""
    from orchestration.transform import prepare

    settings = settings_of_environment()
    runs.set_up(settings)
    prepare(settings)
    click.echo(f"ready: {settings.data}")


@main.command()
@plain_errors
def clean() -> None:
    """Delete what can be rebuilt; landing/ and ledger/ stay."""
    settings = settings_of_environment()
    with runs.alone(settings, wait_seconds=0, waiting=click.echo):
        gone = runs.clean(settings)
    click.echo(
        f"{settings.data}: removed {', '.join(path.name for path in gone) or 'nothing'}; landing/ and ledger/ stay"
    )


PATHS = {
    "data": "data",
    "dagster-home": "dagster_home",
    "ledger": "ledger",
    "landing": "landing",
    "published": "published",
}


@main.command()
@click.argument("name", type=click.Choice(sorted(PATHS)))
def path(name: str) -> None:
    """Print a folder (for scripts)."""
    click.echo(getattr(settings_of_environment(), PATHS[name]))


for command in (
    answer_commands.explain,
    answer_commands.scorecard,
    answer_commands.query,
    program_commands.programs,
    program_commands.simulate,
    backup_commands.backup,
    backup_commands.restore,
    trace_commands.trace,
    finance_commands.finance,
    backtest_commands.backtest,
):
    main.add_command(command)
main.add_command(claims_commands.claims)
quality_commands.add(main, plain_errors, settings_of_environment, page)
work_lists.add(main, plain_errors, settings_of_environment, page)
intake_commands.add(main, plain_errors, settings_of_environment, page)
settlement_commands.add(main, _execute)


if __name__ == "__main__":
    main()
