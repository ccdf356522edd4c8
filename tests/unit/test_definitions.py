"""The code location as a whole: what Dagster would show and run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import runs, screen
from orchestration.automation import MONTH_END_WORKBOOKS, PARTITIONS, schedules
from orchestration.definitions import build_defs
from orchestration.settings import Settings
from orchestration.transform import read_manifest


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("definitions") / "data", memory_limit="1GB")
    runs.set_up(settings)
    return settings


@pytest.fixture(scope="module")
def defs(here: Settings) -> dg.Definitions:
    return build_defs(settings=here)


@pytest.fixture(scope="module")
def graph(defs: dg.Definitions) -> Any:
    return defs.resolve_asset_graph()


def steps(defs: dg.Definitions, job: str) -> list[str]:
    return [node.name for node in defs.resolve_job_def(job).nodes_in_topological_order]


def test_dagster_can_load_all_of_it(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_close_posts_and_publishes_in_this_order(defs: dg.Definitions) -> None:
    order = steps(defs, "close")
    flow = [
        "take_in",
        "validation",
        "calculation",
        "adjustment_batch",
        "accrual_batch",
        "settlement_batch",
        "settlement_proposal",
        "books_marts",
        "reconciliation",
        "snapshot",
    ]
    assert [step for step in order if step in flow] == flow
    assert order.index("reconciliation") < order.index("erp_files")
    assert order.index("run_context") < order.index("calculation")
    assert defs.resolve_job_def("close").partitions_def == PARTITIONS


def test_every_step_of_a_close_has_words_for_the_screen(defs: dg.Definitions) -> None:
    assert set(steps(defs, "close")) <= set(screen.STAGES)
    assert set(screen.WORKBOOKS) == {*MONTH_END_WORKBOOKS, "claim_ageing", "partner_statements"}


def test_refresh_posts_nothing_and_publishes_the_same(defs: dg.Definitions) -> None:
    posting = {"adjustment_batch", "accrual_batch", "settlement_proposal", "settlement_batch"}
    assert set(steps(defs, "close")) - set(steps(defs, "refresh")) == {
        *posting,
        *MONTH_END_WORKBOOKS,
        "claim_ageing",
        "partner_statements",
    }


def test_intake_stops_at_the_verdicts(defs: dg.Definitions) -> None:
    assert set(steps(defs, "intake")) == {"take_in", "programs", "validation"}
    assert defs.resolve_job_def("intake").partitions_def is None


def test_jobs_run_in_one_process_and_hold_the_data_folder(defs: dg.Definitions) -> None:
    for job in ("intake", "refresh", "close"):
        made = defs.resolve_job_def(job)
        assert made.executor_def.name == "in_process"
        for node in made.nodes_in_topological_order:
            assert isinstance(node.definition, dg.OpDefinition)
            assert "house" in node.definition.required_resource_keys, node.name
            assert node.definition.pool == "warehouse", node.name


def test_nothing_hangs_in_the_air(graph: Any) -> None:
    """Every external asset is one that we describe: no dbt source without an asset that writes it."""
    outside = {key.path[0] for key in graph.get_all_asset_keys() if not graph.get(key).is_executable}
    assert outside == {"landing", "ledger"}
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key


def test_groups_follow_the_flow(graph: Any) -> None:
    groups = {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert groups == {
        "landing",
        "intake",
        "programs",
        "validation",
        "run",
        "seeds",
        "staging",
        "intermediate",
        "marts",
        "ledger",
        "books",
        "books_marts",
        "publish",
    }


def test_every_model_seed_and_test_of_dbt_is_in_the_graph(here: Settings, graph: Any) -> None:
    manifest = read_manifest(here)
    nodes = manifest["nodes"].values()
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert {node["name"] for node in nodes if node["resource_type"] in ("model", "seed")} <= keys
    checks = {key.name for key in graph.asset_check_keys}
    assert {node["name"] for node in nodes if node["resource_type"] == "test"} <= checks


def test_what_reads_the_ledger_after_posting_waits_for_the_batches(here: Settings, graph: Any) -> None:
    batches = {dg.AssetKey("accrual_batch"), dg.AssetKey("settlement_batch")}
    posting = graph.get(dg.AssetKey("fct_posting"))
    upstream = set(posting.parent_keys)
    for parent in posting.parent_keys:
        upstream |= set(graph.get(parent).parent_keys)
    assert batches <= upstream
    assert not batches & set(graph.get(dg.AssetKey("int_accrual_difference")).parent_keys)


def test_the_last_checks_block(graph: Any) -> None:
    from orchestration.stages import CHECKS

    for name in CHECKS:
        assert graph.get(dg.AssetCheckKey(dg.AssetKey("reconciliation"), name)).blocking


def test_schedules_ask_for_the_right_partition(defs: dg.Definitions) -> None:
    at = datetime(2017, 7, 3, 6, 0, tzinfo=UTC)
    asked: dict[str, Any] = {}
    for schedule in schedules():
        with dg.build_schedule_context(
            scheduled_execution_time=at, repository_def=defs.get_repository_def()
        ) as context:
            [request] = schedule.evaluate_tick(context).run_requests or []
        asked[schedule.name] = request
    assert (asked["month_end_close"].run_key, asked["month_end_close"].partition_key) == ("close-2017-06", "2017-06")
    assert asked["daily_refresh"].partition_key == "2017-07"
    assert asked["daily_refresh"].run_config["ops"]["run_context"]["config"] == {"as_of": "2017-07-02"}


def test_the_sensor_asks_once_for_files_that_stand_still(here: Settings, defs: dg.Definitions) -> None:
    sensor = defs.resolve_sensor_def("landing_files")
    folder = here.landing / "north_pos"
    folder.mkdir(parents=True)
    file: Path = folder / "north_2017-01.csv"
    file.write_text("x")
    first = sensor.evaluate_tick(dg.build_sensor_context())
    assert not first.run_requests
    second = sensor.evaluate_tick(dg.build_sensor_context(cursor=first.cursor))
    assert second.run_requests is not None
    [asked] = second.run_requests
    assert date.fromisoformat(asked.run_config["ops"]["take_in"]["config"]["received_on"])  # the day it was seen
    third = sensor.evaluate_tick(dg.build_sensor_context(cursor=second.cursor))
    assert third.run_requests is not None
    keys = {request.run_key for request in [*second.run_requests, *third.run_requests]}
    assert len(keys) == 1  # the same key: Dagster starts it once
    file.unlink()
    assert not sensor.evaluate_tick(dg.build_sensor_context(cursor=third.cursor)).run_requests


def test_lineage_has_no_gap_from_landing_to_what_leaves_the_house(graph: Any) -> None:
    """All that lands is behind what is published; lines and figures lead there step by step."""

    def upstream(key: dg.AssetKey) -> set[dg.AssetKey]:
        found: set[dg.AssetKey] = set()
        waiting = [key]
        while waiting:
            for parent in graph.get(waiting.pop()).parent_keys - found:
                found.add(parent)
                waiting.append(parent)
        return found

    outside = {key for key in graph.get_all_asset_keys() if not graph.get(key).is_executable}
    for name in ("erp_files", "snapshot", "model_docs"):
        assert outside <= upstream(dg.AssetKey(name)), name
    path = ["landing/erp_invoices", "raw/line", "accepted/line", "stg_line", "int_line", "int_scope_line"]
    path += ["int_line_part", "fct_line_rebate", "reconciliation", "snapshot"]
    figures = ["int_payout", "int_accrual_difference", "accrual_batch", "settlement_batch", "fct_payment", "erp_files"]
    for above, below in pairwise(figures):
        assert dg.AssetKey(above) in upstream(dg.AssetKey(below)), f"{above} → {below}"
    for above, below in pairwise(path):
        assert dg.AssetKey(above.split("/")) in upstream(dg.AssetKey(below.split("/"))), f"{above} → {below}"
