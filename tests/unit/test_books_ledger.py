"""The ledger: batches once and whole, the chain, the lock, and which month may be closed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from orchestration import books
from orchestration.books import chain, ledger
from orchestration.settings import Settings
from tests.unit.test_books_journal import accounts, context, differences, due


def render(folder: Path, facts: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
    (folder / "erp").mkdir()
    (folder / "erp" / "journal.csv").write_text(f"{facts['batch']} {tables['posting'].num_rows}\n")


def accrue(settings: Settings, month: str = "2017-06", *rows: dict[str, Any], **changes: Any) -> books.Batch:
    return books.post_accruals(settings, context(month), differences(*rows), accounts(), changes.get("render", render))


def settle(settings: Settings, month: str = "2017-06", *rows: dict[str, Any]) -> books.Batch:
    return books.post_settlements(settings, context(month), due(*rows), accounts(), render)


def close(settings: Settings, month: str) -> None:
    accrue(settings, month)
    settle(settings, month)


@pytest.fixture
def three(settings: Settings) -> Settings:
    """June closed, July's accrual posted."""
    books.prepare(settings)
    accrue(settings, "2017-06", {"accrued": "100.00"})
    settle(settings, "2017-06", {"earned": "40.00"})
    accrue(settings, "2017-07", {"accrued": "90.00", "posted": "100.00"})
    return settings


def test_a_posted_version_whose_terms_differ_or_are_gone_is_named(settings: Settings) -> None:
    books.prepare(settings)
    rows = differences({"accrued": "100.00"})
    key = rows["program_key"][0].as_py()
    batch = books.post_accruals(settings, context(terms={key: "a", "other@1": "b"}), rows, accounts(), render)
    assert batch.manifest.terms == {key: "a"}
    assert books.changed_terms(settings, {key: "a", "new@1": "c"}) == []
    assert books.changed_terms(settings, {key: "z"}) == [
        f"{key} was posted in 000001_accrual_2017-06, but its document was changed: a change is a new version"
    ]
    assert books.changed_terms(settings, {}) == [
        f"{key} was posted in 000001_accrual_2017-06, but its document is gone or refused"
    ]


def test_an_empty_ledger_can_be_read_by_glob(settings: Settings) -> None:
    books.prepare(settings)
    books.prepare(settings)
    for table, schema in ledger.SCHEMAS.items():
        glob = str(settings.ledger / "*" / f"{table}.parquet")
        read = duckdb.connect().sql(f"from read_parquet('{glob}')")
        assert (read.columns, len(read.fetchall())) == (schema.names, 0)
        assert books.read(settings, table).schema.equals(schema)
    assert books.verify(settings) == []
    assert books.closed_months(settings) == set()


def test_batches_are_written_whole_and_chained(three: Settings) -> None:
    first, second, third = books.verify(three)
    assert [m.name for m in (first, second, third)] == [
        "000001_accrual_2017-06",
        "000002_settlement_2017-06",
        "000003_accrual_2017-07",
    ]
    assert second.previous_batch == first.name
    assert third.previous_manifest_hash == chain.sha256(three.ledger / second.name / "manifest.json")
    assert set(second.files) == {"erp/journal.csv", "posting.parquet", "payment.parquet", "payment_line.parquet"}
    assert second.totals == [{"legal_entity": "US01", "currency": "USD", "debit": "40.0000", "credit": "40.0000"}]
    assert second.rows == {"posting": 2, "payment": 1, "payment_line": 1}
    assert (first.program_keys, first.run_id, first.file_sequence) == (["growth@1"], "run", 9)
    assert "run_id" not in first.facts()
    assert books.read(three, "posting").num_rows == 6
    assert books.read(three, "payment")["amount"].to_pylist()[0] == 40
    assert list((three.ledger / ".new").iterdir()) == []
    glob = str(three.ledger / "*" / "posting.parquet")
    assert duckdb.connect().execute(f"select sum(debit - credit) from read_parquet('{glob}')").fetchone() == (0,)
    with pytest.raises(books.LedgerError, match="unknown ledger table claims: expected one of posting"):
        books.read(three, "claims")


def test_posting_again_changes_nothing(three: Settings) -> None:
    before = {path: path.read_bytes() for path in three.ledger.rglob("*") if path.is_file()}
    again = accrue(three, "2017-06", {"accrued": "999.00"})
    assert not again.new
    assert again.folder.name == "000001_accrual_2017-06"
    assert again.tables["posting"]["debit"].to_pylist()[0] == 100
    assert not settle(three, "2017-06", {"earned": "999.00"}).new
    assert {path: path.read_bytes() for path in three.ledger.rglob("*") if path.is_file()} == before


def test_the_next_month_posts_the_difference_only(three: Settings) -> None:
    posting = books.read(three, "posting")
    july = [row for row in posting.to_pylist() if row["accounting_month"] == "2017-07"]
    assert [(row["account_role"], row["debit"], row["credit"]) for row in july] == [
        ("accrued_rebates", 10, 0),
        ("contra_revenue", 0, 10),
    ]
    with pytest.raises(books.LedgerError, match=r"settled_to_date is not .* 0.0000, 40.0000"):
        settle(three, "2017-07", {"earned": "40.00"})  # a warehouse from before June's settlement
    batch = settle(three, "2017-07", {"earned": "90.00", "settled": "40.00"})
    assert batch.tables["payment"]["amount"].to_pylist() == [50]


def test_the_same_inputs_give_the_same_bytes(three: Settings, tmp_path: Path) -> None:
    other = Settings(data=tmp_path / "other")
    accrue(other, "2017-06", {"accrued": "100.00"})
    name = "000001_accrual_2017-06"
    for path in (three.ledger / name).rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (other.ledger / name / path.relative_to(three.ledger / name)).read_bytes()


def test_months_are_closed_in_order(settings: Settings) -> None:
    assert books.open_for_close(settings, "2017-06") == "open"
    accrue(settings, "2017-06")
    assert books.closed_months(settings) == set()
    assert books.open_for_close(settings, "2017-06") == "open"
    with pytest.raises(books.LedgerError, match="the close of 2017-06 is not finished"):
        books.open_for_close(settings, "2017-07")
    settle(settings, "2017-06")
    assert books.closed_months(settings) == {"2017-06"}  # by empty batches
    assert books.open_for_close(settings, "2017-06") == "closed"
    assert books.open_for_close(settings, "2017-07") == "open"
    with pytest.raises(books.LedgerError, match="2017-08 cannot be closed yet: 2017-07 is next"):
        accrue(settings, "2017-08")
    with pytest.raises(books.LedgerError, match="what came late is posted in 2017-07"):
        books.open_for_close(settings, "2017-05")
    with pytest.raises(books.LedgerError, match="post its accrual batch before its settlement"):
        settle(settings, "2017-07")
    assert len(books.verify(settings)) == 2


def test_december_is_followed_by_january(settings: Settings) -> None:
    close(settings, "2017-12")
    assert books.open_for_close(settings, "2018-01") == "open"
    close(settings, "2018-01")
    assert books.closed_months(settings) == {"2017-12", "2018-01"}


def edit_manifest(folder: Path, **values: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values, indent=2) + "\n")


def test_every_kind_of_damage_is_found_and_named(three: Settings, tmp_path: Path) -> None:
    intact = tmp_path / "intact"
    shutil.copytree(three.ledger, intact)
    first, second, third = (three.ledger / manifest.name for manifest in books.verify(three))
    damages = {
        r"000001_accrual_2017-06: file erp/journal.csv was changed": lambda: (first / "erp/journal.csv").write_text(
            "x"
        ),
        r"000002_\w+_2017-06: file payment.parquet is missing": lambda: (second / "payment.parquet").unlink(),
        r"000002_\w+_2017-06: file extra is not in its manifest": lambda: (second / "extra").write_text("x"),
        r"batch 000001 is missing: the next one is 000002": lambda: shutil.rmtree(first),
        r"batch 000002 is missing: the next one is 000003": lambda: shutil.rmtree(second),
        r"batch 000003_accrual_2017-07 is missing": lambda: shutil.rmtree(third),
        r"000002_\w+_2017-06: it follows 000001": lambda: edit_manifest(first, run_id="another"),
        r"000003_accrual_2017-07: manifest.json was changed": lambda: edit_manifest(third, run_id="another"),
        r"000001_accrual_2017-06: manifest.json is missing": lambda: (first / "manifest.json").unlink(),
        r"000001_accrual_2017-06: manifest.json lacks or has unknown who": lambda: edit_manifest(first, who="me"),
        r"000003_accrual_2017-07: its manifest says 000003_accrual_2017-08": lambda: edit_manifest(
            third, accounting_month="2017-08"
        ),
        r"not a batch: ledger/copy": lambda: shutil.copytree(first, three.ledger / "copy"),
        r"ledger/HEAD is missing; it should name 000003": lambda: (three.ledger / "HEAD").unlink(),
    }
    for message, damage in damages.items():
        damage()
        with pytest.raises(books.LedgerError, match=message):
            books.verify(three)
        with pytest.raises(books.LedgerError, match=message):
            settle(three, "2017-07")  # nothing is posted on a damaged ledger
        shutil.rmtree(three.ledger)
        shutil.copytree(intact, three.ledger)
    assert len(books.verify(three)) == 3


def test_a_batch_that_breaks_a_rule_is_found_even_with_fitting_hashes(settings: Settings) -> None:
    batch = accrue(settings, "2017-06", {"accrued": "100.00"})
    posting = batch.tables["posting"].slice(0, 1)
    ledger._write_parquet(posting, batch.folder / "posting.parquet")
    edit_manifest(batch.folder, files=chain.hashes(batch.folder), rows={"posting": 1})
    (settings.ledger / "HEAD").unlink()
    with pytest.raises(books.LedgerError, match="000001_accrual_2017-06: debit and credit differ: US01, USD, 100"):
        books.verify(settings)


def fail(*_: object) -> None:
    raise RuntimeError("the printer is on fire")


def test_an_error_while_rendering_leaves_no_batch(settings: Settings) -> None:
    books.prepare(settings)
    with pytest.raises(RuntimeError, match="on fire"):
        accrue(settings, "2017-06", {"accrued": "100.00"}, render=fail)
    assert books.verify(settings) == []
    assert list((settings.ledger / ".new").iterdir()) == []
    assert accrue(settings, "2017-06", {"accrued": "100.00"}).new


def test_a_refused_batch_leaves_nothing(settings: Settings) -> None:
    with pytest.raises(books.LedgerError, match="no account"):
        accrue(settings, "2017-06", {"accrued": "1", "legal_entity": "DE01"})
    assert books.verify(settings) == []


def test_a_crash_before_the_rename_leaves_no_batch(three: Settings) -> None:
    left_over = three.ledger / ".new" / "000004_settlement_2017-07"
    shutil.copytree(three.ledger / "000002_settlement_2017-06", left_over)
    assert len(books.verify(three)) == 3
    assert books.read(three, "payment").num_rows == 1
    batch = settle(three, "2017-07")  # the next post starts from nothing
    assert batch.tables["payment"].num_rows == 0
    shutil.copytree(batch.folder, left_over)
    books.prepare(three)
    assert not left_over.exists()
    assert len(books.verify(three)) == 4


def test_a_crash_between_rename_and_head_is_mended(three: Settings) -> None:
    head = (three.ledger / "HEAD").read_text()
    settle(three, "2017-07")
    newest = (three.ledger / "HEAD").read_text()
    (three.ledger / "HEAD").write_text(head)
    assert len(books.verify(three)) == 4
    assert not settle(three, "2017-07").new
    assert (three.ledger / "HEAD").read_text() == newest


def test_the_first_batch_survives_a_crash_before_head(settings: Settings) -> None:
    accrue(settings, "2017-06")
    (settings.ledger / "HEAD").unlink()
    assert not accrue(settings, "2017-06").new
    assert (settings.ledger / "HEAD").exists()


def test_a_second_closer_is_told_to_wait(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LOCK_WAIT_SECONDS", 0.1)
    with ledger.locked(settings), pytest.raises(books.LedgerError, match="another close is writing the ledger"):
        accrue(settings)
    assert accrue(settings).new  # the lock ends with its holder


def test_a_payment_that_cannot_be_made_is_not_booked_and_stays_due(settings: Settings) -> None:
    books.prepare(settings)
    accrue(settings, "2017-06", {"accrued": "40.00"}, {"payee_id": "R-2", "accrued": "7.00"})
    rows = due({"earned": "40.00"}, {"payee_id": "R-2", "earned": "7.00"})
    reason = {"P-2017-06-R-2-US01-USD-credit_memo": "no bank account", "another payment": "not asked"}

    def unpayable(payments: pa.Table) -> Mapping[str, str]:
        assert payments["payee_id"].to_pylist() == ["R-1", "R-2"]
        return reason

    batch = books.post_settlements(settings, context(), rows, accounts(), render, unpayable=unpayable)
    assert batch.withheld == {"P-2017-06-R-2-US01-USD-credit_memo": "no bank account"}
    assert batch.manifest.rows == {"posting": 2, "payment": 1, "payment_line": 1}
    assert batch.tables["payment_line"]["payee_id"].to_pylist() == ["R-1"]
    # the ledger knows of no payment: next month the payout is due as if nothing had been
    accrue(settings, "2017-07", {"accrued": "40.00", "posted": "40.00"})
    rows = due({"payee_id": "R-2", "earned": "7.00"})
    later = books.post_settlements(settings, context("2017-07"), rows, accounts(), render)
    assert (later.withheld, later.tables["payment"]["payee_id"].to_pylist()) == ({}, ["R-2"])


def test_holding_back_every_payment_leaves_an_empty_batch(settings: Settings) -> None:
    books.prepare(settings)
    accrue(settings, "2017-06", {"accrued": "40.00"})
    rows = due({"earned": "40.00"})
    batch = books.post_settlements(
        settings,
        context(),
        rows,
        accounts(),
        render,
        unpayable=lambda payments: {payments["payment_id"][0].as_py(): "x"},
    )
    assert batch.manifest.rows == {"posting": 0, "payment": 0, "payment_line": 0}
    assert books.closed_months(settings) == {"2017-06"}
