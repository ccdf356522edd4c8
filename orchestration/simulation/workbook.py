"""The results as an Excel workbook: summary with a chart, a sheet for each cut, assumptions.

What belongs here: how the sheets look. What does not: which tables there are (report.py). Equal results give equal
bytes: the creation date is the as-of date. Every text is written as text, so nothing that begins with = + - @ is a
formula.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_range_abs
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from orchestration.simulation.report import Report, Table, cuts, heading, settings_table, summary

MOST_LINES = 8
"""Variants drawn as lines over the months; more could not be told apart."""

ROWS_ON_A_PAGE = 40

_BLUE = "#1F3864"
_AXIS = {"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}}
_WIDTHS = {"text": 16, "integer": 12, "money": 16, "number": 16}


class _Styles:
    """Cell formats of the workbook."""

    def __init__(self, workbook: Workbook, decimals: int) -> None:
        self.title = workbook.add_format({"bold": True, "font_size": 14, "font_color": _BLUE})
        self.note = workbook.add_format({"font_color": "#595959"})
        self.wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
        head: dict[str, Any] = {
            "bold": True,
            "font_color": "#FFFFFF",
            "bg_color": _BLUE,
            "text_wrap": True,
            "valign": "vcenter",
        }
        self.head = workbook.add_format({**head, "align": "left"})
        self.head_right = workbook.add_format({**head, "align": "right"})
        self.total = workbook.add_format({"bold": True, "top": 1})
        money = "#,##0" + ("." + "0" * decimals if decimals else "")
        self.total_money = workbook.add_format({"bold": True, "top": 1, "num_format": money})
        self.cells = {
            "text": workbook.add_format({"num_format": "@", "indent": 1}),
            "integer": workbook.add_format({"num_format": "#,##0"}),
            "money": workbook.add_format({"num_format": money}),
            "number": workbook.add_format({"num_format": "#,##0.00"}),
        }


def write(report: Report, path: Path) -> None:
    """Write the workbook, whole or not at all."""
    half = path.with_name(f".{path.name}.part")
    workbook = xlsxwriter.Workbook(
        str(half),
        {
            "tmpdir": str(path.parent),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    created = datetime.combine(date.fromisoformat(report.as_of), time())
    workbook.set_properties({"title": report.title, "created": created})
    currencies = {total.currency for total in report.results.totals.values()}
    styles = _Styles(workbook, max((report.minor_units[currency] for currency in currencies), default=2))
    _summary(workbook, styles, report)
    for name, table in cuts(report).items():
        sheet, first, last = _sheet(workbook, styles, report, table, f"By {name}")
        if name == "month" and last >= first:
            _month_chart(workbook, sheet, report, table, first, last)
    _assumptions(workbook, styles, report)
    workbook.close()
    os.replace(half, path)  # noqa: PTH105 - one step, also over an existing file


def _page(sheet: Worksheet, report: Report, rows: int) -> None:
    """Print set-up: landscape A4, one page wide; on one page, chart and all, where there are few rows."""
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 1 if rows <= ROWS_ON_A_PAGE else 0)
    sheet.set_footer(f"&L{report.title}&C&A&RPage &P of &N")


def _summary(workbook: Workbook, styles: _Styles, report: Report) -> None:
    table = summary(report)
    sheet, first, last = _sheet(workbook, styles, report, table, "Summary")
    row = last + 2
    for name, label in settings_table(report).rows:
        sheet.write_string(row, 0, name, styles.cells["text"])
        sheet.write_string(row, 1, label, styles.cells["text"])
        row += 1
    chart = workbook.add_chart({"type": "column"})
    names, payouts, keys = 0, 2, 1
    for program_id in report.programs:
        places = [first + number for number, row in enumerate(table.rows) if row[keys].split("@")[0] == program_id]
        if places:
            chart.add_series(
                {
                    "name": program_id,
                    "categories": ["Summary", places[0], names, places[-1], names],
                    "values": ["Summary", places[0], payouts, places[-1], payouts],
                    "gap": 60,
                }
            )
    chart.set_title({"name": "Payout", "name_font": {"size": 12}})
    legend: dict[str, Any] = {"position": "bottom"} if len(report.programs) > 1 else {"none": True}
    chart.set_legend(legend)
    chart.set_y_axis(_AXIS | ({"min": 0} if all(row[payouts] >= 0 for row in table.rows) else {}))
    chart.set_size({"width": 760, "height": 320})
    sheet.insert_chart(row + 1, 0, chart, {"description": "Payout of each variant"})


def _month_chart(workbook: Workbook, sheet: Worksheet, report: Report, table: Table, first: int, last: int) -> None:
    """A line per world over the months, of the first program."""
    chart = workbook.add_chart({"type": "line"})
    program_id = report.programs[0]
    labels = [column.kind for column in table.columns].count("text")
    rows = [number for number, row in enumerate(table.rows) if labels == 1 or row[0] == program_id]
    for position, number in enumerate(list(report.labels)[:MOST_LINES], start=labels):
        chart.add_series(
            {
                "name": heading(number),
                "categories": ["By month", first + rows[0], labels - 1, first + rows[-1], labels - 1],
                "values": ["By month", first + rows[0], position, first + rows[-1], position],
            }
        )
    chart.set_title({"name": f"{program_id} by month", "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom"})
    chart.set_y_axis(_AXIS)
    chart.set_size({"width": 760, "height": 320})
    sheet.insert_chart(last + 3, 0, chart, {"description": "Payout by month of the line"})


def _sheet(workbook: Workbook, styles: _Styles, report: Report, table: Table, name: str) -> tuple[Worksheet, int, int]:
    """A sheet with one table, and the rows that its first and last row stand in."""
    sheet = workbook.add_worksheet(name)
    _page(sheet, report, len(table.rows))
    sheet.write_string(0, 0, f"{report.title}: {table.title.lower()}", styles.title)
    sheet.write_string(1, 0, "; ".join(f"{label} {text}" for label, text in report.facts), styles.note)
    header = 3
    sheet.freeze_panes(header + 1, 1)
    sheet.repeat_rows(0, header)
    for position, column in enumerate(table.columns):
        wide = max((len(str(row[position])) for row in table.rows[:200]), default=0) if column.kind == "text" else 0
        sheet.set_column(position, position, min(max(_WIDTHS[column.kind], wide + 2), 44))
        head = styles.head if column.kind == "text" else styles.head_right
        sheet.write_string(header, position, column.title, head)
    for number, values in enumerate(table.rows, start=header + 1):
        _row(sheet, styles, number, table, values)
    last = header + len(table.rows)
    if table.rows:
        sheet.autofilter(header, 0, last, len(table.columns) - 1)
        sheet.ignore_errors({"number_stored_as_text": xl_range_abs(header + 1, 0, last, len(table.columns) - 1)})
    if name in ("By partner", "By tier", "By month") and len(report.programs) == 1 and table.rows:
        last = _totals(sheet, styles, table, header + 1, last)
    return sheet, header + 1, last


def _row(sheet: Worksheet, styles: _Styles, number: int, table: Table, values: Sequence[Any]) -> None:
    for position, (column, value) in enumerate(zip(table.columns, values, strict=True)):
        if value is None:
            continue
        if column.kind == "text":
            sheet.write_string(number, position, str(value), styles.cells["text"])
        else:
            sheet.write_number(number, position, float(value), styles.cells[column.kind])


def _totals(sheet: Worksheet, styles: _Styles, table: Table, first: int, last: int) -> int:
    """Sums below a table as formulas; the row below which there is room."""
    sheet.write_string(last + 1, 0, "Total", styles.total)
    for position, column in enumerate(table.columns[1:], start=1):
        if column.kind not in ("money", "integer"):
            sheet.write_blank(last + 1, position, None, styles.total)
            continue
        value = sum((row[position] or 0 for row in table.rows), Decimal(0))
        formula = f"=SUBTOTAL(109,{xl_range_abs(first, position, last, position)})"
        sheet.write_formula(last + 1, position, formula, styles.total_money, float(value))
    return last + 1


def _assumptions(workbook: Workbook, styles: _Styles, report: Report) -> None:
    sheet = workbook.add_worksheet("Assumptions")
    _page(sheet, report, 0)
    sheet.set_column(0, 0, 110)
    sheet.write_string(0, 0, f"{report.title}: what the figures take for granted", styles.title)
    texts = [f"{label}: {text}" for label, text in report.facts] + ["", *report.assumptions]
    for number, text in enumerate(texts, start=2):
        sheet.write_string(number, 0, text, styles.wrapped)
