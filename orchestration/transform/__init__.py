"""The dbt models as Dagster assets and checks.

What belongs here: how dbt is called (`dbt.py`: arguments, environment, manifest), how its nodes become assets
(`assets.py`), what their columns are made of (`lineage.py`), what every node must have (`manifest_lint.py`).
What does not: SQL.
"""

from __future__ import annotations

from orchestration.transform.dbt import (
    BOOKS_TAG,
    DbtError,
    dbt_arguments,
    is_books,
    meta,
    prepare,
    project_fingerprint,
    read_manifest,
    row_counts,
)
from orchestration.transform.lineage import Lineage, LineageError, Made, column_lineage

__all__ = [
    "BOOKS_TAG",
    "DbtError",
    "Lineage",
    "LineageError",
    "Made",
    "column_lineage",
    "dbt_arguments",
    "is_books",
    "meta",
    "prepare",
    "project_fingerprint",
    "read_manifest",
    "row_counts",
]
