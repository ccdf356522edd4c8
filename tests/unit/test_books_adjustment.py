"""Payments that are reopened: what the books post of them, what they refuse, and that no payout is settled twice."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration import books, warehouse
from orchestration.books.live import check_live, settled
from orchestration.books.tables import MONEY, PAYMENT_LINE, PAYMENT_REVERSAL
from orchestration.settings import Settings
from tests.unit.test_books_journal import accounts, context, differences, due
from tests.unit.test_books_ledger import render

PAYMENT = "P-2017-06-R-1-US01-USD-credit_memo"
KEY = {"payment_id": PAYMENT, "program_key": "growth@1", "program_id": "growth", "payee_id": "R-1"}


def reopen(*rows: dict[str, Any]) -> pa.Table:
    """Rows of int_payment_reopen: ``amount`` as text, the rest with defaults."""
    place = {"period_id": "2017-Q2", "legal_entity": "US01", "currency": "USD", "instrument": "credit_memo"}
    filled = [KEY | place | {"cause": "payment_rejected"} | row | {"amount": Decimal(row["amount"])} for row in rows]
    names = [*KEY, *place, "cause"]
    return pa.Table.from_pylist(filled, pa.schema([*((name, pa.string()) for name in names), ("amount", MONEY)]))


def adjust(settings: Settings, month: str, *rows: dict[str, Any]) -> books.Batch | None:
    return books.post_adjustments(settings, context(month), reopen(*rows), accounts(), render)


@pytest.fixture
def paid(settings: Settings) -> Settings:
    """June closed with one payment of 100, made of 130 and -30."""
    books.prepare(settings)
    periods = [{"accrued": "130"}, {"period_id": "2017-Q1", "accrued": "-30"}]
    books.post_accruals(settings, context(), differences(*periods), accounts(), render)
    rows = due({"earned": "130"}, {"period_id": "2017-Q1", "earned": "-30"})
    books.post_settlements(settings, context(), rows, accounts(), render)
    return settings


def test_a_month_with_nothing_to_adjust_has_no_batch_and_can_be_closed(paid: Settings) -> None:
    assert adjust(paid, "2017-07") is None
    books.post_accruals(paid, context("2017-07"), differences(), accounts(), render)
    books.post_settlements(paid, context("2017-07"), due(), accounts(), render)
    assert books.closed_months(paid) == {"2017-06", "2017-07"}


def test_an_adjustment_comes_first_in_its_month_or_in_the_next(paid: Settings) -> None:
    books.post_accruals(paid, context("2017-07"), differences(), accounts(), render)
    assert adjust(paid, "2017-07", {"amount": "130"}) is None
    books.post_settlements(paid, context("2017-07"), due(), accounts(), render)
    batch = adjust(paid, "2017-08", {"amount": "130"}, {"amount": "-30", "period_id": "2017-Q1"})
    assert batch is not None
    assert batch.manifest.name == "000005_adjustment_2017-08"
    assert books.open_for_close(paid, "2017-08") == "open"


def test_what_was_reopened_is_due_again_and_books_know_it(paid: Settings) -> None:
    adjust(paid, "2017-07", {"amount": "130"}, {"amount": "-30", "period_id": "2017-Q1"})
    books.post_accruals(paid, context("2017-07"), differences(), accounts(), render)
    with pytest.raises(books.LedgerError, match=r"settled_to_date is not what .* 130.0000, 0.0000"):
        books.post_settlements(paid, context("2017-07"), due({"earned": "150", "settled": "130"}), accounts(), render)
    batch = books.post_settlements(paid, context("2017-07"), due({"earned": "150"}), accounts(), render)
    assert batch.tables["payment"]["amount"].to_pylist() == [Decimal(150)]
    assert batch.tables["payment_line"]["settled_before"].to_pylist() == [Decimal(0)]
    books.verify(paid)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"amount": "130.01"}], r"more than what is left .* 130.0100, 130.0000"),
        ([{"amount": "-1"}], "more than what is left"),
        ([{"amount": "30", "period_id": "2017-Q1"}], "more than what is left"),
        ([{"amount": "1", "payment_id": "P-9"}], r"more than what is left .*P-9"),
        ([{"amount": "1"}, {"amount": "2"}], "more than one row"),
        (
            [{"amount": "1"}, {"amount": "-1", "period_id": "2017-Q1", "cause": "payment_returned"}],
            "more than one cause",
        ),
        ([{"amount": "1", "cause": "volume"}], "cause or instrument unknown"),
        ([{"amount": "1", "program_key": None}], "empty value.*program_key"),
    ],
)
def test_what_no_payment_holds_is_not_reopened(paid: Settings, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(books.LedgerError, match=message):
        adjust(paid, "2017-07", *rows)
    assert len(books.verify(paid)) == 2


def test_nothing_is_reopened_twice(paid: Settings) -> None:
    adjust(paid, "2017-07", {"amount": "100"})
    books.post_accruals(paid, context("2017-07"), differences(), accounts(), render)
    books.post_settlements(paid, context("2017-07"), due(), accounts(), render)
    with pytest.raises(books.LedgerError, match=r"more than what is left .* 30.0100, 30.0000"):
        adjust(paid, "2017-08", {"amount": "30.01"})
    assert adjust(paid, "2017-08", {"amount": "30"}) is not None


@pytest.fixture
def connection(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse.in_memory(settings) as opened:
        yield opened


def line(batch: int, amount: str, before: str | None, payment: str = PAYMENT) -> dict[str, Any]:
    known = None if before is None else Decimal(before)
    return KEY | {"payment_id": payment, "period_id": "Q", "batch_number": batch} | {
        "amount": Decimal(amount), "settled_before": known
    }  # fmt: skip


def reversal(batch: int, amount: str, payment: str = PAYMENT) -> dict[str, Any]:
    return KEY | {"payment_id": payment, "period_id": "Q", "batch_number": batch, "amount": Decimal(amount)}


@pytest.mark.parametrize(
    ("lines", "reversals", "message"),
    [
        ([line(2, "10", "0"), line(4, "10", "0", "P-2")], [], r"in two payments.*P-2.*0.0000, 10.0000"),
        ([line(2, "10", "0"), line(4, "10", "10", "P-2")], [], None),
        ([line(2, "10", "0"), line(4, "10", "0", "P-2")], [reversal(3, "10")], None),
        ([line(2, "10", None), line(4, "10", "10", "P-2")], [], None),
        ([line(2, "10", "0"), line(4, "10", "0", "P-2")], [reversal(5, "10")], "in two payments"),
        ([line(2, "10", "0")], [reversal(3, "6"), reversal(5, "5")], r"more is reopened.* 10.0000, 11.0000"),
        ([line(2, "10", "0")], [reversal(3, "-1")], "more is reopened"),
        ([line(2, "10", "0")], [reversal(3, "2"), reversal(5, "-1")], "more is reopened"),
        ([line(2, "-10", "0")], [reversal(3, "-10")], None),
        ([line(4, "10", "0")], [reversal(3, "1")], "more is reopened"),
        ([], [reversal(3, "1")], "more is reopened"),
    ],
)
def test_no_payout_is_in_two_live_payments(
    connection: duckdb.DuckDBPyConnection, lines: list[Any], reversals: list[Any], message: str | None
) -> None:
    tables = pa.Table.from_pylist(lines, PAYMENT_LINE), pa.Table.from_pylist(reversals, PAYMENT_REVERSAL)
    if message is None:
        check_live(connection, *tables)
        live = sum(row["amount"] for row in lines) - sum(row["amount"] for row in reversals)
        assert settled(connection, *tables)["amount"].to_pylist() == [live]
    else:
        with pytest.raises(books.LedgerError, match=message):
            check_live(connection, *tables)


def test_a_ledger_that_pays_twice_does_not_verify(paid: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verification does not rest on the checks before posting: with these switched off it finds a second payment."""
    monkeypatch.setattr("orchestration.books.paying.refuse", lambda *args, **tables: None)
    books.post_accruals(paid, context("2017-07"), differences(), accounts(), render)
    batch = books.post_settlements(paid, context("2017-07"), due({"earned": "130"}), accounts(), render)
    assert pq.ParquetFile(batch.folder / "payment_line.parquet").read().num_rows == 1
    monkeypatch.undo()
    with pytest.raises(books.LedgerError, match="a payout in two payments"):
        books.verify(paid)
