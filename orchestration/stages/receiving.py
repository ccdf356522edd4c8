"""What comes from outside, and intake: landing → raw."""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as it stands.
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg

from orchestration import runs
from orchestration.automation import CONTEXT_STEP, INTAKE_STEP
from orchestration.contract import ENTITIES
from orchestration.intake import load_mappings
from orchestration.settings import Settings
from orchestration.stages.common import OWNER, PARTITION_TAG, POOL, IntakeConfig, markdown, table_counts


def landing(settings: Settings) -> list[dg.AssetSpec]:
    """What comes from outside: one external asset per source, and the program documents."""
    specs = [
        dg.AssetSpec(
            ["landing", mapping.source],
            group_name="landing",
            description=mapping.description,
            owners=[f"team:{mapping.owner}"],
            kinds={mapping.format.type},
            metadata={"entity": mapping.entity, "files": mapping.file_pattern, "product codes": mapping.product_codes},
        )
        for mapping in load_mappings(settings.sources).usable.values()
    ]
    documents = dg.AssetSpec(
        ["landing", "program_documents"],
        group_name="landing",
        description="The rules of the rebates, one YAML document per program version.",
        owners=[OWNER],
        kinds={"yaml"},
        metadata={"folder": dg.MetadataValue.path(str(settings.programs))},
    )
    posted = [
        dg.AssetSpec(
            ["ledger", table],
            group_name="ledger",
            description=f"{meaning}, as the ledger held it when the run began.",
            owners=[OWNER],
            kinds={"parquet"},
        )
        for table, meaning in (
            ("posting", "Every posted journal line"),
            ("payment", "Every payment"),
            ("payment_line", "What each payment consists of"),
            ("payment_reversal", "What of payments was reopened"),
        )
    ]
    return [*specs, documents, *posted]


def intake(settings: Settings) -> dg.AssetsDefinition:
    """Landing → raw: one asset per entity, and the register of files."""
    sources: dict[str, list[dg.AssetKey]] = {entity: [] for entity in ENTITIES}
    for mapping in load_mappings(settings.sources).usable.values():
        sources[mapping.entity].append(dg.AssetKey(["landing", mapping.source]))
    specs = [
        dg.AssetSpec(
            ["raw", entity.name],
            deps=sources[entity.name],
            group_name="intake",
            description=f"Rows as delivered, each with its file and row number. One row: {entity.grain}.",
            owners=[OWNER],
            kinds={"parquet"},
        )
        for entity in ENTITIES.values()
    ]
    register = dg.AssetSpec(
        ["raw", "file"],
        deps=[key for keys in sources.values() for key in keys],
        group_name="intake",
        description="The register of files. One row: one landed file that was received.",
        owners=[OWNER],
        kinds={"parquet"},
    )
    agreed = dg.AssetSpec(
        ["raw", "source"],
        group_name="intake",
        description="The register of sources: what each agreed to deliver. One row: one source.",
        owners=[OWNER],
        kinds={"parquet"},
    )
    readable = dg.AssetCheckSpec(
        "every_file_was_read", asset=register.key, description="No file is unreadable or without a mapping."
    )

    @dg.multi_asset(
        name=INTAKE_STEP,
        specs=[*specs, register, agreed],
        check_specs=[readable],
        required_resource_keys={"house"},
        pool=POOL,
        description="Takes new files in: a receipt, a byte-exact copy, and typed rows.",
    )
    def take_in(context: dg.AssetExecutionContext, config: IntakeConfig) -> Iterator[Any]:
        from orchestration import intake as room

        day = received_on(config.received_on, context.run.tags.get(PARTITION_TAG), context.run.run_config)
        held_back = not_before_the_close(settings)
        report = room.take_in(settings, context.log.info, day, held_back)
        if held_back and report.count("waiting"):
            context.log.warning(f"{report.count('waiting')} file(s) wait: {held_back}")
        new = [file for file in report.files if file.status == "new"]
        for entity in ENTITIES:
            mine = [file for file in new if file.entity == entity]
            yield dg.MaterializeResult(
                asset_key=["raw", entity],
                metadata={
                    **table_counts(settings, settings.raw / entity),
                    "new files": len(mine),
                    "new rows": sum(file.rows for file in mine),
                },
            )
        listed = [(f.source, f.file_name, f.status, f.rows, f.message) for f in report.files if f.status != "known"]
        yield dg.MaterializeResult(
            asset_key=["raw", "file"],
            metadata={
                **table_counts(settings, settings.raw / "file"),
                **report.totals,
                "not seen before": markdown(("source", "file", "status", "rows", "message"), listed),
            },
        )
        yield dg.MaterializeResult(asset_key=agreed.key, metadata=table_counts(settings, settings.raw / "source"))
        bad = [file for file in report.files if file.status in ("unreadable", "unmapped")]
        yield dg.AssetCheckResult(
            asset_key=["raw", "file"],
            check_name="every_file_was_read",
            passed=not bad,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "files": markdown(("source", "file", "status", "why"), [_bad_file(file) for file in bad]),
                "number": len(bad),
            },
        )

    return take_in


def not_before_the_close(settings: Settings) -> str:
    """Why new files have to wait: a close was interrupted between its batches (decision 0198); empty: they need not."""
    from orchestration.books import unfinished

    month = unfinished(settings)
    if month is None:
        return ""
    return f"the close of {month} was interrupted and is finished first, from the files that it began with"


def received_on(given: str, month: str | None, run_config: Mapping[str, Any]) -> date | None:
    """The business date on which a run receives new files: the given one, else the run's as-of date.

    ``month``: the run's accounting month, if it has one. None: the run knows no date (intake by itself).
    RunError for a date that is none, or an as-of date outside the month.
    """
    if given:
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise runs.RunError(f"received_on {given!r}: expected YYYY-MM-DD, for example 2017-06-30") from None
    if month is None:
        return None
    step = run_config.get("ops", {}).get(CONTEXT_STEP, {})
    return runs.as_of_in(month, step.get("config", {}).get("as_of"))


def _bad_file(file: Any) -> tuple[str, str, str, str]:
    return file.source, file.file_name, file.status, file.message
