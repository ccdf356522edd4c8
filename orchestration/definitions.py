"""The Dagster code location: `build_defs` puts everything together; nothing else happens here."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration import automation, stages
from orchestration.settings import Settings
from orchestration.transform import assets as models
from orchestration.transform import read_manifest


def build_defs(*, settings: Settings | None = None, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors on one data folder.

    ``settings``: default from the environment. ``resources``: take the place of those of that name
    (house: the locked data folder; dbt). The dbt project is parsed first when it has changed.
    """
    settings = settings or Settings.from_env()
    manifest = read_manifest(settings)
    calculation: dict[str, Any] = {
        "partitions": automation.PARTITIONS,
        "backfill": automation.ONE_MONTH_A_RUN,
        "pool": stages.POOL,
    }
    with warnings.catch_warnings():
        # Backfill policies and freshness policies are marked as beta in this release of Dagster.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.Definitions(
            assets=[
                *stages.landing(settings),
                stages.intake(settings),
                stages.programs(settings),
                stages.validation(settings),
                stages.run_context(settings),
                stages.claim_decisions(settings),
                stages.line_reduction(settings),
                *models.build(settings, manifest, **calculation),
                *stages.books(settings),
                *stages.publish(settings, manifest),
                *stages.workbooks(settings),
            ],
            jobs=automation.jobs(),
            schedules=automation.schedules(),
            sensors=automation.sensors(settings),
            resources={"house": stages.house(settings), "dbt": models.resource(settings), **(resources or {})},
            executor=dg.in_process_executor,
        )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev -w workspace.yaml` loads."""
    return build_defs()
