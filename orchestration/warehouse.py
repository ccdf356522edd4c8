"""The only place that opens DuckDB.

One configuration for every connection: within a process all connections to one file must agree,
and memory must stay bounded. Analysts, the portal and dashboards do not come here: they open the
published snapshot.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.settings import Settings


def scratch(settings: Settings) -> Path:
    """Where DuckDB spills: in the data folder; for who may only read that, in the system's temporary folder."""
    try:
        settings.scratch.mkdir(parents=True, exist_ok=True)
        if os.access(settings.scratch, os.W_OK):
            return settings.scratch
    except OSError:
        pass  # a reader without the right to write, or a disk that is mounted read-only
    return Path(tempfile.gettempdir()) / f"rebates-{os.getuid()}-{os.getpid()}"


def configuration(settings: Settings) -> dict[str, str | bool | int | float | list[str]]:
    """DuckDB settings of every connection of this project."""
    return {
        "memory_limit": settings.memory_limit,
        "threads": str(settings.threads),
        "temp_directory": str(scratch(settings) / "duckdb"),
        "preserve_insertion_order": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }


@contextmanager
def connect(settings: Settings, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse file; close it on leaving, so that dbt (another process) can open it."""
    connection = duckdb.connect(str(settings.warehouse), read_only=read_only, config=configuration(settings))
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def in_memory(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection without a file, for reading and writing Parquet within bounded memory."""
    connection = duckdb.connect(":memory:", config=configuration(settings))
    try:
        yield connection
    finally:
        connection.close()
