"""Excel workbooks for people in finance: the rows of a batch and a sheet of control totals.

What belongs here: how a sheet looks. What does not: columns (formats/) and figures (the ledger).
Equal data give equal bytes: the creation date is the batch's as-of date. Every text is written as
text, so nothing that begins with = + - @ is ever a formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from orchestration.publish.format import Format

ROW_LIMIT = 300_000
"""Rows up to which a sheet carries the detail; above, it says so and the CSV carries it."""
TABLE_LIMIT = 50_000
"""Rows up to which a sheet is an Excel table; above, rows are streamed and have a filter only."""

_HEADER = 3  # row of the headers (from 0): title, subtitle and an empty row stand above
_SLICE = 10_000
_TEXT_KINDS = ("identifier", "text")
_BLUE = "#1F3864"

Sums = dict[tuple[str, str], Decimal]


@dataclass(frozen=True)
class Sheet:
    """One format's rows in a workbook. ``controls``: the ledger's sums per amount column, by (legal entity, currency).

    ``csv``: name of the CSV with the same rows; ``csv_hash``: its SHA-256.
    """

    format: Format
    table: pa.Table
    controls: dict[str, Sums]
    csv: str
    csv_hash: str

    @property
    def detailed(self) -> bool:
        """Whether the sheet itself carries the rows."""
        return self.table.num_rows <= ROW_LIMIT

    def currencies(self) -> list[str]:
        """Currencies of the amounts, sorted."""
        return sorted({currency for sums in self.controls.values() for _, currency in sums})

    def range_of(self, column: str) -> str:
        """Absolute range of a column's rows, e.g. ``'Journal'!$I$5:$I$104``."""
        position = self.table.column_names.index(column)
        cells = xl_range_abs(_HEADER + 1, position, _HEADER + max(self.table.num_rows, 1), position)
        return f"'{self.format.title}'!{cells}"


class _Styles:
    """Cell formats of one workbook; amounts by number of decimals."""

    def __init__(self, workbook: Workbook, units: Mapping[str, int]) -> None:
        self._workbook = workbook
        self._units = units
        self._amounts: dict[tuple[int, bool], Any] = {}
        self.title = workbook.add_format({"bold": True, "font_size": 14, "font_color": _BLUE})
        self.subtitle = workbook.add_format({"font_color": "#595959"})
        self.section = workbook.add_format({"bold": True, "font_color": _BLUE, "bottom": 1, "bottom_color": _BLUE})
        self.label = workbook.add_format({"bold": True})
        head = {"bold": True, "font_color": "#FFFFFF", "bg_color": _BLUE, "valign": "vcenter"}
        self.head = workbook.add_format({**head, "align": "left"})
        self.head_right = workbook.add_format({**head, "align": "right"})
        self.text = workbook.add_format({"num_format": "@", "indent": 1})
        self.date = workbook.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self.integer = workbook.add_format({"num_format": "#,##0"})
        self.total = workbook.add_format({"bold": True, "top": 1})

    def amount(self, currency: str, *, total: bool = False) -> Any:
        """Number format with the currency's decimals."""
        decimals = self._units[currency]
        if (decimals, total) not in self._amounts:
            look = {"num_format": "#,##0" + ("." + "0" * decimals if decimals else "")}
            self._amounts[decimals, total] = self._workbook.add_format(
                look | ({"bold": True, "top": 1} if total else {})
            )
        return self._amounts[decimals, total]


def write_workbook(path: Path, facts: Mapping[str, Any], sheets: Sequence[Sheet], units: Mapping[str, int]) -> None:
    """Write one workbook: a sheet per format, then ``Control totals``.

    ``facts``: the batch's facts (see files.write_batch_files). ``units``: minor units by currency.
    """
    as_of = date.fromisoformat(facts["as_of"])
    large = any(sheet.detailed and sheet.table.num_rows > TABLE_LIMIT for sheet in sheets)
    workbook = xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": large,
            "tmpdir": str(path.parent),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    workbook.set_properties({"title": path.stem, "created": datetime.combine(as_of, time(), UTC).replace(tzinfo=None)})
    workbook.set_calc_mode("auto")
    styles = _Styles(workbook, units)
    for sheet in sheets:
        _write_rows(workbook, styles, facts, sheet, as_table=not large)
    _write_control_totals(workbook, styles, facts, sheets)
    workbook.close()


def _page(worksheet: Worksheet, facts: Mapping[str, Any], header_rows: tuple[int, int] | None) -> None:
    """Print set-up: landscape A4, one page wide, headers on every page, batch and page number below."""
    worksheet.set_landscape()
    worksheet.set_paper(9)
    worksheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.7)
    worksheet.fit_to_pages(1, 0)
    worksheet.set_footer(f"&L{facts['batch']}&C&A&RPage &P of &N")
    if header_rows:
        worksheet.repeat_rows(*header_rows)


def _heading(worksheet: Worksheet, styles: _Styles, facts: Mapping[str, Any], title: str) -> None:
    worksheet.write_string(0, 0, f"{title} {facts['accounting_month']}", styles.title)
    subtitle = f"Batch {facts['batch']}, as of {facts['as_of']}, calculation {facts['calculation_id']}"
    worksheet.write_string(1, 0, subtitle, styles.subtitle)


def _write_rows(workbook: Workbook, styles: _Styles, facts: Mapping[str, Any], sheet: Sheet, *, as_table: bool) -> None:
    """One format's sheet: title, headers, rows, totals per currency."""
    worksheet = workbook.add_worksheet(sheet.format.title)
    worksheet.hide_gridlines(2)
    _page(worksheet, facts, (0, _HEADER))
    worksheet.freeze_panes(_HEADER + 1, sheet.format.frozen)
    for position, column in enumerate(sheet.format.columns):
        worksheet.set_column(position, position, column.width)
    worksheet.set_row(_HEADER, 20)
    _heading(worksheet, styles, facts, sheet.format.title)
    columns = sheet.format.columns
    heads = [styles.head_right if c.kind in ("amount", "integer") else styles.head for c in columns]
    for position, column in enumerate(columns):
        worksheet.write_string(_HEADER, position, column.title, heads[position])
    rows = sheet.table.num_rows
    if not rows or not sheet.detailed:
        text = "No rows in this batch."
        if rows:
            text = f"{rows:,} rows are too many for a sheet; the detail is in {sheet.csv}."
        worksheet.write_string(_HEADER + 1, 0, text)
        return
    for start in range(0, rows, _SLICE):
        _write_slice(worksheet, styles, sheet, start)
    last = _HEADER + rows
    worksheet.ignore_errors({"number_stored_as_text": xl_range_abs(_HEADER + 1, 0, last, len(columns) - 1)})
    for offset, currency in enumerate(sheet.currencies(), start=2):
        worksheet.write_string(last + offset, 0, f"Total {currency}", styles.total)
        for position, column in enumerate(columns[1:], start=1):
            if column.kind != "amount":
                worksheet.write_blank(last + offset, position, None, styles.total)
                continue
            value = sum(total for (_, code), total in sheet.controls[column.name].items() if code == currency)
            formula = f'=SUMIFS({sheet.range_of(column.name)},{sheet.range_of("currency")},"{currency}")'
            look = styles.amount(currency, total=True)
            worksheet.write_formula(last + offset, position, formula, look, float(value))
    area = (_HEADER, 0, last, len(columns) - 1)
    if not as_table:
        worksheet.autofilter(*area)
        return
    headers = [{"header": c.title, "header_format": look} for c, look in zip(columns, heads, strict=True)]
    table_look = {"name": f"{sheet.format.name}_rows", "style": "Table Style Light 9", "columns": headers}
    worksheet.add_table(*area, table_look)


def _write_slice(worksheet: Worksheet, styles: _Styles, sheet: Sheet, start: int) -> None:
    """The rows of one slice, cell by cell in row order (streamed sheets need that order)."""
    values = sheet.table.slice(start, _SLICE).to_pydict()
    kinds = [(column.name, column.kind) for column in sheet.format.columns]
    for offset, currency in enumerate(values["currency"]):
        row = _HEADER + 1 + start + offset
        for position, (name, kind) in enumerate(kinds):
            value = values[name][offset]
            if value is None:
                continue
            if kind in _TEXT_KINDS:
                worksheet.write_string(row, position, value, styles.text)
            elif kind == "amount":
                worksheet.write_number(row, position, float(value), styles.amount(currency))
            elif kind == "date":
                worksheet.write_datetime(row, position, value, styles.date)
            else:
                worksheet.write_number(row, position, value, styles.integer)


def _write_control_totals(
    workbook: Workbook, styles: _Styles, facts: Mapping[str, Any], sheets: Sequence[Sheet]
) -> None:
    """What the batch is, that it balances, that the sheets equal the ledger, and which CSV they equal."""
    worksheet = workbook.add_worksheet("Control totals")
    worksheet.hide_gridlines(2)
    _page(worksheet, facts, None)
    worksheet.freeze_panes(2, 0)
    worksheet.set_column(0, 0, 30)
    worksheet.set_column(1, 6, 18)
    worksheet.set_column(7, 7, 12)
    _heading(worksheet, styles, facts, "Control totals")
    row = _write_facts(worksheet, styles, facts, 3)
    row = _write_balance(worksheet, styles, facts, row + 1)
    row = _write_comparison(worksheet, styles, sheets, row + 1)
    row = _write_section(worksheet, styles, row + 1, "Files", ("File", "Rows", "SHA-256"), (1,))
    for sheet in sheets:
        worksheet.write_string(row, 0, sheet.csv)
        worksheet.write_number(row, 1, sheet.table.num_rows, styles.integer)
        worksheet.write_string(row, 2, sheet.csv_hash, styles.text)
        row += 1
    row = _write_section(worksheet, styles, row + 1, "How it ties", (), ())
    lines = [
        "Debit equals credit in every entry, and per legal entity and currency: the differences above are zero.",
        "Ledger: sums of the batch as posted. Sheet: formulas over the rows of this workbook. Both must be equal.",
        "The CSV holds the same rows; its SHA-256 also stands in the manifest of the batch in the ledger.",
    ]
    if facts["kind"] == "settlement":
        lines.append("Payments equal their payment lines, and what the settlement journal takes from accrued rebates.")
    for line in lines:
        worksheet.write_string(row, 0, line)
        row += 1


def _write_section(
    worksheet: Worksheet, styles: _Styles, row: int, title: str, headers: Sequence[str], right: Sequence[int]
) -> int:
    """A section's title and header row; the row below them. ``right``: positions of right-aligned headers."""
    for position in range(8):
        worksheet.write_string(row, position, "" if position else title, styles.section)
    for position, header in enumerate(headers):
        worksheet.write_string(row + 1, position, header, styles.head_right if position in right else styles.head)
    return row + (2 if headers else 1)


def _write_facts(worksheet: Worksheet, styles: _Styles, facts: Mapping[str, Any], row: int) -> int:
    texts = [("Batch", facts["batch"]), ("Kind", facts["kind"]), ("Accounting month", facts["accounting_month"])]
    for label, text in texts:
        worksheet.write_string(row, 0, label, styles.label)
        worksheet.write_string(row, 1, text, styles.text)
        row += 1
    worksheet.write_string(row, 0, "As of", styles.label)
    worksheet.write_datetime(row, 1, date.fromisoformat(facts["as_of"]), styles.date)
    worksheet.write_string(row + 1, 0, "Calculation", styles.label)
    worksheet.write_string(row + 1, 1, facts["calculation_id"], styles.text)
    worksheet.write_string(row + 2, 0, "Newest file receipt", styles.label)
    worksheet.write_string(row + 2, 1, str(facts["file_sequence"]), styles.text)
    row += 3
    for name, count in facts["rows"].items():
        worksheet.write_string(row, 0, f"Rows of {name}", styles.label)
        worksheet.write_string(row, 1, f"{count:,}", styles.text)
        row += 1
    for number, program_key in enumerate(facts["program_keys"] or ["none"]):
        worksheet.write_string(row, 0, "" if number else "Program versions", styles.label)
        worksheet.write_string(row, 1, program_key, styles.text)
        row += 1
    return row


def _write_balance(worksheet: Worksheet, styles: _Styles, facts: Mapping[str, Any], row: int) -> int:
    headers = ("Legal entity", "Currency", "Debit", "Credit", "Difference")
    row = _write_section(worksheet, styles, row, "Balance of the batch", headers, (2, 3, 4))
    for line in facts["totals"]:
        look = styles.amount(line["currency"])
        debit, credit = Decimal(line["debit"]), Decimal(line["credit"])
        worksheet.write_string(row, 0, line["legal_entity"], styles.text)
        worksheet.write_string(row, 1, line["currency"], styles.text)
        worksheet.write_number(row, 2, float(debit), look)
        worksheet.write_number(row, 3, float(credit), look)
        formula = f"={xl_rowcol_to_cell(row, 2)}-{xl_rowcol_to_cell(row, 3)}"
        worksheet.write_formula(row, 4, formula, look, float(debit - credit))
        row += 1
    if not facts["totals"]:
        worksheet.write_string(row, 0, "Nothing was posted.")
        row += 1
    return row


def _write_comparison(worksheet: Worksheet, styles: _Styles, sheets: Sequence[Sheet], row: int) -> int:
    headers = ("Sheet", "Column", "Legal entity", "Currency", "Ledger", "Sheet", "Difference", "Ties")
    row = _write_section(worksheet, styles, row, "Sheets and ledger", headers, (4, 5, 6))
    first = row
    for sheet in sheets:
        for column in sheet.format.columns:
            for (legal_entity, currency), value in sorted(sheet.controls.get(column.name, {}).items()):
                look = styles.amount(currency)
                worksheet.write_string(row, 0, sheet.format.title)
                worksheet.write_string(row, 1, column.title)
                worksheet.write_string(row, 2, legal_entity, styles.text)
                worksheet.write_string(row, 3, currency, styles.text)
                worksheet.write_number(row, 4, float(value), look)
                if not sheet.detailed:
                    worksheet.write_string(row, 5, f"in {sheet.csv}")
                    row += 1
                    continue
                ledger, entity, code = (xl_rowcol_to_cell(row, position) for position in (4, 2, 3))
                sums = (
                    f"=SUMIFS({sheet.range_of(column.name)},{sheet.range_of('legal_entity')},{entity},"
                    f"{sheet.range_of('currency')},{code})"
                )
                worksheet.write_formula(row, 5, sums, look, float(value))
                worksheet.write_formula(row, 6, f"=ROUND({ledger}-{xl_rowcol_to_cell(row, 5)},4)", look, 0)
                worksheet.write_formula(row, 7, f'=IF({xl_rowcol_to_cell(row, 6)}=0,"yes","NO")', None, "yes")
                row += 1
    if row == first:
        worksheet.write_string(row, 0, "No rows in this batch.")
        row += 1
    return row
