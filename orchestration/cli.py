"""The `rebates` command.

What belongs here: arguments, exit codes, the order of words on the screen. The work is done by the
jobs (execute.py), the rooms, and queries on the snapshot (explain.py).

Exit codes: 0 done, 1 the run stopped or a check failed, 2 the command cannot be carried out as given.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from orchestration import intake_commands, quality_commands, runs, work_lists
from orchestration.settings import Settings, SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.execute import Outcome
    from orchestration.explain import Block

MONTH = "2017-06"


class Refused(click.ClickException):
    """The command cannot be carried out; the message says why."""

    exit_code = 2


def _plain_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn what the rooms refuse into one line; anything else is a fault of ours and keeps its trace."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from orchestration.books import LedgerError
        from orchestration.intake import MappingError, ProposeError
        from orchestration.matching import AnswerError, MatchingRuleError
        from orchestration.programs import BadReferenceError
        from orchestration.publish import PublishError
        from orchestration.sample import SampleDataError
        from orchestration.transform import DbtError
        from orchestration.validation import DecisionError, RuleError

        refusals = (
            runs.RunError, SettingsError, LedgerError, MappingError, PublishError, SampleDataError, DbtError,
            RuleError, DecisionError, BadReferenceError, ProposeError, AnswerError, MatchingRuleError,
            FileNotFoundError, FileExistsError, NotADirectoryError, PermissionError,
        )  # fmt: skip
        try:
            return command(*args, **kwargs)
        except refusals as error:
            raise Refused(str(error)) from None

    return wrapped


def _settings() -> Settings:
    try:
        return Settings.from_env()
    except SettingsError as error:
        raise Refused(str(error)) from None


def _console() -> Console:
    from orchestration import screen

    return screen.page()


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
@_plain_errors
def run(as_of: str) -> None:
    """Compute as of a date (later lines do not count) and publish the snapshot; posts nothing."""
    try:
        month = runs.month_of(date.fromisoformat(as_of))
    except ValueError:
        raise Refused(f"as-of date {as_of!r}: expected YYYY-MM-DD, for example 2017-06-30") from None
    settings = _settings()
    outcome = _execute(settings, "refresh", month, as_of)
    _page(settings, [outcome])


@main.command()
@click.argument("month")
@_plain_errors
def close(month: str) -> None:
    """Close an accounting MONTH (2017-06): compute at its last day, post the differences, publish.

    A month that is closed already is computed and published again; nothing is posted.
    """
    from orchestration import books

    settings = _settings()
    runs.month_end(month)
    _may_close(settings, month)
    outcome = _execute(settings, "close", month)
    _page(settings, [outcome])
    if month < (newest := max(books.closed_months(settings))):
        _console().print(
            Text(f"The snapshot now shows {month}, as that month saw it; `rebates close {newest}` shows the newest.")
        )


@main.command()
@click.option("--through", metavar="DATE", help="Deliver what is due on or before this date (default: everything).")
@_plain_errors
def sample(through: str | None) -> None:
    """Deliver the sample company's files into landing/, as the outside world would send them."""
    settings = _settings()
    try:
        day = date.fromisoformat(through) if through else date.max
    except ValueError:
        raise Refused(f"--through {through!r}: expected YYYY-MM-DD, for example 2017-07-05") from None
    _deliver(settings, day, _console())


@main.command("sample-year")
@click.option("--from", "first", default="2017-05", show_default=True, metavar="MONTH", help="First month to close.")
@click.option("--to", "last", default=MONTH, show_default=True, metavar="MONTH", help="Last month to close.")
@_plain_errors
def sample_year(first: str, last: str) -> None:
    """Live through months of the sample company: deliver each month's files, then close it.

    Files are delivered through the 5th of the next month. A month whose successor is closed too is
    skipped; the last one is always computed and published, so that a second call changes nothing.
    """
    from orchestration import books

    settings = _settings()
    console = _console()
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

    title = {"close": f"Close of {month}", "refresh": f"Run as of {as_of}", "intake": "Intake"}[job]
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

    console = _console()
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
        for name in ("accrual_batch", "settlement_batch")
        if (made := outcome.made.get(name))
    ]
    if batches:
        console.print(screen.table(f"Batches in {settings.ledger}", ("batch", "journal lines", ""), batches))
        console.print()
    written = [settings.published / name for outcome in outcomes for name in outcome.made["erp_files"]["written"]]
    if written:
        screen.paths(console, f"Files written below {settings.published}", written, settings.published)
    else:
        console.print(
            Text(f"No new ERP file; those of every batch are in {settings.published / 'erp'}"), soft_wrap=True
        )
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


# --- answers --------------------------------------------------------------------------------


class _Questions(click.Group):
    """A group whose first command is meant where none is named: `rebates explain PAYOUT`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not set(args) & set(ctx.help_option_names):
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)


@main.group(cls=_Questions)
def explain() -> None:
    """Why is it so? Answers for a payout, a partner or a line, from the published snapshot.

    Without a command a payout is explained: rebates explain <program>@<version>:<participant>:<period>
    """


def _answer(ask: Callable[..., list[Block]], *args: Any) -> None:
    """Put a question to the snapshot and show the answer; what it does not know is refused with what is like it."""
    from orchestration import publish, screen
    from orchestration.explain import UnknownError

    with publish.open_snapshot(_settings()) as connection:
        try:
            blocks = ask(connection, *args)
        except UnknownError as error:
            near = "".join(f"\n  {name}" for name in error.near)
            raise Refused(f"{error}{'; there is' if near else ''}{near}") from None
    screen.answer(_console(), blocks)


@explain.command("payout")
@click.argument("payout")
@click.option("--lines", default=10, show_default=True, metavar="N", help="How many lines to show.")
@_plain_errors
def explain_payout(payout: str, lines: int) -> None:
    """Why PAYOUT is what it is: <program>@<version>:<participant>:<period>."""
    from orchestration import explain as room

    _answer(room.explain_payout, payout, lines)


_PROGRAM = click.option("--program", metavar="PROGRAM", help="This program only, by id or id@version.")


@explain.command("partner")
@click.argument("partner")
@_PROGRAM
@click.option("--period", metavar="PERIOD", help="This measurement period instead of the open ones, e.g. 2017-Q2.")
@_plain_errors
def explain_partner(partner: str, program: str | None, period: str | None) -> None:
    """Where PARTNER (or a group) stands in every program, and what would get it more."""
    from orchestration import explain as room

    _answer(room.explain_partner, partner, program, period)


@explain.command("line")
@click.argument("line")
@_PROGRAM
@_plain_errors
def explain_line(line: str, program: str | None) -> None:
    """What LINE ("<source>|<document>|<line>") earned in which program, and why nothing in every other."""
    from orchestration import explain as room

    _answer(room.explain_line, line, program)


@main.command()
@click.argument("partner", required=False)
@click.option(
    "--xlsx", metavar="FILE", help="Also write PARTNER's scorecard as a workbook, to be shown to the partner."
)
@_plain_errors
def scorecard(partner: str | None, xlsx: str | None) -> None:
    """How good the data of PARTNER are, month by month, and what that puts at risk; without PARTNER: of all."""
    from orchestration import explain as room
    from orchestration import publish

    if partner is None:
        if xlsx:
            raise Refused("--xlsx: name the partner whose scorecard is to be written")
        _answer(room.partners_page)
        return
    _answer(room.scorecard_page, partner)
    if xlsx:
        with publish.open_snapshot(_settings()) as connection:
            publish.write_scorecard(connection, partner, Path(xlsx))
        _console().print(Text(f"Workbook: {xlsx}"), soft_wrap=True)


@main.command()
@click.argument("sql")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values, all rows.")
@click.option("--limit", default=100, show_default=True, metavar="N", help="Rows to print as a table.")
@_plain_errors
def query(sql: str, as_csv: bool, limit: int) -> None:
    """Run SQL on the published snapshot (read-only; also while a run goes on)."""
    import csv
    import io

    import duckdb

    from orchestration import publish, screen

    try:
        found = publish.query(_settings(), sql)
    except duckdb.Error as error:
        raise Refused(str(error)) from None
    rows = [tuple(row.values()) for row in (found if as_csv else found.slice(0, limit)).to_pylist()]
    if as_csv:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(found.column_names)
        writer.writerows(rows)
        click.echo(out.getvalue(), nl=False)
        return
    console = _console()
    console.print(screen.table("", found.column_names, rows))
    if found.num_rows > limit:
        console.print(Text(f"{limit} of {found.num_rows:,} rows (--limit, --csv)", style="dim"))


@main.group()
def programs() -> None:
    """Program documents."""


@programs.command("list")
@_plain_errors
def programs_list() -> None:
    """All documents: what is calculated, what is not, what was refused."""
    from orchestration import programs as room
    from orchestration import screen

    settings = _settings()
    result = room.load(settings.programs, settings.reference)
    console = _console()
    columns = ("program", "name", "status", "calculated", "valid", "document")
    console.print(
        screen.table(
            f"Programs in {settings.programs}",
            columns,
            [
                (
                    p.program.key,
                    p.program.name,
                    p.program.status,
                    p.calculated,
                    f"{p.first_day} to {p.last_day}",
                    p.file_name,
                )
                for p in result.programs
            ],
        )
    )
    if result.errors:
        _refused(console, list(map(str, result.errors)))


@programs.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@_plain_errors
def programs_check(file: str) -> None:
    """Judge one document FILE as a run would beside the others, and say in words what it pays."""
    from orchestration import programs as room

    settings = _settings()
    if Path(file).suffix not in (".yml", ".yaml"):
        raise Refused(f"{file}: expected a document that ends in .yml or .yaml")
    result = room.check(Path(file), settings.programs, settings.reference)
    console = _console()
    if result.errors:
        _refused(console, list(map(str, result.errors)))
    for loaded in result.programs:
        console.print(Text(room.describe(loaded)))


def _refused(console: Console, reasons: list[str]) -> None:
    console.print(Text("Refused:", style="bold red"))
    for reason in reasons:
        console.print(Text(f"  {reason}"), soft_wrap=True)
    raise SystemExit(1)


@programs.command("overlaps")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--months", metavar="MONTHS", help="As in `rebates simulate`.")
@_plain_errors
def programs_overlaps(file: Path, months: str | None) -> None:
    """Which programs in force count the same lines as FILE, and what its place in a stacking group changes."""
    from orchestration import simulate as room

    console = _console()
    with _simulating(console):
        found = room.overlap(_settings(), file, months)
    room.show_overlaps(found, console)


@main.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="PROGRAM.yml…",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--months", metavar="MONTHS", help="2017-01..2017-06 or 2017-03; default: the validity, or the last year."
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="PATH=VALUE,…",
    help="Values of a field to try, tiers.levels[0].rate=1,1.5,2.",
)
@click.option(
    "--output", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path), help="Write a workbook and a chart."
)
@_plain_errors
def simulate(files: tuple[Path, ...], months: str | None, sets: tuple[str, ...], output: Path | None) -> None:
    """What programs would have paid on history, beside the versions in force. Posts nothing.

    Drafts count as approved. Each --set gives a field several values; every combination is a variant.
    """
    from orchestration import simulate as room

    console = _console()
    with _simulating(console):
        made = room.simulate(_settings(), files, months, sets)
        written = room.write(made, output) if output else []
    room.show(made, console)
    if written:
        from orchestration import screen

        screen.paths(console, "Files written", written, Path())
    else:
        console.print(Text("All partners and variants, as a workbook and a page with charts: --output FOLDER"))


@contextmanager
def _simulating(console: Console) -> Iterator[None]:
    """A note on a terminal while it works; what it refuses in plain words."""
    from orchestration.simulate import RefusedDocumentsError
    from orchestration.simulation.published import SimulationError

    try:
        with console.status("simulating"):
            yield
    except RefusedDocumentsError as error:
        _refused(console, list(error.reasons))
    except SimulationError as error:
        raise Refused(str(error)) from None


@main.group()
def ledger() -> None:
    """What was posted and paid."""


@ledger.command()
@_plain_errors
def verify() -> None:
    """Check the ledger's chain, every file's hash and every batch; exit code 1 when it is not whole."""
    from orchestration import books, screen

    settings = _settings()
    console = _console()
    try:
        batches = books.verify(settings)
    except books.LedgerError as error:
        console.print(Text(f"The ledger is not whole: {error}", style="bold red"), soft_wrap=True)
        raise SystemExit(1) from None
    rows = [
        (batch.name, batch.as_of, batch.rows["posting"], "; ".join(" ".join(total.values()) for total in batch.totals))
        for batch in batches
    ]
    console.print(screen.table("Batches", ("batch", "as of", "journal lines", "entity, currency, debit, credit"), rows))
    console.print(Text(f"{len(batches)} batches: chain, hashes, rows and balances hold"))


@ledger.command("formats")
@_plain_errors
def ledger_formats() -> None:
    """Which ERP files each legal entity gets, checked as a close would; exit code 1 for a wrong bank account."""
    from orchestration import publish, screen

    settings = _settings()
    console = _console()
    switched, problems = publish.switched_on(settings)
    if switched:
        console.print(screen.table("", ("legal entity", "format", "for", "settings"), switched))
    else:
        console.print(Text("Neutral files only: seeds/erp/format.csv switches nothing on."))
    if problems:
        _refused(console, problems)


@main.command()
@_plain_errors
def status() -> None:
    """Where the data folder stands: files, months, the last run, the snapshot."""
    from orchestration import books, screen

    settings = _settings()
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
    _console().print(screen.table("", ("", ""), [(name, screen.cell(value)) for name, value in rows]))


# --- the house ------------------------------------------------------------------------------


@main.command()
@_plain_errors
def setup() -> None:
    """Make the data folders, write Dagster's settings, parse the dbt project where it has changed."""
    from orchestration.transform import prepare

    settings = _settings()
    runs.set_up(settings)
    prepare(settings)
    click.echo(f"ready: {settings.data}")


@main.command()
@_plain_errors
def clean() -> None:
    """Delete what can be rebuilt; landing/ and ledger/ stay."""
    settings = _settings()
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
    click.echo(getattr(_settings(), PATHS[name]))


quality_commands.add(main, _plain_errors, _settings, _console)
work_lists.add(main, _plain_errors, _settings, _console)
intake_commands.add(main, _plain_errors, _settings, _console)


if __name__ == "__main__":
    main()
