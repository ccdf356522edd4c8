"""Workbooks: the cells of one or several sheets as text.

What belongs here: which sheets are read, their headers, what a cell's text is. What does not: what
the workbook's own markup says (excel_markup.py). Macros are never run: nothing is executed here, and a
formula counts with the value that was stored with it.
"""

from __future__ import annotations

import datetime
import fnmatch
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.intake import excel_markup
from orchestration.intake.formats import ExcelFormat
from orchestration.intake.mapping import Mapping
from orchestration.intake.records import (
    BLANKS,
    CHUNK_ROWS,
    FIND_ROWS,
    Records,
    UnreadableError,
    header_place,
    quoted,
    schema,
)

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook


def open_excel(path: Path, fmt: ExcelFormat, mapping: Mapping) -> Iterator[Records]:
    """The records of each sheet that is read, in the workbook's order. Raises UnreadableError."""
    excel_markup.check_package(path)
    with _readable():
        workbook = _load(path)
    names = _sheets(workbook, fmt)
    filled = 0
    for name in names:
        problems = excel_markup.problem_cells(path, name)
        with _readable(name if fmt.sheets else ""):
            records = _sheet(workbook.get_sheet_by_name(name), fmt, mapping, problems)
        if records is None and not fmt.sheets:
            raise UnreadableError(f"file is empty: sheet {name!r} has no cells")
        if records is not None:
            filled += 1
            yield Records(records.header, records.batches, records.heading, name if fmt.sheets else "")
    if not filled:
        raise UnreadableError(f"file is empty: no cells in {quoted(names)}")


def _load(path: Path) -> CalamineWorkbook:
    from python_calamine import load_workbook

    return load_workbook(str(path))


MAX_INTEGER = 2**53
"""Whole numbers from here on are not exact in a workbook, which holds binary floats."""
_TOO_LONG = "\0"


@contextmanager
def _readable(part: str = "") -> Iterator[None]:
    """Whatever the workbook library raises for damaged bytes is an UnreadableError; ``part``: the sheet to name."""
    from python_calamine import CalamineError, PasswordError

    try:
        yield
    except PasswordError as error:
        raise UnreadableError("the workbook is protected by a password; it must be delivered without one") from error
    except UnreadableError as error:
        raise UnreadableError(f"{part}: {error}" if part else str(error)) from error
    except (CalamineError, OSError, ValueError, MemoryError) as error:
        raise UnreadableError(f"not readable as a workbook: {error}") from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # the library's own assertion: it is no Exception
            raise UnreadableError(f"not readable as a workbook: {error}") from error
        raise


def _sheets(workbook: CalamineWorkbook, fmt: ExcelFormat) -> list[str]:
    from python_calamine import SheetVisibleEnum

    hidden = [meta.name for meta in workbook.sheets_metadata if meta.visible != SheetVisibleEnum.Visible]
    shown = [name for name in workbook.sheet_names if fmt.hidden_sheets or name not in hidden]
    if fmt.sheets:
        found = [name for name in shown if fnmatch.fnmatchcase(name, fmt.sheets)]
        if not found:
            raise UnreadableError(f"no sheet fits {fmt.sheets!r}; the workbook has {quoted(shown)}")
        return found
    if fmt.sheet not in workbook.sheet_names:
        raise UnreadableError(f"no sheet {fmt.sheet!r}; the workbook has {quoted(workbook.sheet_names)}")
    if fmt.sheet not in shown:
        raise UnreadableError(f"sheet {fmt.sheet!r} is hidden, and the mapping does not say hidden_sheets: true")
    return [fmt.sheet]


def _sheet(
    sheet: CalamineSheet, fmt: ExcelFormat, mapping: Mapping, problems: dict[tuple[int, int], str]
) -> Records | None:
    """The records of a sheet; None if it has no cells. ``problems``: cells without a value, by (row, column)."""
    if sheet.start is None:
        return None
    first = sheet.start[1]
    as_text = _cell_text(fmt)
    rows = sheet.iter_rows()  # from the sheet's first row on, but from its first filled column
    top = FIND_ROWS if fmt.header_row == "find" else fmt.header_row + fmt.header_rows - 1
    head = [[(as_text(cell) or "").strip(BLANKS) for cell in row] for row in itertools.islice(rows, top)]
    place = header_place(head, fmt, mapping)
    merged = [(r1, c1 - first, r2, c2 - first) for (r1, c1), (r2, c2) in sheet.merged_cell_ranges or [] if c1 >= first]
    heading = place + fmt.header_rows - 1
    if fmt.header_rows > 1:
        if len(head) < heading:
            raise UnreadableError(f"no header in rows {place} to {heading}: the sheet has {len(head)} rows")
        header = _joined(head[place - 1 : heading], place - 1, merged)
    else:
        header = head[place - 1]
    if fmt.header_row == "find":
        rows = sheet.iter_rows()
        next(itertools.islice(rows, heading - 1, None), None)
    if fmt.fill_merged:
        rows = _filled(rows, heading, merged)
    wanted = {column for column, name in enumerate(header) if name in mapping.source_columns}
    reasons = {
        row + 1: f"row: cell {_address(row, column)} {reason}"
        for (row, column), reason in sorted(problems.items(), reverse=True)
        if column - first in wanted
    }
    return Records(header, _batches(rows, as_text, heading, len(header), wanted, reasons), heading)


def _address(row: int, column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def _joined(head: list[list[str]], top: int, merged: list[tuple[int, int, int, int]]) -> list[str]:
    """Names of a header of several rows: merged cells spread to the right, then joined from the top."""
    spread = [list(row) for row in head]
    for r1, c1, _, c2 in merged:
        if top <= r1 < top + len(head):
            for column in range(c1, min(c2 + 1, len(head[0]))):
                spread[r1 - top][column] = head[r1 - top][c1]
    return [" / ".join(part for part in column if part) for column in zip(*spread, strict=True)]


def _filled(rows: Iterator[list[Any]], start: int, merged: list[tuple[int, int, int, int]]) -> Iterator[list[Any]]:
    """The rows from index ``start`` on, with a merged cell's value in all of its cells."""
    due = sorted(item for item in merged if item[2] >= start)
    active: list[tuple[tuple[int, int, int, int], Any]] = []
    position = 0
    for number, row in enumerate(rows, start):
        while position < len(due) and due[position][0] <= number:
            active.append((due[position], row[due[position][1]] if due[position][0] == number else ""))
            position += 1
        active = [item for item in active if item[0][2] >= number]
        for (_, c1, _, c2), value in active:
            row[c1 : c2 + 1] = [value] * (min(c2 + 1, len(row)) - c1)
        yield row


def _chunk(rows: Iterator[list[Any]]) -> list[list[Any]]:
    with _readable():
        return list(itertools.islice(rows, CHUNK_ROWS))


def _batches(
    rows: Iterator[list[Any]],
    as_text: Callable[[Any], str | None],
    heading: int,
    width: int,
    wanted: set[int],
    reasons: dict[int, str],
) -> Iterator[pa.RecordBatch]:
    number = heading + 1
    while chunk := _chunk(rows):
        columns = [[as_text(cell) for cell in column] for column in zip(*chunk, strict=True)]
        numbers = range(number, number + len(chunk))
        errors = pa.array([reasons.get(n) for n in numbers] if reasons else [None] * len(chunk), pa.string())
        for place in sorted(wanted, reverse=True):
            if _TOO_LONG in columns[place]:
                lost = pc.equal(pa.array(columns[place], pa.string()), _TOO_LONG)
                message = f"row: a number of so many digits in column {place + 1} that the workbook lost the last ones"
                errors = pc.if_else(pc.and_(pc.fill_null(lost, False), pc.is_null(errors)), message, errors)
                columns[place] = [None if text == _TOO_LONG else text for text in columns[place]]
        yield pa.record_batch([numbers, errors, *columns], schema=schema(width))
        number += len(chunk)


def _cell_text(fmt: ExcelFormat) -> Callable[[Any], str | None]:
    """The text of a cell; a date is ISO.

    A fraction has 15 significant digits, as the workbook itself shows; a whole number is exact as far as a
    workbook can hold it, and beyond that ``_TOO_LONG``: its last digits are lost.
    """

    def as_text(cell: Any) -> str | None:
        if isinstance(cell, str):
            return cell
        if cell is None:
            return None
        if isinstance(cell, bool):
            return str(cell).upper()
        if isinstance(cell, float | int):
            if abs(cell) >= MAX_INTEGER:
                return _TOO_LONG
            if float(cell).is_integer():
                return str(int(cell))
            text = format(Decimal(format(cell, ".15g")), "f")
            return text.replace(".", fmt.decimal)
        if isinstance(cell, datetime.datetime):
            return cell.date().isoformat() if cell.time() == datetime.time.min else cell.isoformat(" ")
        if isinstance(cell, datetime.date):
            return cell.isoformat()
        return str(cell)

    return as_text
