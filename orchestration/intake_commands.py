"""`rebates intake check` and `rebates intake propose`: mappings on trial, and drafts of them.

What belongs here: arguments, the layout of answers, and the two rooms put together: intake reads the file,
validation judges its rows. Nothing is written into the data folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from orchestration.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.intake import FileTrial, Known, Mapping
    from orchestration.validation import RowsTried

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


def known(settings: Settings) -> Known | None:
    """Ids, units and currencies of the accepted master data; None where there are none."""
    from orchestration import warehouse
    from orchestration.intake import Known

    wanted = {
        "product_id": ("product", "product_id"),
        "partner_id": ("partner", "partner_id"),
        "end_customer_id": ("end_customer", "end_customer_id"),
        "unit": ("product_unit", "unit"),
        "base_unit": ("product", "base_unit"),
        "currency": ("fx_rate", "from_currency"),
    }
    found: dict[str, frozenset[str]] = dict.fromkeys(wanted, frozenset())
    with (
        tempfile.TemporaryDirectory(prefix="rebates-") as folder,
        warehouse.in_memory(replace(settings, data=Path(folder))) as connection,
    ):
        for name, (entity, column) in wanted.items():
            rows = settings.accepted / entity
            if (rows / "_schema.parquet").is_file():
                path = str(rows / "*.parquet").replace("'", "''")
                values = connection.execute(f"SELECT DISTINCT {column} FROM read_parquet('{path}')").fetchall()
                found[name] = frozenset(value for (value,) in values if value is not None)
    if not any(found.values()):
        return None
    units = found["unit"] | found["base_unit"]
    return Known(found["product_id"], found["partner_id"], found["end_customer_id"], units, found["currency"])


def check(settings: Settings, mapping_file: Path, file: Path, rows: int, console: Console) -> bool:
    """Try a mapping on a file and say what came out; whether the file could be read and every value parsed.

    Raises MappingError and RuleError for files of ours that cannot be used.
    """
    from orchestration import intake, stages, validation

    mapping = intake.load_mapping(mapping_file)
    console.print(Text(f"{mapping_file.name} is a valid mapping of {mapping.entity} rows.", style="bold"))
    fits = mapping.fits(file.name)
    if not fits:
        console.print(
            Text(
                f"The name {file.name!r} does not fit file_pattern {mapping.file_pattern!r}: such a file stays unread."
            ),
            style="red",
        )
    with tempfile.TemporaryDirectory(prefix="rebates-") as folder:
        scratch = replace(settings, data=Path(folder))
        try:
            trial = intake.try_file(scratch, mapping, file, rows)
        except intake.UnreadableError as error:
            console.print(Text(f"The file cannot be read: {error}"), style="red", soft_wrap=True)
            if "extra column" in str(error):
                console.print(Text("Map an extra column, or name it in ignored_columns."))
            return False
        _show_file(trial, mapping, console)
        if not trial.rows:
            console.print(Text("There are no rows: no rule was tried."))
            return fits
        currencies = validation.Currencies(("USD",), 10)
        if (settings.program_tables / "program.parquet").is_file():
            currencies = validation.Currencies(*stages.program_currencies(settings))
        tried = validation.try_rows(settings, scratch, trial.raw, mapping.entity, mapping.source, currencies)
    _show_rules(tried, settings, console)
    return fits and not trial.rows_with_errors


def _show_file(trial: FileTrial, mapping: Mapping, console: Console) -> None:
    from orchestration import screen
    from orchestration.contract import ENTITIES

    entity = ENTITIES[mapping.entity]
    lines: list[tuple[str, ...]] = []
    for name in (column.name for column in entity.columns):
        if name in mapping.columns:
            spec = mapping.column(name)
            theirs = " + ".join((spec.column, *spec.joined_with))
        elif name in mapping.constants:
            theirs = "(constant)"
        else:
            continue
        cells = []
        for _, before, after in trial.first:
            value = after["partner_product_id"] if (entity.name, name) == ("line", "product_id") else after[name]
            now = _plain(value)
            was = (before[mapping.column(name).column] or "") if name in mapping.columns else now
            cells.append(now if was.strip() == now else f"{was} → {now or 'nothing'}")
        lines.append((theirs, name, *cells))
    if trial.first:
        columns = ("theirs", "ours", *(f"row {number}" for number, _, _ in trial.first))
        console.print(screen.table("The first rows, as delivered → as read", columns, lines))
    console.print()
    console.print(Text(f"{trial.rows:,} rows, {trial.rows_with_errors:,} with values that cannot be read."))
    if trial.misfits:
        found = [
            (
                misfit.column, misfit.theirs, misfit.reason, misfit.rows,
                "; ".join(
                    f"row {first}" if not value else f"{value!r} ({count:,}, first in row {first})"
                    for value, count, first in misfit.examples
                ),
            )
            for misfit in trial.misfits
        ]  # fmt: skip
        console.print(screen.table("What cannot be read", ("ours", "theirs", "reason", "rows", "values"), found))
    for words, names in (
        ("Their columns that are not read (ignored_columns)", mapping.ignored_columns),
        ("Our columns that nothing is mapped to", trial.unmapped),
        ("Our columns that are mapped and empty in every row", trial.empty),
    ):
        console.print(Text(f"{words}: {', '.join(names) or 'none'}"))


def _plain(value: Any) -> str:
    """A value with no more zeros than needed."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "" if value is None else str(value)


def _show_rules(tried: RowsTried, settings: Settings, console: Console) -> None:
    from orchestration import screen

    console.print()
    if tried.without_master_data:
        console.print(
            Text(
                f"There are no accepted master data in {settings.data}: look-ups were not tried"
                f" ({', '.join(tried.without_master_data)})."
            )
        )
    hits = [
        (hit.rule, hit.severity, hit.rows, hit.reason, "; ".join(
            f"row {number}: {value}" if value else f"row {number}" for number, value in hit.samples
        ))
        for hit in tried.hits
    ]  # fmt: skip
    if hits:
        console.print(screen.table("Rules that rows fail", ("rule", "severity", "rows", "reason", "first rows"), hits))
    else:
        console.print(Text("No rule that was tried fails on any row."))
    for error in tried.errors:
        console.print(Text(f"Could not be evaluated: {error}"), style="red")
    if tried.without_rows:
        console.print(Text(f"Suites that judge none of these rows: {', '.join(tried.without_rows)}"))
    if tried.whole_file_rules:
        console.print(Text(f"Rules about whole files need the files before: {tried.whole_file_rules} not tried."))
    console.print(
        Text(
            f"Of {tried.rows:,} rows {tried.accepted:,} would be accepted, {tried.held:,} held,"
            f" {tried.quarantined:,} quarantined.",
            style="bold",
        )
    )


def add(
    main: click.Group,
    plain_errors: Callable[..., Any],
    settings_of: Callable[[], Settings],
    console_of: Callable[[], Console],
) -> None:
    """Add the commands to the command line."""

    @main.group()
    def intake() -> None:
        """Mapping files: how a source's deliveries are read (docs/onboard-a-distributor.md)."""

    @intake.command("check")
    @click.argument("mapping", type=EXISTING)
    @click.argument("file", type=EXISTING)
    @click.option("--rows", default=3, show_default=True, type=click.IntRange(1, 20), help="How many rows to show.")
    @plain_errors
    def intake_check(mapping: Path, file: Path, rows: int) -> None:
        """Try MAPPING (a YAML file, wherever it stands) on FILE: rows before and after, and what would fail.

        Nothing is written. Exit code 1 when the file cannot be read or rows have values that cannot.
        """
        console = console_of()
        good = check(settings_of(), mapping, file, rows, console)
        console.print(Text("Nothing was written.", style="dim"))
        if not good:
            raise SystemExit(1)

    @intake.command("propose")
    @click.argument("file", type=EXISTING)
    @click.option("--entity", default="line", show_default=True, help="What a row is.")
    @click.option("--source", metavar="NAME", default="", help="Name of the source (default: from the file's name).")
    @plain_errors
    def intake_propose(file: Path, entity: str, source: str) -> None:
        """Draft a mapping from FILE's headers and values, for a person to finish; printed, not kept.

        Every guess stands in the draft with its reason; what is unsure is marked `# ?`.
        """
        from orchestration import intake as room

        click.echo(room.propose(file, entity, source, known(settings_of())), nl=False)
