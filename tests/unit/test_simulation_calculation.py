"""What a publication writes down for simulations: which models, which inputs, and where these are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import publish, warehouse
from orchestration.publish.calculation import OUTPUTS
from orchestration.settings import Settings

LINES = 200


def node(name: str, *reads: str, kind: str = "model", grain: tuple[str, ...] = ()) -> dict[str, Any]:
    """A dbt node as the manifest has it."""
    return {
        "name": name,
        "resource_type": kind,
        "database": "warehouse",
        "relation_name": f'"warehouse"."main"."{name}"',
        "original_file_path": f"models/{name}.sql",
        "config": {"materialized": "table", "meta": {"grain": list(grain)}},
        "depends_on": {"nodes": list(reads)},
    }


def source(settings: Settings, room: str, name: str) -> dict[str, Any]:
    """A dbt source."""
    path = settings.data / room / f"{name}.parquet"
    return {"name": name, "resource_type": "source", "source_name": room, "relation_name": f"read_parquet('{path}')"}


def manifest(settings: Settings) -> dict[str, Any]:
    """A small project: lines, partners and postings; programs; one step; every output reads the step."""
    models = [
        node("int_line", "landing.line", grain=("line_key",)),
        node("int_partner", "landing.line", grain=("partner_id",)),
        node("int_posted", "ledger.posting"),
        node("stg_program", "programs.program"),
        node("fct_line", "int_line", grain=("line_key",)),
        node("int_step", "stg_program", "int_line", "int_partner", "int_posted"),
        node("int_apart", "int_line"),
        *(node(name, "int_step") for name in OUTPUTS),
    ]
    sources = [
        ("landing.line", source(settings, "landing", "line")),
        ("programs.program", source(settings, "programs", "program")),
        ("ledger.posting", source(settings, "ledger", "posting")),
    ]
    nodes = {each["name"]: each for each in models}
    return {"metadata": {"project_name": "rebates"}, "nodes": nodes, "sources": dict(sources)}


def fill(settings: Settings, project: dict[str, Any], *, mart: str = "from int_line") -> None:
    """The warehouse of the project, and what dbt compiled."""
    settings.data.mkdir(parents=True, exist_ok=True)
    with warehouse.connect(settings) as connection:
        connection.execute(
            f"""create or replace table int_line as
                select 'L-' || i as line_key, i as amount, 'x' as note from range({LINES}) as r(i) order by hash(i)"""
        )
        connection.execute(
            "create or replace table int_partner as select 'P-1' as partner_id, 'gold' as tier, 1 as rest"
        )
        connection.execute("create or replace table int_posted as select 'A@1' as program_key, 5 as paid")
        connection.execute(f"create or replace table fct_line as {mart}")
    texts = {name: f"select * from {each['relation_name']}" for name, each in project["nodes"].items()}
    program = project["sources"]["programs.program"]["relation_name"]
    texts["stg_program"] = f"select program_key from {program}"
    texts["int_step"] = (
        "select l.line_key, l.amount, p.partner_id, p.tier, o.paid"
        " from int_line as l, int_partner as p, int_posted as o"
    )
    folder = settings.dbt_target / "compiled" / "rebates" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.sql").write_text(text + "\n")


def published(settings: Settings, project: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    folder = publish.publish_snapshot(settings, ["fct_line"], keys={"fct_line": ["line_key"]}, manifest=project)
    return folder, json.loads((folder / "calculation" / "calculation.json").read_text())


def test_models_that_depend_on_programs_are_published_with_what_else_they_read(settings: Settings) -> None:
    project = manifest(settings)
    fill(settings, project)
    folder, described = published(settings, project)
    assert [model["name"] for model in described["models"]][:2] == ["stg_program", "int_step"]
    assert {model["name"] for model in described["models"]} == {"stg_program", "int_step", *OUTPUTS}
    assert described["given"] == [{"name": "program", "relation": '"warehouse"."given"."program"'}]
    assert described["models"][0]["sql"] == 'select program_key from "warehouse"."given"."program"'
    assert {each["name"]: (each["file"], each["columns"]) for each in described["inputs"]} == {
        "int_line": ("fct_line.parquet", ["line_key", "amount"]),
        "int_partner": ("calculation/int_partner.parquet", ["partner_id", "tier"]),
        "int_posted": ("calculation/int_posted.parquet", ["paid"]),
    }
    rows = duckdb.connect().execute(f"select count(*) from '{folder}/calculation/int_posted.parquet'").fetchall()
    assert rows == [(0,)]  # a simulation posts nothing, so nothing was posted
    assert str(settings.data) not in (folder / "calculation" / "calculation.json").read_text()


def test_an_input_that_a_mart_does_not_hold_in_full_is_written_in_order_of_its_key(settings: Settings) -> None:
    project = manifest(settings)
    fill(settings, project, mart="from int_line where amount > 0")
    folder, described = published(settings, project)
    assert described["inputs"][0]["file"] == "calculation/int_line.parquet"
    keys = duckdb.connect().execute(f"select line_key from '{folder}/calculation/int_line.parquet'").fetchall()
    assert keys == sorted(keys)
    assert len(keys) == LINES


def test_the_version_covers_the_calculation(settings: Settings) -> None:
    project = manifest(settings)
    fill(settings, project)
    first, _ = published(settings, project)
    assert published(settings, project)[0] == first
    step = settings.dbt_target / "compiled" / "rebates" / "models" / "int_step.sql"
    step.write_text(step.read_text().replace("l.amount", "-l.amount as amount"))
    second, described = published(settings, project)
    assert second != first
    assert "-l.amount" in next(model["sql"] for model in described["models"] if model["name"] == "int_step")


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda project, _: project["nodes"].pop("fct_payout"), "has no model fct_payout"),
        (lambda _, folder: (folder / "int_step.sql").unlink(), "dbt has not compiled int_step"),
        (
            lambda _, folder: (folder / "int_step.sql").write_text(f"from '{folder}/own.parquet'"),
            "int_step depends on programs and reads a file of its own",
        ),
    ],
)
def test_what_cannot_be_simulated_is_not_published(settings: Settings, break_it: Any, said: str) -> None:
    project = manifest(settings)
    fill(settings, project)
    break_it(project, settings.dbt_target / "compiled" / "rebates" / "models")
    with pytest.raises(publish.PublishError, match=said):
        published(settings, project)
    assert not (settings.published / "snapshot" / "CURRENT").exists()
