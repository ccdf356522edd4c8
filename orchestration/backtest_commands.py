"""`rebates backtest`: what an accrual method would have accrued, beside what was earned in the end.

What belongs here: arguments and the layout of answers.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from orchestration.command import Refused, page, plain_errors, settings_of_environment


@click.command()
@click.argument("program_id", metavar="PROGRAM")
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="METHOD",
    help="expected:run_rate, most_likely:seasonality, fixed_rate:1.5, earned …; may be given several times.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A page with a chart (HTML).")
@plain_errors
def backtest(program_id: str, methods: tuple[str, ...], output: Path | None) -> None:
    """What accrual methods would have accrued for closed periods, month by month. Posts nothing.

    Without --method: the program's own, earned so far, and two forecasts.
    """
    from orchestration import backtest as room
    from orchestration import screen
    from orchestration.simulation.published import SimulationError

    console = page()
    try:
        with console.status("going back month by month"):
            made = room.backtest(settings_of_environment(), program_id, methods)
    except SimulationError as error:
        raise Refused(str(error)) from None
    console.print(screen.table(f"Accruals of {program_id} in {made.currency}", room.COLUMNS, room.table(made)))
    columns = ("method", "mean miss", "mean size of the miss", "of what should have stood")
    console.print(screen.table("How far off, before the period's end", columns, room.summary(made)))
    if output:
        room.write_page(made, output)
        console.print(Text(f"Written: {output}"))
    else:
        console.print(Text("The same as a page with a chart: --output FILE.html"))
