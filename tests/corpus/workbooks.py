"""Kinds of workbooks."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import xlsxwriter

from tests.corpus.kind import COLUMNS, GOOD, HEADER, Kind, accepted, line, quarantined, text

EXCEL = {"type": "excel", "sheet": "POS"}
SHEETS = {"type": "excel", "sheets": "POS*"}
Fill = Callable[[Any, Any], None]


def book(*sheets: tuple[str, list[list[Any]]], change: Fill | None = None) -> bytes:
    """A workbook of sheets as rows of cells; ``change`` gets the workbook and its sheets by name."""
    target = io.BytesIO()
    workbook = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False})
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    pages = {}
    for name, rows in sheets:
        pages[name] = workbook.add_worksheet(name)
        for place, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, datetime.date):
                    pages[name].write_datetime(place, column, value, day)
                elif value is not None:
                    pages[name].write(place, column, value)
    if change:
        change(workbook, pages)
    workbook.close()
    return target.getvalue()


def cells(number: int = 1, **changes: Any) -> list[Any]:
    """The good line as cells of their own types."""
    typed = {"line": 1, "date": datetime.date(2017, 3, 31), "qty": 2, "amount": 5.58, "ref": None}
    return list({**GOOD, "doc": f"D{number}", **typed, **changes}.values())


def pos(*rows: list[Any], change: Fill | None = None) -> bytes:
    return book(("POS", [HEADER, *rows]), change=change)


def place(name: str) -> int:
    return HEADER.index(name)


def hide(_: Any, pages: Any) -> None:
    pages["Other"].activate()
    pages["POS"].hide()


def hide_well(_: Any, pages: Any) -> None:
    pages["Other"].activate()
    pages["POS"].very_hidden()


def hide_second(_: Any, pages: Any) -> None:
    pages["POS old"].hide()


def error_cell(_: Any, pages: Any) -> None:
    pages["POS"].write_formula(1, place("name"), "=NA()", None, "#N/A")


def stored_formula(_: Any, pages: Any) -> None:
    pages["POS"].write_formula(1, place("amount"), "=2*2.79", None, 5.58)


def unstored_formula() -> bytes:
    workbook = openpyxl.Workbook()
    page = workbook.active
    assert page is not None
    page.title = "POS"
    page.append(HEADER)
    page.append(cells(ref="=CONCATENATE(1,2)"))
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def merged_document(_: Any, pages: Any) -> None:
    pages["POS"].merge_range(1, 0, 2, 0, "D1")


def far_cell(_: Any, pages: Any) -> None:
    pages["POS"].write(1_048_575, 16_383, "x")


def two_row_header() -> bytes:
    top: list[Any] = [*HEADER]
    top[place("qty")], top[place("unit")], top[place("amount")], top[place("currency")] = "Sold", None, "Net", None
    below: list[Any] = [None] * len(HEADER)
    below[place("qty")], below[place("unit")] = "qty", "unit"
    below[place("amount")], below[place("currency")] = "amount", "currency"

    def merge(_: Any, pages: Any) -> None:
        pages["POS"].merge_range(0, place("qty"), 0, place("unit"), "Sold")
        pages["POS"].merge_range(0, place("amount"), 0, place("currency"), "Net")
        pages["POS"].merge_range(0, 0, 1, 0, "doc")

    return book(("POS", [top, below, cells()]), change=merge)


def container(inside: str) -> bytes:
    """The start of a container file that names a stream: what a workbook under a password looks like."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + inside.encode("utf-16-le") + b"\0" * 512


def with_member(content: bytes, name: str, data: bytes) -> bytes:
    """A package with one more member."""
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a") as package:
        package.writestr(zipfile.ZipInfo(name), data)
    return target.getvalue()


def changed_sheet(content: bytes, old: bytes, new: bytes) -> bytes:
    """A workbook with other markup in its first sheet."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as package, zipfile.ZipFile(target, "w") as copy:
        for name in package.namelist():
            data = package.read(name)
            copy.writestr(zipfile.ZipInfo(name), data.replace(old, new) if name.endswith("sheet1.xml") else data)
    return target.getvalue()


def excel(name: str, title: str, content: Any, *rows: Any, declared: str = "", **more: Any) -> Kind:
    return Kind(name, title, content, rows, format={**EXCEL, **more.pop("format", {})}, declared=declared, **more)


MERGED = {"quantity": "Sold / qty", "unit": "Sold / unit", "net_amount": "Net / amount", "currency": "Net / currency"}
assert set(MERGED) <= set(COLUMNS)

WORKBOOKS = (
    excel(
        "cells",
        "cells with numbers and dates",
        lambda: pos(cells()),
        accepted(net_amount="5.58", document_date="2017-03-31", line_number="1"),
    ),
    excel(
        "text_cells",
        "numbers and dates stored as text",
        lambda: pos(list(line().values())),
        accepted(net_amount="5.58"),
    ),
    excel(
        "european_cells",
        "text in European notation beside real numbers",
        lambda: pos(cells(1, amount="1.234,50", date="31.03.2017"), cells(2, amount=1234.5)),
        accepted(2, net_amount="1234.5", document_date="2017-03-31"),
        accepted(3, net_amount="1234.5"),
        format={"decimal": ",", "thousands": ".", "date_format": "%d.%m.%Y"},
        declared='decimal: ",", thousands: ".", date_format: "%d.%m.%Y"',
    ),
    excel(
        "binary_noise",
        "0.1 + 0.2 as a workbook stores it",
        lambda: pos(cells(amount=0.1 + 0.2)),
        accepted(net_amount="0.3"),
    ),
    excel(
        "long_number",
        "a document number of 16 digits stored as a number, and one of so many that the workbook lost the last",
        lambda: pos(cells(doc=1234567890123456), cells(doc=12345678901234567890)),
        accepted(2, document_number="1234567890123456"),
        quarantined("row: a number of so many digits in column 1 that the workbook lost the last ones", 3),
    ),
    excel(
        "nan_cell",
        "a number cell that holds no number",
        lambda: changed_sheet(pos(cells()), b"<v>5.58</v>", b"<v>NaN</v>"),
        quarantined("net_amount: 'NaN' is not a number"),
    ),
    excel(
        "infinite_cell",
        "a number cell that holds infinity",
        lambda: changed_sheet(pos(cells()), b"<v>5.58</v>", b"<v>1e999</v>"),
        quarantined("row: a number of so many digits in column 12"),
    ),
    excel(
        "number_code",
        "a code stored as a number loses its zeros",
        lambda: pos(cells(product=77)),
        quarantined("unknown_product"),
    ),
    excel(
        "number_code_padded",
        "a code stored as a number",
        lambda: pos(cells(product=77.0)),
        accepted(product_id="0077"),
        mapping={"columns": {"product_id": {"column": "product", "zero_pad": 4}}},
        declared="zero_pad: 4",
    ),
    excel(
        "serial_cell",
        "a date stored as a plain number",
        lambda: pos(cells(date=42825)),
        accepted(document_date="2017-03-31"),
        format={"date_format": "excel_serial_1900"},
        declared="date_format: excel_serial_1900",
    ),
    excel(
        "serial_cell_1904",
        "a date stored as a plain number, counted from 1904",
        lambda: pos(cells(date=41363)),
        accepted(document_date="2017-03-31"),
        format={"date_format": "excel_serial_1904"},
        declared="date_format: excel_serial_1904",
    ),
    excel(
        "serial_cell_undeclared",
        "a date stored as a plain number, undeclared",
        lambda: pos(cells(date=42825)),
        quarantined("document_date: '42825' is not a date"),
    ),
    excel(
        "time_cell",
        "a date cell with a time, undeclared",
        lambda: pos(cells(date=datetime.datetime.fromisoformat("2017-03-31 10:05"))),
        quarantined("document_date: '2017-03-31 10:05:00' is not a date"),
    ),
    excel(
        "truth_cell",
        "a truth value where a number is expected",
        lambda: pos(cells(qty=True)),
        quarantined("quantity: 'TRUE' is not a number"),
    ),
    excel(
        "workbook_title",
        "a title block above the header",
        lambda: book(("POS", [["Report"], [], ["", "March"], HEADER, cells()])),
        accepted(5),
        format={"header_row": "find"},
        declared="header_row: find",
    ),
    excel(
        "indented",
        "a table that begins in column C of row 4",
        lambda: book(("POS", [[], [], [], [None, None, *HEADER], [None, None, *cells()]])),
        accepted(5),
        format={"header_row": 4},
        declared="header_row: 4",
    ),
    excel(
        "merged_header",
        "a header of two rows with merged cells",
        two_row_header,
        accepted(3, quantity="2", currency="USD"),
        format={"header_rows": 2},
        mapping={"columns": MERGED},
        declared="header_rows: 2, columns: Sold / qty",
    ),
    excel(
        "merged_cells",
        "a document number merged over two rows: the second has none",
        lambda: pos(cells(1), cells(1, doc=None, line=2), change=merged_document),
        accepted(2),
        quarantined("missing_document_number", 3),
    ),
    excel(
        "merged_filled",
        "a document number merged over two rows",
        lambda: pos(cells(1), cells(1, doc=None, line=2), change=merged_document),
        accepted(2),
        accepted(3, document_number="D1", line_number="2"),
        format={"fill_merged": True},
        declared="fill_merged: true",
    ),
    excel(
        "error_cell",
        "an error in a cell, also of an optional column",
        lambda: pos(cells(1), cells(2), change=error_cell),
        quarantined("row: cell H2 holds the error #N/A", 2),
        accepted(3),
    ),
    excel(
        "stored_formula",
        "a formula with the value that was stored",
        lambda: pos(cells(), change=stored_formula),
        accepted(net_amount="5.58"),
    ),
    excel(
        "unstored_formula",
        "a formula that was stored without its value",
        unstored_formula,
        quarantined("row: cell E2 holds a formula that was stored without its value"),
    ),
    excel(
        "no_such_sheet",
        "a sheet under another name",
        lambda: book(("March", [HEADER, cells()])),
        error="no sheet 'POS'; the workbook has 'March'",
    ),
    excel(
        "hidden_sheet",
        "the declared sheet is hidden",
        lambda: book(("POS", [HEADER, cells()]), ("Other", [["x"]]), change=hide),
        error="sheet 'POS' is hidden",
    ),
    excel(
        "very_hidden_sheet",
        "the declared sheet is hidden well",
        error="sheet 'POS' is hidden",
        content=lambda: book(("POS", [HEADER, cells()]), ("Other", [["x"]]), change=hide_well),
    ),
    excel(
        "hidden_declared",
        "a hidden sheet that is to be read",
        lambda: book(("POS", [HEADER, cells()]), ("Other", [["x"]]), change=hide),
        accepted(),
        format={"hidden_sheets": True},
        declared="hidden_sheets: true",
    ),
    Kind(
        "several_sheets",
        "several sheets; hidden ones and others are left out, row numbers run on",
        lambda: book(
            ("POS North", [HEADER, cells(1), cells(2)]),
            ("Notes", [["x"]]),
            ("POS South", [HEADER, cells(3)]),
            ("POS old", [HEADER, cells(9)]),
            change=hide_second,
        ),
        (accepted(2, document_number="D1"), accepted(3, document_number="D2"), accepted(5, document_number="D3")),
        format=SHEETS,
        declared='sheets: "POS*"',
    ),
    Kind(
        "one_bad_sheet",
        "several sheets, one with another header",
        lambda: book(("POS North", [HEADER, cells(1)]), ("POS South", [HEADER[:-1], cells(3)])),
        format=SHEETS,
        error="POS South: header in row 1: missing column 'currency'",
        declared='sheets: "POS*"',
    ),
    Kind(
        "no_fitting_sheet",
        "no sheet fits the pattern",
        lambda: book(("March", [HEADER, cells()])),
        format=SHEETS,
        error="no sheet fits 'POS*'; the workbook has 'March'",
        declared='sheets: "POS*"',
    ),
    excel(
        "empty_sheet",
        "a sheet without cells",
        lambda: book(("POS", [])),
        error="file is empty: sheet 'POS' has no cells",
    ),
    excel(
        "cut_workbook", "a workbook that was cut off", lambda: pos(cells())[:3000], error="not readable as a workbook"
    ),
    excel("text_as_workbook", "a text file under a workbook's name", text(line()), error="not readable as a workbook"),
    excel(
        "page_as_workbook",
        "a web page under a workbook's name",
        b"<html><table><tr><td>doc</td></tr></table></html>",
        error="not readable as a workbook",
    ),
    excel(
        "password",
        "a workbook under a password",
        container("EncryptedPackage"),
        error="the workbook is protected by a password",
    ),
    excel(
        "other_container",
        "a container that is no workbook",
        container("WordDocument"),
        error="not readable as a workbook",
    ),
    excel(
        "macros",
        "a workbook with macros: they are not run",
        lambda: with_member(pos(cells()), "xl/vbaProject.bin", b"\0" * 64),
        accepted(),
    ),
    excel(
        "far_cell",
        "a stray cell in the last corner of the sheet",
        lambda: pos(cells(), change=far_cell),
        error="sheet 'POS' has cells as far out as row 1,048,576 and column 16,384",
    ),
    excel(
        "workbook_bomb",
        "a workbook that unpacks to far more than it is",
        error="over 200 times its size, not read",
        content=lambda: _bomb(),
    ),
    Kind(
        "workbook_as_text", "a workbook under the name of a text file", lambda: pos(cells()), error="a NUL byte at byte"
    ),
)


def _bomb() -> bytes:
    target = io.BytesIO(pos(cells()))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as package, package.open("xl/media/x.xml", "w") as member:
        for _ in range(80):
            member.write(b" " * (1 << 20))
    return target.getvalue()
