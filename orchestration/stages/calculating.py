"""What a run calculates for, and what comes before the models: run context, reductions of lines."""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as it stands.
from typing import Any

import dagster as dg

from orchestration import runs
from orchestration.automation import CONTEXT_STEP, ONE_MONTH_A_RUN, PARTITIONS
from orchestration.contract import ENTITIES
from orchestration.programs import SCHEMAS as PROGRAM_TABLES
from orchestration.settings import Settings
from orchestration.stages.common import OWNER, POOL, RunConfig, terms_of_documents


def run_context(settings: Settings) -> dg.AssetsDefinition:
    """What the figures are for (as-of date, accounting month) and what they are made from."""

    @dg.asset(
        name=CONTEXT_STEP,
        deps=[["raw", "file"], *(["programs", table] for table in PROGRAM_TABLES)],
        group_name="run",
        partitions_def=PARTITIONS,
        backfill_policy=ONE_MONTH_A_RUN,
        required_resource_keys={"house"},
        pool=POOL,
        owners=[OWNER],
        kinds={"parquet"},
        description="As-of date and accounting month of the run, and the hash of everything that it was made from.",
    )
    def write_context(context: dg.AssetExecutionContext, config: RunConfig) -> dg.MaterializeResult[Any]:
        from orchestration import books

        books.prepare(settings)
        if context.job_name == "close":
            books.open_for_close(settings, context.partition_key)  # refuse now, not after the calculation
        if changed := books.changed_terms(settings, terms_of_documents(settings)):
            raise runs.RunError("an approved program version never changes: " + "; ".join(changed))
        made = runs.context_of(settings, context.partition_key, config.as_of)
        runs.write_run_context(settings, made)
        return dg.MaterializeResult(
            metadata={
                "as of": made.as_of.isoformat(),
                "accounting month": made.accounting_month,
                "calculation id": made.calculation_id,
                "receipts posted before": made.posted_file_sequence,
            }
        )

    return write_context


def claim_decisions(settings: Settings) -> dg.AssetsDefinition:
    """What people decided about claims, as a table."""

    @dg.asset(
        key=["run", "claim_decision"],
        deps=[CONTEXT_STEP],
        group_name="run",
        partitions_def=PARTITIONS,
        backfill_policy=ONE_MONTH_A_RUN,
        required_resource_keys={"house"},
        pool=POOL,
        owners=[OWNER],
        kinds={"parquet"},
        description="People's decisions on claims, rebuilt from landing/.claims/. One row: one decision on a claim.",
    )
    def write_claim_decisions(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration import claims

        return dg.MaterializeResult(metadata={"dagster/row_count": claims.write_table(settings)})

    return write_claim_decisions


def line_reduction(settings: Settings) -> dg.AssetsDefinition:
    """What net_of programs reduce lines by; no pass of the models is needed where no program reduces another."""

    @dg.asset(
        key=["run", "line_reduction"],
        deps=[CONTEXT_STEP, *(["accepted", entity] for entity in ENTITIES)],
        group_name="run",
        partitions_def=PARTITIONS,
        backfill_policy=ONE_MONTH_A_RUN,
        required_resource_keys={"house"},
        pool=POOL,
        owners=[OWNER],
        kinds={"parquet"},
        description="By how much lines of programs stacked by net_of are reduced by what earlier programs pay on them.",
    )
    def find_line_reductions(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        from orchestration.transform.net_of import find_reductions

        rows = find_reductions(settings, context.log.info)
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return find_line_reductions
