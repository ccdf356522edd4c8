"""What every dbt node must have: its layer, its name, a description, a grain, a tested key.

What belongs here: rules that a reader of the manifest can judge without running a model. Run as a
program it parses the project anew, with every dbt warning (so every deprecation) an error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.settings import Settings
from orchestration.transform.dbt import BOOKS_TAG, DbtError, dbt_arguments, is_books, meta, run_dbt

Node = Mapping[str, Any]

PREFIXES = {"staging": ("stg_",), "intermediate": ("int_",), "marts": ("dim_", "fct_", "rpt_")}
"""Folder of a model and how its name begins."""

MAY_READ = {
    "staging": {"source", "seed"},
    "intermediate": {"staging", "intermediate", "seed"},
    "marts": {"staging", "intermediate", "marts", "seed"},
}
"""Folder of a model and what it may read."""

STRICT = ["--warn-error-options", json.dumps({"error": "all"})]


def problems(manifest: Mapping[str, Any]) -> list[str]:
    """Everything that breaks a rule, one line each, in order of the node's name."""
    found = [
        f"{node['name']}: {problem}"
        for node in sorted(manifest["nodes"].values(), key=lambda node: str(node["unique_id"]))
        for problem in _of_node(manifest, node)
    ]
    for source in sorted(manifest["sources"].values(), key=lambda source: str(source["unique_id"])):
        name = f"{source['source_name']}.{source['name']}"
        if not source["description"].strip():
            found.append(f"{name}: the source table has no description")
    return found


def _of_node(manifest: Mapping[str, Any], node: Node) -> Iterator[str]:
    kind = node["resource_type"]
    if kind == "test":
        yield from _of_test(manifest, node)
    if kind == "seed" and not node["description"].strip():
        yield "has no description"
    if kind == "model":
        yield from _of_layer(manifest, node)
        yield from _of_description(node)
        yield from _of_key(manifest, node)


def _layer(node: Node) -> str:
    """Folder of a model; seed, source or test for other nodes."""
    return str(node["fqn"][1]) if node["resource_type"] == "model" else str(node["resource_type"])


def _parents(manifest: Mapping[str, Any], node: Node) -> list[Node]:
    ids = node["depends_on"]["nodes"]
    return [manifest["nodes"].get(unique_id) or manifest["sources"][unique_id] for unique_id in ids]


def _of_layer(manifest: Mapping[str, Any], node: Node) -> Iterator[str]:
    layer = _layer(node)
    if layer not in PREFIXES:
        yield f"stands in {layer}/: expected one of {', '.join(PREFIXES)}"
        return
    if not node["name"].startswith(PREFIXES[layer]):
        yield f"a model in {layer}/ is called {' or '.join(prefix + '…' for prefix in PREFIXES[layer])}"
    for parent in _parents(manifest, node):
        if _layer(parent) not in MAY_READ[layer]:
            yield f"{layer} must not read {_layer(parent)} ({parent['name']})"
        if is_books(parent) and not is_books(node):
            yield f"reads {parent['name']}, which is built after posting, so it needs the tag {BOOKS_TAG}"
    if layer == "marts" and not node["config"]["contract"]["enforced"]:
        yield "a mart needs an enforced contract"


def _of_description(node: Node) -> Iterator[str]:
    if not node["description"].strip():
        yield "has no description"
    if not node["columns"]:
        yield "describes no columns"
    for column in node["columns"].values():
        if not column["description"].strip():
            yield f"column {column['name']} has no description"


def _of_key(manifest: Mapping[str, Any], node: Node) -> Iterator[str]:
    """meta.grain names the columns of the key; tests hold that they are unique together and present.

    A column of the key that may be null is named in meta.nullable. meta.key_follows_from names the models whose
    tested keys make this one's: for views over all lines and programs, where a test would be the costliest query.
    """
    grain = set(meta(node).get("grain") or ())
    sources = meta(node).get("key_follows_from") or ()
    models = {each["name"] for each in manifest["nodes"].values() if each["resource_type"] == "model"}
    for name in sorted(set(sources) - models):
        yield f"its key is said to follow from {name}, which is no model"
    if not grain:
        yield "has no meta.grain (the columns that identify a row)"
        return
    for column in sorted(grain - node["columns"].keys()):
        yield f"column {column} of the grain is not described"
    if sources:
        return
    unique: list[set[str]] = []
    present: set[str] = set()
    for test in manifest["nodes"].values():
        if test["resource_type"] != "test" or test.get("attached_node") != node["unique_id"]:
            continue
        name, arguments = test["test_metadata"]["name"], test["test_metadata"]["kwargs"]
        if name == "not_null":
            present.add(arguments["column_name"])
        elif name == "unique":
            unique.append({arguments["column_name"]})
        elif name == "unique_key":
            unique.append(set(arguments["columns"]))
            present |= set(arguments["columns"]) - set(arguments.get("nullable") or ())
    if not any(key <= grain for key in unique):
        yield f"no test holds that {', '.join(sorted(grain))} is unique"
    for column in sorted(grain - present - set(meta(node).get("nullable") or ())):
        yield f"no test holds that {column}, a column of the grain, is not null"


def _of_test(manifest: Mapping[str, Any], node: Node) -> Iterator[str]:
    """A test becomes an asset check only when one asset can be named for it."""
    if node.get("attached_node"):
        return
    parents = _parents(manifest, node)
    named = meta(node).get("dagster", {}).get("ref", {}).get("name")
    if len(parents) > 1 and not named:
        yield "reads several models: name the one that it checks in config.meta.dagster.ref.name"
    if named:
        target = [parent for parent in parents if parent["name"] == named]
        if not target:
            yield f"checks {named}, which it does not read"
        elif any(map(is_books, parents)) and not is_books(target[0]):
            yield f"reads models built after posting, but checks {named}, which is built before"
    if not node["description"].strip():
        yield "has no description"


def main() -> int:
    """Parse the project with warnings as errors and judge the manifest; 1 when something is wrong."""
    settings = Settings.from_env()
    try:
        run_dbt(settings, [*STRICT, *dbt_arguments("parse"), "--no-partial-parse"])
    except DbtError as error:
        print(error, file=sys.stderr)
        return 1
    manifest = json.loads((settings.dbt_target / "manifest.json").read_text())
    found = problems(manifest)
    for problem in found:
        print(problem, file=sys.stderr)
    models = sum(node["resource_type"] == "model" for node in manifest["nodes"].values())
    print(f"manifest: {models} models, {len(found)} problem(s)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
