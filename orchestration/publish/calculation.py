"""The calculation as part of the snapshot: the compiled SQL of its models, and the tables that they read.

What belongs here: which models depend on program documents, what else they read, and writing both down so that
a simulation can run them over other documents (decision 0090). What does not: running them (simulation/), SQL (dbt).

``calculation/calculation.json`` of a version: ``given`` (sources that a simulation gives itself: the program tables and
the reductions of net_of), ``inputs`` (tables that do not depend on them, each a Parquet file) and ``models`` (in order
of their dependencies, with the SQL that dbt compiled). Nothing in it names a place on this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.publish.format import PublishError
from orchestration.settings import Settings

FOLDER = "calculation"
"""Folder of a version that holds the inputs and the description."""

OUTPUTS = (
    "fct_accrual_estimate",
    "fct_payout",
    "fct_qualification",
    "fct_qualification_rule",
    "fct_tier_application",
    "int_line_reduction",
    "int_line_share",
    "int_scope_line",
    "rpt_excluded_line",
)
"""Models that answer what programs pay, and why. All that they are made of goes into the snapshot."""

GIVEN_SOURCES = {"programs": None, "run": {"line_reduction"}}
"""dbt sources that a simulation gives itself: every table of a source, or some of them."""

LEDGER_SOURCE = "ledger"
"""dbt source of what was posted. A simulation posts nothing, so what comes from it has no rows there."""

ROW_GROUP_SIZE = 122_880

Node = Mapping[str, Any]


def export(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    marts: Mapping[str, Sequence[str]],
    target: Path,
) -> None:
    """Write ``calculation.json`` and the inputs' Parquet files to the folder ``target``, below that of the marts.

    ``manifest``: dbt's, its models compiled by the build that made the warehouse. ``marts``: published tables with
    their keys; an input whose rows a mart holds under the same key is not written twice. Raises PublishError when a
    model is missing or was not compiled.
    """
    target.mkdir(parents=True)
    nodes = _nodes(manifest)
    by_name = {node["name"]: key for key, node in nodes.items() if node["resource_type"] != "source"}
    if missing := [name for name in OUTPUTS if name not in by_name]:
        raise PublishError(f"snapshot: the dbt project has no model {', '.join(missing)}, which a simulation needs")
    given = {key for key, node in nodes.items() if _is_given(node)}
    upstream = _upstream(nodes, (by_name[name] for name in OUTPUTS))
    depends = _downstream(nodes, given)
    models = [key for key in _ordered(nodes, upstream) if key in depends and key not in given]
    posted = _downstream(nodes, {key for key, node in nodes.items() if node.get("source_name") == LEDGER_SOURCE})
    inputs = sorted({parent for key in models for parent in _parents(nodes[key])} - depends)
    relations = {key: f'"{nodes[models[0]]["database"]}"."given"."{nodes[key]["name"]}"' for key in given}
    replaced = {nodes[key]["relation_name"]: relation for key, relation in relations.items()}
    texts = {key: _compiled(settings, manifest, nodes[key], replaced) for key in models}
    described = {
        "database": nodes[models[0]]["database"],
        "given": [{"name": nodes[key]["name"], "relation": relations[key]} for key in sorted(given & upstream)],
        "inputs": [
            _write_input(
                connection, nodes, key, [texts[model] for model in models if key in _parents(nodes[model])],
                marts=marts, empty=key in posted, target=target,
            )
            for key in inputs
        ],
        "models": [
            {
                "name": nodes[key]["name"],
                "relation": nodes[key]["relation_name"],
                "materialized": nodes[key]["config"]["materialized"],
                "reads": sorted(nodes[parent]["name"] for parent in _parents(nodes[key])),
                "sql": texts[key],
            }
            for key in models
        ],
    }  # fmt: skip
    (target / "calculation.json").write_text(json.dumps(described, indent=1, sort_keys=True) + "\n", encoding="utf-8")


# --- the graph ------------------------------------------------------------------------------


def _nodes(manifest: Mapping[str, Any]) -> dict[str, Node]:
    """Models, seeds and sources by their dbt id."""
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}
    return {**nodes, **manifest["sources"]}


def _is_given(node: Node) -> bool:
    if node["resource_type"] != "source" or node["source_name"] not in GIVEN_SOURCES:
        return False
    tables = GIVEN_SOURCES[node["source_name"]]
    return tables is None or node["name"] in tables


def _parents(node: Node) -> list[str]:
    return list(node.get("depends_on", {}).get("nodes", ()))


def _upstream(nodes: Mapping[str, Node], start: Iterable[str]) -> set[str]:
    """The nodes and all that they read, directly or not."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += _parents(nodes[key])
    return found


def _downstream(nodes: Mapping[str, Node], start: set[str]) -> set[str]:
    """The nodes and all that read them, directly or not."""
    found = set(start)
    for key in _ordered(nodes, set(nodes)):
        if any(parent in found for parent in _parents(nodes[key])):
            found.add(key)
    return found


def _ordered(nodes: Mapping[str, Node], wanted: set[str]) -> list[str]:
    """The wanted nodes, each after what it reads; by name where that leaves a choice."""
    order: list[str] = []
    done: set[str] = set()

    def visit(key: str) -> None:
        if key in done:
            return
        done.add(key)
        for parent in sorted(_parents(nodes[key])):
            visit(parent)
        if key in wanted:
            order.append(key)

    for key in sorted(wanted):
        visit(key)
    return order


# --- the SQL --------------------------------------------------------------------------------


def _compiled(settings: Settings, manifest: Mapping[str, Any], node: Node, replaced: Mapping[str, str]) -> str:
    """The SQL that dbt compiled for a model, with the files of given sources replaced by tables."""
    project = manifest["metadata"]["project_name"]
    path = settings.dbt_target / "compiled" / project / node["original_file_path"]
    if not path.is_file():
        raise PublishError(f"snapshot: dbt has not compiled {node['name']}: {path} is not there")
    text = path.read_text(encoding="utf-8").strip()
    for file, relation in replaced.items():
        text = text.replace(file, relation)
    if str(settings.data) in text:
        raise PublishError(f"snapshot: {node['name']} depends on programs and reads a file of its own")
    return text


# --- the inputs -----------------------------------------------------------------------------


def _write_input(
    connection: duckdb.DuckDBPyConnection,
    nodes: Mapping[str, Node],
    key: str,
    readers: Sequence[str],
    *,
    marts: Mapping[str, Sequence[str]],
    empty: bool,
    target: Path,
) -> dict[str, Any]:
    """One input as calculation.json tells of it; its rows in a file of their own, or where a mart has them.

    ``readers``: the SQL of the models that read it; columns that none of them mentions are left out.
    """
    node = nodes[key]
    relation = node["relation_name"]
    types = dict(connection.execute(f"select column_name, column_type from (describe {relation})").fetchall())
    words = {word for text in readers for word in re.findall(r"\w+", text)}
    columns = [name for name in types if name in words]
    grain = list((node.get("config", {}).get("meta") or node.get("meta") or {}).get("grain") or ())
    described = {"name": node["name"], "relation": relation, "columns": columns}
    for mart in sorted(marts):
        mart_node = next((other for other in nodes.values() if other["name"] == mart), None)
        if empty or not grain or mart_node is None or list(marts[mart]) != grain or key not in _parents(mart_node):
            continue
        written = str(target.parent / f"{mart}.parquet").replace("'", "''")
        if _same_rows(connection, relation, f"read_parquet('{written}')", columns, types):
            return {**described, "file": f"{mart}.parquet"}
    names = ", ".join(f'"{name}"' for name in columns)
    order = ", ".join(f'"{name}"' for name in [*(name for name in grain if name in columns), *columns])
    file = f"{FOLDER}/{node['name']}.parquet"
    path = str(target / f"{node['name']}.parquet").replace("'", "''")
    connection.execute(
        f"copy (select {names} from {relation} {'limit 0' if empty else f'order by {order}'}) to '{path}'"
        f" (format parquet, compression zstd, row_group_size {ROW_GROUP_SIZE})"
    )
    return {**described, "file": file}


def _same_rows(
    connection: duckdb.DuckDBPyConnection, one: str, other: str, columns: Sequence[str], types: Mapping[str, str]
) -> bool:
    """Whether two relations hold the same values in some columns of the same types, told by the sum of their hashes."""
    others = dict(connection.execute(f"select column_name, column_type from (describe from {other})").fetchall())
    if any(others.get(name) != types[name] for name in columns):
        return False
    names = ", ".join(f'"{name}"' for name in columns)
    sums = [
        connection.execute(f"select count(*), sum(hash({names})) from {relation}").fetchone()
        for relation in (one, other)
    ]
    return sums[0] == sums[1]
