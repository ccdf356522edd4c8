"""The dbt models as Dagster assets and checks.

What belongs here: how dbt is called (`dbt.py`: arguments, environment, manifest), how its nodes
become assets (`assets.py`) and what every node must have (`manifest_lint.py`). What does not: SQL.
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

__all__ = [
    "BOOKS_TAG",
    "DbtError",
    "dbt_arguments",
    "is_books",
    "meta",
    "prepare",
    "project_fingerprint",
    "read_manifest",
    "row_counts",
]
