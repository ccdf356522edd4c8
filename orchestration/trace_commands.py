"""`rebates trace`: where an amount comes from and where it went, on the screen, as Excel and as CSV.

What belongs here: arguments and layout. The work is done in the trace room; rows of files are read by intake.

Exit code 1: the trail is there, and a sum in it does not tie.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from orchestration.command import Refused, page, plain_errors, settings_of_environment

if TYPE_CHECKING:
    import duckdb
    from rich.console import Console

    from orchestration.trace import Step, Tie, Trace


@click.group()
def trace() -> None:
    """Where an amount comes from, and where it went: from any step to both ends, by keys alone.

    Sums are compared at every step; a trail that does not tie ends with exit code 1. docs/lineage.md has the keys.
    """


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--csv", "folder", metavar="FOLDER", help="Also write all rows of all steps as CSV files."),
        click.option("--xlsx", metavar="FILE", help="Also write all rows of all steps as a workbook."),
        click.option("--limit", default=10, show_default=True, metavar="N", help="Rows to show of each step."),
    ):
        command = option(command)
    return plain_errors(command)


@trace.command("payment")
@click.argument("payment")
@_options
def trace_payment(payment: str, **given: Any) -> None:
    """From PAYMENT to its payouts, tiers, lines, files and rows."""
    _show("payment", payment, None, **given)


@trace.command("journal")
@click.argument("line")
@_options
def trace_journal(line: str, **given: Any) -> None:
    """From a journal LINE (<batch>-<line>, posting_id) to what it posts for."""
    _show("journal", line, None, **given)


@trace.command("payout")
@click.argument("payout")
@_options
def trace_payout(payout: str, **given: Any) -> None:
    """From PAYOUT (<program>@<version>:<participant>:<period>, or with |<payee>) to lines and to payments."""
    _show("payout", payout, None, **given)


@trace.command("line")
@click.argument("line")
@_options
def trace_line(line: str, **given: Any) -> None:
    """From LINE ("<source>|<document>|<line>") to its file, and to what it earned, posted and paid."""
    _show("line", line, None, **given)


@trace.command("row")
@click.argument("file")
@click.argument("row", type=click.IntRange(min=1))
@_options
def trace_row(file: str, row: int, **given: Any) -> None:
    """From a ROW of a FILE (name, hash or receipt number) to what became of it."""
    _show("row", file, row, **given)


def _show(kind: str, key: str, row: int | None, limit: int, xlsx: str | None, folder: str | None) -> None:
    """Trace, tell, write the files; exit code 1 when a sum does not tie."""
    from orchestration import intake, publish
    from orchestration import trace as room

    settings, console = settings_of_environment(), page()

    def read(sequence: int, rows: Any) -> Any:
        return intake.original_rows(settings, sequence, rows)

    with publish.open_snapshot(settings) as connection:
        try:
            shown = room.ORIGINALS if xlsx or folder else limit
            found = room.trace(connection, settings, kind, key, read, row=row, shown=shown)
        except room.TraceError as error:
            near = "".join(f"\n  {name}" for name in error.near)
            raise Refused(f"{error}{'; there is' if near else ''}{near}") from None
        except intake.LandingError as error:
            raise click.ClickException(f"the trail ends in landing/: {error}") from None
        _tell(console, connection, found, limit)
        if xlsx:
            room.write_xlsx(connection, found, Path(xlsx))
            console.print(Text(f"Workbook: {xlsx}"), soft_wrap=True)
        if folder:
            written = room.write_csv(connection, found, Path(folder))
            console.print(Text(f"{len(written)} CSV files in {folder}"), soft_wrap=True)
    if found.broken:
        raise SystemExit(1)


def _tell(console: Console, connection: duckdb.DuckDBPyConnection, found: Trace, limit: int) -> None:
    """The steps one after the other, each with its ties; then whether all of it ties."""
    console.print(Text(f"Trace of {found.kind} {found.key}", style="bold"), soft_wrap=True)
    for text in found.about:
        console.print(Text(text, style="dim"), soft_wrap=True)
    told: set[Tie] = set()
    for step in found.steps:
        console.print()
        shown = list(step.rows(connection, limit))
        of = f" (first {len(shown):,} of {step.total:,})" if len(shown) < step.total else f" ({step.total:,})"
        console.print(Text(step.title + of, style="bold"), soft_wrap=True)
        _print_table(console, step, shown)
        for note in step.notes:
            console.print(Text(note, style="dim"), soft_wrap=True)
        for tie in found.ties:
            if tie.step == step.name:
                told.add(tie)
                _print_tie(console, tie)
    for tie in found.ties:
        if tie not in told:
            _print_tie(console, tie)
    console.print()
    if found.broken:
        console.print(Text(f"{len(found.broken)} of {len(found.ties)} sums do not tie", style="bold red"))
    else:
        console.print(Text(f"All {len(found.ties)} sums tie."))


def _print_tie(console: Console, tie: Tie) -> None:
    from orchestration import screen

    compared = f"{tie.what}: {screen.money(tie.above)} {tie.unit}" if tie.unit.isupper() else f"{tie.what}: {tie.above}"
    if tie.holds:
        text = Text(f"✓ {compared}" + (f" ({tie.count:,} compared)" if tie.count > 1 else ""), style="green")
    else:
        text = Text(
            f"✗ {compared}, the parts give {screen.money(tie.parts)}: {tie.broken:,} of {tie.count:,} differ,"
            f" for example {tie.example}",
            style="bold red",
        )
    console.print(text, soft_wrap=True)


def _print_table(console: Console, step: Step, shown: list[Any]) -> None:
    """A table in full width: on a terminal long keys go on in the next line, elsewhere each row is one line."""
    from rich.console import Console as Page

    from orchestration import screen

    made = screen.table("", step.columns, [[_cell(value) for value in row] for row in shown])
    if console.is_terminal:
        console.print(made)
        return
    for column in made.columns:
        column.no_wrap = True
    page = Page(file=console.file, highlight=False, width=max(2, Page(width=100_000).measure(made).maximum))
    page.print(made)


def _cell(value: Any) -> Any:
    """An amount without the zeros at its end; row numbers and receipts as they are."""
    if isinstance(value, Decimal):
        two = value.quantize(Decimal("0.01"))
        return two if two == value else value.normalize()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
