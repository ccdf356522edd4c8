"""Files that people answer in: review lists and work lists out, answers in, checked before they are delivered.

What belongs here: the files' columns, writing them (CSV, Excel), reading and checking what a person filled in, and
putting the answered rows into landing/. What does not: which spellings and codes are open (review.py, the marts).

An answer is data that must survive: it lives in landing/ as a file and nowhere else. Texts that a spreadsheet would
take for a formula get an apostrophe in front; they stand in columns that only people read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from orchestration import disk, warehouse
from orchestration.contract import ANSWERS, REPORTED_END_CUSTOMER
from orchestration.matching.normal import text
from orchestration.matching.review import Listed
from orchestration.settings import Settings

SHEET = "Review"
CANDIDATES = 5

Row = dict[str, str]


class AnswerError(ValueError):
    """A file cannot be written or read as answers; the message says why and what was expected."""


@dataclass(frozen=True)
class Kind:
    """One kind of answers. ``columns``: what is delivered; ``shown``: what people read beside it.

    ``answer``: the column that a person fills in; a row without it is not answered. ``source``: the folder of landing/
    that answered rows go to. ``required``: columns that an answered row needs.
    """

    name: str
    columns: tuple[str, ...]
    shown: tuple[str, ...]
    answer: str
    source: str
    required: tuple[str, ...]
    key: tuple[str, ...]


_CODE_SHOWN = ("lines", "amounts", "last_date", "suggestion_1", "suggestion_2", "suggestion_3")

CUSTOMERS = Kind(
    "end customers",
    ("end_customer_spelling", "answer", "answered_by", "comment"),
    (
        "status",
        "score",
        "line_source",
        *REPORTED_END_CUSTOMER[1:],
        "lines",
        "amounts",
        *(f"candidate_{n}" for n in range(1, CANDIDATES + 1)),
    ),
    "answer",
    "customer_answers_csv",
    ("end_customer_spelling", "answered_by"),
    ("end_customer_spelling",),
)
PRODUCTS = Kind(
    "product codes",
    ("line_source", "partner_product_id", "product_id", "valid_from", "valid_to"),
    ("product_description", *_CODE_SHOWN),
    "product_id",
    "product_code_answers",
    ("line_source", "partner_product_id", "valid_from"),
    ("line_source", "partner_product_id", "valid_from"),
)
UNITS = Kind(
    "units",
    ("line_source", "partner_unit", "unit", "valid_from", "valid_to"),
    _CODE_SHOWN,
    "unit",
    "unit_answers",
    ("line_source", "partner_unit", "valid_from"),
    ("line_source", "partner_unit", "valid_from"),
)
KINDS = (CUSTOMERS, PRODUCTS, UNITS)


# --- out ------------------------------------------------------------------------------------


def customer_rows(listed: Iterable[Listed], answered_by: str = "") -> list[Row]:
    """Rows of a review list to be answered; ``answered_by`` is filled in beforehand."""
    rows = []
    for each in listed:
        row = {
            "end_customer_spelling": each.end_customer_spelling,
            "answer": "",
            "answered_by": answered_by,
            "comment": "",
            "status": each.status,
            "score": str(each.candidates[0].score) if each.candidates else "",
            "line_source": each.line_source,
            **each.said,
            "lines": str(each.lines),
            "amounts": each.money,
        }
        row |= {f"candidate_{n}": str(found) for n, found in enumerate(each.candidates[:CANDIDATES], start=1)}
        rows.append(row)
    return rows


def write(kind: Kind, rows: Sequence[Row], path: Path, choices: Sequence[Sequence[str]] = ()) -> None:
    """Write rows to be answered as CSV or, for .xlsx, as a workbook; whole or not at all.

    ``choices``: for each row what may be picked as its answer (workbook only). Raises AnswerError for another ending.
    """
    columns = (*kind.columns, *kind.shown)
    shown = [[_shown(kind, name, row.get(name, "")) for name in columns] for row in rows]
    half = path.with_name(f".{path.name}.part")
    if path.suffix == ".csv":
        half.write_text(_csv(columns, shown), encoding="utf-8", newline="")
    elif path.suffix == ".xlsx":
        _workbook(half, kind, columns, shown, choices)
    else:
        raise AnswerError(f"{path.name}: expected a name that ends in .csv or .xlsx")
    os.replace(half, path)  # noqa: PTH105 - one step, also over an existing file


def _shown(kind: Kind, name: str, value: str) -> str:
    return f"'{value}" if name in kind.shown and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _workbook(
    path: Path, kind: Kind, columns: Sequence[str], rows: Sequence[Sequence[str]], choices: Sequence[Sequence[str]]
) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001 - equal rows give equal bytes
    sheet = book.add_worksheet(SHEET)
    head = book.add_format({"bold": True, "bottom": 1})
    fill = book.add_format({"bg_color": "#FFF2CC", "num_format": "@"})
    plain = book.add_format({"num_format": "@"})
    own = [kind.answer, *(name for name in kind.columns if name not in kind.required and name != kind.answer)]
    for place, name in enumerate(columns):
        sheet.write_string(0, place, name, head)
        width = max([len(name), *(len(row[place]) for row in rows[:200])], default=10)
        sheet.set_column(place, place, min(60, width + 2))
    for number, row in enumerate(rows, start=1):
        for place, value in enumerate(row):
            form = fill if columns[place] in (*own, "answered_by") else plain
            if value:
                sheet.write_string(number, place, value, form)
            else:
                sheet.write_blank(number, place, None, form)
    for number, allowed in enumerate(choices, start=1):
        if allowed and sum(len(value) + 1 for value in allowed) <= 255:
            place = columns.index(kind.answer)
            # a hint, not a wall: whoever is not listed may be typed in
            sheet.data_validation(
                number, place, number, place, {"validate": "list", "source": list(allowed), "error_type": "information"}
            )
    sheet.freeze_panes(1, 2)
    if rows:
        sheet.autofilter(0, 0, len(rows), len(columns) - 1)
    book.close()


# --- in -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checked:
    """A file of answers. ``answered``: rows that can be delivered; ``problems``: what is wrong, with row numbers."""

    kind: Kind
    rows: int
    answered: tuple[Row, ...]
    problems: tuple[str, ...]

    @property
    def blank(self) -> int:
        """Rows that were not answered."""
        return self.rows - len(self.answered) - len(self.problems)


def check(settings: Settings, path: Path, kinds: Sequence[Kind] = KINDS) -> Checked:
    """Read a file of answers and hold each answered row against what is known.

    Raises AnswerError for a file that cannot be read as one of ``kinds``.
    """
    header, rows = _read(path)
    fitting = [kind for kind in kinds if set(kind.columns) <= set(header)]
    if not fitting:
        expected = "; or ".join(", ".join(kind.columns) for kind in kinds)
        raise AnswerError(f"{path.name}: columns {', '.join(header)}: expected {expected}")
    kind = fitting[0]
    unknown = [name for name in header if name not in (*kind.columns, *kind.shown)]
    if unknown:
        raise AnswerError(f"{path.name}: unknown column {', '.join(map(repr, unknown))}; take it out")
    judge = _JUDGES[kind.name](settings)
    answered: list[Row] = []
    problems: list[str] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, row in rows:
        if not row[kind.answer]:
            continue
        wrong = [f"{name} is empty" for name in kind.required if not row[name]]
        key = tuple(row[name] for name in kind.key)
        if not wrong and (first := seen.setdefault(key, number)) != number:
            wrong = [f"{', '.join(key)} is answered in row {first} already"]
        wrong += judge(row)
        if wrong:
            problems.append(f"row {number}: {'; '.join(wrong)}")
        else:
            answered.append({name: row[name] for name in kind.columns})
    return Checked(kind, len(rows), tuple(answered), tuple(problems))


def deliver(settings: Settings, checked: Checked) -> Path:
    """Put the answered rows into landing/, named by their content; the file. Raises AnswerError when there is none."""
    if not checked.answered:
        raise AnswerError("no row is answered; there is nothing to deliver")
    rows = sorted(([row[name] for name in checked.kind.columns] for row in checked.answered), key=tuple)
    content = _csv(checked.kind.columns, rows)
    name = f"answers_{hashlib.sha256(content.encode()).hexdigest()[:12]}.csv"
    target = settings.landing / checked.kind.source / name
    disk.folder(target.parent)
    half = target.with_name(f"{name}.part")
    half.write_text(content, encoding="utf-8", newline="")
    disk.put(half, target)
    return target


def _read(path: Path) -> tuple[list[str], list[tuple[int, Row]]]:
    """Column names and rows with their numbers; every value as text without blanks around it."""
    if path.suffix == ".csv":
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                cells: list[list[Any]] = list(csv.reader(file))
        except (UnicodeDecodeError, csv.Error) as error:
            raise AnswerError(f"{path.name}: not readable as UTF-8 CSV with commas: {error}") from error
    elif path.suffix == ".xlsx":
        from python_calamine import CalamineError, CalamineWorkbook

        try:
            book = CalamineWorkbook.from_path(str(path))
        except CalamineError as error:
            raise AnswerError(f"{path.name}: not readable as a workbook: {error}") from error
        if SHEET not in book.sheet_names:
            raise AnswerError(f"{path.name}: no sheet {SHEET!r}; it has {', '.join(book.sheet_names)}")
        cells = book.get_sheet_by_name(SHEET).to_python(skip_empty_area=False)
    else:
        raise AnswerError(f"{path.name}: expected a name that ends in .csv or .xlsx")
    if not cells:
        raise AnswerError(f"{path.name}: the file is empty")
    header = [_cell(value) for value in cells[0]]
    while header and not header[-1]:
        header.pop()
    rows = []
    for number, values in enumerate(cells[1:], start=2):
        texts = [_cell(value) for value in values]
        if any(texts):
            if len(texts) < len(header) or any(texts[len(header) :]):
                raise AnswerError(f"{path.name}: row {number}: {len(texts)} values, the header has {len(header)}")
            rows.append((number, dict(zip(header, texts, strict=False))))
    return header, rows


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


# --- what is known --------------------------------------------------------------------------

Judge = Callable[[Mapping[str, str]], list[str]]


def _ids(settings: Settings, path: str, column: str) -> set[str]:
    with warehouse.in_memory(settings) as connection:
        rows = connection.execute(f"select distinct {column} from read_parquet({text(str(settings.data / path))})")
        return {value for (value,) in rows.fetchall() if value is not None}


def _customers(settings: Settings) -> Judge:
    spellings = _ids(settings, "matching/spelling.parquet", "end_customer_spelling")
    known = _ids(settings, "accepted/end_customer/*.parquet", "end_customer_id")

    def judge(row: Mapping[str, str]) -> list[str]:
        wrong = []
        if row["end_customer_spelling"] not in spellings:
            wrong.append(f"end_customer_spelling {row['end_customer_spelling']!r} is no spelling that was reported")
        if row["answer"] not in known and row["answer"] not in ANSWERS:
            wrong.append(f"answer {row['answer']!r}: expected an end customer's id or {', '.join(ANSWERS)}")
        return wrong

    return judge


def _products(settings: Settings) -> Judge:
    known = _ids(settings, "accepted/product/*.parquet", "product_id")

    def judge(row: Mapping[str, str]) -> list[str]:
        wrong = _dates(row)
        if row["product_id"] not in known:
            wrong.append(f"product_id {row['product_id']!r} is not in the product master")
        return wrong

    return judge


def _units(settings: Settings) -> Judge:
    known = _ids(settings, "accepted/product/*.parquet", "base_unit")
    known |= _ids(settings, "accepted/product_unit/*.parquet", "unit")

    def judge(row: Mapping[str, str]) -> list[str]:
        wrong = _dates(row)
        if row["unit"] not in known:
            wrong.append(f"unit {row['unit']!r}: expected one of {', '.join(sorted(known))}")
        return wrong

    return judge


def _dates(row: Mapping[str, str]) -> list[str]:
    wrong = []
    for name in ("valid_from", "valid_to"):
        try:
            if row[name]:
                date.fromisoformat(row[name])
        except ValueError:
            wrong.append(f"{name} {row[name]!r}: expected YYYY-MM-DD, for example 2017-03-31")
    return wrong


_JUDGES: dict[str, Callable[[Settings], Judge]] = {
    CUSTOMERS.name: _customers,
    PRODUCTS.name: _products,
    UNITS.name: _units,
}
