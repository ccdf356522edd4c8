"""The published calculation that a simulation runs: which snapshot, which models, which lines.

What belongs here: reading ``published/snapshot/<version>/`` (docs/architecture.md). What does not: running it
(engine.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import Settings

DESCRIPTION = "calculation/calculation.json"
LINES, CONTEXT = "int_line", "stg_run_context"
"""Inputs that a simulation knows by name: the lines, and the as-of date of the run."""


class SimulationError(Exception):
    """A simulation cannot be made as it was asked for; the message says why and what was expected."""


@dataclass(frozen=True)
class Published:
    """One version of the snapshot. ``calculation``: what publish/calculation.py wrote."""

    folder: Path
    calculation: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Name of the version."""
        return self.folder.name

    def parquet(self, name: str) -> str:
        """A call of read_parquet on an input of the calculation."""
        [file] = [each["file"] for each in self.calculation["inputs"] if each["name"] == name]
        return self.file(file)

    def file(self, name: str, options: str = "") -> str:
        """A call of read_parquet on a file of the version."""
        path = str(self.folder / name).replace("'", "''")
        return f"read_parquet('{path}'{options})"


@dataclass(frozen=True)
class History:
    """The days that the published lines span: the first one's month begins on ``first``; ``last`` is the as-of date."""

    first: date
    last: date


def current(settings: Settings) -> Published:
    """The version that CURRENT names. Raises SimulationError when there is none, or one without a calculation."""
    root = settings.published / "snapshot"
    try:
        version = (root / "CURRENT").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise SimulationError("no snapshot has been published yet: `rebates run` publishes one") from None
    try:
        text = (root / version / DESCRIPTION).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SimulationError(
            f"snapshot {version} holds no calculation to simulate with: `rebates run` publishes it"
        ) from None
    return Published(root / version, json.loads(text))


def history(connection: duckdb.DuckDBPyConnection, published: Published) -> History:
    """What the published lines span. Raises SimulationError when there are none."""
    [(first,)] = connection.execute(
        f"select cast(date_trunc('month', min(document_date)) as date) from {published.parquet(LINES)}"
    ).fetchall()
    [(last,)] = connection.execute(f"select as_of from {published.parquet(CONTEXT)}").fetchall()
    if first is None:
        raise SimulationError(f"snapshot {published.version} holds no lines; there is no history to simulate on")
    return History(first, last)
