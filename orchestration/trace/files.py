"""A trace as a workbook, or as one CSV file per step, with every row.

What belongs here: how the files look. What does not: what is in them (steps.py, ties.py).
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.trace.report import Step, Tie, Trace

SHEET_ROWS = 300_000
"""Rows that a sheet holds; of a longer step the first ones, and the CSV files hold all."""

_BLUE = "#1F3864"
TIE_COLUMNS = ("what must be equal", "unit", "compared", "above", "sum of parts", "difference", "holds")


def tie_row(tie: Tie) -> tuple[Any, ...]:
    """A tie as a row of TIE_COLUMNS."""
    word = "yes" if tie.holds else f"NO: {tie.broken} differ, for example {tie.example}"
    return (tie.what, tie.unit, tie.count, tie.above, tie.parts, tie.above - tie.parts, word)


def write_csv(connection: duckdb.DuckDBPyConnection, trace: Trace, folder: Path) -> list[Path]:
    """``<folder>/<step>.csv`` for each step, all rows, and ``ties.csv``; returns the paths. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for step in trace.steps:
        paths.append(_csv(folder / f"{step.name}.csv", step.columns, step.rows(connection)))
    paths.append(_csv(folder / "ties.csv", TIE_COLUMNS, iter(tie_row(tie) for tie in trace.ties)))
    return paths


def _csv(path: Path, columns: tuple[str, ...], rows: Any) -> Path:
    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(tuple(_safe(value) for value in row) for row in rows)

    _replaced(path, write)
    return path


def _safe(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula arrives as text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def write_xlsx(connection: duckdb.DuckDBPyConnection, trace: Trace, path: Path) -> None:
    """One workbook: a cover with the ties, and a sheet per step. Equal traces give equal bytes. Raises OSError."""
    _replaced(path, lambda part: _workbook(connection, trace, part))


def _replaced(path: Path, write: Callable[[Path], None]) -> None:
    """Write to a name of its own beside the path, then put it in place in one step."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    try:
        write(Path(name))
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


class _Book:
    """The workbook that is being written, with its formats."""

    def __init__(self, path: Path) -> None:
        import xlsxwriter

        self.book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        created = datetime.combine(date(2000, 1, 1), time(), UTC).replace(tzinfo=None)
        self.book.set_properties({"title": "Trace", "created": created})
        self.title = self.book.add_format({"bold": True, "font_size": 14, "font_color": _BLUE})
        self.dim = self.book.add_format({"font_color": "#595959"})
        self.head = self.book.add_format({"bold": True, "font_color": "#FFFFFF", "bg_color": _BLUE})
        self.text = self.book.add_format({"num_format": "@"})
        self.day = self.book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self.whole = self.book.add_format({"num_format": "#,##0"})
        self.amount = self.book.add_format({"num_format": "#,##0.00##########"})

    def sheet(self, name: str, heading: str, said: tuple[str, ...]) -> tuple[Any, int]:
        """A sheet with its heading and what is said above the table; and the number of the next row."""
        sheet = self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&RPage &P of &N")
        return sheet, 1 + len(said)

    def cell(self, sheet: Any, row: int, column: int, value: Any) -> None:
        """One value as what it is: identifiers as text, amounts as numbers, dates as dates."""
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_string(row, column, "yes" if value else "no", self.text)
        elif isinstance(value, int):
            sheet.write_number(row, column, value, self.whole)
        elif isinstance(value, Decimal):
            sheet.write_number(row, column, value, self.amount)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, datetime.combine(value, time()), self.day)
        else:
            sheet.write_string(row, column, str(value), self.text)


def _workbook(connection: duckdb.DuckDBPyConnection, trace: Trace, path: Path) -> None:
    made = _Book(path)
    steps = [(step.title, step.name, step.total) for step in trace.steps]
    said = (
        *trace.about,
        "Every sum that must tie does." if not trace.broken else f"{len(trace.broken)} sums do not tie.",
    )
    cover, row = _titled(made, "trace", f"Trace of {trace.kind} {trace.key}", said)
    row = _table(made, cover, row + 1, TIE_COLUMNS, [tie_row(tie) for tie in trace.ties]) + 2
    _table(made, cover, row, ("step", "sheet", "rows"), steps)
    cover.set_column(0, 0, 62)
    cover.set_column(1, 5, 16)
    cover.set_column(6, 6, 60)
    for step in trace.steps:
        cut = step.total > SHEET_ROWS
        notes = (f"The first {SHEET_ROWS:,} of {step.total:,} rows; --csv writes all.",) if cut else ()
        sheet, row = _titled(made, step.name, step.title, (*step.notes, *notes))
        last = _table(made, sheet, row + 1, step.columns, step.rows(connection, SHEET_ROWS))
        sheet.freeze_panes(row + 2, 1)
        sheet.autofilter(row + 1, 0, max(last - 1, row + 1), len(step.columns) - 1)
        sheet.repeat_rows(row + 1)
        for column, name in enumerate(step.columns):
            sheet.set_column(column, column, _width(step, name))
    made.book.close()


def _titled(made: _Book, name: str, heading: str, said: tuple[str, ...]) -> tuple[Any, int]:
    sheet, row = made.sheet(name, heading, said)
    sheet.write_string(0, 0, heading, made.title)
    for number, text in enumerate(said, start=1):
        sheet.write_string(number, 0, text, made.dim)
    return sheet, row


def _table(made: _Book, sheet: Any, row: int, columns: tuple[str, ...], rows: Any) -> int:
    """Header and rows, the header in ``row``; returns the number of the row after the last one."""
    for column, name in enumerate(columns):
        sheet.write_string(row, column, name, made.head)
    for values in rows:
        row += 1
        for column, value in enumerate(values):
            made.cell(sheet, row, column, value)
    return row + 1


def _width(step: Step, column: str) -> float:
    """A width that keys are read in."""
    long = {"payout": 44, "payment": 44, "payment line": 60, "line": 34, "as delivered": 120, "batch": 26, "run": 38}
    if column.endswith("SHA-256") or column in ("calculation", "terms as last posted"):
        return 68
    return float(long.get(column, max(12, len(column) + 3)))
