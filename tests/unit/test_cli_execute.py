"""What the command line hears of a run, and that the screen stays quiet."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from orchestration import execute, screen
from orchestration.execute import Failure, Happening, Outcome


def test_what_others_print_goes_to_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "logs" / "run.log"
    with execute.aside(log) as real:
        os.system("echo from a child")
        os.write(2, b"past sys.stderr\n")
        print("to the screen", file=real)
    os.write(1, b"after\n")
    assert log.read_text().splitlines() == ["from a child", "past sys.stderr"]
    seen = capfd.readouterr()
    assert seen.out.splitlines() == ["to the screen", "after"]
    assert seen.err == ""


def error(cls: str, message: str, cause: Any = None) -> Any:
    return SimpleNamespace(cls_name=cls, message=message, cause=cause)


def test_the_innermost_reason_is_told_without_class_names() -> None:
    inner = error("LedgerError", "orchestration.books.tables.LedgerError: 2017-06 cannot be closed: no\n")
    assert execute._plain(error("DagsterExecutionStepExecutionError", "outer", inner)) == "2017-06 cannot be closed: no"
    assert execute._plain(error("ValueError", "ValueError: a: b\n")) == "a: b"
    assert execute._plain(error("KeyError", "no colon")) == "no colon"
    assert execute._plain(None) == "no reason was given"


def shown(width: int = 100) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=width, highlight=False), out


def test_stages_are_told_as_they_begin_and_end() -> None:
    console, out = shown()
    progress = screen.Progress(console)
    progress(Happening("begin", "take_in"))
    progress(Happening("note", "take_in", "north_2017-01.csv: 10 rows"))
    progress(Happening("end", "take_in", "STEP_SUCCESS", 1.25))
    progress(Happening("begin", "calculation"))
    progress(Happening("end", "calculation", "STEP_FAILURE", 2.0))
    lines = out.getvalue().splitlines()
    assert lines[0] == "  … intake: landing files to raw rows"
    assert lines[1].startswith("  ✓ intake")
    assert lines[1].endswith("1.2 s")
    assert lines[3].startswith("  ✗ calculation")


def test_a_failure_names_stage_reason_and_log(tmp_path: Path) -> None:
    console, out = shown(200)
    reasons = ("check failed: tie_rollforward on fct_liability_rollforward", "\n".join(map(str, range(100))))
    outcome = Outcome("close", "2017-06", tmp_path / "close.log", failure=Failure("calculation", reasons))
    screen.failure(console, outcome)
    text = out.getvalue()
    assert "Stopped in calculation: lines to payouts and liability" in text
    assert "tie_rollforward on fct_liability_rollforward" in text
    assert f"Log: {tmp_path / 'close.log'}" in text
    assert len(text.splitlines()) < 25


def test_numbers_are_exact() -> None:
    from decimal import Decimal

    assert screen.money(Decimal("1234567.5000")) == "1,234,567.50"
    assert screen.money(Decimal("0.0050")) == "0.005"
    assert screen.money(Decimal("-3")) == "-3.00"
    assert screen.cell(Decimal("12345678901234567890.1234")) == "12,345,678,901,234,567,890.1234"
    assert screen.cell(True) == "yes"
    assert screen.cell(None) == ""


def test_suites_without_rows_are_told_apart_from_those_that_warn() -> None:
    def check(name: str, passed: bool, **metadata: Any) -> Any:
        values = {key.replace("_", " "): SimpleNamespace(value=value) for key, value in metadata.items()}
        data = SimpleNamespace(
            check_name=name, asset_key=SimpleNamespace(to_user_string=lambda: "accepted/line"), passed=passed,
            severity=SimpleNamespace(value="WARN"), metadata=values, description=None,
        )  # fmt: skip
        return SimpleNamespace(event_type_value="ASSET_CHECK_EVALUATION", asset_check_evaluation_data=data)

    events = [
        check("good", True, judged_nothing=False),
        check("idle", False, judged_nothing=True),
        check("bad", False, judged_nothing=False),
        check("other", False),
    ]
    heard = Outcome("close", "2017-06", Path("log"))
    execute._harvest(SimpleNamespace(all_events=events, success=True), heard)
    assert heard.checks_passed == 1
    assert heard.checks_without_rows == ["idle on accepted/line"]
    assert heard.checks_warned == ["bad on accepted/line", "other on accepted/line"]
