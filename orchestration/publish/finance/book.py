"""Writes a workbook: rows are put into the skeleton of its layout, straight into the file, in constant memory.

What belongs here: what stands in which row, the check that rows add up to their controls and that every tie holds.
What does not: the look (skeleton.py), single cells (cells.py), figures (one module per workbook).
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from xlsxwriter.utility import xl_col_to_name

from orchestration.publish.finance.cells import Cell, cell_xml, row_xml
from orchestration.publish.finance.model import KINDS, Book, Column, Sheet, Tie
from orchestration.publish.finance.skeleton import (
    COVER_WIDTHS,
    CREATED,
    FOOTER,
    HEADER_ROW,
    TITLE,
    Layout,
    Skeleton,
    skeleton_of,
)
from orchestration.publish.format import PublishError

_REF = re.compile(r'ref="[A-Z]+\d+:[A-Z]+\d+"')
_DIMENSION = re.compile(r'<dimension ref="[^"]*"/>')
_STAMP = (1980, 1, 1, 0, 0, 0)
_SLICE = 2_000
_RIGHT = ("amount", "integer", "number")


def write_book(path: Path, book: Book, units: Mapping[str, int]) -> None:
    """Write one workbook, whole or not at all. ``units``: minor units by currency.

    The bytes depend on ``book`` and ``units`` alone. Raises PublishError when a tie does not hold, when rows do not add
    up to their control or are not as many as told, and for an unknown currency.
    """
    for tie in book.ties:
        if tie.here != tie.there:
            where = ", ".join(filter(None, (tie.legal_entity, tie.currency)))
            raise PublishError(f"{path.stem}: {tie.what} ({where}): {tie.here}, but {tie.against} says {tie.there}")
    decimals = tuple(sorted({units[code] for code in _currencies(book, units, path.stem)}))
    layouts = tuple(
        Layout(sheet.title, sheet.table, sheet.columns, len(sheet.currencies), sheet.frozen, sheet.detailed)
        for sheet in book.sheets
    )
    skeleton = skeleton_of(layouts, decimals)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
            _write_parts(archive, book, skeleton, layouts, units, path.stem)
        os.replace(half, path)  # noqa: PTH105 - one step, also over an existing file
    finally:
        half.unlink(missing_ok=True)


def _currencies(book: Book, units: Mapping[str, int], name: str) -> set[str]:
    found = {currency for sheet in book.sheets for currency in sheet.currencies}
    found |= {figure.currency for figure in book.figures} | {tie.currency for tie in book.ties if tie.currency}
    if unknown := sorted(found - set(units)):
        raise PublishError(f"{name}: currency {', '.join(unknown)} has no minor unit")
    return found


def _write_parts(
    archive: zipfile.ZipFile,
    book: Book,
    skeleton: Skeleton,
    layouts: Sequence[Layout],
    units: Mapping[str, int],
    name: str,
) -> None:
    tables = {part: number for number, part in enumerate(skeleton.sheets[1:])}
    references = {
        skeleton.tables[part]: _area(layouts[number], book.sheets[number].count)
        for part, number in tables.items()
        if part in skeleton.tables
    }
    for part, text in skeleton.parts.items():
        info = zipfile.ZipInfo(part, _STAMP)
        info.compress_type = zipfile.ZIP_DEFLATED
        if part not in skeleton.sheets:
            if part in references:
                text = _REF.sub(f'ref="{references[part]}"', text)
            text = text.replace(TITLE, escape(book.title)).replace(CREATED, f"{book.as_of}T00:00:00Z")
            archive.writestr(info, text)
            continue
        text = text.replace(FOOTER, escape(book.footer.replace("&", "&&")))
        before, after = text.split("<sheetData></sheetData>")
        if part == skeleton.sheets[0]:
            rows = [row_xml(number, cells, skeleton.styles) for number, cells in enumerate(_cover(book, units), 1)]
            area = f"A1:{xl_col_to_name(len(COVER_WIDTHS) - 1)}{len(rows)}"
            pieces: Iterator[str] = iter(rows)
        else:
            number = tables[part]
            area = f"A1:{_area(layouts[number], book.sheets[number].count).split(':')[1]}"
            pieces = _sheet(book, book.sheets[number], layouts[number], skeleton.styles, units, name)
        with archive.open(info, "w") as handle:
            handle.write((_DIMENSION.sub(f'<dimension ref="{area}"/>', before) + "<sheetData>").encode())
            for piece in pieces:
                handle.write(piece.encode())
            handle.write(("</sheetData>" + after).encode())


def _area(layout: Layout, count: int) -> str:
    """Cells of the table: headers and rows; a table without rows has an empty one."""
    rows = max(count, 1) if layout.as_table else 1
    return f"A{layout.header}:{xl_col_to_name(len(layout.columns) - 1)}{layout.header + rows}"


# --- a sheet --------------------------------------------------------------------------------


def _sheet(
    book: Book, sheet: Sheet, layout: Layout, styles: dict[str, int], units: Mapping[str, int], name: str
) -> Iterator[str]:
    """The rows of a sheet as XML: title, note, totals, headers, rows."""
    yield row_xml(1, [Cell("title", f"{book.title}: {sheet.title[0].lower()}{sheet.title[1:]}")], styles)
    note = sheet.note if sheet.count else f"{sheet.note} There are no rows."
    yield row_xml(2, [Cell("note", note)], styles)
    for row, currency in enumerate(sheet.currencies, start=HEADER_ROW):
        yield row_xml(row, _totals(sheet, currency, units[currency]), styles)
    heads = [Cell("head_right" if column.kind in _RIGHT else "head", column.title) for column in layout.columns]
    height = 32 if any(len(column.title) > column.width - 2 for column in layout.columns) else 20
    yield row_xml(layout.header, heads, styles, height)
    if not sheet.detailed:
        text = f"{sheet.count:,} rows are too many for a sheet; the detail is in {sheet.detail}."
        yield row_xml(layout.header + 1, [Cell("plain", text)], styles)
        return
    yield from _rows(sheet, layout, styles, units, name)


def _totals(sheet: Sheet, currency: str, decimals: int) -> list[Cell]:
    """The row of totals of one currency: with one currency they follow the filter, with more they are over all rows."""
    alone = len(sheet.currencies) == 1
    cells = [Cell("total", f"Total {currency}" if not position else None) for position in range(len(sheet.columns))]
    for position, column in enumerate(sheet.columns):
        if column.name not in sheet.controls:
            continue
        shown = f"SUBTOTAL(109,{sheet.table}[{column.title}])"
        formula = shown if alone else sheet.sum_of(column.name, currency=currency)
        value = sheet.controls[column.name].get(currency, Decimal(0))
        cells[position] = Cell(f"total{decimals}", value, formula if sheet.detailed else "")
    return cells


def _rows(sheet: Sheet, layout: Layout, styles: dict[str, int], units: Mapping[str, int], name: str) -> Iterator[str]:
    """The rows as XML; PublishError at the end when they do not add up to the controls."""
    names = [column.name for column in sheet.columns]
    money = names.index("currency") if "currency" in names else -1
    totalled = [(names.index(column), column) for column in sheet.controls]
    sums: dict[tuple[str, str], Decimal] = {}
    letters = [xl_col_to_name(position) for position in range(len(names))]
    writers = [_writer(column, letters[position], names, letters) for position, column in enumerate(sheet.columns)]
    amounts = {code: styles[look] for code, decimals in units.items() if (look := f"amount{decimals}") in styles}
    fixed = {kind: styles["text" if kind == "identifier" else kind] for kind in KINDS if kind != "amount"}
    piece: list[str] = []
    row = layout.header
    for values in sheet.rows:
        row += 1
        currency = values[money] if money >= 0 else ""
        cells = [
            write(row, fixed[column.kind] if column.kind != "amount" else amounts[currency], value)
            for write, column, value in zip(writers, sheet.columns, values, strict=True)
            if value is not None
        ]
        for position, column_name in totalled:
            sums[column_name, currency] = sums.get((column_name, currency), Decimal(0)) + (values[position] or 0)
        piece.append(f'<row r="{row}">{"".join(cells)}</row>')
        if len(piece) == _SLICE:
            yield "".join(piece)
            piece = []
    yield "".join(piece)
    if row - layout.header != sheet.count:
        raise PublishError(f"{name}, {sheet.title}: {row - layout.header} rows, expected {sheet.count}")
    for column_name, control in sheet.controls.items():
        found = {currency: total for (column, currency), total in sums.items() if column == column_name and total}
        expected = {currency: total for currency, total in control.items() if total}
        if found != expected:
            raise PublishError(f"{name}, {sheet.title}: {column_name} adds up to {found}, expected {expected}")


def _writer(column: Column, letter: str, names: Sequence[str], letters: Sequence[str]) -> Any:
    """How a column writes a value: (row, style, value) → XML."""
    if column.formula:
        places = dict(zip(names, letters, strict=True))

        def with_formula(row: int, style: int, value: Any) -> str:
            formula = column.formula.format_map({key: f"{place}{row}" for key, place in places.items()})
            return cell_xml(f"{letter}{row}", style, value, formula)

        return with_formula
    return lambda row, style, value: cell_xml(f"{letter}{row}", style, value)


# --- the cover ------------------------------------------------------------------------------

_SUMS = ("Figure", ">Legal entity", ">Currency", "<Amount")
_TIES = (
    *("What must be equal", ">Legal entity", ">Currency", "<This workbook"),
    *(">Compared with", "<Figure", "<Difference", "<Ties"),
)
"""Headers of the cover: > has the indent of text, < stands on the right."""


def _cover(book: Book, units: Mapping[str, int]) -> list[list[Cell | None]]:
    """The rows of the cover: what it is, sums, how it ties, what it was made from."""
    rows: list[list[Cell | None]] = [[Cell("title", book.title)], [Cell("note", book.subject)], []]
    rows += [[Cell("label", label), Cell("text", value)] for label, value in book.facts]
    if book.figures:
        rows += _section("Sums", _SUMS)
        rows += [
            [
                Cell("plain", figure.name), Cell("text", figure.legal_entity), Cell("text", figure.currency),
                Cell(f"amount{units[figure.currency]}", figure.amount, figure.formula),
            ]
            for figure in book.figures
        ]  # fmt: skip
    if book.ties:
        rows += _section("How it ties", _TIES)
        first = len(rows) + 1
        rows += [_tie(tie, units, row) for row, tie in enumerate(book.ties, start=first)]
    for listing in book.listings:
        rows += _section(listing.title, (listing.columns[0], *(f">{text}" for text in listing.columns[1:])))
        for texts in listing.rows:
            rows.append([Cell("text" if position else "plain", text) for position, text in enumerate(texts)])
        if not listing.rows:
            rows.append([Cell("note", "none")])
    if book.remarks:
        rows += _section("To read this workbook", ())
        rows += [[Cell("plain", text)] for text in book.remarks]
    return rows


def _section(title: str, heads: Sequence[str]) -> list[list[Cell | None]]:
    """An empty row, a section's title, and its headers."""
    width = range(len(COVER_WIDTHS))
    line: list[Cell | None] = [Cell("section", None if position else title) for position in width]
    looks = {">": "bar_text", "<": "bar_right"}
    bar: list[Cell | None] = [
        Cell(looks.get(head[:1], "bar"), head.lstrip("<>") or None)
        for head in (*heads, *[""] * (len(width) - len(heads)))
    ]
    return [[], line, bar] if heads else [[], line]


def _tie(tie: Tie, units: Mapping[str, int], row: int) -> list[Cell | None]:
    look = f"amount{units[tie.currency]}" if tie.currency else "integer"
    return [
        Cell("plain", tie.what),
        Cell("text", tie.legal_entity or None),
        Cell("text", tie.currency or None),
        Cell(look, tie.here, tie.formula),
        Cell("text", tie.against),
        Cell(look, tie.there),
        Cell(look, tie.here - tie.there, f"ROUND(D{row}-F{row},4)"),
        Cell("verdict", "yes", f'IF(G{row}=0,"yes","NO")'),
    ]
