"""Cells of a sheet as SpreadsheetML, row by row.

What belongs here: how one value is written. What does not: which values stand where (book.py). Text is always a text
cell, so nothing that begins with = + - @ is a formula. Amounts are written with all their decimals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from xlsxwriter.utility import xl_col_to_name

_FIRST_DAY = date(1899, 12, 30).toordinal()
_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""Characters that XML does not hold, and an underscore that would be read as the beginning of such a one."""


@dataclass(frozen=True)
class Cell:
    """One cell: the name of its style, its value (None: empty), and the formula that gives the value, if one does."""

    style: str
    value: Any = None
    formula: str = ""


def text_of(value: str) -> str:
    """A text inside an element: markup escaped, characters that XML does not hold as ``_x0001_``."""
    if _ODD.search(value):
        value = _ODD.sub(lambda found: f"_x{ord(found[0]):04X}_", value)
    return escape(value)


def number_of(value: Any) -> str:
    """A number or a date (days since 1899-12-30) as digits, without an exponent."""
    if isinstance(value, date):
        return str(value.toordinal() - _FIRST_DAY)
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
    return str(value)


def cell_xml(place: str, style: int, value: Any, formula: str = "") -> str:
    """One ``<c>`` element; ``place``: e.g. B7."""
    if formula:
        kind = ' t="str"' if isinstance(value, str) else ""
        shown = text_of(value) if isinstance(value, str) else number_of(value)
        return f'<c r="{place}" s="{style}"{kind}><f>{escape(formula)}</f><v>{shown}</v></c>'
    if value is None:
        return f'<c r="{place}" s="{style}"/>'
    if isinstance(value, str):
        space = ' xml:space="preserve"' if value != value.strip() else ""
        return f'<c r="{place}" s="{style}" t="inlineStr"><is><t{space}>{text_of(value)}</t></is></c>'
    return f'<c r="{place}" s="{style}"><v>{number_of(value)}</v></c>'


def row_xml(row: int, cells: Iterable[Cell | None], styles: dict[str, int], height: float = 0) -> str:
    """One ``<row>`` (from 1); None: no cell."""
    parts = [
        cell_xml(f"{xl_col_to_name(position)}{row}", styles[cell.style], cell.value, cell.formula)
        for position, cell in enumerate(cells)
        if cell is not None
    ]
    high = f' ht="{height:g}" customHeight="1"' if height else ""
    return f'<row r="{row}"{high}>{"".join(parts)}</row>'
