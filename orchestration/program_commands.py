"""`rebates programs` and `rebates simulate`: program documents, what overlaps, what would have been paid.

What belongs here: arguments and the layout of answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from orchestration.command import Refused, page, plain_errors, refused, settings_of_environment

if TYPE_CHECKING:
    from rich.console import Console


@click.group()
def programs() -> None:
    """Program documents."""


@programs.command("list")
@plain_errors
def programs_list() -> None:
    """All documents: what is calculated, what is not, what was refused."""
    from orchestration import programs as room
    from orchestration import screen

    settings = settings_of_environment()
    result = room.load(settings.programs, settings.reference)
    console = page()
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
        refused(console, list(map(str, result.errors)))


@programs.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@plain_errors
def programs_check(file: str) -> None:
    """Judge one document FILE as a run would beside the others, and say in words what it pays."""
    from orchestration import programs as room

    settings = settings_of_environment()
    if Path(file).suffix not in (".yml", ".yaml"):
        raise Refused(f"{file}: expected a document that ends in .yml or .yaml")
    result = room.check(Path(file), settings.programs, settings.reference)
    console = page()
    if result.errors:
        refused(console, list(map(str, result.errors)))
    for loaded in result.programs:
        console.print(Text(room.describe(loaded)))


@programs.command("overlaps")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--months", metavar="MONTHS", help="As in `rebates simulate`.")
@plain_errors
def programs_overlaps(file: Path, months: str | None) -> None:
    """Which programs in force count the same lines as FILE, and what its place in a stacking group changes."""
    from orchestration import simulate as room

    console = page()
    with _simulating(console):
        found = room.overlap(settings_of_environment(), file, months)
    room.show_overlaps(found, console)


@click.command()
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
@plain_errors
def simulate(files: tuple[Path, ...], months: str | None, sets: tuple[str, ...], output: Path | None) -> None:
    """What programs would have paid on history, beside the versions in force. Posts nothing.

    Drafts count as approved. Each --set gives a field several values; every combination is a variant.
    """
    from orchestration import simulate as room

    console = page()
    with _simulating(console):
        made = room.simulate(settings_of_environment(), files, months, sets)
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
        refused(console, list(error.reasons))
    except SimulationError as error:
        raise Refused(str(error)) from None
