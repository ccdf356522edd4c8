"""Finance's workbooks: what they show, that it ties, that formulas give what stands beside them, equal bytes."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import openpyxl
import pytest
from click.testing import CliRunner
from python_calamine import CalamineWorkbook

from orchestration import automation, publish
from orchestration.cli import main
from orchestration.publish.finance import book as book_module
from orchestration.publish.finance import model
from orchestration.publish.finance.model import Book, Column, Figure, Sheet, Tie
from orchestration.publish.formats import journal
from orchestration.settings import Settings
from orchestration.stages.workbooks import ABOUT
from tests.finance import FILES, Move, folder, publish_moves

MOVES = (
    Move("2017-05", "100.00"),
    Move("2017-05", "40.50", payee="R-2", program="TIER@2"),
    Move("2017-05", "900", currency="JPY", entity="JP01", payee="=R-3"),
    Move("2017-05", "60.00", kind="settlement", cause="settlement"),
    Move("2017-06", "25.25"),
    Move("2017-06", "-3.10", cause="correction", payee="R-2", program="TIER@2"),
    Move("2017-06", "1.05", cause="currency"),
    Move("2017-06", "-7.40", cause="write_off", kind="adjustment", payee="R-2", program="TIER@2"),
    Move("2017-06", "30.00", kind="settlement", cause="settlement", instrument="supplier_invoice"),
    Move("2017-06", "12.00", kind="settlement", cause="settlement", payee="R-2", program="TIER@2"),
    Move("2017-06", "-2.00", kind="settlement", cause="settlement", payee="R-2", program="TIER@2", period="2017-Q1"),
)


@pytest.fixture(autouse=True, scope="module")
def adjustments() -> Iterator[None]:
    """Kinds of batches are data: one that the workbooks were not told of is shown like the others."""
    with pytest.MonkeyPatch.context() as patch:
        for (kind, name), file in FILES.items():
            if name == "journal":
                patch.setitem(cast("dict[str, str]", journal.FORMAT.files), kind, file)
        yield


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, adjustments: None) -> Settings:
    """A snapshot of June, for tests that change nothing but workbooks."""
    made = Settings(data=tmp_path_factory.mktemp("finance") / "data", memory_limit="1GB")
    publish_moves(made, MOVES, "2017-06")
    return made


def write(settings: Settings, name: str, month: str = "2017-06") -> Path:
    [path] = publish.write_finance(settings, month, [name])
    assert path == folder(settings, month) / f"{name}_{month}.xlsx"
    return path


def table(path: Path, title: str) -> list[dict[str, Any]]:
    """The rows of a sheet's table, by header."""
    sheet = openpyxl.load_workbook(path, data_only=True)[title]
    [area] = [one.ref for one in sheet.tables.values()]
    head, *rows = [[cell.value for cell in row] for row in sheet[area]]
    return [dict(zip(head, row, strict=True)) for row in rows]


def cover(path: Path) -> list[tuple[Any, ...]]:
    return [
        row for row in openpyxl.load_workbook(path, data_only=True)["Cover"].iter_rows(values_only=True) if any(row)
    ]


def money(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


# --- what they show -------------------------------------------------------------------------


def test_roll_forward_by_entity_program_and_partner(house: Settings) -> None:
    path = write(house, "liability_rollforward")
    entities = table(path, "By legal entity")
    assert [
        (row["Legal entity"], row["Currency"], money(row["Opening"]), money(row["Closing"])) for row in entities
    ] == [
        ("JP01", "JPY", Decimal(900), Decimal(900)),
        ("US01", "USD", Decimal("80.50"), Decimal("56.30")),
    ]
    us = entities[1]
    shown = [money(us[one]) for one in ("Accrued", "True-ups", "Currency effect", "Settled", "Written off")]
    assert shown == [Decimal("25.25"), Decimal("-3.10"), Decimal("1.05"), Decimal("40.00"), Decimal("7.40")]
    assert [money(row["Closing"]) for row in table(path, "By program")] == [900, Decimal("36.30"), Decimal("20.00")]
    partners = {row["Partner"]: row for row in table(path, "By partner")}
    assert money(partners["R-2"]["Closing"]) == Decimal("20.00")
    assert partners["=R-3"]["Name"] == "Store =R-3"
    causes = {(row["Kind of batch"], row["Cause"]): money(row["Amount"]) for row in table(path, "By cause")}
    assert causes["adjustment", "write_off"] == Decimal("-7.40")
    assert causes["settlement", "settlement"] == Decimal(-40)
    months = [row["Month"] for row in table(path, "Month by month") if row["Currency"] == "USD"]
    assert months == ["2017-05", "2017-06"]


def test_a_row_closing_is_a_formula_of_its_movements(house: Settings) -> None:
    sheet = openpyxl.load_workbook(write(house, "liability_rollforward"))["By program"]
    [area] = [one.ref for one in sheet.tables.values()]
    first = sheet[area][1]
    row = first[0].row
    assert first[-1].value == f"=E{row}+F{row}+G{row}+H{row}-I{row}-J{row}"


def test_the_accrual_journal_has_everything_but_the_payment_run(house: Settings) -> None:
    path = write(house, "accrual_journal")
    lines = table(path, "Journal")
    assert len(lines) == 8
    assert {row["Kind of batch"] for row in lines} == {"accrual", "adjustment"}
    assert lines[0]["Line key"] == "3-1"
    causes = {
        row["Cause"]: (money(row["Increase"]), money(row["Decrease"])) for row in table(path, "By program and cause")
    }
    assert causes == {
        "volume": (Decimal("25.25"), Decimal(0)),
        "currency": (Decimal("1.05"), Decimal(0)),
        "correction": (Decimal(0), Decimal("3.10")),
        "write_off": (Decimal(0), Decimal("7.40")),
    }


def test_the_payment_run(house: Settings) -> None:
    path = write(house, "payment_run")
    payees = [
        (row["Payee"], row["Instrument"], row["Payments"], money(row["Amount"])) for row in table(path, "By payee")
    ]
    assert payees == [("R-1", "supplier_invoice", 1, Decimal(30)), ("R-2", "credit_memo", 1, Decimal(10))]
    assert [row["Lines"] for row in table(path, "Payments")] == [1, 2]
    assert sorted(money(row["Amount"]) for row in table(path, "Payment lines")) == [-2, 12, 30]


def test_an_earlier_month_is_made_from_the_later_snapshot(house: Settings) -> None:
    assert [money(row["Amount"]) for row in table(write(house, "payment_run", "2017-05"), "Payments")] == [60]
    [row] = [
        row
        for row in table(write(house, "liability_rollforward", "2017-05"), "By legal entity")
        if row["Currency"] == "USD"
    ]
    assert (row["Opening"], money(row["Closing"])) == (0, Decimal("80.50"))


def test_a_month_without_rows_has_empty_tables(house: Settings) -> None:
    path = write(house, "payment_run", "2017-04")
    assert table(path, "Payments") == [dict.fromkeys(table(path, "Payments")[0])]
    assert "There are no rows." in str(openpyxl.load_workbook(path)["Payments"]["A2"].value)
    assert ("Number of payments", None, None, 0, "manifests of the ledger", 0, 0, "yes") in cover(path)


# --- the cover ------------------------------------------------------------------------------


def test_the_cover_says_what_it_is_and_how_it_ties(house: Settings) -> None:
    path = write(house, "liability_rollforward")
    rows = cover(path)
    facts = {row[0]: row[1] for row in rows}
    assert facts["Accounting month"] == "2017-06"
    assert facts["As of"] == "2017-06-30"
    assert facts["Calculation"] == "0" * 64
    assert facts["Published snapshot"] == (house.published / "snapshot" / "CURRENT").read_text().strip()
    manifest = (house.ledger / "000004_accrual_2017-06" / "manifest.json").read_bytes()
    texts = [text for row in rows for text in row if isinstance(text, str)]
    assert "run run-4" in texts
    assert f"SHA-256 of its manifest {hashlib.sha256(manifest).hexdigest()}" in texts
    assert ("TIER@2", "active", "USD", "ab" * 32) in [row[:4] for row in rows]
    ties = [row for row in rows if row[-1] in ("yes", "NO")]
    assert ties
    assert all(row[-1] == "yes" and row[6] == 0 and row[3] == row[5] for row in ties)
    closing = [row for row in ties if row[:3] == ("Closing", "US01", "USD")]
    assert {row[4] for row in closing} == {"general ledger: journal files to date", "posted lines to date"}
    live = openpyxl.load_workbook(path)["Cover"]
    formulas = [cell.value for row in live.iter_rows() for cell in row if cell.data_type == "f"]
    assert (
        '=SUMIFS(By_legal_entity[Closing],By_legal_entity[Legal entity],"US01",By_legal_entity[Currency],"USD")'
        in formulas
    )


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "liability_rollforward",
            "update fct_liability set closing = closing + 1 where payee_id = 'R-2'",
            "adds up to",
        ),
        (
            "liability_rollforward",
            "update fct_liability_rollforward set closing = closing + 1, opening = opening + 1 where currency = 'USD'",
            "Closing.*general ledger",
        ),
        (
            "accrual_journal",
            "update fct_posting set debit = debit + 1 where batch_kind = 'accrual' and debit > 0 and currency = 'USD'",
            "credit of the journal",
        ),
        ("payment_run", "update fct_payment_line set amount = amount + 1", "payment lines"),
        (
            "payment_run",
            "update fct_payment set amount = amount + 1",
            "payment lines",
        ),
    ],
)
def test_what_does_not_tie_is_not_written(settings: Settings, name: str, change: str, message: str) -> None:
    publish_moves(settings, MOVES, "2017-06", [lambda marts: marts.connection.execute(change)])
    with pytest.raises(publish.PublishError, match=message):
        write(settings, name)
    assert not list(folder(settings, "2017-06").glob("*"))


def test_the_general_ledgers_files_must_say_the_same(settings: Settings) -> None:
    house = settings
    publish_moves(house, MOVES, "2017-06")
    path = house.ledger / "000004_accrual_2017-06" / "erp" / "journal_2017-06.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("25.25", "25.26"), encoding="utf-8")
    with pytest.raises(publish.PublishError, match="journal files to date"):
        write(house, "liability_rollforward")
    with pytest.raises(publish.PublishError, match="journal files of the ledger"):
        write(house, "accrual_journal")
    path.unlink()
    with pytest.raises(publish.PublishError, match=r"000004_accrual_2017-06: its file journal_2017-06.csv is not"):
        write(house, "accrual_journal")


# --- the files ------------------------------------------------------------------------------


def test_a_proposal_has_no_journal_and_no_place_in_the_workbooks(house: Settings) -> None:
    before = {name: write(house, name).read_bytes() for name in ("accrual_journal", "liability_rollforward")}
    last = sorted(house.ledger.glob("[0-9]*/manifest.json"))[-1]
    proposal = house.ledger / "000099_proposal_2017-06" / "manifest.json"
    proposal.parent.mkdir()
    rows = {"posting": 0, "proposal_line": 3}
    proposal.write_text(json.dumps({**json.loads(last.read_text()), "kind": "proposal", "rows": rows}))
    try:
        assert {name: write(house, name).read_bytes() for name in before} == before
    finally:
        shutil.rmtree(proposal.parent)


def test_equal_data_give_equal_bytes(house: Settings) -> None:
    first = {path: path.read_bytes() for path in publish.write_finance(house)}
    assert len(first) == 3 + 1 + 1 + 3  # the month's, claims, the summary, a statement for each partner
    for path in first:
        path.unlink()
    assert {path: path.read_bytes() for path in publish.write_finance(house)} == first


def test_text_is_text_amounts_have_their_decimals_and_headers_stay(house: Settings) -> None:
    path = write(house, "liability_rollforward")
    sheet = openpyxl.load_workbook(path)["By partner"]
    [area] = [one.ref for one in sheet.tables.values()]
    [shown] = [row for row in sheet[area] if row[0].value == "=R-3"]
    assert shown[0].data_type == "s"
    assert (shown[4].number_format, sheet[area][2][4].number_format) == ("#,##0", "#,##0.00")
    header = sheet[area][0][0].row
    assert sheet.freeze_panes is not None
    assert sheet.freeze_panes.endswith(str(header + 1))
    assert sheet.print_title_rows == f"$1:${header}"
    page = sheet.page_setup
    assert (page.orientation, sheet.sheet_properties.pageSetUpPr.fitToPage, page.fitToHeight) == ("landscape", True, 0)
    assert sheet.oddFooter.left.text == "000003_adjustment_2017-06, 000004_accrual_2017-06, 000005_settlement_2017-06"
    assert sheet.oddFooter.right.text == "Page &P of &N"
    [table_] = sheet.tables.values()
    assert table_.autoFilter.ref == table_.ref


def test_totals_of_one_currency_follow_the_filter_of_several_do_not(house: Settings) -> None:
    two = openpyxl.load_workbook(write(house, "liability_rollforward"))["By partner"]
    assert [two["A4"].value, two["A5"].value] == ["Total JPY", "Total USD"]
    assert two["K5"].value == '=SUMIFS(By_partner[Closing],By_partner[Currency],"USD")'
    one = openpyxl.load_workbook(write(house, "payment_run"))["Payments"]
    assert (one["A4"].value, one["H4"].value) == ("Total USD", "=SUBTOTAL(109,Payments[Amount])")


def book(rows: int, **changes: Any) -> Book:
    """A book of one sheet of amounts of 1.10."""
    columns = (
        Column("key", "Key", "identifier", 12), Column("amount", "Amount", "amount", 14),
        Column("currency", "Currency", "identifier", 10),
    )  # fmt: skip
    values = [(f"K{number}", Decimal("1.1"), "USD") for number in range(rows)]
    sheet = Sheet("Lines", "Lines.", columns, values, rows, {"amount": {"USD": Decimal("1.1") * rows}}, "a file")
    sheet = replace(sheet, **changes)
    return Book("Lines 2017-06", "", "batch & more", "2017-06-30", (), (), (), (), [sheet])


def test_long_sheets_say_where_the_rows_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "ROW_LIMIT", 3)
    book_module.write_book(tmp_path / "a.xlsx", book(4), {"USD": 2})
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["Lines"]
    assert not sheet.tables
    assert sheet["A6"].value == "4 rows are too many for a sheet; the detail is in a file."
    assert sheet["B4"].value == pytest.approx(4.4)


def test_many_rows_are_one_table_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book_module.write_book(path, book(5_001), {"USD": 2})
    cells = CalamineWorkbook.from_path(path).get_sheet_by_name("Lines").to_python()
    assert (cells[5][0], cells[5005][0], len(cells)) == ("K0", "K5000", 5006)
    assert openpyxl.load_workbook(path)["Lines"].tables["Lines"].ref == "A5:C5006"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 3}, "2 rows, expected 3"),
        ({"controls": {"amount": {"USD": Decimal(2)}}}, "amount adds up to"),
        ({"controls": {"amount": {"XXX": Decimal("2.2")}}}, "XXX has no minor unit"),
    ],
)
def test_rows_must_be_what_was_told(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(publish.PublishError, match=message):
        book_module.write_book(tmp_path / "a.xlsx", book(2, **changes), {"USD": 2})
    assert not list(tmp_path.iterdir())


def test_odd_text_comes_back_as_it_was(tmp_path: Path) -> None:
    texts = ["=1+1", " a ", "<&>\"'", "_x0041_", "a\x01b", "line\nbreak", "+1", "@x", "\U0001f9fe"]
    values = [(text, Decimal(0), "USD") for text in texts]
    one = book(len(texts))
    one = replace(one, sheets=[replace(one.sheets[0], rows=values, controls={"amount": {"USD": Decimal(0)}})])
    book_module.write_book(tmp_path / "a.xlsx", one, {"USD": 2})
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["Lines"]
    shown = [sheet.cell(row, 1).value for row in range(6, 6 + len(texts))]
    assert shown == [text.replace("_x0041_", "_x005F_x0041_").replace("\x01", "_x0001_") for text in texts]
    assert all(sheet.cell(row, 1).data_type == "s" for row in range(6, 6 + len(texts)))


def test_a_title_that_a_formula_cannot_name_is_refused() -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        Column("a", "Amount [USD]", "amount", 10)
    with pytest.raises(ValueError, match="kind money"):
        Column("a", "Amount", "money", 10)


def test_a_tie_that_does_not_hold_is_named(tmp_path: Path) -> None:
    one = replace(book(1), ties=[Tie("Closing", "US01", "USD", Decimal(1), "", "the ledger", Decimal(2))])
    with pytest.raises(publish.PublishError, match=re.escape("Closing (US01, USD): 1, but the ledger says 2")):
        book_module.write_book(tmp_path / "a.xlsx", one, {"USD": 2})
    known = replace(book(1), figures=[Figure("Sum", "US01", "EUR", Decimal(1))])
    with pytest.raises(publish.PublishError, match="EUR has no minor unit"):
        book_module.write_book(tmp_path / "a.xlsx", known, {"USD": 2})


def test_the_parts_are_those_of_the_package(house: Settings) -> None:
    """Every part is well-formed, and the order of elements in a sheet is that of the standard."""
    from xml.etree import ElementTree

    with zipfile.ZipFile(write(house, "payment_run")) as archive:
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet2.xml"))
    found = [child.tag.split("}")[1] for child in sheet]
    order = ["sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "pageMargins", "pageSetup",
             "headerFooter", "ignoredErrors", "tableParts"]  # fmt: skip
    assert found == [name for name in order if name in found]
    assert len(found) == len(order)


# --- commands and schedules -----------------------------------------------------------------


def test_the_command_writes_them_again(house: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBATES_DATA", str(house.data))
    [path] = publish.write_finance(house, "2017-05", ["payment_run"])
    before = path.read_bytes()
    path.unlink()
    done = CliRunner().invoke(main, ["finance", "--month", "2017-05", "--only", "payment_run"], catch_exceptions=False)
    assert (done.exit_code, path.read_bytes()) == (0, before)
    assert "finance/2017-05/payment_run_2017-05.xlsx" in done.output
    for arguments, message in (
        (["--month", "2017-13"], "expected YYYY-MM"),
        (["--month", "2017-07"], "the published snapshot is of 2017-06"),
        (["--only", "journal"], "workbook journal: expected one of accrual_journal, payment_run"),
    ):
        refused = CliRunner().invoke(main, ["finance", *arguments])
        assert (refused.exit_code, message in refused.output) == (2, True), refused.output


def test_without_a_snapshot_there_is_nothing_to_show(settings: Settings) -> None:
    with pytest.raises(publish.PublishError, match="no snapshot has been published yet"):
        publish.write_finance(settings)


def test_every_workbook_is_an_asset_and_has_a_schedule() -> None:
    from datetime import date

    assert set(ABOUT) == set(publish.WORKBOOKS)
    assert automation.month_of_workbooks(date(2018, 1, 5)) == automation.Ask(key="workbooks-2017-12", month="2017-12")
    scheduled = {schedule.name for schedule in automation.schedules()}
    assert {"month_end_workbooks", "weekly_claim_ageing", "weekly_partner_statements"} <= scheduled


# --- LibreOffice ----------------------------------------------------------------------------


def recalculated(path: Path, folder: Path) -> Path:
    """The workbook with every value calculated anew by LibreOffice; those beside the formulas are dropped first."""
    bare = folder / "bare" / path.name
    bare.parent.mkdir(parents=True, exist_ok=True)
    openpyxl.load_workbook(path).save(bare)
    subprocess.run(
        ["soffice", "--headless", f"-env:UserInstallation=file://{folder}/profile", "--convert-to", "xlsx",
         "--outdir", str(folder), str(bare)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return folder / path.name


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_calculates_what_stands_beside_the_formulas(house: Settings, tmp_path: Path) -> None:
    for name in ("accrual_journal", "payment_run", "liability_rollforward"):
        path = write(house, name)
        anew = openpyxl.load_workbook(recalculated(path, tmp_path / "calc"), data_only=True)
        shown = openpyxl.load_workbook(path, data_only=True)
        formulas = 0
        for sheet in openpyxl.load_workbook(path):
            for cell in (cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"):
                expected, found = shown[sheet.title][cell.coordinate].value, anew[sheet.title][cell.coordinate].value
                assert found == (expected if isinstance(expected, str) else pytest.approx(expected)), cell.value
                formulas += 1
        assert formulas > 20
