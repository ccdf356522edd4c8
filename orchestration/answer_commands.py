"""`rebates explain`, `rebates scorecard`, `rebates query`: answers from the published snapshot.

What belongs here: arguments and the layout of answers. The answers are made in the explain room.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from orchestration.command import Refused, answer, page, plain_errors, settings_of_environment


class _Questions(click.Group):
    """A group whose first command is meant where none is named: `rebates explain PAYOUT`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not set(args) & set(ctx.help_option_names):
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Questions)
def explain() -> None:
    """Why is it so? Answers for a payout, a partner or a line, from the published snapshot.

    Without a command a payout is explained: rebates explain <program>@<version>:<participant>:<period>
    """


@explain.command("payout")
@click.argument("payout")
@click.option("--lines", default=10, show_default=True, metavar="N", help="How many lines to show.")
@plain_errors
def explain_payout(payout: str, lines: int) -> None:
    """Why PAYOUT is what it is: <program>@<version>:<participant>:<period>."""
    from orchestration import explain as room

    answer(room.explain_payout, payout, lines)


_PROGRAM = click.option("--program", metavar="PROGRAM", help="This program only, by id or id@version.")


@explain.command("partner")
@click.argument("partner")
@_PROGRAM
@click.option("--period", metavar="PERIOD", help="This measurement period instead of the open ones, e.g. 2017-Q2.")
@plain_errors
def explain_partner(partner: str, program: str | None, period: str | None) -> None:
    """Where PARTNER (or a group) stands in every program, and what would get it more."""
    from orchestration import explain as room

    answer(room.explain_partner, partner, program, period)


@explain.command("line")
@click.argument("line")
@_PROGRAM
@plain_errors
def explain_line(line: str, program: str | None) -> None:
    """What LINE ("<source>|<document>|<line>") earned in which program, and why nothing in every other."""
    from orchestration import explain as room

    answer(room.explain_line, line, program)


@click.command()
@click.argument("partner", required=False)
@click.option(
    "--xlsx", metavar="FILE", help="Also write PARTNER's scorecard as a workbook, to be shown to the partner."
)
@plain_errors
def scorecard(partner: str | None, xlsx: str | None) -> None:
    """How good the data of PARTNER are, month by month, and what that puts at risk; without PARTNER: of all."""
    from orchestration import explain as room
    from orchestration import publish

    if partner is None:
        if xlsx:
            raise Refused("--xlsx: name the partner whose scorecard is to be written")
        answer(room.partners_page)
        return
    answer(room.scorecard_page, partner)
    if xlsx:
        with publish.open_snapshot(settings_of_environment()) as connection:
            publish.write_scorecard(connection, partner, Path(xlsx))
        page().print(Text(f"Workbook: {xlsx}"), soft_wrap=True)


@click.command()
@click.argument("sql")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values, all rows.")
@click.option("--limit", default=100, show_default=True, metavar="N", help="Rows to print as a table.")
@plain_errors
def query(sql: str, as_csv: bool, limit: int) -> None:
    """Run SQL on the published snapshot (read-only; also while a run goes on)."""
    import csv
    import io

    import duckdb

    from orchestration import publish, screen

    try:
        found = publish.query(settings_of_environment(), sql)
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
    console = page()
    console.print(screen.table("", found.column_names, rows))
    if found.num_rows > limit:
        console.print(Text(f"{limit} of {found.num_rows:,} rows (--limit, --csv)", style="dim"))
