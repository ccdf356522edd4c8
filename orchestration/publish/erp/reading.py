"""Reading the small CSV files of seeds/erp/: exact columns, row numbers for messages."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from orchestration.publish.format import PublishError


def read_rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Row numbers as a person counts them, and values without spaces around; PublishError for other columns."""
    if not path.is_file():
        raise PublishError(f"{path.name} is missing in {path.parent.name}/")
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        if tuple(reader.fieldnames or ()) != columns:
            raise PublishError(f"{path.name}: columns {reader.fieldnames}, expected {', '.join(columns)}")
        for row in reader:
            if None in row or None in row.values():
                raise PublishError(f"{path.name}, row {reader.line_num}: not {len(columns)} values")
            yield reader.line_num, {name: value.strip() for name, value in row.items()}
