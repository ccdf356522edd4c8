"""The project's documentation as one page that needs no network, and the lineage of every mart column as a table.

What belongs here: dbt's own documentation page filled from the manifest, the compiled SQL and the warehouse's columns.
What does not: the texts (the project's YAML). dbt itself is not called: `dbt docs generate` would parse, compile and
connect once more for what is there already.
"""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestration.settings import Settings
from orchestration.transform.lineage import column_lineage, compiled_path
from orchestration.warehouse import connect

FOLDER = "docs"
"""Below published/."""

PLACES = {"manifest": '"MANIFEST.JSON INLINE DATA"', "catalog": '"CATALOG.JSON INLINE DATA"'}
"""Where dbt's page takes its data: `dbt docs generate --static` fills the same places."""

TRACKER = "//d1fc8wv8zag5ca.cloudfront.net/2.9.0/sp.js"
"""A script that the page would load where tracking is on. It is off, and the address is taken out."""

FORGOTTEN = ("generated_at", "invocation_id", "invocation_started_at", "user_id", "run_started_at")
"""What a manifest says of the call that made it: left out, so that the same project gives the same page."""

COLUMNS = ("table", "column", "made_of", "comes_from", "constants")


def write_docs(settings: Settings, manifest: Mapping[str, Any]) -> list[Path]:
    """Write ``published/docs/index.html`` and ``column_lineage.csv``; returns both paths.

    The same project and warehouse columns give the same bytes, wherever the data folder is. Raises LineageError.
    """
    lines = list(_lineage_rows(settings, manifest))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)
    written = {"index.html": page(settings, manifest), "column_lineage.csv": out.getvalue()}
    folder = settings.published / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        part = folder / f".{name}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(folder / name)
    return [folder / name for name in written]


def page(settings: Settings, manifest: Mapping[str, Any]) -> str:
    """Dbt's documentation page with its data inside. Raises ValueError where dbt's page has no place for them."""
    from dbt.task.docs import DOCS_INDEX_FILE_PATH

    text = Path(DOCS_INDEX_FILE_PATH).read_text(encoding="utf-8").replace(TRACKER, "")
    for name, data in (("manifest", _manifest(settings, manifest)), ("catalog", _catalog(settings, manifest))):
        if text.count(PLACES[name]) != 1:
            raise ValueError(f"dbt's documentation page has no place for the {name}")
        # a text of the project must not end the script that it stands in
        inside = json.dumps(data, sort_keys=True, separators=(",", ":")).replace("</", "<\\/")
        for place, named in ((settings.data, "data"), (settings.dbt_project, "dbt_project")):
            inside = inside.replace(str(place), named)
        text = text.replace(PLACES[name], inside)
    return text


def _manifest(settings: Settings, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with compiled SQL, and without what it says of the call that made it."""
    found: dict[str, Any] = copy.deepcopy(dict(manifest))
    found["metadata"] = {name: value for name, value in found["metadata"].items() if name not in FORGOTTEN}
    found["metadata"]["send_anonymous_usage_stats"] = False
    for group in ("nodes", "sources", "macros", "exposures", "unit_tests", "docs"):
        for node in found.get(group, {}).values():
            if "created_at" in node:
                node["created_at"] = 0
    for node in found["nodes"].values():
        if node["resource_type"] == "model" and (path := compiled_path(settings, manifest, node)).is_file():
            node["compiled_code"], node["compiled"] = path.read_text(encoding="utf-8"), True
    return found


def _catalog(settings: Settings, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Dbt's catalog of models and seeds, from the columns that the warehouse has."""
    with connect(settings, read_only=True) as connection:
        rows = connection.execute(
            "select schema_name, table_name, column_name, data_type, column_index, comment from duckdb_columns()"
            " where not internal order by 1, 2, 5"
        ).fetchall()
    columns: dict[tuple[str, str], dict[str, Any]] = {}
    for schema, table, name, kind, index, comment in rows:
        described = {"name": name, "type": kind, "index": index, "comment": comment}
        columns.setdefault((schema, table), {})[name] = described
    nodes = {}
    for key, node in manifest["nodes"].items():
        place = (node.get("schema"), node.get("alias"))
        if node["resource_type"] in ("model", "seed") and place in columns:
            about = {"type": node["config"]["materialized"], "schema": place[0], "name": place[1],
                     "database": node["database"], "comment": None, "owner": None}  # fmt: skip
            nodes[key] = {"unique_id": key, "metadata": about, "columns": columns[place], "stats": {}}
    version = "https://schemas.getdbt.com/dbt/catalog/v1.json"
    return {"metadata": {"dbt_schema_version": version}, "nodes": nodes, "sources": {}, "errors": None}


def _lineage_rows(settings: Settings, manifest: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row for every column of every mart, in order (COLUMNS)."""
    found = column_lineage(settings, manifest)
    nodes = {**manifest["nodes"], **manifest["sources"]}
    names = {
        key: f"{node['source_name']}.{node['name']}" if node["resource_type"] == "source" else node["name"]
        for key, node in nodes.items()
    }
    marts = {node["name"]: key for key, node in manifest["nodes"].items()
             if node["resource_type"] == "model" and node["fqn"][1] == "marts"}  # fmt: skip
    for name in sorted(marts):
        for column, made in found.models.get(marts[name], {}).items():
            ends = found.ends(marts[name], column)
            direct, last = (
                " ".join(f"{names[key]}.{each}" for key, each in columns) for columns in (made.columns, ends.columns)
            )
            yield name, column, direct, last, "; ".join(ends.constants)
