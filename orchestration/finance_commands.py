"""`rebates finance`: finance's workbooks, written again from the published snapshot.

What belongs here: arguments and the list of files. What does not: workbooks (publish/finance).
"""

from __future__ import annotations

import click
from rich.text import Text

from orchestration import runs
from orchestration.command import page, plain_errors, settings_of_environment


@click.command()
@click.option("--month", metavar="MONTH", help="Accounting month, e.g. 2017-06 (default: the published snapshot's).")
@click.option("--only", multiple=True, metavar="NAME", help="This workbook only, e.g. payment_run; may be repeated.")
@plain_errors
def finance(month: str | None, only: tuple[str, ...]) -> None:
    """Write finance's workbooks of a month from the published snapshot; a close writes them too.

    Without --month also the ageing of claims and the partner statements, which show what stands in the snapshot.

    The same snapshot gives the same bytes. Nothing is computed and nothing is posted.
    """
    from orchestration import publish, screen

    if month:
        runs.month_end(month)
    settings = settings_of_environment()
    console = page()
    with runs.alone(settings, wait_seconds=0, waiting=click.echo):
        names = only or (publish.OF_A_MONTH if month else publish.WORKBOOKS)
        written = publish.write_finance(settings, month, tuple(names))
    shown = [path for path in written if not path.name.startswith("statement_")]
    screen.paths(console, f"Workbooks written below {settings.published}", shown, settings.published)
    if len(written) > len(shown):
        console.print(Text(f"  and a statement for each of {len(written) - len(shown):,} partners beside the last"))
    console.print(Text("Every tie on their covers holds."))
