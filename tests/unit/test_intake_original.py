"""Rows of received files as they were delivered, found again by receipt and row number."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.intake import LandingError, original_rows, take_in
from orchestration.settings import Settings
from tests.corpus.kind import Kind, line, text
from tests.corpus.others import GZIP, MANY, archive, gz, parquet

PLAIN = Kind("plain", "plain lines", b"")


def record(number: int = 1, **changes: str) -> str:
    """The good line as it stands in a file."""
    return ",".join(line(number, **changes).values())


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "sources").mkdir()
    return dataclasses.replace(settings, sources=tmp_path / "sources")


def receive(settings: Settings, content: bytes, **changes: Any) -> None:
    """Deliver one file of the source `plain` and take it in."""
    document = yaml.safe_dump({**PLAIN.document, **changes}, allow_unicode=True)
    (settings.sources / "plain.yml").write_text(document)
    path = settings.landing / "plain" / "a.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    [report] = take_in(settings).files
    assert report.status == "new", report


def test_a_record_as_it_stands_in_the_file_also_over_several_lines(own: Settings) -> None:
    first, second = record(name='"Müller\nand ""Sons"""'), record(2, name=" Ötker ")
    receive(own, text(first, second))
    rows = original_rows(own, 1, [1, 2, 3, 4])
    assert rows[1].startswith("doc,line,type,date")
    assert rows[2] == first
    assert "\n" in rows[2]
    assert rows[3] == second
    assert 4 not in rows


def test_row_numbers_run_on_through_the_members_of_an_archive(own: Settings) -> None:
    members = [("x/1.csv", text(line(1), line(2))), ("x/2.csv", text()), ("x/3.csv", text(line(3)))]
    receive(own, archive(*members), format=MANY)
    assert original_rows(own, 1, [2, 6]) == {2: record(1), 6: record(3)}
    assert not list(own.landing.rglob("*.unpacked"))


def test_a_compressed_file(own: Settings) -> None:
    receive(own, gz(text(line())), format=GZIP)
    assert original_rows(own, 1, [2]) == {2: record()}


def test_other_formats_as_the_texts_of_their_cells(own: Settings) -> None:
    receive(own, parquet(), format={"type": "parquet"})
    rows = original_rows(own, 1, [1, 2, 3])
    assert set(rows) == {1, 2}
    assert "document_number=D1" in rows[1]
    assert "net_amount=5.58" in rows[1]
    assert "partner_product_id=0077" in rows[1]
    assert "reference_document_number" not in rows[1], "a cell without a value is not shown"


def test_a_copy_that_was_altered_or_is_missing_ends_the_trail(own: Settings) -> None:
    receive(own, text(line()))
    [copy] = (own.landing / ".store").iterdir()
    content = copy.read_bytes()
    copy.write_bytes(content.replace(b"5.58", b"9.58"))
    with pytest.raises(LandingError, match="was altered"):
        original_rows(own, 1, [])
    copy.unlink()
    with pytest.raises(LandingError, match="is missing from landing"):
        original_rows(own, 1, [2])
    with pytest.raises(LandingError, match="no receipt 000002"):
        original_rows(own, 2, [2])
