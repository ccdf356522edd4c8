"""Freshness by the day of receipt, and rows of many small files read together."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest

from orchestration.settings import Settings
from orchestration.validation import due, validate
from tests.unit.test_validation_verdicts import Raw, read, tree
from tests.unit.test_validation_verdicts import judged_masters as judged_masters
from tests.unit.test_validation_verdicts import raw as raw
from tests.unit.test_validation_worklist import add, month, table_rule, verdicts_of
from tests.unit.test_validation_worklist import own_rules as own_rules


def test_a_report_that_came_long_after_its_month_is_held(own_rules: tuple[Settings, Path], raw: Raw) -> None:
    settings, folder = own_rules
    add(folder, table_rule("freshness", "{max_days_after_period: 10}"))
    for day in ("2017-02-10", "2017-02-11", "2016-12-31", None):
        rows = month(1, 2, f"a{day}") + month(2, 1, f"b{day}")  # most rows are of January
        raw.file("line", *rows, received_on=datetime.date.fromisoformat(day) if day else None)
    validate(settings)
    assert verdicts_of(settings) == {7: "accepted", 8: "held whole", 9: "accepted", 10: "accepted"}
    results = {r["file_sequence"]: r for r in read(settings, "validation") if r["rule_id"] == "whole"}
    assert results[8]["message"] == "received on 2017-02-11, 11 days after the end of 2017-01: look at it"
    # without a day of receipt nothing can be said, which is not the same as passing
    assert [results[n]["status"] for n in (7, 8, 9, 10)] == ["passed", "failed", "passed", "no_rows"]


def test_both_limits_of_freshness_say_what_failed(own_rules: tuple[Settings, Path], raw: Raw) -> None:
    settings, folder = own_rules
    add(folder, table_rule("freshness", "{max_days_after_period: 400, max_days_behind: 40}"))
    for number, document in ((3, "a"), (1, "b")):
        raw.file("line", *month(number, 1, document), received_on=datetime.date(2017, 4, 1))
    validate(settings)
    [words] = [
        r["message"] for r in read(settings, "validation") if r["status"] == "failed" and r["rule_id"] == "whole"
    ]
    assert words == "newest date 2017-01-10, older files had brought 2017-03-10: look at it"


@pytest.mark.parametrize("together", [1, 2, 1_000])
def test_small_files_have_the_same_bytes_alone_and_together(
    own_rules: tuple[Settings, Path], raw: Raw, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    settings, folder = own_rules
    add(folder, table_rule("freshness", "{max_days_after_period: 10}"))
    for number in range(5):
        unit = "BX" if number == 3 else "EA"
        raw.file("line", *month(1, 1, f"d{number}", unit=unit), received_on=datetime.date(2017, 2, 9 + number))
    validate(settings)
    before = tree(settings)
    for room in (settings.accepted, settings.quarantine, settings.validation_results):
        shutil.rmtree(room)
    monkeypatch.setattr(due, "MOST_FILES", together)
    validate(settings)
    assert tree(settings) == before
