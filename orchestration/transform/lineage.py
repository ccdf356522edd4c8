"""Which columns each column of a model is made of, read from the SQL that dbt compiled.

What belongs here: reading SQL for what a value comes from. What does not: Dagster (assets.py), how it is published
(publish.py of the stages).

A column's lineage is what its value is computed from: the columns in its expression, followed through common table
expressions and set operations to the relations that the model reads. What only decides which rows there are (join and
filter conditions, grouping) is not part of it. A count of rows is made of the key of what is counted. What is made of
no column is a constant, kept as it is written.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestration.settings import Settings
from orchestration.transform.dbt import meta

CACHE = "column_lineage.json"
"""What was read before, below dbt's target folder: by model, with the hash of the SQL that it was read from."""

FORMAT = 1
"""Of the cache; a reader that reads differently has another one."""

Column = tuple[str, str]
"""(dbt unique id, column)."""


@dataclass(frozen=True)
class Made:
    """What a column is made of: columns that the model reads, and constants (SQL)."""

    columns: tuple[Column, ...] = ()
    constants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lineage:
    """Columns of models by dbt unique id and name, in the order of the model."""

    models: Mapping[str, Mapping[str, Made]]
    _ends: dict[Column, Made] = field(default_factory=dict, compare=False)

    def ends(self, model: str, column: str) -> Made:
        """Where a column comes from in the end: columns of sources and seeds, and constants on the way."""
        key = (model, column)
        if key not in self._ends:
            made = self.models[model][column]
            columns: set[Column] = set()
            constants = set(made.constants)
            for parent, name in made.columns:
                if parent in self.models:
                    further = self.ends(parent, name)
                    columns |= set(further.columns)
                    constants |= set(further.constants)
                else:
                    columns.add((parent, name))
            self._ends[key] = Made(tuple(sorted(columns)), tuple(sorted(constants)))
        return self._ends[key]


class LineageError(RuntimeError):
    """A model's SQL could not be read for its lineage; the message names the model."""


def column_lineage(settings: Settings, manifest: Mapping[str, Any], wanted: Sequence[str] | None = None) -> Lineage:
    """The lineage of every model that dbt has compiled, or of those ``wanted`` (dbt unique ids) and all they read.

    Only what has changed since the last time is read again. Raises LineageError for a wanted model that was not
    compiled, and for SQL that cannot be read.
    """
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    order = _ordered(nodes, wanted)
    cached = _cached(settings)
    found: dict[str, dict[str, Made]] = {}
    entries: dict[str, Any] = {}
    for key in order:
        path = compiled_path(settings, manifest, nodes[key])
        if not path.is_file():
            if wanted is None:
                continue
            raise LineageError(f"{nodes[key]['name']}: dbt has not compiled it: {path} is not there")
        sql = _without_files(path.read_text(encoding="utf-8"), manifest, nodes[key])
        known = _columns_of_parents(manifest, nodes[key], found)
        stamp = hashlib.sha256(json.dumps([FORMAT, sql, known], sort_keys=True).encode()).hexdigest()
        entry = cached.get(key)
        if entry is None or entry["stamp"] != stamp:
            try:
                made = _read(sql, known)
            except Exception as error:
                raise LineageError(f"{nodes[key]['name']}: {error}") from error
            columns = {name: [sorted(map(list, each.columns)), list(each.constants)] for name, each in made.items()}
            entry = {"stamp": stamp, "columns": columns}
        entries[key] = entry
        found[key] = {
            name: Made(tuple((parent, column) for parent, column in columns), tuple(constants))
            for name, (columns, constants) in entry["columns"].items()
        }
    if any(cached.get(key) != entry for key, entry in entries.items()):
        _keep(settings, {**{key: entry for key, entry in cached.items() if key in nodes}, **entries})
    return Lineage(found)


def compiled_path(settings: Settings, manifest: Mapping[str, Any], node: Mapping[str, Any]) -> Path:
    """Where dbt puts the SQL that it compiled for a model."""
    project = manifest["metadata"]["project_name"]
    path: Path = settings.dbt_target / "compiled" / project / node["original_file_path"]
    return path


def _ordered(nodes: Mapping[str, Any], wanted: Sequence[str] | None) -> list[str]:
    """The models, each after those that it reads."""
    order: dict[str, None] = {}

    def visit(key: str) -> None:
        if key in nodes and key not in order:
            for parent in sorted(nodes[key]["depends_on"]["nodes"]):
                visit(parent)
            order[key] = None

    for key in sorted(nodes if wanted is None else wanted):
        visit(key)
    return list(order)


def _relation(unique_id: str) -> str:
    """A name in SQL for a dbt node: its unique id, as one identifier."""
    return unique_id.replace(".", "__")


def _parent(manifest: Mapping[str, Any], unique_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
    return found


def _without_files(sql: str, manifest: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    """The SQL with every relation that it reads named by its dbt unique id: no files, no database."""
    names = {_parent(manifest, parent)["relation_name"]: parent for parent in node["depends_on"]["nodes"]}
    for relation in sorted(names, key=len, reverse=True):
        sql = sql.replace(relation, _relation(names[relation]))
    return sql


def _columns_of_parents(
    manifest: Mapping[str, Any], node: Mapping[str, Any], found: Mapping[str, Mapping[str, Made]]
) -> dict[str, dict[str, Any]]:
    """By dbt unique id of what a model reads: its columns (none: not known, as of a source), and its key."""
    known = {}
    for parent in sorted(node["depends_on"]["nodes"]):
        described = _parent(manifest, parent)
        columns = list(found[parent]) if parent in found else list(described.get("columns") or ())
        known[parent] = {"columns": columns, "key": list(meta(described).get("grain") or columns[:1])}
    return known


# --- the cache ------------------------------------------------------------------------------


def _cached(settings: Settings) -> dict[str, Any]:
    path = settings.dbt_target / CACHE
    if not path.is_file():
        return {}
    entries: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return entries


def _keep(settings: Settings, entries: Mapping[str, Any]) -> None:
    part = settings.dbt_target / f".{CACHE}.part"
    part.write_text(json.dumps(entries), encoding="utf-8")  # columns in their order
    part.replace(settings.dbt_target / CACHE)


# --- the SQL --------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _sqlglot() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of one of its own parts
        import sqlglot
        import sqlglot.optimizer.qualify
        import sqlglot.optimizer.scope
    return sqlglot


def _read(sql: str, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Made]:
    """What each output column of a query is made of. ``known``: columns and key of the relations that it reads."""
    sqlglot = _sqlglot()
    schema = {
        _relation(key): dict.fromkeys(relation["columns"], "unknown")
        for key, relation in known.items()
        if relation["columns"]
    }
    tree = sqlglot.optimizer.qualify.qualify(
        sqlglot.parse_one(sql, dialect="duckdb"),
        dialect="duckdb",
        schema=schema,
        quote_identifiers=False,
        identify=False,
        validate_qualify_columns=False,
    )
    return _Query(tree, known).columns()


class _Query:
    """A query with its scopes; what a column of a scope is made of is found once."""

    def __init__(self, tree: Any, known: Mapping[str, Mapping[str, Any]]) -> None:
        self.exp = _sqlglot().exp
        self.root = _sqlglot().optimizer.scope.build_scope(tree)
        self.relations = {_relation(key): key for key in known}
        self.known = known
        self.home: dict[int, Any] = {}
        for scope in self.root.traverse():
            for column in scope.columns:
                if column.table in scope.sources:
                    self.home.setdefault(id(column), scope)
        self.found: dict[tuple[int, int], Made] = {}

    def columns(self) -> dict[str, Made]:
        """What each output column is made of."""
        names = self.root.expression.named_selects
        return {name: self.of(self.root, place) for place, name in enumerate(names)}

    def of(self, scope: Any, place: int) -> Made:
        """What the output column at a place of a scope is made of."""
        key = (id(scope), place)
        if key not in self.found:
            if scope.set_operation_scopes:
                self.found[key] = _all(self.of(branch, place) for branch in scope.set_operation_scopes)
            else:
                self.found[key] = self.expression(scope, scope.expression.selects[place])
        return self.found[key]

    def expression(self, scope: Any, projection: Any) -> Made:
        """What an expression of a scope is made of."""
        expression = projection.unalias()
        parts = [
            self.column(self.home.get(id(column), scope), column) for column in expression.find_all(self.exp.Column)
        ]
        counts = [each for each in expression.find_all(self.exp.Count) if isinstance(each.this, self.exp.Star)]
        if counts or (not parts and expression.find(self.exp.RowNumber)):
            parts.append(self.rows(scope))
        return _all(parts) if parts else Made(constants=(expression.sql("duckdb"),))

    def column(self, scope: Any, column: Any) -> Made:
        """What a column, as a scope names it, is made of."""
        source = scope.sources.get(column.table)
        if not column.table and len(scope.selected_sources) == 1:  # of a file, whose columns are not described
            [(_, source)] = scope.selected_sources.values()
        if source is None:
            raise ValueError(f"column {column.sql('duckdb')} is of no relation that is read")
        if isinstance(source, self.exp.Table):
            return Made(((self.relations[source.name], column.name),))
        names = [name.lower() for name in source.expression.named_selects]
        if column.name.lower() not in names:
            raise ValueError(f"column {column.sql('duckdb')} is not among {', '.join(names)}")
        return self.of(source, names.index(column.name.lower()))

    def rows(self, scope: Any) -> Made:
        """The key of the rows that a scope reads: what a count of rows is made of."""
        if scope.set_operation_scopes:
            return _all(self.rows(branch) for branch in scope.set_operation_scopes)
        parts = []
        source = next(iter(scope.selected_sources.values()), (None, None))[1]
        if isinstance(source, self.exp.Table):
            key = self.relations[source.name]
            parts.append(Made(tuple((key, name) for name in self.known[key]["key"])))
        elif source is not None:
            parts.append(self.rows(source))
        return _all(parts)


def _all(parts: Iterable[Made]) -> Made:
    """Everything that the parts are made of, each once, in order."""
    columns: set[Column] = set()
    constants: set[str] = set()
    for part in parts:
        columns |= set(part.columns)
        constants |= set(part.constants)
    return Made(tuple(sorted(columns)), tuple(sorted(constants)))
