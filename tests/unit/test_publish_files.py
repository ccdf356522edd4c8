"""ERP files: what stands in the CSVs and workbooks, that it ties, and that equal data give equal bytes."""

from __future__ import annotations

import csv
import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

from orchestration import publish
from orchestration.publish import delimited, files, workbook
from orchestration.publish.format import Column, Format
from orchestration.settings import REPOSITORY, Settings

MONEY = pa.decimal128(18, 4)
UNITS = {"USD": 2, "CAD": 2, "JPY": 0, "KWD": 3}

COLUMNS = (
    *("batch_number", "batch_kind", "accounting_month", "journal_line", "entry_id", "program_key", "program_id"),
    *("payee_id", "period_id", "legal_entity", "currency", "account_role", "account", "cost_centre", "debit"),
    *("tax_code", "credit", "cause", "payment_id", "posting_date"),
)

Tables = dict[str, pa.Table]


def posting(*entries: tuple[str, str, str], kind: str = "accrual") -> pa.Table:
    """Two journal lines per (payee, currency, amount)."""
    rows = []
    for number, (payee, currency, amount) in enumerate(entries, start=1):
        for side, role in enumerate(("contra_revenue", "accrued_rebates")):
            rows.append(
                {
                    "batch_number": "1",
                    "batch_kind": kind,
                    "accounting_month": "2017-06",
                    "journal_line": 2 * number - 1 + side,
                    "entry_id": f"000001-{number:06}",
                    "program_key": "growth@1",
                    "program_id": "growth",
                    "payee_id": payee,
                    "period_id": "2017-Q2",
                    "legal_entity": "US01",
                    "currency": currency,
                    "account_role": role,
                    "account": "0231500",
                    "cost_centre": "CC-4100",
                    "debit": Decimal(amount) if side == 0 else Decimal(0),
                    "credit": Decimal(amount) if side == 1 else Decimal(0),
                    "cause": "volume",
                    "payment_id": f"P-{payee}" if kind == "settlement" else None,
                    "posting_date": date(2017, 6, 30),
                }
            )
    kinds = {"debit": MONEY, "credit": MONEY, "posting_date": pa.date32(), "journal_line": pa.int32()}
    return pa.Table.from_pylist(rows, pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS]))


def facts(table: pa.Table, kind: str = "accrual") -> dict[str, Any]:
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for row in table.to_pylist():
        debit, credit = sums.setdefault((row["legal_entity"], row["currency"]), [Decimal(0), Decimal(0)])
        sums[row["legal_entity"], row["currency"]] = [debit + row["debit"], credit + row["credit"]]
    return {
        "batch": f"000001_{kind}_2017-06",
        "batch_number": 1,
        "kind": kind,
        "accounting_month": "2017-06",
        "as_of": "2017-06-30",
        "calculation_id": "c0ffee",
        "file_sequence": 12,
        "program_keys": ["growth@1", "tier@2"],
        "rows": {"posting": table.num_rows},
        "totals": [
            {"legal_entity": entity, "currency": currency, "debit": f"{debit:.4f}", "credit": f"{credit:.4f}"}
            for (entity, currency), (debit, credit) in sorted(sums.items())
        ],
    }


def settlement() -> Tables:
    journal = posting(("R-1", "USD", "140.00"), ("R-2", "CAD", "3.50"), kind="settlement")
    payment = {
        "payment_id": ["P-R-2", "P-R-1"],
        "batch_number": pa.array([1, 1], pa.int32()),
        "accounting_month": ["2017-06"] * 2,
        "payee_id": ["R-2", "R-1"],
        "legal_entity": ["US01"] * 2,
        "currency": ["CAD", "USD"],
        "instrument": ["supplier_invoice", "credit_memo"],
        "amount": pa.array([Decimal("3.5"), Decimal(140)], MONEY),
        "payment_date": [date(2017, 6, 30)] * 2,
    }
    line = {
        "payment_id": ["P-R-1", "P-R-2", "P-R-1"],
        "batch_number": pa.array([1, 1, 1], pa.int32()),
        "accounting_month": ["2017-06"] * 3,
        "program_key": ["tier@1", "growth@1", "growth@1"],
        "program_id": ["tier", "growth", "growth"],
        "payee_id": ["R-1", "R-2", "R-1"],
        "period_id": ["2017-Q2"] * 3,
        "legal_entity": ["US01"] * 3,
        "currency": ["USD", "CAD", "USD"],
        "amount": pa.array([Decimal(150), Decimal("3.5"), Decimal(-10)], MONEY),
    }
    return {"posting": journal, "payment": pa.table(payment), "payment_line": pa.table(line)}


def write(folder: Path, tables: Tables, kind: str = "accrual", told: Mapping[str, Any] | None = None) -> Path:
    publish.write_batch_files(folder, told or facts(tables["posting"], kind), tables, units=UNITS)
    return folder / "erp"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_an_accrual_batch_has_its_journal_as_csv_and_workbook(tmp_path: Path) -> None:
    erp = write(
        tmp_path, {"posting": posting(("R-1", "USD", "1234.5"), ("=R-2", "JPY", "700"), ("R,3", "KWD", "0.125"))}
    )
    assert sorted(path.name for path in erp.iterdir()) == ["journal_2017-06.csv", "journal_2017-06.xlsx"]
    content = (erp / "journal_2017-06.csv").read_bytes()
    assert content.startswith(b"journal_line,entry_id,posting_date,")
    assert content.count(b"\r\n") == content.count(b"\n") == 7
    rows = rows_of(erp / "journal_2017-06.csv")
    assert rows[0] == {
        "journal_line": "1",
        "entry_id": "000001-000001",
        "posting_date": "2017-06-30",
        "accounting_month": "2017-06",
        "legal_entity": "US01",
        "account": "0231500",
        "account_role": "contra_revenue",
        "cost_centre": "CC-4100",
        "debit": "1234.50",
        "credit": "0.00",
        "currency": "USD",
        "payee_id": "R-1",
        "program_key": "growth@1",
        "period_id": "2017-Q2",
        "cause": "volume",
        "payment_id": "",
        "tax_code": "",
        "line_key": "1-1",
    }
    assert [(row["payee_id"], row["debit"], row["credit"]) for row in rows[2:]] == [
        ("=R-2", "700", "0"),  # an identifier stays as it is: the ERP matches it
        ("=R-2", "0", "700"),
        ("R,3", "0.125", "0.000"),
        ("R,3", "0.000", "0.125"),
    ]


def test_a_settlement_batch_has_payments_lines_and_journal(tmp_path: Path) -> None:
    erp = write(tmp_path, settlement(), "settlement")
    assert sorted(path.name for path in erp.iterdir()) == [
        "payment_lines_2017-06.csv",
        "payments_2017-06.csv",
        "payments_2017-06.xlsx",
        "settlement_journal_2017-06.csv",
        "settlement_journal_2017-06.xlsx",
    ]
    payments = rows_of(erp / "payments_2017-06.csv")
    assert [(row["payment_id"], row["amount"], row["line_count"]) for row in payments] == [
        ("P-R-1", "140.00", "2"),
        ("P-R-2", "3.50", "1"),
    ]
    lines = rows_of(erp / "payment_lines_2017-06.csv")
    assert [(row["program_key"], row["amount"]) for row in lines] == [
        ("growth@1", "-10.00"),
        ("tier@1", "150.00"),
        ("growth@1", "3.50"),
    ]
    book = openpyxl.load_workbook(erp / "payments_2017-06.xlsx")
    assert book.sheetnames == ["Payments", "Payment lines", "Control totals"]
    text = {cell.value for row in book["Control totals"].iter_rows() for cell in row}
    assert any(str(value).startswith("Payments equal their payment lines") for value in text)


def test_amounts_are_never_rounded_and_currencies_never_guessed(tmp_path: Path) -> None:
    for amount, currency, message in (
        ("1.005", "USD", "an amount in USD has more than 2 decimals"),
        ("0.5", "JPY", "an amount in JPY has more than 0 decimals"),
        ("1", "XXX", "currency XXX has no minor unit; known: CAD, JPY, KWD, USD"),
    ):
        with pytest.raises(publish.PublishError, match=message):
            write(tmp_path, {"posting": posting(("R-1", currency, amount))})


def test_figures_that_do_not_tie_are_refused(tmp_path: Path) -> None:
    journal = posting(("R-1", "USD", "10"), ("R-2", "USD", "5"))
    with pytest.raises(publish.PublishError, match=r"US01, USD: totals .*15.0000.*journal lines .*10.0000"):
        write(tmp_path, {"posting": journal.slice(0, 2)}, told=facts(journal))
    with pytest.raises(publish.PublishError, match=r"US01, USD: totals"):  # one side is missing: no balance
        write(tmp_path, {"posting": journal.slice(0, 3)})
    with pytest.raises(publish.PublishError, match="no ERP format has files for a batch of kind claim"):
        write(tmp_path, {"posting": journal}, "claim")
    loses = Format(
        "loses",
        "Loses rows",
        1,
        {"accrual": "loses"},
        {},
        (
            Column("legal_entity", "Legal entity", "identifier", 10, ""),
            Column("currency", "Currency", "identifier", 10, ""),
            Column("debit", "Debit", "amount", 10, "", "posting.debit"),
        ),
        lambda tables: tables["posting"].slice(1),
    )
    with pytest.raises(publish.PublishError, match=r"format loses: debit sums to .*5.0000.*posting.debit to .*15.0000"):
        files._controls(loses, loses.table({"posting": journal}), {"posting": journal})


def test_the_minor_units_come_from_the_seed(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "currency.csv").write_text("currency,name,minor_unit\nUSD,US dollar,2\nJPY,Yen,0\n")
    (tmp_path / "legal_entity.csv").write_text("legal_entity,name,country,currency,calendar\nUS01,One,US,USD,months\n")
    own = Settings(data=settings.data, reference=tmp_path)
    assert publish.minor_units(own) == {"USD": 2, "JPY": 0}
    table = posting(("R-1", "JPY", "700"))
    publish.renderer(own)(tmp_path, facts(table), {"posting": table})
    assert rows_of(tmp_path / "erp" / "journal_2017-06.csv")[0]["debit"] == "700"


def test_words_for_people_cannot_become_formulas_in_a_csv(tmp_path: Path) -> None:
    columns = (
        Column("legal_entity", "Legal entity", "identifier", 10, ""),
        Column("currency", "Currency", "identifier", 10, ""),
        Column("note", "Note", "text", 10, ""),
    )
    notes = ["=1+1", "+1", "-1", "@x", "\tx", 'fine, "really"', "two\nlines", None, "a=b"]
    table = pa.table({"legal_entity": ["-1"] * len(notes), "currency": ["USD"] * len(notes), "note": notes})
    one = Format("notes", "Notes", 1, {}, {}, columns, lambda tables: tables["posting"])
    delimited.write_csv(tmp_path / "notes.csv", one, table, UNITS)
    rows = rows_of(tmp_path / "notes.csv")
    assert [row["note"] for row in rows] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", *notes[5:7], "", "a=b"]
    assert {row["legal_entity"] for row in rows} == {"-1"}


def test_equal_data_give_equal_bytes_and_other_data_others(tmp_path: Path) -> None:
    table = posting(("R-1", "USD", "1.50"), ("R-2", "CAD", "2"))
    first = write(tmp_path / "a", {"posting": table})
    second = write(tmp_path / "b", {"posting": table.take([3, 1, 0, 2])})
    other = write(tmp_path / "c", {"posting": posting(("R-1", "USD", "1.51"), ("R-2", "CAD", "2"))})
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name
        assert path.read_bytes() != (other / path.name).read_bytes(), path.name
    for one in ("payments", "settlement_journal"):
        paths = [write(tmp_path / sub, settlement(), "settlement") / f"{one}_2017-06.xlsx" for sub in ("d", "e")]
        assert paths[0].read_bytes() == paths[1].read_bytes()


def labelled(sheet: Worksheet, label: str) -> Any:
    """The cell right of a label in column A."""
    return next(row[1] for row in sheet.iter_rows() if row[0].value == label)


def sum_of(sheet: Worksheet, formula: str) -> Decimal:
    """What a ``=SUMIFS(sum range, range, value, …)`` of a workbook gives, read from its cells."""
    book = sheet.parent
    arguments = formula.removeprefix("=SUMIFS(").removesuffix(")").split(",")

    def cells(reference: str) -> list[Any]:
        name, area = reference.rsplit("!", 1)
        return [cell.value for (cell,) in book[name.strip("'")][area.replace("$", "")]]

    wanted = [value.strip('"') if '"' in value else sheet[value].value for value in arguments[2::2]]
    rows = zip(cells(arguments[0]), *map(cells, arguments[1::2]), strict=True)
    return sum((Decimal(str(value)) for value, *criteria in rows if criteria == wanted), Decimal(0))


@pytest.fixture
def book(tmp_path: Path) -> openpyxl.Workbook:
    table = posting(("R-1", "USD", "1234.50"), ("=1+1", "JPY", "700"), ("R-3", "USD", "0.25"))
    return openpyxl.load_workbook(write(tmp_path, {"posting": table}) / "journal_2017-06.xlsx")


def test_the_journal_sheet_looks_finished(book: openpyxl.Workbook) -> None:
    sheet = book["Journal"]
    assert book.sheetnames == ["Journal", "Control totals"]
    assert sheet["A1"].value == "Journal 2017-06"
    assert [cell.value for cell in sheet[4]][:5] == ["Line", "Entry", "Posting date", "Month", "Legal entity"]
    assert all(cell.font.bold and cell.fill.fgColor.rgb == "FF1F3864" for cell in sheet[4])
    assert sheet.freeze_panes == "C5"
    assert sheet.tables["journal_rows"].ref == "A4:R10"
    assert sheet.tables["journal_rows"].autoFilter.ref == "A4:R10"
    assert (sheet.page_setup.orientation, sheet.print_title_rows) == ("landscape", "$1:$4")
    assert sheet.page_setup.fitToHeight == 0
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.column_dimensions["E"].width == pytest.approx(13, abs=1)
    assert [sheet[f"I{row}"].number_format for row in (5, 7)] == ["#,##0.00", "#,##0"]
    assert (sheet["C5"].value.date(), sheet["C5"].number_format) == (date(2017, 6, 30), "yyyy-mm-dd")
    assert (sheet["F5"].value, sheet["F5"].data_type) == ("0231500", "s")
    assert (sheet["L7"].value, sheet["L7"].data_type) == ("=1+1", "s")  # text, not a formula
    assert (sheet["I5"].value, sheet["A5"].value, sheet["P5"].value) == (1234.5, 1, None)
    assert book.properties.created.date() == date(2017, 6, 30)


def test_totals_are_formulas_that_equal_the_control_totals(book: openpyxl.Workbook) -> None:
    sheet, control = book["Journal"], book["Control totals"]
    totals = {sheet.cell(row, 1).value: sheet.cell(row, 9) for row in (12, 13)}
    assert {label: sum_of(sheet, cell.value) for label, cell in totals.items()} == {
        "Total JPY": Decimal(700),
        "Total USD": Decimal("1234.75"),
    }
    compared = [row for row in control.iter_rows() if row[0].value == "Journal"]
    assert [(row[1].value, row[3].value, row[4].value) for row in compared] == [
        ("Debit", "JPY", 700),
        ("Debit", "USD", 1234.75),
        ("Credit", "JPY", 700),
        ("Credit", "USD", 1234.75),
    ]
    for row in compared:
        assert sum_of(control, row[5].value) == Decimal(str(row[4].value))
        assert row[6].value == f"=ROUND({row[4].coordinate}-{row[5].coordinate},4)"
        assert row[7].value == f'=IF({row[6].coordinate}=0,"yes","NO")'
    balance = [row for row in control.iter_rows() if row[0].value == "US01"]
    assert [[cell.value for cell in row[1:4]] for row in balance] == [["JPY", 700, 700], ["USD", 1234.75, 1234.75]]
    assert [row[4].value for row in balance] == [f"=C{row[0].row}-D{row[0].row}" for row in balance]


def test_the_control_sheet_says_what_it_is_about(book: openpyxl.Workbook, tmp_path: Path) -> None:
    control = book["Control totals"]
    assert labelled(control, "Batch").value == "000001_accrual_2017-06"
    assert labelled(control, "As of").value.date() == date(2017, 6, 30)
    assert labelled(control, "Calculation").value == "c0ffee"
    versions = labelled(control, "Program versions")
    assert [control.cell(versions.row + offset, 2).value for offset in (0, 1)] == ["growth@1", "tier@2"]
    rows = labelled(control, "journal_2017-06.csv")
    expected = hashlib.sha256((tmp_path / "erp" / "journal_2017-06.csv").read_bytes()).hexdigest()
    assert (rows.value, control.cell(rows.row, 3).value) == (6, expected)


def test_the_workbook_shows_the_computed_values_without_recalculation(tmp_path: Path) -> None:
    erp = write(tmp_path, settlement(), "settlement")
    control = openpyxl.load_workbook(erp / "payments_2017-06.xlsx", data_only=True)["Control totals"]
    compared = [row for row in control.iter_rows() if row[0].value in ("Payments", "Payment lines")]
    assert [[cell.value for cell in row[3:8]] for row in compared] == [
        ["CAD", 3.5, 3.5, 0, "yes"],
        ["USD", 140, 140, 0, "yes"],
    ] * 2


def test_an_empty_batch_says_so(tmp_path: Path) -> None:
    erp = write(tmp_path, {"posting": posting()})
    assert rows_of(erp / "journal_2017-06.csv") == []
    read = openpyxl.load_workbook(erp / "journal_2017-06.xlsx")
    assert read["Journal"]["A5"].value == "No rows in this batch."
    assert not read["Journal"].tables
    assert "Nothing was posted." in [row[0].value for row in read["Control totals"].iter_rows()]


def test_a_long_sheet_is_streamed_and_a_too_long_one_points_to_the_csv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = posting(*[(f"R-{number}", "USD", f"{number}.10") for number in range(1, 11)])
    monkeypatch.setattr(workbook, "TABLE_LIMIT", 10)
    monkeypatch.setattr(workbook, "_SLICE", 7)
    streamed = openpyxl.load_workbook(write(tmp_path / "a", {"posting": table}) / "journal_2017-06.xlsx")
    sheet = streamed["Journal"]
    assert (sheet.auto_filter.ref, len(sheet.tables)) == ("A4:R24", 0)
    assert [sheet.cell(row, 1).value for row in range(5, 25)] == list(range(1, 21))
    assert sum_of(sheet, sheet["I26"].value) == 56
    monkeypatch.setattr(workbook, "ROW_LIMIT", 19)
    erp = write(tmp_path / "b", {"posting": table})
    sheet = openpyxl.load_workbook(erp / "journal_2017-06.xlsx")["Journal"]
    assert sheet["A5"].value == "20 rows are too many for a sheet; the detail is in journal_2017-06.csv."
    assert sheet.max_row == 5
    assert len(rows_of(erp / "journal_2017-06.csv")) == 20


def test_another_reader_finds_the_rows_of_the_csv(tmp_path: Path) -> None:
    erp = write(tmp_path, settlement(), "settlement")
    for name, sheet, csv_name in (
        ("payments", "Payments", "payments"),
        ("payments", "Payment lines", "payment_lines"),
        ("settlement_journal", "Journal", "settlement_journal"),
    ):
        cells = CalamineWorkbook.from_path(erp / f"{name}_2017-06.xlsx").get_sheet_by_name(sheet).to_python()
        told = rows_of(erp / f"{csv_name}_2017-06.csv")
        shown = cells[4 : 4 + len(told)]
        for row, line in zip(shown, told, strict=True):
            for cell, text in zip(row, line.values(), strict=True):
                if isinstance(cell, float):
                    assert Decimal(str(cell)) == Decimal(text)
                else:
                    assert str(cell) == text


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_the_workbooks_and_agrees(tmp_path: Path) -> None:
    erp = write(tmp_path, settlement(), "settlement")
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile", "--convert-to"]
    command += [
        "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1",
        "--outdir",
        str(tmp_path),
    ]
    done = subprocess.run(
        [*command, str(erp / "payments_2017-06.xlsx")], check=True, capture_output=True, text=True, timeout=300
    )
    assert "Error" not in done.stdout + done.stderr
    control = (tmp_path / "payments_2017-06-Control totals.csv").read_text(encoding="utf-8")
    assert "#" not in control.replace("SHA-256", "")  # no formula failed
    assert control.count(",yes") == 4
    assert ",NO" not in control


def test_batches_are_copied_once_and_mended(settings: Settings) -> None:
    source = settings.ledger / "000001_accrual_2017-06" / "erp"
    source.mkdir(parents=True)
    (source / "journal_2017-06.csv").write_text("one")
    (source / "journal_2017-06.xlsx").write_text("two")
    (settings.ledger / ".new" / "000002_settlement_2017-06" / "erp").mkdir(parents=True)
    (settings.ledger / ".new" / "000002_settlement_2017-06" / "erp" / "payments.csv").write_text("half")
    target = settings.published / "erp" / "000001_accrual_2017-06"
    assert publish.publish_batches(settings) == [target / "journal_2017-06.csv", target / "journal_2017-06.xlsx"]
    assert publish.publish_batches(settings) == []
    (target / "journal_2017-06.csv").write_text("changed")
    (target / "note.txt").write_text("somebody's own")
    assert publish.publish_batches(settings) == [target / "journal_2017-06.csv"]
    assert (target / "journal_2017-06.csv").read_text() == "one"
    assert sorted(path.name for path in target.iterdir()) == ["journal_2017-06.csv", "journal_2017-06.xlsx", "note.txt"]


def test_every_column_of_every_format_is_documented() -> None:
    page = (REPOSITORY / "docs" / "erp-files.md").read_text(encoding="utf-8")
    for one in publish.all_formats():
        for name in (*(f"{stem}_<month>.csv" for stem in one.files.values()), one.title):
            assert f"`{name}`" in page
        for column in one.columns:
            assert f"| `{column.name}` | {column.kind} | {column.meaning} |" in page, f"{one.name}.{column.name}"


def test_a_format_that_cannot_be_controlled_is_refused() -> None:
    with pytest.raises(ValueError, match="names its control"):
        Column("debit", "Debit", "amount", 10, "no control")
    with pytest.raises(ValueError, match="kind money, expected one of identifier"):
        Column("debit", "Debit", "money", 10, "")
    with pytest.raises(ValueError, match="legal_entity and currency are needed"):
        Format("bare", "Bare", 1, {}, {}, (), lambda tables: tables["posting"])
