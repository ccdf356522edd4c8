"""JSON lines: one object per line, nested fields by dotted path.

What belongs here: the text of JSON values, exactly as written. What does not: their meaning.

A line that is no JSON object, or has a key twice, is a row with an error. A field that the mapping
does not know makes the file unreadable, like an unknown column of a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.intake.formats import JsonLinesFormat
from orchestration.intake.mapping import Mapping
from orchestration.intake.records import BLANKS, CHUNK_ROWS, Records, UnreadableError, quoted, schema

MAX_LINE_BYTES = 4 << 20
_EMPTY = "file is empty"
MAX_EXPONENT = 60
"""A number that needs more digits keeps its own notation, which parsing refuses."""


class _RowError(ValueError):
    """Why a line cannot be taken."""


def open_json(path: Path, fmt: JsonLinesFormat, mapping: Mapping) -> Records:
    """The records of a JSON lines file. Raises UnreadableError, also while its batches are read."""
    names = mapping.staged_columns
    return Records(names, _batches(path, fmt, mapping))


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_LINE_BYTES):
            number += 1
            if len(line) == MAX_LINE_BYTES:
                raise UnreadableError(f"line {number} is longer than {MAX_LINE_BYTES:,} bytes")
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise UnreadableError(f"line {number} is not readable as utf-8 text: {error}") from error


def _batches(path: Path, fmt: JsonLinesFormat, mapping: Mapping) -> Iterator[pa.RecordBatch]:
    reader = _Reader(fmt, mapping)
    width = len(mapping.staged_columns)
    rows: list[tuple[str | None, list[str | None]]] = []
    number = 0
    for line in _lines(path):
        number += 1
        rows.append(reader.row(number, line.strip(BLANKS)))
        if len(rows) == CHUNK_ROWS:
            yield _batch(rows, number - len(rows) + 1, width)
            rows = []
    if rows:
        yield _batch(rows, number - len(rows) + 1, width)
    reader.check_end()


def _batch(rows: list[tuple[str | None, list[str | None]]], first: int, width: int) -> pa.RecordBatch:
    numbers = pa.array(range(first, first + len(rows)), pa.int64())
    errors = pa.array([error for error, _ in rows], pa.string())
    columns = [pa.array(column, pa.string()) for column in zip(*(cells for _, cells in rows), strict=True)]
    return pa.record_batch([numbers, errors, *columns], schema=schema(width))


class _Reader:
    """Lines of one file to cells, and what was seen of its fields."""

    def __init__(self, fmt: JsonLinesFormat, mapping: Mapping) -> None:
        self.decimal = fmt.decimal
        self.paths = [name.split(".") for name in mapping.staged_columns]
        self.known = set(mapping.source_columns)
        self.ignored = set(mapping.ignored_columns)
        self.unseen = set(mapping.source_columns)
        self.objects = 0
        self.first_error = ""
        self.empty: list[str | None] = [None] * len(self.paths)
        self.decoder = json.JSONDecoder(
            object_pairs_hook=_object, parse_float=self.number, parse_int=str, parse_constant=_refuse
        )

    def number(self, text: str) -> str:
        """A number without exponent, in the declared notation."""
        try:
            exact = Decimal(text)
            if "e" in text.lower() and abs(exact.adjusted()) <= MAX_EXPONENT:
                text = format(exact, "f")
        except InvalidOperation:  # an exponent beyond all bounds
            return text
        return text.replace(".", self.decimal)

    def row(self, number: int, line: str) -> tuple[str | None, list[str | None]]:
        """Error and cells of a line; neither for a blank one. Raises UnreadableError for an unknown field."""
        if not line:
            return None, self.empty
        try:
            record = self.decoder.decode(line)
            if not isinstance(record, dict):
                raise _RowError("not a JSON object")
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, _RowError) else f"not JSON: {error}"
            self.first_error = self.first_error or f"line {number} is {reason}"
            return f"row: {reason}", self.empty
        self.objects += 1
        self.look(number, record, "")
        try:
            return None, [self.cell(record, path) for path in self.paths]
        except _RowError as error:
            return f"row: {error}", self.empty

    def look(self, number: int, record: dict[str, Any], above: str) -> None:
        """Note the fields of a record."""
        for name, value in record.items():
            path = above + name
            if path in self.known:
                self.unseen.discard(path)
            elif path not in self.ignored:
                if not isinstance(value, dict):
                    raise UnreadableError(f"line {number}: unexpected field {quoted([path])}")
                self.look(number, value, path + ".")

    def cell(self, record: dict[str, Any], path: list[str]) -> str | None:
        value: Any = record
        for name in path:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        if value is None or isinstance(value, str):
            if value and not value.isprintable() and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
                raise _RowError(f"field '{'.'.join(path)}' holds a character that is no text")
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if ".".join(path) in self.ignored:
            return None
        raise _RowError(f"field '{'.'.join(path)}' holds a {'list' if isinstance(value, list) else 'group of fields'}")

    def check_end(self) -> None:
        """Raise UnreadableError if the file had no object at all, or a mapped field never came."""
        if not self.objects:
            raise UnreadableError(
                f"no line is a JSON object: {self.first_error}" if self.first_error else "file is empty"
            )
        if self.unseen:
            raise UnreadableError(f"no line has field {quoted(sorted(self.unseen))}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RowError(f"not clear: field {twice!r} is given twice")
    return record


def _refuse(text: str) -> Any:
    raise _RowError(f"not JSON: {text} is no JSON number")
