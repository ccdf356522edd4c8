"""What the manifest lint sees."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.transform.manifest_lint import problems


def model(name: str, folder: str, *parents: str, **changes: Any) -> dict[str, Any]:
    node: dict[str, Any] = {
        "unique_id": f"model.rebates.{name}",
        "name": name,
        "resource_type": "model",
        "fqn": ["rebates", folder, name],
        "description": "One thing.",
        "columns": {"id": {"name": "id", "description": "Its id."}},
        "config": {"meta": {"grain": ["id"]}, "contract": {"enforced": folder == "marts"}},
        "tags": [],
        "depends_on": {"nodes": list(parents)},
    }
    return {**node, **changes}


def generic(node: str, name: str, **kwargs: Any) -> dict[str, Any]:
    unique_id = f"test.rebates.{name}_{node}_{'_'.join(map(str, kwargs.values()))}"
    return {
        "unique_id": unique_id,
        "name": unique_id,
        "resource_type": "test",
        "attached_node": f"model.rebates.{node}",
        "test_metadata": {"name": name, "kwargs": kwargs},
        "description": "",
        "config": {},
        "depends_on": {"nodes": [f"model.rebates.{node}"]},
    }


def singular(name: str, *parents: str, ref: str | None = None, description: str = "Ties.") -> dict[str, Any]:
    return {
        "unique_id": f"test.rebates.{name}",
        "name": name,
        "resource_type": "test",
        "attached_node": None,
        "description": description,
        "config": {"meta": {"dagster": {"ref": {"name": ref}}} if ref else {}},
        "depends_on": {"nodes": [f"model.rebates.{parent}" for parent in parents]},
    }


def found(*nodes: dict[str, Any], keyed: bool = True) -> list[str]:
    """Problems of a project of these nodes; ``keyed``: each model has its two key tests."""
    tests = [
        generic(node["name"], kind, column_name="id")
        for node in nodes
        if keyed and node["resource_type"] == "model"
        for kind in ("unique", "not_null")
    ]
    source = {
        "unique_id": "source.rebates.landing.line",
        "source_name": "landing",
        "name": "line",
        "resource_type": "source",
        "description": "Lines.",
    }
    return problems({"nodes": {n["unique_id"]: n for n in [*nodes, *tests]}, "sources": {source["unique_id"]: source}})


STAGING = model("stg_line", "staging", "source.rebates.landing.line")
STEP = model("int_line", "intermediate", "model.rebates.stg_line")
MART = model("fct_line", "marts", "model.rebates.int_line")


def test_a_project_as_it_should_be_has_no_problem() -> None:
    assert found(STAGING, STEP, MART, singular("tie", "int_line", "fct_line", ref="fct_line")) == []


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        (model("int_line", "intermediate", "source.rebates.landing.line"), "intermediate must not read source (line)"),
        (model("fct_x", "marts", "source.rebates.landing.line"), "marts must not read source (line)"),
        (model("stg_x", "staging", "model.rebates.stg_line"), "staging must not read staging (stg_line)"),
        (model("int_x", "intermediate", "model.rebates.fct_line"), "intermediate must not read marts (fct_line)"),
        (model("line", "staging"), "a model in staging/ is called stg_…"),
        (model("fct_x", "reports"), "stands in reports/: expected one of staging, intermediate, marts"),
        (model("stg_x", "staging", description=" "), "has no description"),
        (model("stg_x", "staging", columns={}), "describes no columns"),
        (
            model("stg_x", "staging", columns={"id": {"name": "id", "description": ""}}),
            "column id has no description",
        ),
        (
            model("fct_x", "marts", config={"meta": {"grain": ["id"]}, "contract": {"enforced": False}}),
            "a mart needs an enforced contract",
        ),
        (
            model("stg_x", "staging", config={"meta": {}, "contract": {"enforced": False}}),
            "has no meta.grain (the columns that identify a row)",
        ),
        (
            model("stg_x", "staging", config={"meta": {"grain": ["id", "day"]}, "contract": {"enforced": False}}),
            "column day of the grain is not described",
        ),
    ],
)
def test_each_rule_is_held(node: dict[str, Any], problem: str) -> None:
    others = [other for other in (STAGING, STEP, MART) if other["name"] != node["name"]]
    assert f"{node['name']}: {problem}" in found(*others, node)


def test_a_key_needs_its_tests() -> None:
    both = found(STAGING, keyed=False)
    assert both == [
        "stg_line: no test holds that id is unique",
        "stg_line: no test holds that id, a column of the grain, is not null",
    ]
    assert found(STAGING, generic("stg_line", "unique", column_name="other"), keyed=False)[0] == both[0]


def test_a_key_of_several_columns() -> None:
    columns = {name: {"name": name, "description": "A part of the key."} for name in ("a", "b")}
    config = {"meta": {"grain": ["a", "b"]}, "contract": {"enforced": False}}
    node = model("stg_x", "staging", columns=columns, config=config)
    present = [generic("stg_x", "not_null", column_name=name) for name in ("a", "b")]
    assert found(node, *present, generic("stg_x", "unique_key", columns=["a", "b"]), keyed=False) == []
    wider = generic("stg_x", "unique_key", columns=["a", "b", "c"])
    assert found(node, *present, wider, keyed=False) == ["stg_x: no test holds that a, b is unique"]


def test_a_column_of_the_key_may_be_declared_nullable() -> None:
    config = {"meta": {"grain": ["id"], "nullable": ["id"]}, "contract": {"enforced": False}}
    node = model("stg_x", "staging", config=config)
    assert found(node, generic("stg_x", "unique", column_name="id"), keyed=False) == []


def test_what_reads_the_books_is_of_the_books() -> None:
    posted = model("fct_posting", "marts", tags=["books"])
    reader = model("fct_x", "marts", "model.rebates.fct_posting")
    assert found(posted, reader) == [
        "fct_x: reads fct_posting, which is built after posting, so it needs the tag books"
    ]
    assert found(posted, {**reader, "tags": ["books"]}) == []


def test_a_test_over_several_models_names_the_asset_that_it_checks() -> None:
    assert found(STAGING, STEP, singular("tie", "stg_line", "int_line")) == [
        "tie: reads several models: name the one that it checks in config.meta.dagster.ref.name"
    ]
    assert found(STAGING, STEP, singular("tie", "stg_line", "int_line", ref="fct_line")) == [
        "tie: checks fct_line, which it does not read"
    ]
    posted = model("fct_posting", "marts", tags=["books"])
    assert found(STAGING, posted, singular("tie", "stg_line", "fct_posting", ref="stg_line")) == [
        "tie: reads models built after posting, but checks stg_line, which is built before"
    ]
    assert found(STAGING, singular("tie", "stg_line", description="")) == ["tie: has no description"]


def test_sources_are_described() -> None:
    source = {"unique_id": "s", "source_name": "landing", "name": "line", "resource_type": "source", "description": ""}
    assert problems({"nodes": {}, "sources": {"s": source}}) == ["landing.line: the source table has no description"]
