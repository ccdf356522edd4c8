"""The whole chain on the sample company: two months closed by the very jobs, then what must hold.

The tests stand on one data folder and in order: each says what it leaves behind.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest

from orchestration import books, execute, intake, publish, runs, sample, stages
from orchestration.settings import Settings
from tests.property.compare import differences
from tests.reference.calculate import calculate
from tests.warehouse import Built, inputs_of

JANUARY, FEBRUARY = "2017-01", "2017-02"


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by relative path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def published(settings: Settings) -> dict[str, str]:
    """What has left the house: the ERP files and the current snapshot (an older one is kept for its readers)."""
    current = (settings.published / "snapshot" / "CURRENT").read_text().strip()
    found = hashes(settings.published / "erp")
    return found | {f"snapshot/{current}/{k}": v for k, v in hashes(settings.published / "snapshot" / current).items()}


def run(settings: Settings, job: str, month: str, as_of: str | None = None) -> execute.Outcome:
    return execute.execute(settings, job, month=month, as_of=as_of, tell=lambda happening: None)


def query(settings: Settings, sql: str) -> list[dict[str, Any]]:
    return publish.query(settings, sql).to_pylist()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """January delivered and closed, February delivered and closed."""
    settings = Settings(data=tmp_path_factory.mktemp("company") / "data", memory_limit="1GB")
    for month, through in ((JANUARY, date(2017, 2, 5)), (FEBRUARY, date(2017, 3, 5))):
        sample.deliver(settings, through)
        outcome = run(settings, "close", month)
        assert outcome.failure is None, outcome.failure
    return settings


def test_every_row_of_every_file_has_a_verdict(data: Settings) -> None:
    files = query(data, "select * from rpt_file")
    assert len(files) == len(list((data.landing / ".receipts").glob("*.json")))
    assert all(f["rows_in"] == f["rows_accepted"] + f["rows_held"] + f["rows_quarantined"] for f in files)
    assert sum(f["rows_quarantined"] for f in files) > 0
    assert sum(f["rows_held"] for f in files) > 0
    reasons = {r["rules_failed"] for r in query(data, "select distinct rules_failed from rpt_quarantined_line")}
    assert {"duplicate_row", "unknown_product", "negative_price"} <= reasons


def test_the_checks_of_the_suites_lead_to_the_docs_of_the_last_close(data: Settings) -> None:
    docs = data.published / "data_docs"
    assert (docs / "latest").resolve().name == runs.read_run_context(data).calculation_id
    assert len([path for path in docs.iterdir() if not path.is_symlink()]) == 2
    links = [
        str(spec.metadata[stages.PAGE].value)
        for spec in stages.validation(data).check_specs
        if spec.name != "every_row_has_a_verdict"
    ]
    assert links
    assert all(Path(url2pathname(urlparse(link).path)).is_file() for link in links)


def test_figures_equal_the_independent_calculator(data: Settings) -> None:
    results = calculate(inputs_of(data))
    found = differences(Built(data), results)
    assert {name: texts[:5] for name, texts in found.items() if texts} == {}
    assert len({row["program_key"] for row in query(data, "select program_key from fct_payout")}) >= 8


def test_the_books_tie(data: Settings) -> None:
    rows = query(data, "select * from fct_liability_rollforward order by program_key, accounting_month")
    assert {row["accounting_month"] for row in rows} == {JANUARY, FEBRUARY}
    closing: dict[str, Decimal] = {}
    for row in rows:
        assert row["opening"] == closing.get(row["program_key"], Decimal(0))
        moved = row["accrued"] + row["true_ups"] + row["currency_effect"] - row["settled"] - row["written_off"]
        assert row["opening"] + moved == row["closing"]
        assert row["unposted"] == 0
        closing[row["program_key"]] = row["closing"]
    [earned] = query(data, "select sum(amount) as amount from fct_payout where is_payable")
    [settled] = query(data, "select sum(amount) as amount from fct_payment")
    assert settled["amount"] > 0
    assert earned["amount"] == sum(closing.values()) + settled["amount"]
    [lines] = query(data, "select sum(amount) as amount from fct_line_rebate")
    [payouts] = query(data, "select sum(amount) as amount from fct_payout")
    assert lines == payouts


def test_february_posted_only_the_difference(data: Settings) -> None:
    [row] = query(
        data,
        """select sum(credit - debit) filter (accounting_month = '2017-01') as january,
                  sum(credit - debit) filter (accounting_month = '2017-02') as february
           from fct_posting where batch_kind = 'accrual' and account_role = 'accrued_rebates'""",
    )
    [earned] = query(data, "select sum(amount) as amount from fct_payout where is_payable")
    assert row["january"] > 0
    assert row["january"] + row["february"] == earned["amount"]


def test_every_cent_leads_to_a_row_of_a_file(data: Settings) -> None:
    [row] = query(
        data,
        """select p.payment_id, p.amount as payment, l.program_key, l.period_id, r.amount, r.file_hash, r.row_number,
                  f.file_name, f.net_amount
           from fct_payment as p
           inner join fct_payment_line as l using (payment_id)
           inner join fct_payout as o
               on o.program_key = l.program_key and o.payee_id = l.payee_id and o.period_id = l.period_id
           inner join fct_line_rebate as r on r.payout_id = o.payout_id and r.payee_id = o.payee_id
           inner join fct_line as f using (line_key)
           where f.source = 'erp_invoices' and f.document_type = 'invoice'
           order by p.payment_id, r.line_key limit 1""",
    )
    store = data.landing / ".store" / row["file_hash"]
    assert hashlib.sha256(store.read_bytes()).hexdigest() == row["file_hash"]
    text = store.read_text(encoding="utf-8").splitlines()[row["row_number"] - 1]
    assert f"{row['net_amount'].normalize():f}" in text or f"{row['net_amount']:.2f}" in text


def test_closing_again_posts_nothing_and_changes_no_byte(data: Settings) -> None:
    ledger, before = hashes(data.ledger), published(data)
    outcome = run(data, "close", FEBRUARY)
    assert outcome.failure is None
    assert not outcome.made["accrual_batch"]["posted now"]
    assert not outcome.made["settlement_batch"]["posted now"]
    assert hashes(data.ledger) == ledger
    assert published(data) == before


def test_rebuilt_from_landing_and_ledger_to_the_same_bytes(data: Settings) -> None:
    before = published(data)
    gone = runs.clean(data)
    assert {path.name for path in data.data.iterdir()} == {"landing", "ledger", runs.RUN_LOCK}
    assert data.published in gone
    outcome = run(data, "close", FEBRUARY)
    assert outcome.failure is None
    assert published(data) == before


@pytest.mark.slow
def test_a_run_as_of_a_date_posts_nothing(data: Settings) -> None:
    ledger = hashes(data.ledger)
    sample.deliver(data, date(2017, 4, 5))
    outcome = run(data, "refresh", "2017-03", "2017-03-15")
    assert outcome.failure is None
    assert hashes(data.ledger) == ledger
    [row] = query(data, "select max(document_date) as last from fct_line")
    assert row["last"] == date(2017, 3, 15)
    [row] = query(data, "select sum(unposted) as amount from fct_liability where accounting_month = '2017-03'")
    assert row["amount"] > 0


@pytest.fixture
def broken(data: Settings, tmp_path: Path) -> Settings:
    """The same company with a model that loses a cent on its way to the lines."""
    project = tmp_path / "dbt_project"
    shutil.copytree(data.dbt_project, project)
    (tmp_path / "seeds").symlink_to(data.reference.parent)
    model = project / "models" / "intermediate" / "int_line_part.sql"
    text = model.read_text()
    assert "as amount" in text
    model.write_text(text.replace("as amount", "+ case when row_number() over () = 1 then 0.01 else 0 end as amount"))
    return replace(data, dbt_project=project)


@pytest.mark.slow
def test_a_broken_tie_stops_posting_and_publication(data: Settings, broken: Settings) -> None:
    ledger, before = hashes(data.ledger), published(data)
    outcome = run(broken, "close", "2017-03")
    assert outcome.failure is not None
    assert "tie_lines_to_payout" in " ".join(outcome.failure.reasons)
    assert hashes(data.ledger) == ledger
    assert published(data) == before
    assert books.closed_months(data) == {JANUARY, FEBRUARY}


def test_the_same_files_again_are_known(data: Settings) -> None:
    copy = data.landing / "erp_invoices" / "invoices_2017-01_once_more.csv"
    shutil.copy(data.landing / "erp_invoices" / "invoices_2017-01.csv", copy)
    raw = hashes(data.raw)
    report = intake.take_in(data)
    assert report.totals["new"] == 0
    assert hashes(data.raw) == raw
