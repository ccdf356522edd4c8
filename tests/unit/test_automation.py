"""What automation decides, and that a run is alone on its data folder."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest

from orchestration import runs
from orchestration.automation import (
    Ask,
    day_to_refresh,
    intake_to_start,
    month_to_close,
)
from orchestration.runs import RunError
from orchestration.settings import Settings

NEW = [("north_pos", "a.csv", "11"), ("erp_invoices", "b.csv", "22")]


def test_the_last_month_is_closed_also_over_the_turn_of_the_year() -> None:
    assert month_to_close(date(2017, 7, 3)) == Ask(key="close-2017-06", month="2017-06")
    assert month_to_close(date(2018, 1, 3)).month == "2017-12"


def test_a_refresh_is_as_of_the_evening_before() -> None:
    ask = day_to_refresh(date(2017, 7, 1))
    assert (ask.month, ask.as_of) == ("2017-06", date(2017, 6, 30))


def test_intake_starts_when_new_files_stand_still() -> None:
    first, seen = intake_to_start(NEW, None)
    assert first is None
    second, again = intake_to_start(list(reversed(NEW)), seen)
    assert second == Ask(key=f"intake-{seen}")
    assert again == seen
    grown, _ = intake_to_start([*NEW, ("north_pos", "c.csv", "33")], seen)
    assert grown is None
    assert intake_to_start([], seen) == (None, "")


def test_the_same_file_with_other_content_is_another_set() -> None:
    _, seen = intake_to_start(NEW, None)
    _, changed = intake_to_start([("north_pos", "a.csv", "12"), NEW[1]], None)
    assert changed != seen


# --- months and dates -----------------------------------------------------------------------


def test_months() -> None:
    assert runs.months("2017-11", "2018-02") == ["2017-11", "2017-12", "2018-01", "2018-02"]
    assert runs.month_end("2016-02") == date(2016, 2, 29)
    with pytest.raises(RunError, match="before the first"):
        runs.months("2017-04", "2017-03")
    for bad in ("2017-13", "2017-6", "201706", "2017-06-30"):
        with pytest.raises(RunError, match="expected YYYY-MM"):
            runs.month_end(bad)


def test_the_as_of_date_lies_in_the_month() -> None:
    assert runs.as_of_in("2017-06", "") == date(2017, 6, 30)
    assert runs.as_of_in("2017-06", "2017-06-15") == date(2017, 6, 15)
    with pytest.raises(RunError, match="not in the accounting month 2017-06"):
        runs.as_of_in("2017-06", "2017-07-01")
    with pytest.raises(RunError, match="expected YYYY-MM-DD"):
        runs.as_of_in("2017-06", "30.06.2017")


def test_months_that_are_over_are_not_run_again() -> None:
    wanted = ["2017-03", "2017-04", "2017-05"]
    assert runs.months_to_run(wanted, set()) == wanted
    assert runs.months_to_run(wanted, {"2017-03", "2017-04"}) == ["2017-04", "2017-05"]
    assert runs.months_to_run(wanted, {"2017-03", "2017-04", "2017-05"}) == ["2017-05"]
    assert runs.months_to_run(wanted, {"2017-03", "2017-04", "2017-05", "2017-06"}) == []


# --- what a calculation is made from --------------------------------------------------------


def receipt(settings: Settings, number: int, source: str, name: str, content: bytes) -> None:
    import hashlib

    folder = settings.landing / ".receipts"
    folder.mkdir(parents=True, exist_ok=True)
    (settings.landing / source).mkdir(parents=True, exist_ok=True)
    (settings.landing / source / name).write_bytes(content)
    said = {
        "sequence": number,
        "source": source,
        "file_name": name,
        "file_hash": hashlib.sha256(content).hexdigest(),
        "file_bytes": len(content),
    }
    (folder / f"{number:06}.json").write_text(json.dumps(said))


def test_the_calculation_id_depends_on_what_figures_depend_on(settings: Settings) -> None:
    day = date(2017, 6, 30)
    receipt(settings, 1, "north_pos", "a.csv", b"1")
    first = runs.calculation_id(settings, day)
    assert runs.calculation_id(settings, day) == first
    assert runs.calculation_id(settings, date(2017, 6, 29)) != first
    os.utime(settings.landing / ".receipts" / "000001.json", (0, 0))
    assert runs.calculation_id(settings, day) == first
    settings.program_tables.mkdir(parents=True)
    (settings.program_tables / "program.parquet").write_bytes(b"rates")
    with_programs = runs.calculation_id(settings, day)
    assert with_programs != first
    receipt(settings, 2, "north_pos", "b.csv", b"2")
    assert runs.calculation_id(settings, day) not in (first, with_programs)


def test_the_run_context_is_written_and_read_back(settings: Settings) -> None:
    for number, kind, month, known in (
        (1, "accrual", "2017-04", 11),
        (2, "settlement", "2017-04", 11),
        (3, "accrual", "2017-05", 17),
        (4, "settlement", "2017-05", 17),
    ):
        folder = settings.ledger / f"{number:06}_{kind}_{month}"
        folder.mkdir(parents=True)
        said = {"batch_number": number, "accounting_month": month, "file_sequence": known}
        (folder / "manifest.json").write_text(json.dumps(said))
    made = runs.context_of(settings, "2017-05", "")
    assert made.posted_file_sequence == 11  # the month's own batch does not count: a re-run is the same run
    assert runs.context_of(settings, "2017-06", "").posted_file_sequence == 17
    assert runs.context_of(settings, "2017-04", "").posted_file_sequence == 0
    runs.write_run_context(settings, made)
    assert runs.read_run_context(settings) == made
    before = settings.run_context.read_bytes()
    runs.write_run_context(settings, made)
    assert settings.run_context.read_bytes() == before


def test_no_run_yet_is_said(settings: Settings) -> None:
    with pytest.raises(RunError, match="no run yet"):
        runs.read_run_context(settings)


# --- the data folder ------------------------------------------------------------------------


def test_arrivals_are_contents_that_were_not_received(settings: Settings) -> None:
    assert runs.arrivals(settings) == []
    receipt(settings, 1, "north_pos", "a.csv", b"1")
    folder = settings.landing / "north_pos"
    (folder / "same_again.csv").write_bytes(b"1")
    (folder / ".hidden").write_bytes(b"x")
    (folder / "half.part").write_bytes(b"x")
    (folder / "half.tmp").write_bytes(b"x")
    assert runs.arrivals(settings) == []
    (folder / "new.csv").write_bytes(b"2")
    (settings.landing / "erp_invoices").mkdir()
    (settings.landing / "erp_invoices" / "same_elsewhere.csv").write_bytes(b"1")
    assert [(source, name) for source, name, _ in runs.arrivals(settings)] == [
        ("erp_invoices", "same_elsewhere.csv"),
        ("north_pos", "new.csv"),
    ]


def test_a_file_that_was_overwritten_arrives_again(settings: Settings) -> None:
    receipt(settings, 1, "north_pos", "a.csv", b"1")
    (settings.landing / "north_pos" / "a.csv").write_bytes(b"2")
    later = (settings.landing / ".receipts" / "000001.json").stat().st_mtime + 10
    os.utime(settings.landing / "north_pos" / "a.csv", (later, later))
    assert [name for _, name, _ in runs.arrivals(settings)] == ["a.csv"]


def test_a_file_that_was_overwritten_by_an_older_one_arrives_again(settings: Settings) -> None:
    receipt(settings, 1, "north_pos", "a.csv", b"1")
    (settings.landing / "north_pos" / "a.csv").write_bytes(b"2")
    os.utime(settings.landing / "north_pos" / "a.csv", (1, 1))  # as a copy that keeps times does
    assert [name for _, name, _ in runs.arrivals(settings)] == ["a.csv"]


def test_set_up_turns_telemetry_off_and_can_be_repeated(settings: Settings) -> None:
    runs.set_up(settings)
    runs.set_up(settings)
    assert "telemetry:\n  enabled: false" in (settings.dagster_home / "dagster.yaml").read_text()


def test_clean_keeps_what_cannot_be_rebuilt(settings: Settings) -> None:
    runs.set_up(settings)
    for folder in (settings.landing, settings.ledger, settings.raw, settings.published):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "file").write_text("x")
    settings.warehouse.write_text("x")
    runs.clean(settings)
    assert sorted(path.name for path in settings.data.iterdir()) == ["landing", "ledger"]
    assert (settings.landing / "file").is_file()
    assert (settings.ledger / "file").is_file()


def test_a_second_run_waits_and_gives_up(settings: Settings) -> None:
    said: list[str] = []
    with (
        runs.alone(settings, wait_seconds=0, waiting=said.append),
        pytest.raises(RunError, match="another run is at work"),
        runs.alone(settings, wait_seconds=0.3, waiting=said.append),
    ):
        pass
    assert len(said) == 1
    with runs.alone(settings, wait_seconds=0, waiting=said.append):
        assert len(said) == 1


def test_a_run_that_was_killed_holds_nothing(settings: Settings, tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:  # dies without leaving the block
        with runs.alone(settings, wait_seconds=0, waiting=print):
            os._exit(0)
    os.waitpid(child, 0)
    with runs.alone(settings, wait_seconds=0, waiting=print):
        pass
