"""Which data docs are kept, and that the links of asset checks lead to the newest page of their suite."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlparse

import dagster as dg
import pytest

from orchestration import stages
from orchestration.settings import Settings
from orchestration.validation import data_docs, latest_page, validate, write_docs
from tests.unit.test_validation_verdicts import Raw, lines
from tests.unit.test_validation_verdicts import judged_masters as judged_masters
from tests.unit.test_validation_verdicts import raw as raw

SUITE = "segments/every_line/lines"


@pytest.fixture
def judged(settings: Settings, raw: Raw) -> Settings:
    raw.file("line", *lines({}, {"unit": "BX"}))
    validate(settings)
    return settings


def kept(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.published / "data_docs").iterdir())


def test_the_pages_of_the_newest_two_calculations_are_kept(judged: Settings) -> None:
    link = judged.published / "data_docs" / "latest"
    for name, left in (
        ("a", ["a"]),
        ("b", ["a", "b"]),
        ("b", ["a", "b"]),  # a month closed again is no newer calculation
        ("c", ["b", "c"]),
        ("b", ["b", "c"]),
        ("d", ["b", "d"]),
    ):
        written = write_docs(judged, name)
        assert kept(judged) == [*left, "latest"]
        assert link.resolve() == written
        assert link.readlink() == Path(name)  # a folder that is moved takes its link along


def test_what_is_linked_is_there_when_writing_stops_half_way(judged: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write_docs(judged, "a")
    write_docs(judged, "b")
    monkeypatch.setattr(Path, "symlink_to", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_docs(judged, "c")
    assert (latest_page(judged, SUITE)).resolve().parent.name == "b"
    monkeypatch.undo()
    (judged.published / "data_docs" / ".x").mkdir()
    write_docs(judged, "c")
    assert kept(judged) == ["b", "c", "latest"]


def test_the_same_pages_are_not_written_again(judged: Settings, raw: Raw) -> None:
    page = write_docs(judged, "a") / "index.html"
    inode = page.stat().st_ino
    write_docs(judged, "a")
    assert page.stat().st_ino == inode
    raw.file("line", *lines({"unit": "BX"}))
    validate(judged)
    write_docs(judged, "a")
    assert page.stat().st_ino != inode
    assert "line_8.csv" in latest_page(judged, SUITE).read_text()


def test_the_check_of_each_suite_links_to_a_page_that_exists_after_publication(judged: Settings) -> None:
    asset = stages.validation(judged)
    specs = {spec.name: spec for spec in asset.check_specs if spec.name != "every_row_has_a_verdict"}
    result = stages.suite_result(specs["segments_every_line_lines"], [])
    write_docs(judged, "a")
    links = {name: spec.metadata["page of the data docs"] for name, spec in specs.items()}
    assert len({link.value for link in links.values()}) == len(specs) > 40
    for name, link in links.items():
        assert isinstance(link, dg.UrlMetadataValue)
        parts = urlparse(str(link.value))
        assert parts.scheme == "file"
        page = Path(unquote(parts.path))
        title = re.search("<h1>(.*?)</h1>", page.read_text())
        assert title
        assert re.sub(r"\W", "_", title[1]) == name
    assert result.metadata["page of the data docs"] == links["segments_every_line_lines"]
    assert f"<h1>{SUITE}</h1>" in latest_page(judged, SUITE).read_text()


def test_the_place_of_the_newest_pages_is_no_name_of_a_calculation() -> None:
    assert not re.fullmatch(r"[0-9a-f]+", data_docs.LATEST)
