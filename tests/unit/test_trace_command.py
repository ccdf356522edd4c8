"""`rebates trace` as a shell calls it: arguments, exit codes, what is printed where the output is piped."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestration import cli, intake, publish
from orchestration.settings import Settings
from orchestration.warehouse import connect
from tests.marts import Marts, keys
from tests.traced import HASH, LINES, PAYMENT, PAYOUT, fill, write_ledger


@pytest.fixture
def company(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A published snapshot; received files whose rows say their number."""
    monkeypatch.setenv("REBATES_DATA", str(settings.data))
    monkeypatch.setenv("REBATES_MEMORY_LIMIT", settings.memory_limit)
    monkeypatch.setattr(intake, "original_rows", lambda settings, sequence, rows: {row: f"row {row}" for row in rows})
    publish_company(settings)
    return settings


def publish_company(settings: Settings, change: str = "") -> None:
    settings.data.mkdir(parents=True, exist_ok=True)
    settings.warehouse.unlink(missing_ok=True)
    with connect(settings) as connection:
        fill(Marts(connection))
        if change:
            connection.execute(change)
    write_ledger(settings)
    publish.publish_snapshot(settings, sorted(keys()), keys=keys())


def rebates(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, list(arguments))


@pytest.mark.usefixtures("company")
def test_whole_keys_stand_in_one_line_where_the_output_is_piped() -> None:
    result = rebates("trace", "payment", PAYMENT)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    [part] = [line for line in lines if LINES[0] in line and PAYOUT in line]
    assert HASH[1] in part
    assert "✓ payment = its payment lines: 4.00 USD" in lines
    assert lines[-1] == "All 12 sums tie."
    assert "…" not in result.output


@pytest.mark.usefixtures("company")
def test_the_limit_cuts_rows_and_not_sums() -> None:
    result = rebates("trace", "payment", PAYMENT, "--limit", "1")
    assert "Lines and their parts, with the rates used (first 1 of 3)" in result.output
    assert "✓ payee's part = its lines' parts: 4.00 USD (2 compared)" in result.output


def test_files_are_written_where_they_are_asked_for(company: Settings, tmp_path: Path) -> None:
    result = rebates(
        "trace", "row", "march.csv", "2", "--xlsx", str(tmp_path / "t.xlsx"), "--csv", str(tmp_path / "csv")
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "t.xlsx").is_file()
    assert (tmp_path / "csv" / "ties.csv").is_file()


def test_a_trail_that_does_not_tie_is_an_error(company: Settings) -> None:
    publish_company(company, "update fct_payment set amount = 5")
    result = rebates("trace", "line", LINES[0])
    assert result.exit_code == 1
    assert f"✗ payment = its payment lines: 5.00 USD, the parts give 4.00: 1 of 1 differ, for example {PAYMENT}" in (
        result.output
    )
    assert result.output.splitlines()[-1] == "2 of 12 sums do not tie"


def test_a_copy_that_was_altered_is_an_error(company: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def altered(*_: object) -> None:
        raise intake.LandingError("its copy in landing/.store was altered")

    monkeypatch.setattr(intake, "original_rows", altered)
    result = rebates("trace", "payout", PAYOUT)
    assert result.exit_code == 1
    assert "the trail ends in landing/: its copy in landing/.store was altered" in result.output


@pytest.mark.usefixtures("company")
def test_what_is_not_known_is_refused_with_what_is_like_it() -> None:
    result = rebates("trace", "journal", "1-3")
    assert result.exit_code == 2
    assert "no journal line 1-3 in the snapshot; there is\n  1-1" in result.output


def test_nothing_is_written_to_the_data_folder(company: Settings) -> None:
    before = {path: path.stat().st_mtime_ns for path in company.data.rglob("*")}
    assert rebates("trace", "payment", PAYMENT).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in company.data.rglob("*")} == before
