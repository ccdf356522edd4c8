"""Delimited text: CSV and TSV.

What belongs here: the records of a text file with the row numbers that a person counts. What does
not: the meaning of columns. Memory is bounded by the block: a longer record is an error.
"""

from __future__ import annotations

import codecs
import collections
import contextlib
import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.intake.formats import CsvFormat
from orchestration.intake.mapping import Mapping
from orchestration.intake.records import BLANKS, FIND_ROWS, Records, UnreadableError, header_place, schema

if TYPE_CHECKING:
    import pyarrow.csv as pa_csv

BLOCK_BYTES = 4 << 20
"""Longest record that is read: a longer one is a lost line end or quote, or no text at all."""
MAX_SHAPE_ERRORS = 100_000
"""A file with more records of the wrong shape is not in the declared format."""
csv.field_size_limit(2 * BLOCK_BYTES)  # the module's own limit of 128 KiB would stop at a long free text

_BAD_QUOTE = "row: text after a closing quote: a quote within quotes must be doubled or escaped, as declared"
_UTF8 = ("utf-8", "utf-8-sig")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def open_csv(path: Path, fmt: CsvFormat, mapping: Mapping) -> Records:
    """The records of a delimited text file. Raises UnreadableError, also while its batches are read."""
    has_quote = _check_bytes(path, fmt)
    rows = 0 if fmt.column_names else FIND_ROWS if fmt.header_row == "find" else fmt.header_row
    with path.open(encoding=fmt.encoding, newline="") as stream:
        reader = csv.reader(_lines(stream), **dialect(fmt))
        try:
            head = list(itertools.islice(reader, rows))
            blank = not any(cell.strip(BLANKS) for record in head for cell in record)
            if blank and not any(cell.strip(BLANKS) for record in reader for cell in record):
                raise UnreadableError("file is empty")
        except (UnicodeError, csv.Error) as error:
            raise UnreadableError(_not_decoded(fmt.encoding, error)) from error
    head = [[cell.strip(BLANKS) for cell in record] for record in head]
    place = 0 if fmt.column_names else header_place(head, fmt, mapping)
    header = list(fmt.column_names) or head[place - 1]
    return Records(header, _batches(path, fmt, len(header), place, has_quote), place)


def dialect(fmt: CsvFormat) -> dict[str, Any]:
    """How the csv module is told of a format."""
    quoting = csv.QUOTE_MINIMAL if fmt.quote else csv.QUOTE_NONE
    return {
        "delimiter": fmt.separator,
        "quotechar": fmt.quote or None,
        "quoting": quoting,
        "escapechar": fmt.escape or None,
        "doublequote": not fmt.escape,
    }


def _check_bytes(path: Path, fmt: CsvFormat) -> bool:
    """Whether the file has a quote at all. Raises UnreadableError for bytes that no such text has."""
    wide = fmt.encoding.startswith(("utf-16", "utf-32"))
    quote = fmt.quote.encode()
    has_quote = False
    with path.open("rb") as stream:
        start = stream.read(4)
        for mark, encoding in _MARKS:
            if start.startswith(mark):
                if not fmt.encoding.startswith(encoding):
                    raise UnreadableError(f"starts with the byte order mark of {encoding}, declared is {fmt.encoding}")
                break
        stream.seek(0)
        offset = 0
        # other encodings are decoded by the parser's stream; bytes of a malformed row never would be in this one
        decoder = codecs.getincrementaldecoder("utf-8")() if fmt.encoding in _UTF8 else None
        while block := stream.read(1 << 20):
            has_quote = has_quote or (bool(quote) and quote in block)
            if not wide and b"\0" in block:
                place = offset + block.index(b"\0")
                raise UnreadableError(f"a NUL byte at byte {place + 1}: damaged, or not {fmt.encoding} text")
            offset += len(block)
            _decode(decoder, block, last=False)
        _decode(decoder, b"", last=True)
    return has_quote


def _decode(decoder: codecs.IncrementalDecoder | None, block: bytes, *, last: bool) -> None:
    try:
        if decoder is not None:
            decoder.decode(block, last)
    except UnicodeDecodeError as error:
        raise UnreadableError(_not_decoded("utf-8", error)) from error


def _lines(stream: TextIO) -> Iterator[str]:
    """The lines of a text, each within the limit."""
    number = 0
    while line := stream.readline(BLOCK_BYTES):
        number += 1
        if len(line) == BLOCK_BYTES:
            raise UnreadableError(f"line {number} is longer than {BLOCK_BYTES:,} characters")
        yield line


def _not_decoded(encoding: str, error: Exception) -> str:
    return f"not readable as {encoding} text: {error}"


def _batches(path: Path, fmt: CsvFormat, width: int, heading: int, has_quote: bool) -> Iterator[pa.RecordBatch]:
    """All records after the header, the malformed ones among them.

    The title and header records are read as data and dropped by their number, so that numbers
    count records from the top of the file. Numbers of malformed records come from the parser.
    """
    import numpy as np
    import pyarrow.csv as pa_csv

    malformed: list[tuple[int, str, int]] = []  # number, text, fields

    def on_malformed(row: pa_csv.InvalidRow) -> str:
        if row.number > heading:
            malformed.append((row.number, row.text, row.actual_columns))
        else:
            dropped.append(row.number)
        return "skip"

    dropped: list[int] = []
    names = [f"c{i}" for i in range(width)]
    number_of_next = 1
    bad_quotes = np.array(_check_quotes(path, fmt) if has_quote else [], dtype=np.int64)
    try:
        with pa_csv.open_csv(
            path,
            read_options=pa_csv.ReadOptions(
                use_threads=False,  # the parser numbers records only when it reads in order
                block_size=BLOCK_BYTES,
                column_names=names,
                encoding="utf8" if fmt.encoding in _UTF8 else fmt.encoding,
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=fmt.separator,
                quote_char=fmt.quote or False,
                double_quote=not fmt.escape,
                escape_char=fmt.escape or False,
                newlines_in_values=has_quote,
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
                skipped = np.array(dropped + [number for number, _, _ in malformed], dtype=np.int64)
                # record numbers of this batch: counting on from the last one, malformed ones left out
                candidates = np.arange(number_of_next, number_of_next + batch.num_rows + len(skipped), dtype=np.int64)
                numbers = np.setdiff1d(candidates, skipped, assume_unique=True)[: batch.num_rows]
                if batch.num_rows:
                    number_of_next = int(numbers[-1]) + 1
                errors = pa.nulls(batch.num_rows, pa.string())
                if len(bad_quotes):
                    errors = pc.if_else(pa.array(np.isin(numbers, bad_quotes)), _BAD_QUOTE, errors)
                data = pa.record_batch([pa.array(numbers), errors, *batch.columns], schema=schema(width))
                yield data.slice(int(np.searchsorted(numbers, heading, side="right")))
    except (pa.ArrowInvalid, UnicodeError) as error:
        _check_quotes(path, fmt)
        if "straddling" in str(error):
            raise UnreadableError(f"a row is longer than {BLOCK_BYTES:,} bytes") from error
        raise UnreadableError(_not_decoded(fmt.encoding, error)) from error
    if malformed:
        yield _malformed_batch(malformed, fmt, width)


def _check_quotes(path: Path, fmt: CsvFormat) -> list[int]:
    """Numbers of the records with text after a closing quote, by a second, strict reader.

    Raises UnreadableError where a stray quote swallows the rows after it, or a line is too long.
    """
    try:
        with path.open(encoding=fmt.encoding, newline="") as stream, contextlib.suppress(csv.Error):
            collections.deque(csv.reader(_lines(stream), strict=True, **dialect(fmt)), maxlen=0)
            return []
        with path.open(encoding=fmt.encoding, newline="") as stream:
            return _bad_quotes(csv.reader(_lines(stream), strict=True, **dialect(fmt)))
    except UnicodeError as error:
        raise UnreadableError(_not_decoded(fmt.encoding, error)) from error


def _bad_quotes(reader: Any) -> list[int]:
    """``_check_quotes`` of a file that has such records: after an error, the reader goes on with the next line."""
    found: list[int] = []
    number = line = 0
    while True:
        number += 1
        try:
            if next(reader, None) is None:
                return found
        except csv.Error as error:
            if reader.line_num > line + 1 or "end of data" in str(error):
                raise UnreadableError(
                    f"a quote is not closed properly before line {reader.line_num}: {error}"
                ) from error
            found.append(number)
        line = reader.line_num


def _malformed_batch(malformed: list[tuple[int, str, int]], fmt: CsvFormat, width: int) -> pa.RecordBatch:
    """Records with too few or too many fields: what fits is kept, the rest stands in the message."""
    fields = [_cells(text, fmt) for _, text, _ in malformed]
    errors = []
    for record, (_, _, actual) in zip(fields, malformed, strict=True):
        rest = " | ".join(record[width:])
        surplus = f" (not read: {rest if len(rest) <= 200 else rest[:200] + '…'})" if actual > width else ""
        errors.append(f"row: has {actual} fields, expected {width}{surplus}")
    columns = [[record[i] if i < len(record) else None for record in fields] for i in range(width)]
    numbers = [number for number, _, _ in malformed]
    return pa.record_batch([numbers, errors, *columns], schema=schema(width))


def _cells(text: str, fmt: CsvFormat) -> list[str]:
    """The cells of a malformed record; a text that no rule can split is one cell."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), **dialect(fmt)), [])
    except csv.Error:
        return [text]
