"""Damaged files of every format: no crash without a clear error, and rows tie always."""

from __future__ import annotations

import csv
import io
import os
import random
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.intake import take_in
from orchestration.settings import Settings
from orchestration.validation import validate
from tests.corpus.company import prepare, settings_in
from tests.property.mutations import GOOD_FILES, mutated

BATCH = 1_100
LONG = int(os.environ.get("REBATES_FUZZ_FILES") or 22_000)
"""Damaged files of the long test (environment: one number for a longer night)."""


def fuzz(folder: Path, seed: int, files: int) -> dict[str, int]:
    """Take in and validate damaged files, evenly of all formats; files by status. Raises what breaks."""
    random_of = random.Random(seed)
    settings = settings_in(folder)
    prepare(settings, [kind for kind, _ in GOOD_FILES.values()])
    contents: dict[tuple[str, str], bytes] = {}
    for name, (_, content) in GOOD_FILES.items():
        for number in range(files // len(GOOD_FILES)):
            damaged = contents[name, f"{number:06}"] = mutated(random_of, content)
            (settings.landing / name / f"{number:06}").write_bytes(damaged)
    report = take_in(settings)
    read = sum(file.status == "new" for file in report.files)
    for file in report.files:
        where = (seed, file.source, file.file_name, file.message)
        assert file.status in ("new", "known", "unreadable"), where
        if file.status == "unreadable":
            assert (file.rows, bool(file.message)) == (0, True), where
        assert file.status != "new" or not file.message, where
        assert str(folder) not in file.message, where
        assert len(file.message) < 2_000, where
        if file.status == "new" and file.source == "fuzz_plain":
            content = contents[file.source, file.file_name]
            assert file.rows == records(content), (*where, content)
    verdicts = validate(settings).files
    assert len(verdicts) == read
    rows = dict(counts(settings))
    for verdict in verdicts:
        if verdict.entity != "line":
            continue
        assert (
            verdict.rows == verdict.accepted + verdict.held + verdict.quarantined == rows.get(verdict.file_sequence, 0)
        )
    return {status: report.count(status) for status in ("new", "known", "unreadable")}


def records(content: bytes) -> int:
    """Records with any value below the header, by another reader."""
    found = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), quoting=csv.QUOTE_NONE)
    return sum(any(cell.strip(" \t\r\n\u00a0\ufeff") for cell in record) for record in list(found)[1:])


def counts(settings: Settings) -> list[tuple[Any, ...]]:
    return duckdb.sql(
        f"SELECT file_sequence, count(*) FROM read_parquet('{settings.raw}/line/*.parquet') GROUP BY ALL"
    ).fetchall()


def test_damaged_files(tmp_path: Path) -> None:
    found = fuzz(tmp_path, 20170331, 220)
    assert found["new"] > 40  # many are still files: the damage reaches rows
    assert found["unreadable"] > 40


@pytest.mark.slow
def test_tens_of_thousands_of_damaged_files(tmp_path: Path) -> None:
    for seed in range(LONG // BATCH):
        fuzz(tmp_path / str(seed), seed, BATCH)
        shutil.rmtree(tmp_path / str(seed))
