"""The worked examples of docs/data-quality.md and docs/channel-inventory.md, by the real models.

Every figure of the two pages is one here.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration import stock_holds
from orchestration.contract import LINE, NOT_SCORED
from orchestration.settings import REPOSITORY, Settings
from orchestration.warehouse import connect
from tests.golden.document import document, level
from tests.reference.build import line, partner, product
from tests.warehouse import Built, Dict, build

pytestmark = pytest.mark.slow

D = Decimal
AS_OF = date(2017, 4, 30)
SOURCE = {
    "source": "dist_pos",
    "entity": "line",
    "partner_id": "D-1",
    "due_days": 10,
    "zero_after_days": 20,
    "first_month": "2017-01",
    "agreed_fields": "reseller_id|end_customer_id",
}
STOCK = {"source": "d2_stock", "entity": "stock_report", "tolerance_percent": D(2), "tolerance_quantity": D(1)}
RECEIVED = {1: date(2017, 2, 8), 2: date(2017, 2, 20), 3: date(2017, 4, 5)}
MARCH = date(2017, 3, 15)


def sold(number: int, amount: str = "100", *, file: int = 1, day: date = date(2017, 1, 15), **columns: Any) -> Dict:
    row = line(
        str(number), amount, day=day, partner=None, stream="sell_through", distributor_id="D-1", source="dist_pos"
    )
    return row | {"reseller_id": "R-1", "end_customer_id": "H-1", "file_sequence": file, "row_number": number} | columns


def quarantined(number: int, **columns: Any) -> Dict:
    row = sold(number, end_customer_id="H-9", product_id=None) | {
        "verdict": "quarantined",
        "rules_failed": "unknown_product",
        "document_date_text": "2017-01-15",
        "quantity_text": "1",
        "net_amount_text": "100",
        "partner_product_id": "X-1",
    }
    return row | columns


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """January with a late correction and a late row, no report of February, March in time, April not due."""
    lines = [
        *(sold(number) for number in range(1, 8)),
        sold(8, end_customer_id=None),
        sold(9, verdict="held", rules_failed="missing_end_customer"),
        sold(1, "80", file=2),
        sold(11, "50", file=2),
        *(sold(number, file=3, day=MARCH) for number in range(21, 25)),
    ]
    january, february = date(2017, 1, 31), date(2017, 2, 28)
    lines += [
        resold(31, "P-1", 50, january, "erp"),
        resold(32, "P-1", 20, february, "erp"),
        resold(33, "P-1", 60, january),
        resold(34, "P-1", 80, february),
        resold(35, "P-2", 10, february),
    ]
    lines += [of_d3(41, 4), of_d3(42, 5)]
    entities = {
        "line": lines,
        "product": [product("P-1"), product("P-2")],
        "partner": [
            partner("R-1"),
            partner("R-2"),
            partner("D-1", partner_type="distributor", partner_name="Distributor One"),
            partner("D-2", partner_type="distributor"),
            partner("D-3", partner_type="distributor"),
        ],
        "stock_report": [stock("P-1", january, 90, opening=100), stock("P-1", february, 60)],
        "stock_release": [
            {
                "distributor_id": "D-2",
                "product_id": "P-2",
                "month_id": "2017-02",
                "decision": "released",
                "decided_by": "maria.keller",
                "decided_on": date(2017, 3, 20),
                "comment": "bought from another distributor: invoice seen",
            }
        ],
        "end_customer": [{"end_customer_id": "H-1", "end_customer_name": "One", "end_customer_type": "household"}],
    }
    two_percent = document(
        "P", [level("0", "2")], role="reseller", lines={"stream": "sell_through"}, measurement="month"
    )
    settings = Settings(data=tmp_path_factory.mktemp("card") / "data", memory_limit="1GB")
    return build(
        settings,
        [two_percent],
        entities,
        AS_OF,
        sources=[SOURCE, STOCK],
        quarantined={
            "line": [
                quarantined(10),
                of_d3(41, 4, row_number=2, rules_failed="duplicate_row", verdict="quarantined"),
                of_d3(42, 4, row_number=3, rules_failed="unknown_unit", verdict="quarantined"),
                of_d3(43, 4, row_number=4, rules_failed="unknown_unit", verdict="quarantined"),
            ]
        },
        received=RECEIVED,
    )


def of_d3(number: int, file: int, **columns: Any) -> Dict:
    return sold(number, file=file, distributor_id="D-3", source="dist3_pos") | columns


def resold(number: int, product_id: str, units: int, day: date, source: str = "dist2_pos") -> Dict:
    """Units at one dollar each, sold by D-2 to R-2; with source erp: sold by us to D-2."""
    ours = source == "erp"
    row = line(
        str(number), str(units), quantity=str(units), day=day, partner="D-2" if ours else None, product=product_id
    )
    if not ours:
        row |= {"stream": "sell_through", "distributor_id": "D-2", "reseller_id": "R-2", "end_customer_id": "H-1"}
    return row | {"source": source, "file_sequence": 8 if ours else 9, "row_number": number}


def stock(product_id: str, day: date, quantity: int, opening: int | None = None) -> Dict:
    return {
        "distributor_id": "D-2",
        "product_id": product_id,
        "stock_date": day,
        "quantity": D(quantity),
        "unit": "EA",
        "opening_quantity": None if opening is None else D(opening),
        "source": "d2_stock",
    }


def months(card: Built, partner_id: str = "D-1") -> dict[str, Dict]:
    return {row["month_id"]: row for row in card.rows("rpt_data_quality") if row["partner_id"] == partner_id}


def test_every_month_that_was_agreed_has_a_row(card: Built) -> None:
    found = months(card)
    assert {month: row["status"] for month, row in found.items()} == {
        "2017-01": "reported",
        "2017-02": "missing",
        "2017-03": "reported",
        "2017-04": "awaited",
    }
    assert {row["partner_name"] for row in found.values()} == {"Distributor One"}
    assert [found[month]["periods_reported_12_months"] for month in sorted(found)] == [1, 1, 2, 2]
    assert [found[month]["periods_expected_12_months"] for month in sorted(found)] == [1, 2, 3, 4]


def test_the_scores_are_those_of_the_page(card: Built) -> None:
    scores = ("accuracy", "completeness", "timeliness", "score", "corrected")
    found = {month: tuple(row[name] for name in scores) for month, row in months(card).items()}
    assert found["2017-01"] == (D("83.33"), D("91.67"), D("91.67"), D("88.89"), D("8.33"))
    assert found["2017-02"] == (None, D(0), D(0), D(0), None)
    assert found["2017-03"] == (D(100), D(100), D(100), D(100), D(0))
    assert found["2017-04"] == (None, None, None, None, None)
    january = months(card)["2017-01"]
    assert (january["rows_in"], january["rows_accepted"], january["rows_held"], january["rows_quarantined"]) == (
        12, 10, 1, 1,
    )  # fmt: skip
    assert (january["values_filled"], january["values_expected"]) == (12, 12)
    assert (january["end_customers_identified"], january["end_customers_expected"]) == (10, 12)
    assert (january["days_to_receipt"], january["rows_late"], january["due_on"]) == (8, 2, date(2017, 2, 10))


def test_the_trend(card: Built) -> None:
    found = months(card)
    assert [found[month]["previous_score"] for month in sorted(found)] == [None, D("88.89"), D(0), D(100)]
    assert [found[month]["score_change"] for month in sorted(found)] == [None, D("-88.89"), D(100), None]
    assert [found[month]["score_3_months"] for month in sorted(found)] == [
        D("88.89"),
        D("44.45"),
        D("62.96"),
        D("50.00"),
    ]


def test_the_money_at_risk(card: Built) -> None:
    found = {
        (row["month_id"], row["risk"]): row for row in card.rows("rpt_rebate_at_risk") if row["partner_id"] == "D-1"
    }
    assert {key: row["rebate_at_risk"] for key, row in found.items()} == {
        ("2017-01", "held_lines"): D(2),
        ("2017-01", "quarantined_rows"): D(2),
        ("2017-01", "missing_values"): D(2),
        ("2017-01", "late_rows"): D("2.60"),
        ("2017-01", "superseded_rows"): D(2),
        ("2017-02", "missing_report"): D("13.30"),
    }
    assert found["2017-01", "quarantined_rows"]["effective_rate"] == D("0.02")
    assert found["2017-01", "quarantined_rows"]["rows_amount"] == D(100)
    assert {row["risk"] for row in found.values() if row["is_estimate"]} == {
        "quarantined_rows",
        "superseded_rows",
        "missing_report",
    }
    january = months(card)["2017-01"]
    assert january["accuracy_at_risk"] == "USD 4"
    assert january["completeness_at_risk"] == "USD 2"
    assert january["timeliness_at_risk"] == "USD 2.6"
    assert january["corrections_at_risk"] == "USD 2"


def test_rows_that_came_right_since_or_repeat_another_put_no_money_at_risk(card: Built) -> None:
    [found] = [
        row
        for row in card.rows("rpt_rebate_at_risk")
        if row["partner_id"] == "D-3" and row["risk"] == "quarantined_rows"
    ]
    assert (found["rows_amount"], found["rebate_at_risk"]) == (D(100), D(2))
    [month] = months(card, "D-3").values()
    assert (month["rows_in"], month["rows_quarantined"]) == (5, 3)


def test_the_card_speaks_in_plain_words(card: Built) -> None:
    page = Path(REPOSITORY, "docs", "data-quality.md").read_text()
    for month in ("2017-01", "2017-02", "2017-04"):
        assert months(card)[month]["in_words"] in " ".join(page.split()).replace("> ", "")


def test_the_scorecard_knows_every_column_of_a_line() -> None:
    text = Path(REPOSITORY, "dbt_project", "macros", "quality.sql").read_text()
    [fields] = [each for each in text.splitlines() if each.startswith("stream,")]
    assert fields.split(",") == [c.name for c in LINE.columns if c.name not in NOT_SCORED]


def test_opening_and_sell_in_less_sell_through_is_closing(card: Built) -> None:
    figures = ("opening_stock", "sell_in_quantity", "sell_through_quantity", "computed_closing", "reported_closing")
    found = {
        (row["product_id"], row["month_id"]): (
            *(None if row[name] is None else int(row[name]) for name in figures), row["stock_tolerance"], row["status"],
        )
        for row in card.rows("rpt_channel_inventory")
    }  # fmt: skip
    assert found == {
        ("P-1", "2017-01"): (100, 50, 60, 90, 90, D(3), "agrees"),
        ("P-1", "2017-02"): (90, 20, 80, 30, 60, D("2.2"), "held"),
        ("P-2", "2017-01"): (None, 0, 0, None, 0, D(1), "unknown"),
        ("P-2", "2017-02"): (0, 0, 10, -10, 0, D(1), "released"),
    }


def test_the_hold_of_stock_is_on_the_work_list_with_its_money(card: Built) -> None:
    with connect(card.settings, read_only=True) as connection:
        [hold] = stock_holds.held(lambda sql: connection.execute(sql).to_arrow_table())
        assert stock_holds.held(lambda sql: connection.execute(sql).to_arrow_table(), month="2017-01") == []
    assert (hold.name, hold.findings, hold.lines) == ("stock:D-2:P-1:2017-02", "closing_differs", 1)
    assert (hold.difference, hold.amount, hold.rebate, hold.currency) == (D(30), D(80), D("1.6"), "USD")


def test_lines_that_cannot_be_true_are_accrued_and_not_paid(card: Built) -> None:
    held = [row for row in card.rows("fct_line") if row["verdict"] == "held" and row["distributor_id"] == "D-2"]
    assert [(row["document_number"], row["rules_failed"]) for row in held] == [("34", "channel_stock")]
    due = {
        row["period_id"]: (row["earned"], row["held"], row["to_pay"])
        for row in card.rows("int_settlement_due")
        if row["payee_id"] == "R-2"
    }
    assert due == {"2017-01": (D("1.2"), D(0), D("1.2")), "2017-02": (D("1.8"), D("1.6"), D("0.2"))}
    accrued = {
        row["period_id"]: row["accrued_to_date"] for row in card.rows("int_accrual_target") if row["payee_id"] == "R-2"
    }
    assert accrued == {"2017-01": D("1.2"), "2017-02": D("1.8")}
    february = months(card, "D-2")["2017-02"]
    assert (february["rows_accepted"], february["rows_held"], february["accuracy"]) == (1, 1, D(50))
    assert february["accuracy_at_risk"] == "USD 1.6"
    # rows of files keep what validation said of them
    assert {row["rows_held"] for row in card.rows("rpt_file") if row["source"] == "dist2_pos"} == {0}
