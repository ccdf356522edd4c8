"""Parquet: typed columns as text.

What belongs here: the exact text of typed values. What does not: their meaning.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.intake.formats import ParquetFormat
from orchestration.intake.mapping import Mapping
from orchestration.intake.records import CHUNK_ROWS, Records, UnreadableError, schema


def open_parquet(path: Path, fmt: ParquetFormat, mapping: Mapping) -> Records:
    """The records of a Parquet file: the mapped columns only. Raises UnreadableError."""
    import pyarrow.parquet as pq

    with _readable(path):
        names = list(pq.read_schema(path).names)
    return Records(names, _batches(path, fmt, mapping, len(names)))


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Whatever the library raises for damaged bytes is an UnreadableError."""
    try:
        yield
    except (pa.ArrowException, OSError, MemoryError, UnicodeError) as error:
        reason = str(error).replace(str(path), "the file")
        raise UnreadableError(f"not readable as Parquet: {reason}") from error


def _batches(path: Path, fmt: ParquetFormat, mapping: Mapping, width: int) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    with _readable(path):
        file = pq.ParquetFile(path)
    with contextlib.closing(file):
        batches = file.iter_batches(batch_size=CHUNK_ROWS, use_threads=False, columns=mapping.source_columns)
        names = file.schema_arrow.names
        number = 1
        while True:
            with _readable(path):
                batch = next(batches, None)
                if batch is None:
                    return
                columns = [pa.nulls(batch.num_rows, pa.string())] * width
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    columns[names.index(name)] = _text(name, column, fmt)
            numbers = pa.array(range(number, number + batch.num_rows))
            errors = pa.nulls(batch.num_rows, pa.string())
            yield pa.record_batch([numbers, errors, *columns], schema=schema(width))
            number += batch.num_rows


def _text(name: str, column: pa.Array, fmt: ParquetFormat) -> pa.Array:
    """The text of a column's values: numbers in the declared notation, without exponents."""
    kind = column.type
    if pa.types.is_nested(kind):
        raise UnreadableError(f"column {name!r} holds {kind}: expected single values")
    text = pc.cast(column, pa.string())
    if pa.types.is_floating(kind) and pc.any(pc.match_substring(text, "e")).as_py():
        plain = [format(Decimal(value), "f") if value and "e" in value else value for value in text.to_pylist()]
        text = pa.array(plain, pa.string())
    if fmt.decimal != "." and (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        text = pc.replace_substring(text, ".", fmt.decimal)
    return text
