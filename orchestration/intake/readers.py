"""Readers: the records of a delivered file as text, with the row number that a person counts.

What belongs here: CSV, Excel and Parquet to batches of text, and every reason why a file as a
whole cannot be read. What does not: the meaning of columns and the parsing of values (parse.py).

Every reader yields record batches with the columns ``row_number`` BIGINT (the file's first record
is 1), ``row_error`` VARCHAR (why the record does not have the header's shape; null: it does) and
``c0`` … ``cN`` VARCHAR, one per column of the header. Memory is bounded by the batch, except that a
workbook's sheet is held as a whole by its reader.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import datetime
import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.intake.mapping import CsvFormat, ExcelFormat, Mapping

if TYPE_CHECKING:
    import pyarrow.csv as pa_csv

BLOCK_BYTES = 4 << 20
CHUNK_ROWS = 50_000
csv.field_size_limit(2**31 - 1)  # the module's own limit of 128 KiB would stop at a long free text
MAX_SHAPE_ERRORS = 100_000
"""A file with more records of the wrong shape is not in the declared format."""


class UnreadableError(ValueError):
    """The file as a whole cannot be read; the message says why."""


@dataclass(frozen=True)
class Records:
    """A file's header and its records as batches of text (see the module's docstring)."""

    header: list[str]
    batches: Iterator[pa.RecordBatch]

    @property
    def schema(self) -> pa.Schema:
        """Schema of the batches."""
        return _schema(len(self.header))


def _schema(width: int) -> pa.Schema:
    fields = [("row_number", pa.int64()), ("row_error", pa.string())]
    return pa.schema([*fields, *((f"c{i}", pa.string()) for i in range(width))])


def open_records(path: Path, mapping: Mapping) -> Records:
    """Open a file in its source's format and check its header.

    Raises UnreadableError for an empty file, a wrong format and a header that does not fit;
    reading the batches raises it too, for what only shows further down.
    """
    if path.stat().st_size == 0:
        raise UnreadableError("file is empty")
    if isinstance(mapping.format, CsvFormat):
        records = _csv(path, mapping.format)
    elif isinstance(mapping.format, ExcelFormat):
        records = _excel(path, mapping.format)
    else:
        records = _parquet(path)
    check_header(records.header, mapping)
    return records


def check_header(header: list[str], mapping: Mapping) -> None:
    """Raise UnreadableError unless the header has exactly the columns that the mapping names.

    Columns without a name are let through: parsing reports the rows that have a value in one.
    """
    named = [name for name in header if name]
    if not named:
        raise UnreadableError(f"no column names in row {mapping.format.header_row}")
    expected = mapping.source_columns
    problems = []
    if missing := [name for name in expected if name not in named]:
        problems.append(f"missing column {_quoted(missing)}")
    if extra := [name for name in dict.fromkeys(named) if name not in expected and name not in mapping.ignored_columns]:
        problems.append(f"extra column {_quoted(extra)}")
    if twice := [name for name, count in collections.Counter(named).items() if count > 1]:
        problems.append(f"column given twice {_quoted(twice)}")
    if problems:
        raise UnreadableError(f"header in row {mapping.format.header_row}: {'; '.join(problems)}")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


# --- CSV --------------------------------------------------------------------------------------


def _csv(path: Path, fmt: CsvFormat) -> Records:
    with path.open(encoding=fmt.encoding, newline="") as stream:
        reader = csv.reader(stream, delimiter=fmt.separator)
        try:
            head = list(itertools.islice(reader, fmt.header_row))
            blank = not any(cell.strip("\ufeff \t") for record in head for cell in record)
            if blank and not any(cell.strip() for record in reader for cell in record):
                raise UnreadableError("file is empty")
        except (UnicodeDecodeError, csv.Error) as error:
            raise UnreadableError(_not_decoded(fmt.encoding, error)) from error
    if len(head) < fmt.header_row:
        raise UnreadableError(f"no header in row {fmt.header_row}: the file has {len(head)} rows")
    header = [cell.removeprefix("\ufeff").strip() for cell in head[-1]]
    return Records(header, _csv_batches(path, fmt, header))


def _not_decoded(encoding: str, error: Exception) -> str:
    return f"not readable as {encoding} text: {error}"


def _csv_batches(path: Path, fmt: CsvFormat, header: list[str]) -> Iterator[pa.RecordBatch]:
    """All records after the header, the malformed ones among them.

    The title and header records are read as data and dropped by their number, so that numbers
    count records from the top of the file. Numbers of malformed records come from the parser.
    """
    import numpy as np
    import pyarrow.csv as pa_csv

    width = len(header)
    malformed: list[tuple[int, str, int]] = []  # number, text, fields

    def on_malformed(row: pa_csv.InvalidRow) -> str:
        if row.number > fmt.header_row:
            malformed.append((row.number, row.text, row.actual_columns))
        else:
            heading.append(row.number)
        return "skip"

    heading: list[int] = []
    names = [f"c{i}" for i in range(width)]
    number_of_next = 1
    line_break = False
    try:
        with pa_csv.open_csv(
            path,
            read_options=pa_csv.ReadOptions(
                use_threads=False,  # the parser numbers records only when it reads in order
                block_size=BLOCK_BYTES,
                column_names=names,
                encoding="utf8" if fmt.encoding in ("utf-8", "utf-8-sig") else fmt.encoding,
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=fmt.separator,
                newlines_in_values=True,
                ignore_empty_lines=False,  # they count; parsing drops records without any value
                invalid_row_handler=on_malformed,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        ) as stream:
            for batch in stream:
                if len(malformed) > MAX_SHAPE_ERRORS:
                    raise UnreadableError(f"more than {MAX_SHAPE_ERRORS} rows do not have {width} fields")
                skipped = np.array(heading + [number for number, _, _ in malformed], dtype=np.int64)
                # record numbers of this batch: counting on from the last one, malformed ones left out
                candidates = np.arange(number_of_next, number_of_next + batch.num_rows + len(skipped), dtype=np.int64)
                numbers = np.setdiff1d(candidates, skipped, assume_unique=True)[: batch.num_rows]
                if batch.num_rows:
                    number_of_next = int(numbers[-1]) + 1
                line_break = line_break or any(_has_line_break(column) for column in batch.columns)
                data = pa.record_batch(
                    [pa.array(numbers), pa.nulls(batch.num_rows, pa.string()), *batch.columns], schema=_schema(width)
                )
                yield data.slice(int(np.searchsorted(numbers, fmt.header_row, side="right")))
    except (pa.ArrowInvalid, UnicodeError) as error:
        _check_quotes(path, fmt)
        raise UnreadableError(_not_decoded(fmt.encoding, error)) from error
    if line_break or any("\n" in text or "\r" in text for _, text, _ in malformed):
        _check_quotes(path, fmt)
    if malformed:
        yield _malformed_batch(malformed, fmt, width)


def _has_line_break(column: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(column, "[\\r\\n]")).as_py())


def _check_quotes(path: Path, fmt: CsvFormat) -> None:
    """Raise UnreadableError where a stray quote swallows the rows after it.

    Only called where a value holds a line break: a strict second pass, whose rows are dropped.
    """
    with path.open(encoding=fmt.encoding, newline="") as stream:
        reader = csv.reader(stream, delimiter=fmt.separator, strict=True)
        try:
            collections.deque(reader, maxlen=0)
        except csv.Error as error:
            raise UnreadableError(f"a quote is not closed properly before line {reader.line_num}: {error}") from error
        except UnicodeError as error:
            raise UnreadableError(_not_decoded(fmt.encoding, error)) from error


def _malformed_batch(malformed: list[tuple[int, str, int]], fmt: CsvFormat, width: int) -> pa.RecordBatch:
    """Records with too few or too many fields: what fits is kept, the rest stands in the message."""
    fields = [_cells(text, fmt) for _, text, _ in malformed]
    errors = []
    for record, (_, _, actual) in zip(fields, malformed, strict=True):
        surplus = f" (not read: {' | '.join(record[width:])})" if actual > width else ""
        errors.append(f"row: has {actual} fields, expected {width}{surplus}")
    columns = [[record[i] if i < len(record) else None for record in fields] for i in range(width)]
    numbers = [number for number, _, _ in malformed]
    return pa.record_batch([numbers, errors, *columns], schema=_schema(width))


def _cells(text: str, fmt: CsvFormat) -> list[str]:
    """The cells of a malformed record; a text that no rule can split is one cell."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=fmt.separator), [])
    except csv.Error:
        return [text]


# --- Excel ------------------------------------------------------------------------------------


def _excel(path: Path, fmt: ExcelFormat) -> Records:
    from python_calamine import CalamineError, load_workbook

    try:
        with path.open("rb") as stream:
            workbook = load_workbook(stream)
            if fmt.sheet not in workbook.sheet_names:
                raise UnreadableError(f"no sheet {fmt.sheet!r}; the workbook has {_quoted(workbook.sheet_names)}")
            sheet = workbook.get_sheet_by_name(fmt.sheet)
    except (CalamineError, OSError, ValueError) as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"not readable as a workbook: {error}") from error
    rows = sheet.iter_rows()
    head = list(itertools.islice(rows, fmt.header_row))
    as_text = _cell_text(fmt)
    if sheet.start is None:
        raise UnreadableError(f"file is empty: sheet {fmt.sheet!r} has no cells")
    if len(head) < fmt.header_row:
        raise UnreadableError(f"no header in row {fmt.header_row}: the sheet has {len(head)} rows")
    header = [(as_text(cell) or "").strip() for cell in head[-1]]
    return Records(header, _excel_batches(rows, fmt, len(header)))


def _excel_batches(rows: Iterator[list[Any]], fmt: ExcelFormat, width: int) -> Iterator[pa.RecordBatch]:
    as_text = _cell_text(fmt)
    number = fmt.header_row + 1
    while chunk := list(itertools.islice(rows, CHUNK_ROWS)):
        columns = [[as_text(cell) for cell in column] for column in zip(*chunk, strict=True)]
        numbers = range(number, number + len(chunk))
        yield pa.record_batch([numbers, pa.nulls(len(chunk), pa.string()), *columns], schema=_schema(width))
        number += len(chunk)


def _cell_text(fmt: ExcelFormat) -> Callable[[Any], str | None]:
    """The text of a cell. A number has 15 significant digits, as the workbook itself shows; a date is ISO."""

    def as_text(cell: Any) -> str | None:
        if isinstance(cell, str):
            return cell
        if cell is None:
            return None
        if isinstance(cell, bool):
            return str(cell).upper()
        if isinstance(cell, float | int):
            text = format(Decimal(format(cell, ".15g")), "f")
            return text.replace(".", fmt.decimal)
        if isinstance(cell, datetime.datetime):
            return cell.date().isoformat() if cell.time() == datetime.time.min else cell.isoformat(" ")
        if isinstance(cell, datetime.date):
            return cell.isoformat()
        return str(cell)

    return as_text


# --- Parquet ----------------------------------------------------------------------------------


def _parquet(path: Path) -> Records:
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UnreadableError(f"not readable as Parquet: {_without(path, error)}") from error
    return Records(list(file.schema_arrow.names), _parquet_batches(path))


def _parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    with contextlib.closing(pq.ParquetFile(path)) as file:
        width = len(file.schema_arrow.names)
        number = 1
        try:
            for batch in file.iter_batches(batch_size=CHUNK_ROWS, use_threads=False):
                columns = [pc.cast(column, pa.string()) for column in batch.columns]
                numbers = pa.array(range(number, number + batch.num_rows))
                yield pa.record_batch([numbers, pa.nulls(batch.num_rows, pa.string()), *columns], schema=_schema(width))
                number += batch.num_rows
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise UnreadableError(f"not readable as Parquet: {_without(path, error)}") from error


def _without(path: Path, error: Exception) -> str:
    return str(error).replace(str(path), "the file")
