"""`rebates scorecard`: what it says of partners, and the workbook, over tables with the columns of the real marts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pytest

from orchestration.explain import Block, Heading, Say, Table, UnknownError, partners_page, scorecard_page
from orchestration.publish import PublishError, write_scorecard
from tests.marts import Marts

D = Decimal


def said(blocks: list[Block]) -> list[str]:
    lines = []
    for block in blocks:
        if isinstance(block, Table):
            lines += [" | ".join("" if cell is None else str(cell) for cell in row) for row in block.rows]
        else:
            assert isinstance(block, Heading | Say)
            lines.append(block.text)
    return lines


@pytest.fixture
def snapshot() -> Iterator[Marts]:
    """D-1 with three months, of which one is missing and one awaited; D-2 with a better one."""
    with duckdb.connect(":memory:") as connection:
        made = Marts(connection)
        common = {"source": "pos", "partner_id": "D-1", "partner_name": "=Distributor", "rows_held": 1, "rows_late": 2}
        made.add(
            "rpt_data_quality",
            **common, month_id="2017-01", status="reported", score=D("88.89"), accuracy=D("83.33"), rows_in=12,
            rows_accepted=10, completeness=D("91.67"), timeliness=D("91.67"), score_3_months=D("88.89"),
            accuracy_at_risk="USD 4", in_words="In plain words.", due_on=date(2017, 2, 10),
            periods_reported_12_months=1, periods_expected_12_months=1,
        )  # fmt: skip
        made.add(
            "rpt_data_quality",
            **common, month_id="2017-02", status="missing", score=D(0), completeness=D(0), timeliness=D(0), rows_in=0,
            score_3_months=D("44.45"), score_change=D("-88.89"), in_words="No report came.",
            periods_reported_12_months=1, periods_expected_12_months=2,
        )  # fmt: skip
        made.add("rpt_data_quality", **common, month_id="2017-03", status="awaited", in_words="Awaited.")
        made.add(
            "rpt_data_quality",
            source="edi", partner_id="D-2", month_id="2017-02", status="reported", score=D(99), rows_in=1,
            periods_reported_12_months=2, periods_expected_12_months=2,
        )  # fmt: skip
        made.add(
            "rpt_rebate_at_risk",
            source="pos", partner_id="D-1", month_id="2017-01", aspect="accuracy", risk="quarantined_rows",
            line_currency="USD", currency="USD", rows_amount=D(100), effective_rate=D("0.02"), is_estimate=True,
            rebate_at_risk=D(2),
        )  # fmt: skip
        made.add(
            "rpt_channel_inventory",
            distributor_id="D-1", product_id="P-1", month_id="2017-02", opening_stock=D(90), computed_closing=D(30),
            reported_closing=D(60), stock_difference=D(30), stock_tolerance=D("2.2"),
            stock_findings="closing_differs", status="held",
        )  # fmt: skip
        made.add("rpt_channel_inventory", distributor_id="D-1", product_id="P-2", month_id="2017-02", status="agrees")
        yield made


def test_partners_with_the_last_month_that_has_a_score_worst_first(snapshot: Marts) -> None:
    lines = said(partners_page(snapshot.connection))
    assert lines[1:] == [
        "D-1 =Distributor | pos | 2017-02 | missing | 0.00 |  | 0.00 | 0.00 | 44.45 | -88.89 | 1 of 2",
        "D-2 | edi | 2017-02 | reported | 99.00 |  |  |  |  |  | 2 of 2",
    ]


def test_a_partner_by_month_newest_first_with_what_is_at_risk(snapshot: Marts) -> None:
    lines = said(scorecard_page(snapshot.connection, "D-1"))
    assert lines[0] == "D-1 =Distributor: data of pos"
    assert [text.split(" | ")[:2] for text in lines[1:4]] == [
        ["2017-03", "awaited"],
        ["2017-02", "missing"],
        ["2017-01", "reported"],
    ]
    assert lines[4:7] == ["2017-03: Awaited.", "2017-02: No report came.", "2017-01 | USD 4 |  |  | "]
    assert lines[8] == "2017-02 | P-1 | 90 |  |  | 30 | 60 | 30 | 2.2 | closing_differs | held"
    assert len(lines) == 9


def test_an_unknown_partner_is_refused_with_those_that_there_are(snapshot: Marts, tmp_path: Path) -> None:
    with pytest.raises(UnknownError) as caught:
        scorecard_page(snapshot.connection, "D-9")
    assert caught.value.near == ("D-1", "D-2")
    with pytest.raises(PublishError, match="no data of partner D-9"):
        write_scorecard(snapshot.connection, "D-9", tmp_path / "card.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_the_workbook_holds_the_figures_as_numbers_and_texts_as_text(snapshot: Marts, tmp_path: Path) -> None:
    path, again = tmp_path / "card.xlsx", tmp_path / "again.xlsx"
    write_scorecard(snapshot.connection, "D-1", path)
    write_scorecard(snapshot.connection, "D-1", again)
    assert path.read_bytes() == again.read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["again.xlsx", "card.xlsx"]
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Scorecard", "Counts", "Money at risk", "Stock", "How it is computed"]
    head, *rows = list(book["Scorecard"].iter_rows(min_row=4, max_row=7, values_only=True))
    first = dict(zip(head, rows[0], strict=True))
    assert [row[1] for row in rows] == ["2017-01", "2017-02", "2017-03"]
    assert (first["Score"], first["Completeness"], first["In words"]) == (88.89, 91.67, "In plain words.")
    head, counts = list(book["Counts"].iter_rows(min_row=4, max_row=5, values_only=True))
    counted = dict(zip(head, counts, strict=True))
    assert (counted["Rows"], counted["Rows passed"], counted["Due on"].date()) == (12, 10, date(2017, 2, 10))
    assert rows[2][3] is None
    assert book["Scorecard"]["A1"].value == "Data quality of D-1 =Distributor"
    [risk] = book["Money at risk"].iter_rows(min_row=5, values_only=True)
    assert risk == ("pos", "2017-01", "accuracy", "quarantined rows", "USD", 2, "estimated", 100, "USD", 2)
    [stock] = book["Stock"].iter_rows(min_row=5, values_only=True)
    assert stock[:2] == ("2017-02", "P-1")
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    write_scorecard(snapshot.connection, "D-2", path)
    assert openpyxl.load_workbook(path)["Stock"]["A5"].value == "Nothing."
