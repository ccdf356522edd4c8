"""Every kind of broken file goes through intake and validation; what becomes of it is what the catalogue says."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.intake import FileReport, take_in
from orchestration.settings import Settings
from orchestration.validation import FileVerdict, validate
from tests.corpus.catalogue import KINDS, PAGE, page
from tests.corpus.company import prepare, settings_in
from tests.corpus.kind import Kind


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of the corpus: reports by source, and every row of raw/ with its verdict."""

    files: dict[str, FileReport]
    verdicts: dict[str, FileVerdict]
    rows: dict[str, dict[int, dict[str, Any]]]


def take_all(kinds: list[Kind], settings: Settings) -> Outcome:
    """Deliver kinds, each under a source of its own, take them in and validate them."""
    prepare(settings, kinds)
    for kind in kinds:
        (settings.landing / kind.name / "report").write_bytes(kind.bytes)
    files = {report.source: report for report in take_in(settings).files}
    verdicts = {verdict.source: verdict for verdict in validate(settings).files}
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    found = duckdb.connect().execute(f"""
        SELECT * FROM read_parquet('{settings.raw}/line/*.parquet') AS r
        LEFT JOIN (
            SELECT file_sequence, row_number, verdict, rules_failed
            FROM read_parquet(['{settings.accepted}/line/*.parquet', '{settings.quarantine}/line/*.parquet'],
                union_by_name = true)
        ) USING (file_sequence, row_number)
    """)
    names = [item[0] for item in found.description or []]
    for values in found.fetchall():
        row = dict(zip(names, values, strict=True))
        assert row["row_number"] not in rows.setdefault(row["source"], {})
        rows[row["source"]][row["row_number"]] = row
    return Outcome(files, verdicts, rows)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder = tmp_path_factory.mktemp("corpus")
    yield take_all([k for k in KINDS if not k.slow], settings_in(folder))
    shutil.rmtree(folder)


def check(kind: Kind, outcome: Outcome) -> None:
    """Assert that a kind's outcome is the expected one, and that its rows tie."""
    report = outcome.files[kind.name]
    if kind.error:
        assert (report.status, report.rows) == ("unreadable", 0), report
        assert kind.error in report.message
        assert len(report.message) < 400
        assert kind.name not in outcome.rows
        assert kind.name not in outcome.verdicts
        return
    rows = outcome.rows.get(kind.name, {})
    verdict = outcome.verdicts[kind.name]
    assert (report.status, report.message) == ("new", "")
    assert {number: row["verdict"] for number, row in rows.items()} == {row.number: row.verdict for row in kind.rows}
    assert report.rows == len(rows) == verdict.accepted + verdict.held + verdict.quarantined
    for expected in kind.rows:
        row = rows[expected.number]
        reasons = f"{row['rules_failed']} | {row['parse_errors']}"
        assert expected.reason in reasons
        if expected.verdict == "accepted":
            assert (row["rules_failed"], row["parse_errors"]) == (None, None)
        for name, value in expected.values.items():
            assert same(row[name], value), (name, row[name], value)


def same(found: Any, expected: str) -> bool:
    if isinstance(found, Decimal):
        try:
            return found == Decimal(expected)
        except InvalidOperation:
            return False
    return str(found) == expected


@pytest.mark.parametrize("kind", [k for k in KINDS if not k.slow], ids=lambda kind: kind.name)
def test_kind(kind: Kind, outcome: Outcome) -> None:
    check(kind, outcome)


@pytest.mark.slow
def test_kinds_of_100_megabytes(tmp_path: Path) -> None:
    large = [kind for kind in KINDS if kind.slow]
    found = take_all(large, settings_in(tmp_path))
    for kind in large:
        check(kind, found)


def test_the_corpus_is_large_and_its_names_are_distinct() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names) >= 60


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.corpus.catalogue"
