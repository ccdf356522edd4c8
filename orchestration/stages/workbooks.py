"""Finance's workbooks as assets: one each, made from the published snapshot."""

# No `from __future__ import annotations` here: Dagster reads the type of `context` as it stands.
from typing import Any

import dagster as dg

from orchestration.automation import CLAIM_AGEING, MONTH_END_WORKBOOKS, ONE_MONTH_A_RUN, PARTITIONS, STATEMENTS
from orchestration.settings import Settings
from orchestration.stages.common import OWNER, POOL, markdown

ABOUT = {
    "accrual_journal": "What was posted to accrued rebates in the month, by cause, by account and line by line.",
    "payment_run": "Who is paid what in the month, what each payment consists of, and how it was posted.",
    "liability_rollforward": "How the liability moved in the month, by legal entity, program and partner; ties to the"
    " general ledger's files.",
    CLAIM_AGEING: "Open claims by partner and age, each with its status and owner, and how long paid ones took.",
    STATEMENTS: "A workbook for each partner: what was bought, where its programs stand, what was earned and paid; and"
    " one over all of them.",
}
"""What each workbook shows, by its name."""


def workbooks(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset per workbook, after the snapshot that it is made from. Something that does not tie fails it."""

    def asset(name: str) -> dg.AssetsDefinition:
        @dg.asset(
            name=name,
            deps=["snapshot"],
            group_name="publish",
            partitions_def=PARTITIONS,
            backfill_policy=ONE_MONTH_A_RUN,
            required_resource_keys={"house"},
            pool=POOL,
            owners=[OWNER],
            kinds={"excel"},
            description=ABOUT[name],
        )
        def write(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
            from orchestration.publish import write_finance

            written = write_finance(settings, context.partition_key, [name])
            files = [(str(path.relative_to(settings.published)),) for path in written]
            return dg.MaterializeResult(
                metadata={
                    "workbooks": len(written),
                    "files": markdown(("file",), files),
                    "folder": dg.MetadataValue.path(str(written[0].parent)),
                }
            )

        return write

    return [asset(name) for name in (*MONTH_END_WORKBOOKS, CLAIM_AGEING, STATEMENTS)]
