"""Readers: a delivered file as records of text, whatever its format and packaging.

What belongs here: which reader a format has, and the parts of a file (sheets, archive members) put one
after the other. What does not: the formats (read_*.py, unpack.py), the parsing of values (parse.py).

Memory is bounded by the batch, except that a workbook's sheet is held as a whole by its reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.intake.formats import CsvFormat, ExcelFormat, JsonLinesFormat, X12Format
from orchestration.intake.mapping import Mapping
from orchestration.intake.read_csv import open_csv
from orchestration.intake.read_excel import open_excel
from orchestration.intake.read_json import open_json
from orchestration.intake.read_parquet import open_parquet
from orchestration.intake.records import Records, UnreadableError, check_header, staged
from orchestration.intake.unpack import unpacked
from orchestration.intake.x12.records import open_x12

__all__ = ["Part", "UnreadableError", "open_records", "read"]


@dataclass(frozen=True)
class Part:
    """A sheet or archive member of a file. ``first_row``: number that its first row has in the file."""

    name: str
    first_row: int


def open_records(path: Path, mapping: Mapping) -> Iterator[Records]:
    """The records of a file that is not packed: one Records per sheet that is read, in all other formats one.

    Headers are checked. Raises UnreadableError for an empty file, a wrong format and a header that does
    not fit; reading the batches raises it too, for what only shows further down.
    """
    if path.stat().st_size == 0:
        raise UnreadableError("file is empty")
    if isinstance(mapping.format, CsvFormat):
        found: Iterator[Records] = iter([open_csv(path, mapping.format, mapping)])
    elif isinstance(mapping.format, ExcelFormat):
        found = open_excel(path, mapping.format, mapping)
    elif isinstance(mapping.format, JsonLinesFormat):
        found = iter([open_json(path, mapping.format, mapping)])
    elif isinstance(mapping.format, X12Format):
        found = iter([open_x12(path, mapping.format, mapping)])
    else:
        found = iter([open_parquet(path, mapping.format, mapping)])
    for records in found:
        with _named(records.part):
            check_header(records.header, mapping, max(records.heading, 1))
        yield records


@contextmanager
def _named(part: str) -> Iterator[None]:
    """Name the part that an UnreadableError is about."""
    try:
        yield
    except UnreadableError as error:
        raise UnreadableError(f"{part}: {error}" if part else str(error)) from error


def read(path: Path, mapping: Mapping, scratch: Path, parts: list[Part]) -> Iterator[pa.RecordBatch]:
    """All records of a delivered file in the shape that is staged (``records.staged``).

    Row numbers run on from part to part; ``parts`` is filled with the named parts as they are met. Raises
    UnreadableError, naming the part. ``scratch``: path beside which temporary copies may be written.
    """
    offset = 0
    with unpacked(path, mapping.format, scratch) as files:
        for member, file in files:
            with _named(member):
                for records in open_records(file, mapping):
                    if name := " / ".join(part for part in (member, records.part) if part):
                        parts.append(Part(name, offset + 1))
                    last = records.heading
                    with _named(records.part):
                        for batch in staged(records, mapping):
                            if batch.num_rows:
                                last = max(last, pc.max(batch.column(0)).as_py())
                                numbers = pc.add(batch.column(0), offset) if offset else batch.column(0)
                                yield batch.set_column(0, "row_number", numbers)
                    offset += last
