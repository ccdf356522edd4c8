"""Program documents → tables."""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as it stands.
from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.programs import SCHEMAS as PROGRAM_TABLES
from orchestration.settings import Settings
from orchestration.stages.common import OWNER, POOL, markdown, table_counts


def programs(settings: Settings) -> dg.AssetsDefinition:
    """Program documents → tables; a refused document is shown and the others still run."""
    specs = [
        dg.AssetSpec(
            ["programs", table],
            deps=[dg.AssetKey(["landing", "program_documents"])],
            group_name="programs",
            description=f"Program documents, flattened: {table.replace('_', ' ')}.",
            owners=[OWNER],
            kinds={"parquet"},
        )
        for table in PROGRAM_TABLES
    ]
    accepted = dg.AssetCheckSpec(
        "no_document_refused",
        asset=dg.AssetKey(["programs", "program_error"]),
        description="Every program document could be used; a refused one says file, field and reason.",
    )

    @dg.multi_asset(
        name="programs",
        specs=specs,
        check_specs=[accepted],
        required_resource_keys={"house"},
        pool=POOL,
        description="Reads and judges the program documents, and flattens them into tables.",
    )
    def write(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from orchestration import programs as room

        result = room.write_tables(settings)
        context.log.info(f"{len(result.programs)} programs, {len(result.errors)} problems")
        listed = [
            (p.program.id, p.program.version, p.program.name, p.program.status, "yes" if p.calculated else "no")
            for p in result.programs
        ]
        for table in PROGRAM_TABLES:
            metadata = table_counts(settings, settings.program_tables / f"{table}.parquet")
            if table == "program":
                columns = ("program", "version", "name", "status", "calculated")
                metadata["programs"] = markdown(columns, listed, limit=200)
            yield dg.MaterializeResult(asset_key=["programs", table], metadata=metadata)
        errors = [(error.file_name, error.field, error.reason) for error in result.errors]
        yield dg.AssetCheckResult(
            asset_key=["programs", "program_error"],
            check_name="no_document_refused",
            passed=not errors,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"refused": markdown(("document", "field", "reason"), errors, limit=200), "problems": len(errors)},
        )

    return write
