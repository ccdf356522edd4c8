"""The documentation page: complete, without network, the same bytes wherever the data folder is."""

from __future__ import annotations

import csv
import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import Settings
from orchestration.transform import docs
from orchestration.warehouse import connect

SQL = {
    "stg_x": "select x_id, amount from read_parquet('{data}/accepted/x/*.parquet')",
    "fct_x": 'select x_id, amount, 1 as one from "warehouse"."main"."stg_x"',
}


def project(settings: Settings) -> dict[str, Any]:
    """A source, a model and a mart, compiled and built."""
    settings.data.mkdir(parents=True)
    with connect(settings) as connection:
        connection.execute("create table fct_x (x_id varchar, amount decimal(18, 4), one integer)")
    nodes = {}
    for name, layer, parent in (("stg_x", "staging", "source.r.landing.x"), ("fct_x", "marts", "model.r.stg_x")):
        path = settings.dbt_target / "compiled" / "r" / "models" / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SQL[name].format(data=settings.data))
        nodes[f"model.r.{name}"] = {
            "name": name, "resource_type": "model", "fqn": ["r", layer, name], "database": "warehouse",
            "schema": "main", "alias": name, "relation_name": f'"warehouse"."main"."{name}"',
            "original_file_path": f"models/{name}.sql", "depends_on": {"nodes": [parent]}, "columns": {},
            "config": {"materialized": "table"}, "created_at": 17.5,
            "description": "ends </script> here",
        }  # fmt: skip
    return {
        "metadata": {"project_name": "r", "generated_at": "now", "invocation_id": "random", "adapter_type": "duckdb"},
        "nodes": nodes,
        "sources": {
            "source.r.landing.x": {
                "name": "x", "source_name": "landing", "resource_type": "source", "columns": {},
                "relation_name": f"read_parquet('{settings.data}/accepted/x/*.parquet')", "created_at": 17.5,
            }
        },
    }  # fmt: skip


def test_the_same_project_gives_the_same_bytes_anywhere(settings: Settings, tmp_path: Path) -> None:
    other = dataclasses.replace(settings, data=tmp_path / "other")
    first = docs.write_docs(settings, project(settings))
    changed = project(other)
    changed["metadata"] |= {"generated_at": "later", "invocation_id": "another"}
    changed["nodes"]["model.r.fct_x"]["created_at"] = 18.0
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in docs.write_docs(other, changed)]
    assert str(settings.data) not in first[0].read_text()


def test_the_page_holds_its_data_and_loads_nothing(settings: Settings) -> None:
    page, _ = docs.write_docs(settings, project(settings))
    text = page.read_text()
    assert not any(place in text for place in docs.PLACES.values())
    assert "DECIMAL(18,4)" in text
    assert "1 as one from" in text, "the compiled SQL"
    assert "ends <\\/script> here" in text
    assert "cloudfront" not in text
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?(?:https?:)?//", text)


def test_every_column_of_a_mart_has_a_row(settings: Settings) -> None:
    _, lineage = docs.write_docs(settings, project(settings))
    with lineage.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        list(docs.COLUMNS),
        ["fct_x", "x_id", "stg_x.x_id", "landing.x.x_id", ""],
        ["fct_x", "amount", "stg_x.amount", "landing.x.amount", ""],
        ["fct_x", "one", "", "", "1"],
    ]


def test_another_page_of_dbt_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(docs.PLACES, "catalog", "nowhere")
    with pytest.raises(ValueError, match="no place for the catalog"):
        docs.page(settings, project(settings))
