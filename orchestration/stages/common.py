"""What the stages share: the house that a run holds, its configuration, and how metadata look.

What belongs here: constants and helpers of several stages. What does not: any stage.
"""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as it stands.
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration import runs
from orchestration.settings import Settings
from orchestration.warehouse import in_memory

POOL = "warehouse"
"""Pool of every asset that touches the data folder; its limit is 1 (dagster.yaml)."""

PARTITION_TAG = "dagster/partition"
"""Tag of a run that holds its accounting month; assets without partitions learn it there."""

OWNER = "team:rebate-operations"
WAIT_SECONDS = 900.0
"""How long a run waits for another one on the same data folder."""

SAMPLES = 20
"""Failed rows shown with a check; all of them are in quarantine/ and validation/."""


class RunConfig(dg.Config):
    """Configuration of a run. ``as_of``: a date in the month that is run; empty: the month's last day."""

    as_of: str = ""


class IntakeConfig(dg.Config):
    """Configuration of intake. ``received_on``: the day on which new files came; empty: the run's as-of date."""

    received_on: str = ""


def house(settings: Settings) -> dg.ResourceDefinition:
    """The data folder, held by one run at a time; every asset needs it.

    A run begins with folders that can be written and a ledger that is whole; otherwise it is refused.
    """

    @dg.resource(description="The data folder, held by one run at a time.")
    def held(context: dg.InitResourceContext) -> Iterator[Settings]:
        from orchestration.books import prepare, verify

        say: Callable[[str], object] = context.log.info if context.log else print
        with runs.alone(settings, wait_seconds=WAIT_SECONDS, waiting=say, what=_told(context)):
            runs.check_folders(settings)
            verify(settings)
            prepare(settings)
            yield settings

    return held


def _told(context: dg.InitResourceContext) -> str:
    """What a run is, for others that wait for it: its job and accounting month."""
    run = context.run
    return " of ".join(filter(None, (run.job_name, run.tags.get(PARTITION_TAG)))) if run else ""


def markdown(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, limit: int = SAMPLES
) -> dg.MarkdownMetadataValue:
    """Rows as a Markdown table; at most ``limit``, and how many there are."""

    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        return " ".join(text.split()).replace("|", "\\|")[:300]

    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(cell(value) for value in row)} |" for row in rows[:limit]]
    if len(rows) > limit:
        lines.append(f"\n{limit} of {len(rows):,}")
    return dg.MetadataValue.md("\n".join(lines) if rows else "none")


def rows_of(settings: Settings, sql: str, values: Any) -> list[dict[str, Any]]:
    """Rows of a query on Parquet files as mappings. For results that are small (rules, files)."""
    with in_memory(settings) as connection:
        cursor = connection.execute(sql, values if isinstance(values, dict) else [values])
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def table_counts(settings: Settings, path: Path) -> dict[str, Any]:
    """Row count and place of a folder of Parquet files, or of one."""
    pattern = path if path.suffix else path / "*.parquet"
    with in_memory(settings) as connection:
        [(rows,)] = connection.execute("select count(*) from read_parquet(?)", [str(pattern)]).fetchall()
    return {"dagster/row_count": int(rows), "folder": dg.MetadataValue.path(str(path))}


def terms_of_documents(settings: Settings) -> dict[str, str]:
    """Hash of the terms of each program version that has a document, by program key."""
    sql = "select program_key, terms_hash from read_parquet(?)"
    rows = rows_of(settings, sql, str(settings.program_tables / "program.parquet"))
    return {row["program_key"]: row["terms_hash"] for row in rows}
