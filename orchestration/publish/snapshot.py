"""The analytics snapshot: what analysts, dashboards and the portal read.

What belongs here: marts as Parquet files under a version, the pointer ``CURRENT``, and the read-only
connection over the current version. What does not: which tables are published (handed in).

Readers never open the warehouse: a DuckDB file shuts readers out while it is written. They open a
version, which never changes, and keep it until they connect again; the version before the current
one stays, so a reader outlives one publication.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import re
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration import warehouse
from orchestration.publish import calculation
from orchestration.publish.format import PublishError
from orchestration.settings import Settings

ROW_GROUP_SIZE = 122_880
"""Rows per row group, stated so that a changed default of DuckDB does not change the bytes."""

_DATABASE = "analytics.duckdb"
_OPENING = threading.Lock()
_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.CREATE}


def publish_snapshot(
    settings: Settings,
    tables: Sequence[str],
    *,
    keys: Mapping[str, Sequence[str]],
    manifest: Mapping[str, Any] | None = None,
) -> Path:
    """Publish tables of the warehouse as one version, let ``CURRENT`` name it, and return its folder.

    ``published/snapshot/<version>/``: ``<table>.parquet``, sorted by the table's ``keys``, and
    ``analytics.duckdb``: a view per table over the absolute Parquet paths, with the warehouse's comments.
    With dbt's ``manifest`` also ``calculation/``: what a simulation runs (publish/calculation.py).
    The version is a hash of these files: the same rows are the same version, in whatever order and
    with however many threads they were computed, and nothing is rewritten then. The current version and
    the one before it are kept; older ones are removed.
    Raises PublishError for unknown tables, tables without keys, and rows that share a key; ``CURRENT``
    stays as it was.
    """
    root = settings.published / "snapshot"
    new = root / ".new"
    shutil.rmtree(new, ignore_errors=True)
    (new / "tables").mkdir(parents=True)
    try:
        with warehouse.connect(settings, read_only=True) as connection:
            relations = _relations(connection, tables, keys)
            for table in sorted(relations):
                _export(connection, relations[table], keys[table], new / "tables" / f"{table}.parquet")
            if manifest is not None:
                marts = {table: keys[table] for table in relations}
                calculation.export(settings, connection, manifest, marts, new / "tables" / calculation.FOLDER)
            comments = _comments(connection, relations)
        version = _version(new / "tables")
        folder = root / version
        _put_in_place(new / "tables", folder)
        _write_views(settings, folder, sorted(relations), comments, new / _DATABASE)
        _replace_if_different(new / _DATABASE, folder / _DATABASE)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _switch(root, version)
    return folder


def open_snapshot(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the current version; the caller closes it.

    It reads the version's own files and nothing else (no other file, no network), and its settings
    are locked. Raises PublishError when nothing has been published.
    """
    root = settings.published / "snapshot"
    version = _current(root)
    if version is None:
        raise PublishError("no snapshot has been published yet: `rebates run` publishes one")
    folder = root / version
    if not (folder / _DATABASE).is_file():
        raise PublishError(f"snapshot {version}, which CURRENT names, is not there: `rebates run` publishes it again")
    configuration: dict[str, str | bool | int | float | list[str]] = {
        **warehouse.configuration(settings),
        "temp_directory": str(
            warehouse.scratch(settings) / f"query-{os.getpid()}"
        ),  # not to be shared with another process
    }
    with _OPENING:
        connection = duckdb.connect(str(folder / _DATABASE), read_only=True, config=configuration)
        # connections of one process to one file share their settings: only the first one can set them
        locked = connection.execute("select current_setting('lock_configuration')").fetchone()
        if locked == (False,):
            paths = ", ".join(_literal(str(path)) for path in sorted(folder.glob("*.parquet")))
            connection.execute(f"set allowed_paths = [{paths}]")
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
    return connection


def query(settings: Settings, sql: str) -> pa.Table:
    """Rows that the SQL gives on the current snapshot.

    Statements that could write a file (COPY, EXPORT, EXPLAIN ANALYZE of them …) are refused with
    PublishError; errors in the SQL are DuckDB's own.
    """
    with open_snapshot(settings) as connection:
        for statement in connection.extract_statements(sql):
            explain = statement.type == duckdb.StatementType.EXPLAIN
            if statement.type not in _READING or (explain and re.search(r"\banalyze\b", statement.query, re.I)):
                raise PublishError(f"the snapshot can only be read, not: {statement.query.strip()}")
        relation = connection.sql(sql)
        if relation is None:
            raise PublishError("the SQL gives no rows; end it with a SELECT")
        return relation.to_arrow_table()


def _relations(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[str], keys: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Qualified, quoted name of each table; PublishError for what is unknown, ambiguous or has no keys."""
    known: dict[str, list[tuple[str, str]]] = {}
    for schema, name in connection.execute(
        "select schema_name, table_name from duckdb_tables() where not internal"
        " union all select schema_name, view_name from duckdb_views() where not internal order by all"
    ).fetchall():
        known.setdefault(name, []).append((schema, name))
    relations: dict[str, str] = {}
    for table in tables:
        if len(known.get(table, [])) != 1:
            found = ", ".join(f"{schema}.{name}" for schema, name in known.get(table, [])) or "none"
            raise PublishError(f"snapshot: expected one table {table} in the warehouse, found {found}")
        if not keys.get(table):
            raise PublishError(f"snapshot: no key columns are given for {table}; its rows would have no order")
        relations[table] = ".".join(map(_quoted, known[table][0]))
    return relations


def _export(connection: duckdb.DuckDBPyConnection, relation: str, key: Sequence[str], path: Path) -> None:
    """Write one table, sorted by its key. PublishError when two rows share a key: their order would be chance."""
    columns = ", ".join(map(_quoted, key))
    twice = connection.execute(
        f"select {columns} from {relation} group by all having count(*) > 1 order by all limit 1"
    ).fetchall()
    if twice:
        raise PublishError(f"snapshot: more than one row of {relation} has {', '.join(key)} = {twice[0]}")
    connection.execute(
        f"copy (select * from {relation} order by {columns}) to {_literal(str(path))}"
        f" (format parquet, compression zstd, row_group_size {ROW_GROUP_SIZE})"
    )


def _comments(connection: duckdb.DuckDBPyConnection, relations: Mapping[str, str]) -> dict[str, list[str]]:
    """By table: COMMENT statements without the view's name (``{view}``), from the warehouse's comments."""
    rows = connection.execute(
        "select table_name, null, comment, -1 from duckdb_tables() where not internal"
        " union all select view_name, null, comment, -1 from duckdb_views() where not internal"
        " union all select table_name, column_name, comment, column_index from duckdb_columns() where not internal"
        " order by 1, 4"
    ).fetchall()
    comments: dict[str, list[str]] = {table: [] for table in relations}
    for table, column, comment, _ in rows:
        if table in comments and comment:
            target = f"column {{view}}.{_quoted(column)}" if column else "view {view}"
            comments[table].append(f"comment on {target} is " + _literal(comment).replace("{", "{{").replace("}", "}}"))
    return comments


def _version(folder: Path) -> str:
    """Hash of the files' names and bytes, 16 hexadecimal digits."""
    total = hashlib.sha256()
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        with path.open("rb") as handle:
            total.update(f"{name} {hashlib.file_digest(handle, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()[:16]


def _put_in_place(tables: Path, folder: Path) -> None:
    """Move the files to their version; where it stands already, mend only what is not the same."""
    files = _files(tables)
    for path in files:
        path.chmod(0o444)
    if not folder.exists():
        tables.rename(folder)
        return
    for path in files:
        target = folder / path.relative_to(tables)
        target.parent.mkdir(exist_ok=True)
        _replace_if_different(path, target)


def _files(folder: Path) -> list[Path]:
    """Files of a folder and its sub-folders, in order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _write_views(
    settings: Settings, folder: Path, tables: Sequence[str], comments: Mapping[str, list[str]], path: Path
) -> None:
    """A DuckDB file that holds views only: such a file has the same bytes each time, one with tables has not."""
    with warehouse.in_memory(settings) as connection:
        connection.execute(f"attach {_literal(str(path))} as snapshot")
        for table in tables:
            view = f"snapshot.main.{_quoted(table)}"
            source = _literal(str(folder / f"{table}.parquet"))
            connection.execute(f"create view {view} as select * from read_parquet({source})")
            for comment in comments[table]:
                connection.execute(comment.format(view=view))
        connection.execute("detach snapshot")
    path.chmod(0o444)


def _replace_if_different(source: Path, target: Path) -> None:
    if not (target.exists() and filecmp.cmp(source, target, shallow=False)):
        source.replace(target)


def _switch(root: Path, version: str) -> None:
    """Let CURRENT name the version, in one step; keep what it named before and remove older versions.

    Older ones go first: once CURRENT has moved, nobody knows any more which one it named before.
    """
    before = _current(root)
    if before == version:
        return
    for path in root.iterdir():
        if path.is_dir() and path.name not in (version, before):
            shutil.rmtree(path)
    part = root / ".CURRENT.part"
    part.write_text(version + "\n", encoding="utf-8")
    part.replace(root / "CURRENT")


def _current(root: Path) -> str | None:
    """The version that CURRENT names; None before the first publication."""
    try:
        return (root / "CURRENT").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
