"""Releases of sales held for stock, and rows on which no money hangs."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration import intake, stock_holds
from orchestration.settings import Settings
from orchestration.stock_holds import Hold
from orchestration.validation import validate, worklist
from tests.unit.test_validation_verdicts import Raw, lines
from tests.unit.test_validation_verdicts import judged_masters as judged_masters
from tests.unit.test_validation_verdicts import raw as raw

HOLDS = [
    Hold("D-2", product, "2017-02", "closing_differs", Decimal(30), "USD", 1, Decimal(80), None)
    for product in ("P-1", "P-2")
]
DAY = datetime.date(2017, 3, 20)


def test_a_release_lands_as_a_file_that_intake_reads(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", memory_limit="1GB")
    names = [hold.name for hold in HOLDS]
    first = stock_holds.release(settings, HOLDS, names[:1], by=" maria ", comment="invoice\nseen, twice", on=DAY)
    second = stock_holds.release(settings, HOLDS, names, by="maria", comment="all", on=DAY)
    assert (first, second) == ("release_000001.csv", "release_000002.csv")
    assert sorted(path.name for path in (settings.landing / "stock_releases").iterdir()) == [first, second]
    assert intake.take_in(settings).totals["new_rows"] == 3
    found = duckdb.sql(
        "SELECT distributor_id, product_id, month_id, decision, decided_by, decided_on, comment"
        f" FROM read_parquet('{settings.raw}/stock_release/0*.parquet') ORDER BY file_sequence, row_number LIMIT 1"
    ).fetchall()
    assert found == [("D-2", "P-1", "2017-02", "released", "maria", DAY, "invoice seen, twice")]


def test_releases_that_are_refused(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", memory_limit="1GB")
    with pytest.raises(stock_holds.ReleaseError, match="stock:D-9:P-1:2017-02: not held"):
        stock_holds.release(settings, HOLDS, ["stock:D-9:P-1:2017-02"], by="a", comment="b", on=DAY)
    with pytest.raises(stock_holds.ReleaseError, match="who decided"):
        stock_holds.release(settings, HOLDS, [HOLDS[0].name], by="a", comment=" ", on=DAY)
    assert not (settings.landing / "stock_releases").exists()
    assert stock_holds.held(lambda sql: None) == []


def test_no_money_hangs_on_a_row_that_repeats_another(settings: Settings, raw: Raw) -> None:
    raw.file("line", *lines({}, {"unit": "BX"}), *lines({}))
    validate(settings)
    items = worklist.open_rows(settings, {("R-1", "USD"): Decimal("0.02")})
    assert [(item.name, item.rules, item.amount, item.rebate) for item in items] == [
        ("7:3", ("unit_not_convertible",), Decimal("5.58"), Decimal("0.11")),
        ("7:4", ("duplicate_row",), Decimal(0), Decimal(0)),
    ]


def test_a_replacement_report_takes_all_older_rows_of_its_partner_and_month_off_the_list(
    settings: Settings, raw: Raw
) -> None:
    raw.file("line", *lines({"unit": "BX"}, {"unit": "BX", "document_date": datetime.date(2017, 2, 3)}))
    raw.file("line", {"document_number": "9", "record_intent": "replacement"})
    validate(settings)
    assert [item.name for item in worklist.open_rows(settings)] == ["7:3"]
