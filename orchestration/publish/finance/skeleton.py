"""The parts of a workbook without its rows: styles, widths, panes, print settings, tables.

What belongs here: the look, written by xlsxwriter once for each layout, and taken apart. What does not: rows, which
book.py puts in. Why so: decision 0200. Equal layouts give equal bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from orchestration.publish.finance.model import Column

COVER = "Cover"
COVER_WIDTHS = (44, 16, 12, 20, 40, 20, 14, 9)
"""Column widths of the cover, as its list of ties needs them."""

FOOTER, TITLE, CREATED = "FOOTER-OF-THE-BOOK", "TITLE-OF-THE-BOOK", "2000-01-01T00:00:00Z"
"""What stands in the parts where each workbook has its own words."""

HEADER_ROW = 4
"""Row (from 1) of the headers: title, note and an empty row stand above, and the totals, a row for each currency."""

_BLUE = "#1F3864"
_DATA = re.compile(r"<sheetData>.*</sheetData>|<sheetData/>", re.S)
_STYLED = re.compile(r'<c r="A(\d+)" s="(\d+)"')


@dataclass(frozen=True)
class Layout:
    """What a sheet looks like, whatever its rows. ``totals``: number of rows of totals; ``as_table``: it has rows."""

    title: str
    table: str
    columns: tuple[Column, ...]
    totals: int
    frozen: int
    as_table: bool

    @property
    def header(self) -> int:
        """Row of the headers (from 1)."""
        return HEADER_ROW + self.totals


@dataclass(frozen=True)
class Skeleton:
    """The parts by name, in the order of the package; of each sheet what stands before and after its rows.

    ``tables``: part name of a sheet's table, by the sheet's part name. ``styles``: number of each style by its name.
    """

    parts: dict[str, str]
    sheets: tuple[str, ...]
    tables: dict[str, str]
    styles: dict[str, int]


def styles_of(decimals: tuple[int, ...]) -> dict[str, dict[str, Any]]:
    """Every style of a workbook by its name; amounts for each number of decimals."""
    bar = {"bold": True, "font_color": "#FFFFFF", "bg_color": _BLUE, "valign": "vcenter"}
    head = {**bar, "text_wrap": True}
    styles: dict[str, dict[str, Any]] = {
        "title": {"bold": True, "font_size": 14, "font_color": _BLUE},
        "note": {"font_color": "#595959"},
        "section": {"bold": True, "font_color": _BLUE, "bottom": 1, "bottom_color": _BLUE},
        "label": {"bold": True},
        "bar": {**bar, "align": "left"},
        "bar_text": {**bar, "align": "left", "indent": 1},
        "bar_right": {**bar, "align": "right"},
        "head": {**head, "align": "left", "indent": 1},
        "head_right": {**head, "align": "right"},
        "text": {"num_format": "@", "indent": 1},
        "plain": {"num_format": "@"},
        "date": {"num_format": "yyyy-mm-dd", "align": "left", "indent": 1},
        "integer": {"num_format": "#,##0"},
        "number": {"num_format": "#,##0.00"},
        "verdict": {"align": "right", "bold": True, "font_color": "#375623"},
        "total": {"bold": True, "bg_color": "#DDE3EE", "num_format": "@", "indent": 1},
    }
    for number in decimals:
        look = {"num_format": "#,##0" + ("." + "0" * number if number else "")}
        styles[f"amount{number}"] = look
        styles[f"total{number}"] = {**look, "bold": True, "bg_color": "#DDE3EE"}
    return styles


@lru_cache(maxsize=64)
def skeleton_of(layouts: tuple[Layout, ...], decimals: tuple[int, ...]) -> Skeleton:
    """The skeleton of a cover and sheets of these layouts."""
    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(buffer, {"in_memory": True})
    workbook.set_properties({"title": TITLE, "created": datetime.fromisoformat(CREATED).replace(tzinfo=None)})
    looks = {name: workbook.add_format(look) for name, look in styles_of(decimals).items()}
    cover = workbook.add_worksheet(COVER)
    _cover(workbook, cover)
    for number, look in enumerate(looks.values(), start=100):
        cover.write_blank(number, 0, None, look)
    for layout in layouts:
        _sheet(workbook.add_worksheet(layout.title), layout, looks)
    workbook.close()
    parts = {}
    with zipfile.ZipFile(buffer) as archive:
        for name in archive.namelist():
            parts[name] = archive.read(name).decode("utf-8")
    sheets = tuple(f"xl/worksheets/sheet{number}.xml" for number in range(1, len(layouts) + 2))
    numbers = {int(row) - 1: int(style) for row, style in _STYLED.findall(parts[sheets[0]])}
    styles = {name: numbers[number] for number, name in enumerate(looks, start=100)}
    tables, number = {}, 0
    for sheet, layout in zip(sheets[1:], layouts, strict=True):
        if layout.as_table:
            number += 1
            tables[sheet] = f"xl/tables/table{number}.xml"
    for name in sheets:
        parts[name] = _DATA.sub("<sheetData></sheetData>", parts[name])
    return Skeleton(parts, sheets, tables, styles)


def _page(worksheet: Worksheet) -> None:
    """Print set-up: landscape A4, one page wide, the book below on the left, sheet and page number."""
    worksheet.hide_gridlines(2)
    worksheet.set_landscape()
    worksheet.set_paper(9)
    worksheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.7)
    worksheet.fit_to_pages(1, 0)
    worksheet.set_footer(f"&L{FOOTER}&C&A&RPage &P of &N")


def _cover(workbook: Workbook, worksheet: Worksheet) -> None:
    _page(worksheet)
    for position, width in enumerate(COVER_WIDTHS):
        worksheet.set_column(position, position, width)
    wrong = workbook.add_format({"bg_color": "#C00000", "font_color": "#FFFFFF", "bold": True})
    rule = {"type": "cell", "criteria": "==", "value": '"NO"', "format": wrong}
    worksheet.conditional_format(0, len(COVER_WIDTHS) - 1, 1_048_575, len(COVER_WIDTHS) - 1, rule)


def _sheet(worksheet: Worksheet, layout: Layout, looks: dict[str, Any]) -> None:
    _page(worksheet)
    header = layout.header - 1
    worksheet.repeat_rows(0, header)
    worksheet.freeze_panes(header + 1, layout.frozen)
    for position, column in enumerate(layout.columns):
        worksheet.set_column(position, position, column.width)
    worksheet.ignore_errors({"number_stored_as_text": f"A1:{xl_col_to_name(len(layout.columns) - 1)}1048576"})
    if layout.as_table:
        headers = [{"header": column.title} for column in layout.columns]
        look = {"name": layout.table, "style": "Table Style Light 9", "columns": headers}
        worksheet.add_table(header, 0, header + 1, len(layout.columns) - 1, look)
