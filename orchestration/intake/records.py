"""Records of a delivered file as text, whatever its format.

What belongs here: the shape that every reader gives (Records), the check of a header, and the
shape that is staged for parsing. What does not: formats (read_*.py), the meaning of values (parse.py).
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.intake.formats import Tabular
from orchestration.intake.mapping import Mapping

CHUNK_ROWS = 50_000
BLANKS = " \t\r\n\u00a0\ufeff"
"""Characters around a value that say nothing."""


class UnreadableError(ValueError):
    """The file as a whole cannot be read; the message says why."""


@dataclass(frozen=True)
class Records:
    """The records of one file, or of one sheet or archive member of it, as batches of text.

    Columns of a batch: ``row_number`` BIGINT (the part's first row is 1), ``row_error`` VARCHAR (why the
    record as such cannot be taken; null: it can) and ``c0`` … ``cN`` VARCHAR, one per name of the header.
    """

    header: list[str]
    batches: Iterator[pa.RecordBatch]
    heading: int = 0
    """Rows before the first record: title block and header."""
    part: str = ""
    """The sheet or archive member; empty where the file is one whole."""


def schema(width: int) -> pa.Schema:
    """Schema of batches with so many columns."""
    fields = [("row_number", pa.int64()), ("row_error", pa.string())]
    return pa.schema([*fields, *((f"c{i}", pa.string()) for i in range(width))])


def quoted(names: Iterable[str]) -> str:
    """Names as a message shows them; a long list is cut."""
    shown = list(names)
    more = f" and {len(shown) - 20} more" if len(shown) > 20 else ""
    return ", ".join(repr(name if len(name) <= 60 else name[:60] + "…") for name in shown[:20]) + more


def _problems(header: list[str], mapping: Mapping) -> list[str]:
    named = [name for name in header if name]
    expected = mapping.source_columns
    problems = []
    if missing := [name for name in expected if name not in named]:
        problems.append(f"missing column {quoted(missing)}")
    if extra := [name for name in dict.fromkeys(named) if name not in expected and name not in mapping.ignored_columns]:
        problems.append(f"extra column {quoted(extra)}")
    if twice := [name for name, count in collections.Counter(named).items() if count > 1]:
        problems.append(f"column given twice {quoted(twice)}")
    return problems


def check_header(header: list[str], mapping: Mapping, row: int = 1) -> None:
    """Raise UnreadableError unless the header has exactly the columns that the mapping names.

    Columns without a name are let through: ``staged`` reports the rows that have a value in one.
    """
    if not any(header):
        raise UnreadableError(f"no column names in row {row}")
    if problems := _problems(header, mapping):
        raise UnreadableError(f"header in row {row}: {'; '.join(problems)}")


FIND_ROWS = 200
"""A header that is to be found stands in one of so many first rows."""


def header_place(rows: list[list[str]], fmt: Tabular, mapping: Mapping) -> int:
    """Row number of the header among the first rows of a file. Raises UnreadableError if there is none."""
    if fmt.header_row != "find":
        if len(rows) < fmt.header_row:
            raise UnreadableError(f"no header in row {fmt.header_row}: there are {len(rows)} rows")
        return fmt.header_row
    expected = set(mapping.source_columns)
    found = [len(expected & set(row)) for row in rows]
    best = max(range(len(rows)), key=lambda place: found[place], default=None)
    if best is None or not found[best]:
        raise UnreadableError(f"no header: none of the first {len(rows)} rows has a column name of the mapping")
    if found[best] < len(expected):
        missing = [name for name in mapping.source_columns if name not in rows[best]]
        raise UnreadableError(f"no header: row {best + 1} is nearest, missing column {quoted(missing)}")
    return best + 1


def staged_schema(mapping: Mapping) -> pa.Schema:
    """Schema of what is staged: the same for every file of a mapping, whatever the order of its columns."""
    return schema(len(mapping.staged_columns))


def staged(records: Records, mapping: Mapping) -> Iterator[pa.RecordBatch]:
    """The records with the mapping's columns in the mapping's order (``Mapping.staged_columns``).

    A record with a value in a column without a name gets a ``row_error``.
    """
    places = {name: place for place, name in enumerate(records.header) if name}
    order = [places.get(name) for name in mapping.staged_columns]
    unnamed = [place for place, name in enumerate(records.header) if not name]
    shape = staged_schema(mapping)
    for batch in records.batches:
        error = batch.column(1)
        for place in unnamed:
            filled = pc.greater(pc.utf8_length(pc.utf8_trim(batch.column(place + 2), BLANKS)), 0)
            if pc.any(filled).as_py():
                message = f"row: a value in column {place + 1}, which has no name"
                error = pc.if_else(pc.and_(pc.fill_null(filled, False), pc.is_null(error)), message, error)
        columns = [
            batch.column(place + 2) if place is not None else pa.nulls(batch.num_rows, pa.string()) for place in order
        ]
        yield pa.record_batch([batch.column(0), error, *columns], schema=shape)
