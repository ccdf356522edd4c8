"""The checks between the rooms, on a small warehouse: what does not tie is not published."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import books, publish, runs, stages
from orchestration.settings import Settings
from orchestration.warehouse import connect, in_memory

MONTH = "2017-06"
MARTS = ("fct_line", "fct_liability_rollforward", "fct_posting", "rpt_file")

TABLES = """
    create table fct_line as select 'L1' as line_key, date '2017-06-30' as document_date;
    create table fct_posting as
        select 'E1' as entry_id, 1 as journal_line, 'US01' as legal_entity, 'USD' as currency, 'P@1' as program_key,
               'accrued_rebates' as account_role, 0.00::decimal(18,4) as debit, 5.00::decimal(18,4) as credit
        union all select 'E1', 2, 'US01', 'USD', 'P@1', 'contra_revenue', 5.00, 0.00;
    create table fct_liability_rollforward as
        select 'US01' as legal_entity, 'USD' as currency, 'P@1' as program_key, '2017-06' as accounting_month,
               5.00::decimal(18,4) as closing;
    create table rpt_file as
        select 1 as file_sequence, 'a.csv' as file_name, 10 as rows_in, 7 as rows_accepted, 1 as rows_held,
               2 as rows_quarantined;
"""


@pytest.fixture
def house(settings: Settings) -> Settings:
    """A data folder whose figures tie."""
    books.prepare(settings)
    runs.write_run_context(settings, runs.RunContext(date(2017, 6, 30), MONTH, "0" * 64, 0))
    (settings.raw / "file").mkdir(parents=True)
    with connect(settings) as connection:
        connection.execute(TABLES)
        connection.execute(
            "copy (select 'north_pos' as source, 'line' as entity, 1 as file_sequence, 'a.csv' as file_name,"
            " 10::bigint as rows_in, 'read' as status, null::varchar as error)"
            f" to '{settings.raw}/file/000001_x.parquet' (format parquet)"
        )
    return settings


def change(settings: Settings, sql: str) -> None:
    with connect(settings) as connection:
        connection.execute(sql)


def problems(settings: Settings) -> dict[str, list[str]]:
    return {name: found for name, found in stages.reconcile(settings, MARTS, MONTH).items() if found}


def test_what_ties_has_no_problem(house: Settings) -> None:
    assert problems(house) == {}


@pytest.mark.parametrize(
    ("sql", "check", "says"),
    [
        ("drop table fct_line", "promised_tables", "fct_line is missing"),
        (
            "update rpt_file set rows_held = 0",
            "rows_accounted_for",
            "file 1 (a.csv): 10 rows read, 9 accounted for",
        ),
        ("delete from rpt_file", "rows_accounted_for", "file 1 (a.csv): 10 rows read, None accounted for"),
        (
            "update fct_posting set debit = 4 where journal_line = 2",
            "books_tie",
            "entry E1: debit 4.0000, credit 5.0000",
        ),
        (
            "update fct_liability_rollforward set closing = 4.99",
            "books_tie",
            "US01 USD P@1: posted 5.0000, the roll-forward closes with 4.9900",
        ),
        (
            "delete from fct_liability_rollforward",
            "books_tie",
            "US01 USD P@1: posted 5.0000, the roll-forward closes with 0.0000",
        ),
        (
            "update fct_line set document_date = date '2017-07-01'",
            "this_run",
            "fct_line has a line of 2017-07-01, after the as-of date 2017-06-30",
        ),
    ],
)
def test_each_check_sees_what_it_is_for(house: Settings, sql: str, check: str, says: str) -> None:
    change(house, sql)
    assert problems(house) == {check: [says]}


def test_a_table_that_dbt_left_from_another_month_is_seen(house: Settings) -> None:
    runs.write_run_context(house, runs.RunContext(date(2017, 5, 31), "2017-05", "0" * 64, 0))
    assert "the run context is of 2017-05, the run of 2017-06" in problems(house)["this_run"]


def test_a_damaged_ledger_is_seen(house: Settings) -> None:
    folder = house.ledger / "000001_accrual_2017-06"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    assert "ledger_whole" in problems(house)


def manifest() -> dict[str, Any]:
    keys = {
        "fct_line": ["line_key"],
        "fct_posting": ["entry_id", "journal_line"],
        "fct_liability_rollforward": ["legal_entity", "currency", "program_key", "accounting_month"],
        "rpt_file": ["file_sequence"],
    }
    return {
        "nodes": {
            name: {
                "name": name,
                "resource_type": "model",
                "fqn": ["rebates", "marts", name],
                "config": {"meta": {"grain": key}},
            }
            for name, key in keys.items()
        }
    }


@pytest.fixture
def no_calculation(monkeypatch: pytest.MonkeyPatch) -> None:
    """No calculation is published beside the marts: no models built this warehouse."""
    monkeypatch.setattr(publish.calculation, "export", lambda *_: None)


def materialize(settings: Settings) -> dg.ExecuteInProcessResult:
    assets = stages.publish(settings, manifest())
    return dg.materialize(
        assets,
        selection=dg.AssetSelection.assets(*assets) - dg.AssetSelection.assets("model_docs"),  # no dbt ran here
        partition_key=MONTH,
        resources={"house": settings},
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
    )


def current(settings: Settings) -> str | None:
    path = settings.published / "snapshot" / "CURRENT"
    return path.read_text() if path.is_file() else None


@pytest.mark.usefixtures("no_calculation")
def test_what_ties_is_published(house: Settings) -> None:
    result = materialize(house)
    assert result.success
    assert all(check.passed for check in result.get_asset_check_evaluations())
    with publish.open_snapshot(house) as snapshot:
        assert snapshot.execute("select count(*) from fct_posting").fetchall() == [(2,)]


@pytest.mark.usefixtures("no_calculation")
def test_what_does_not_tie_is_not_published_and_the_last_version_stays(house: Settings) -> None:
    assert materialize(house).success
    before = current(house)
    change(house, "update fct_posting set debit = 4 where journal_line = 2")
    result = materialize(house)
    assert not result.success
    assert {check.check_name for check in result.get_asset_check_evaluations() if not check.passed} == {"books_tie"}
    ran = {event.step_key for event in result.all_events if event.event_type_value == "STEP_START"}
    assert ran == {"reconciliation"}
    assert current(house) == before


# --- validation -----------------------------------------------------------------------------


def rule(status: str, severity: str = "reject", failed: int = 2, **changes: Any) -> dict[str, Any]:
    row = {
        "rule_id": "negative_price",
        "severity": severity,
        "status": status,
        "source": "north_pos",
        "file_sequence": 4,
        "rows_evaluated": 10,
        "rows_failed": failed,
        "message": "the price is below zero",
        "samples": json.dumps([{"row_number": 7, "value": "-1.5 | x"}]),
    }
    return {**row, **changes}


def outcome(*rows: dict[str, Any]) -> dg.AssetCheckResult:
    spec = dg.AssetCheckSpec("segments_every_line", asset=dg.AssetKey(["accepted", "line"]))
    return stages.suite_result(spec, rows)


def test_a_suite_whose_rows_fail_warns_and_shows_them() -> None:
    result = outcome(rule("passed", failed=0), rule("failed"))
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    shown = result.metadata["failed rows"].value
    assert "| negative_price | north_pos | 4 | 7 | -1.5 \\| x |" in str(shown)
    assert result.metadata["rows failed"].value == 2


def test_a_suite_that_could_not_be_judged_is_an_error_unless_it_only_warns() -> None:
    assert outcome(rule("error")).severity == dg.AssetCheckSeverity.ERROR
    assert outcome(rule("error", severity="warn")).severity == dg.AssetCheckSeverity.WARN
    assert outcome(rule("passed", failed=0), rule("no_rows", failed=0)).passed


def test_a_suite_without_rows_says_so_and_hides_no_error() -> None:
    def nothing(*rows: dict[str, Any]) -> tuple[bool, object]:
        result = outcome(*rows)
        return result.passed, result.metadata[stages.JUDGED_NOTHING].value

    assert nothing() == (False, True)
    assert nothing(rule("no_rows", failed=0, rows_evaluated=0)) == (False, True)
    assert nothing(rule("error", rows_evaluated=0)) == (False, False)
    assert nothing(rule("failed")) == (False, False)


def test_a_long_list_says_how_many_there_are() -> None:
    text = stages.markdown(("a",), [(number,) for number in range(30)], limit=3).value
    assert str(text).splitlines()[-1] == "3 of 30"
    assert stages.markdown(("a",), []).value == "none"


def test_rows_without_a_verdict_are_named(settings: Settings) -> None:
    def write(folder: Path, name: str, sql: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with in_memory(settings) as connection:
            connection.execute(f"copy ({sql}) to '{folder}/{name}.parquet' (format parquet)")

    from orchestration.contract import ENTITIES

    empty = "select 0::integer as file_sequence, 0::integer as row_number where false"
    for entity in ENTITIES:
        write(settings.accepted / entity, "_schema", empty)
        write(settings.quarantine / entity, "_schema", empty)
    write(settings.raw / "file", "000001", "select 1 as file_sequence, 'a.csv' as file_name, 3::bigint as rows_in")
    write(settings.raw / "file", "000002", "select 2 as file_sequence, 'b.csv' as file_name, 1::bigint as rows_in")
    write(settings.accepted / "line", "000001", "select 1::integer as file_sequence, unnest([2, 3]) as row_number")
    write(settings.quarantine / "line", "000001", "select 1::integer as file_sequence, 3 as row_number")
    write(settings.accepted / "line", "000002", "select 2::integer as file_sequence, 2 as row_number")
    assert stages.unaccounted(settings) == ["file 1 (a.csv): 3 rows read, 3 with a verdict, 2 of them different rows"]
    write(settings.quarantine / "line", "000001", "select 1::integer as file_sequence, 4 as row_number")
    assert stages.unaccounted(settings) == []


def test_the_day_of_receipt_is_the_given_one_else_the_as_of_date() -> None:
    of_run = {"ops": {"run_context": {"config": {"as_of": "2017-02-14"}}}}
    assert stages.received_on("", None, {}) is None
    assert stages.received_on("2017-02-03", None, {}) == date(2017, 2, 3)
    assert stages.received_on("", "2017-02", {}) == date(2017, 2, 28)
    assert stages.received_on("", "2017-02", of_run) == date(2017, 2, 14)
    with pytest.raises(runs.RunError, match="received_on 'soon': expected YYYY-MM-DD"):
        stages.received_on("soon", None, {})
