"""`rebates backup` and `rebates restore`.

What belongs here: arguments and the layout of answers. The work is done in backup.py.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from orchestration.command import Refused, page, plain_errors, refused, settings_of_environment

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("target", type=_FOLDER)
@click.option("--wait", default=900, show_default=True, metavar="SECONDS", help="How long to wait for a run to end.")
@click.option("--check", is_flag=True, help="Copy nothing; read every content of every backup in TARGET again.")
@click.option("--list", "listing", is_flag=True, help="Copy nothing; say which backups TARGET has.")
@plain_errors
def backup(target: Path, wait: int, check: bool, listing: bool) -> None:
    """Copy landing/ and ledger/ to TARGET, beside the backups that are there; known contents are not copied again.

    Programs, rules and seeds are not in it: they are kept in git (docs/backup.md).
    """
    from orchestration import backup as room
    from orchestration import screen

    console = page()
    try:
        if check or listing:
            found = room.backups(target)
            rows = [(b.number, b.newest_batch or "none", b.last_receipt, len(b.files), b.bytes) for b in found]
            columns = ("backup", "newest batch", "files received", "files", "bytes")
            console.print(screen.table(f"Backups in {target}", columns, rows))
            if check:
                if wrong := room.damaged(target, found):
                    refused(console, wrong)
                console.print(Text("Every content was read again and is whole"))
            return
        made = room.backup(settings_of_environment(), target, wait_seconds=wait, say=click.echo)
    except room.BackupError as error:
        raise Refused(str(error)) from None
    what = f"Backup {made.backup.number}" if made.new else f"Nothing new since backup {made.backup.number}"
    size = (
        f"{len(made.backup.files):,} files, {made.copied:,} contents ({made.copied_bytes:,} bytes) copied and read back"
    )
    console.print(Text(f"{what} in {target}: {size}"), soft_wrap=True)
    for path in made.left_out:
        console.print(Text(f"  {path} was being written and is in the next backup", style="yellow"), soft_wrap=True)


@click.command()
@click.argument("source", type=_FOLDER)
@click.option(
    "--number", type=int, metavar="N", help="This backup instead of the newest (`rebates backup SOURCE --list`)."
)
@plain_errors
def restore(source: Path, number: int | None) -> None:
    """Make landing/ and ledger/ of an empty data folder from a backup in SOURCE; the next run rebuilds the rest."""
    from orchestration import backup as room
    from orchestration import books

    settings = settings_of_environment()
    try:
        made = room.restore(settings, source, number)
    except room.BackupError as error:
        raise Refused(str(error)) from None
    console = page()
    console.print(Text(f"Backup {made.number} restored to {settings.data}: {len(made.files):,} files"), soft_wrap=True)
    closed = sorted(books.closed_months(settings))
    if month := books.unfinished(settings):
        console.print(Text(f"The close of {month} was under way: `rebates close {month}` finishes it"))
    elif closed:
        console.print(
            Text(f"`rebates close {closed[-1]}` rebuilds what was published, to the same bytes; it posts nothing")
        )
