"""Every tie of semantics 12 that is a dbt test is a check of a run, and its failure stops posting or publication."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from orchestration import runs
from orchestration.definitions import build_defs
from orchestration.settings import REPOSITORY, Settings
from orchestration.transform import read_manifest

TIES = sorted(path.stem for path in (REPOSITORY / "dbt_project" / "tests").glob("tie_*.sql"))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(data=Path(tmp_path_factory.mktemp("ties")) / "data", memory_limit="1GB")
    runs.set_up(settings)
    return settings


def test_each_tie_is_a_check_that_fails_its_step_before_anything_is_posted_or_published(here: Settings) -> None:
    """A dbt test of severity error ends the step that it runs in; what stands behind that step does not run."""
    defs = build_defs(settings=here)
    tests = {node["name"]: node for node in read_manifest(here)["nodes"].values() if node["resource_type"] == "test"}
    step_of = {
        spec.name: assets.node_def.name
        for assets in defs.assets or ()
        if isinstance(assets, dg.AssetsDefinition)
        for spec in assets.check_specs
    }
    assert TIES
    assert set(TIES) <= step_of.keys()
    for job in ("close", "refresh"):
        order = [node.name for node in defs.resolve_job_def(job).nodes_in_topological_order]
        for tie in TIES:
            config = tests[tie]["config"]
            assert (config["severity"].lower(), config["error_if"], config["enabled"]) == ("error", "!= 0", True), tie
            assert (config.get("where"), config.get("limit"), config.get("fail_calc")) == (None, None, "count(*)"), tie
            behind = {"reconciliation", "erp_files", "snapshot"} & set(order)
            if step_of[tie] == "calculation":
                behind |= {"adjustment_batch", "accrual_batch", "settlement_batch", "settlement_proposal"} & set(order)
            assert all(order.index(step_of[tie]) < order.index(step) for step in behind), tie
