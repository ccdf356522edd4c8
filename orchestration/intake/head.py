"""The head of a delivered file of which nothing is known yet: format, column names and the first values as text.

What belongs here: looking at a file to draft its mapping. What does not: what columns mean (propose.py), reading
deliveries (readers.py), which never guess.
"""

from __future__ import annotations

import codecs
import csv
import datetime
import gzip
import io
import itertools
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from orchestration.intake.records import BLANKS

LOOKED_AT = 2_000
"""So many rows are looked at."""
TITLE_ROWS = 50
"""The header is looked for in so many first rows."""
HEAD_BYTES = 8 << 20
ENCODINGS = ("utf-8", "cp1252")
"""Tried strictly, in this order: text in the second is hardly ever valid in the first."""
SEPARATORS = {";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}


class ProposeError(ValueError):
    """No mapping can be drafted from the file; the message says why."""


@dataclass
class Head:
    """What a file looks like. ``fields``: of the mapping's format, each with the reason; ``header``: their columns."""

    fields: list[tuple[str, Any, str]] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def add(self, name: str, value: Any, reason: str = "") -> None:
        """One field of the format. A reason that begins with ``?`` is unsure."""
        self.fields.append((name, value, reason))

    def column(self, place: int) -> list[str]:
        """The values of a column that are not empty."""
        return [row[place] for row in self.rows if place < len(row) and row[place]]


def look(path: Path) -> Head:
    """The head of a CSV, Excel, JSON lines or Parquet file, perhaps compressed. Raises ProposeError."""
    head = Head()
    if not path.stat().st_size:
        raise ProposeError(f"{path.name}: the file is empty")
    with _opened(path) as (stream, name, compression):
        start = stream.read(8)
        stream.seek(0)
        if start.lstrip().startswith(b"ISA"):
            raise ProposeError(
                f"{path.name}: an X12 file; its columns are paths of the set, which are written by hand: docs/edi.md"
            )
        packed = f"the name ends in {path.suffix}"
        if start.startswith(b"PAR1"):
            head.add("type", "parquet", "the file begins with PAR1")
            _parquet(stream, head)
        elif start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            head.add("type", "excel", "the file is a workbook")
            _excel(stream.read(), head, name)
        elif start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
            head.add("type", "json_lines", "the first line is a JSON object")
            _json(stream, head, name)
        else:
            head.add("type", "csv", "delimited text")
            _csv(stream.read(HEAD_BYTES), head, name)
    if compression:
        head.fields.insert(1, ("compression", compression, packed))
    if not head.header:
        raise ProposeError(f"{path.name}: no column names found")
    return head


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], str, str]]:
    """The bytes of a file, unpacked: stream, name, compression."""
    with path.open("rb") as plain:
        start = plain.read(4)
    try:
        if start.startswith(b"\x1f\x8b"):
            with gzip.open(path) as unpacked:
                yield cast("IO[bytes]", unpacked), path.stem, "gzip"
            return
        if start == b"PK\x03\x04":
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                if "[Content_Types].xml" not in names and "mimetype" not in names:
                    files = [name for name in names if not name.endswith("/")]
                    if len(files) != 1:
                        raise ProposeError(
                            f"{path.name}: an archive with {len(files)} files; propose from one of them, and name them"
                            " in members (docs/mapping-files.md)"
                        )
                    with archive.open(files[0]) as member:
                        yield member, files[0], "zip"
                    return
        with path.open("rb") as plain:
            yield plain, path.name, ""
    except (zipfile.BadZipFile, EOFError, gzip.BadGzipFile) as error:
        raise ProposeError(f"{path.name}: damaged: {error}") from error


# --- tables -----------------------------------------------------------------------------------


def _header_place(rows: list[list[str]]) -> int | None:
    """Place of the row of names: the first as wide as the table, all words and all different. None: there is none."""
    filled = [sum(bool(cell) for cell in row) for row in rows]
    if not filled:
        return None
    width = max(filled)
    for place, row in enumerate(rows[:TITLE_ROWS]):
        names = [cell for cell in row if cell]
        if len(names) < max(2, 0.7 * width) and not (width == 1 and names):
            continue
        words = all(re.search(r"[^\W\d_]", name) and not re.fullmatch(r"[\d.,:/+\- ]+", name) for name in names)
        digits = sum(bool(re.search(r"\d{3}", name)) for name in names)
        return place if words and len(set(names)) == len(names) and digits < len(names) / 2 else None
    return None


def _table(rows: list[list[str]], head: Head, name: str, names_may_lack: bool) -> None:
    place = _header_place(rows)
    if place is None:
        if not names_may_lack:
            raise ProposeError(f"{name}: none of the first {TITLE_ROWS} rows looks like column names")
        width = max((len(row) for row in rows), default=0)
        head.header = [f"column_{number}" for number in range(1, width + 1)]
        head.add("column_names", head.header, "? no row of names was found: name the columns in order")
        head.rows = rows
        return
    head.header = rows[place]
    head.rows = [row for row in rows[place + 1 :] if any(row)][:LOOKED_AT]
    if place:
        head.add("header_row", place + 1, f"the first row as wide as the table and all words; {place} before it")


def _csv(data: bytes, head: Head, name: str) -> None:
    marks = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    text = None
    for mark, encoding in marks:
        if data.startswith(mark):
            text = data.decode(encoding if encoding != "utf-8" else "utf-8-sig", errors="replace")
            head.add("encoding", encoding, "the file begins with its byte order mark")
            break
    whole = len(data) < HEAD_BYTES
    for encoding in ENCODINGS if text is None else ():
        try:
            text = codecs.getincrementaldecoder(encoding)("strict").decode(data, whole)
        except UnicodeDecodeError:
            continue
        if data.isascii():
            head.add("encoding", encoding, "? only plain ASCII so far, which every encoding has: ask which one it is")
        elif encoding == "utf-8":
            head.add("encoding", encoding, "every byte is valid UTF-8, among them letters beyond ASCII")
        else:
            head.add("encoding", encoding, "? not valid UTF-8; valid as Windows text: look whether names read right")
        break
    if text is None:
        raise ProposeError(f"{name}: not readable as {' or '.join(ENCODINGS)} text")
    best, fields, share = "", 0, 0.0
    for separator in SEPARATORS:
        widths = Counter(len(row) for row in _records(text, separator, 200) if any(row))
        if not widths:
            continue
        [(width, rows)] = widths.most_common(1)
        if width > 1 and (rows / widths.total() >= 0.5) and width * rows > fields * share:
            best, fields, share = separator, width, rows
    if not best:
        best, fields = ",", 1
        head.add("separator", best, "? no separator was found: a single column")
    else:
        head.add("separator", best, f"{SEPARATORS[best]}: {int(share)} of the first rows have {fields} fields")
    _table(_records(text, best, LOOKED_AT + TITLE_ROWS), head, name, names_may_lack=True)


def _records(text: str, separator: str, count: int) -> list[list[str]]:
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return [[cell.strip(BLANKS) for cell in row] for row in itertools.islice(reader, count)]
    except csv.Error:
        return []


def _excel(data: bytes, head: Head, name: str) -> None:
    from python_calamine import CalamineError, load_workbook

    try:
        workbook = load_workbook(io.BytesIO(data))
        visible = [sheet.name for sheet in workbook.sheets_metadata if str(sheet.visible).endswith("Visible")]
        sheets = [
            (sheet, workbook.get_sheet_by_name(sheet).to_python(nrows=LOOKED_AT + TITLE_ROWS)) for sheet in visible
        ]
    except (CalamineError, ValueError, OSError) as error:
        raise ProposeError(f"{name}: not readable as a workbook: {error}") from error
    if not (filled := [(sheet, rows) for sheet, rows in sheets if rows]):
        raise ProposeError(f"{name}: no visible sheet has cells")
    sheet, rows = max(filled, key=lambda item: len(item[1]))
    others = [other for other, _ in filled if other != sheet]
    head.add("sheet", sheet, f"? the longest; there are also {', '.join(others)}" if others else "the only one")
    _table([[_cell(value) for value in row] for row in rows], head, name, names_may_lack=False)


def _cell(value: Any) -> str:
    """A typed value as the readers write it: dates in ISO notation, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d" if value.time() == datetime.time() else "%Y-%m-%d %H:%M:%S")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip(BLANKS)


def _json(stream: IO[bytes], head: Head, name: str) -> None:
    found: list[dict[str, str]] = []
    for number, line in enumerate(itertools.islice(stream, LOOKED_AT), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"), parse_float=str)
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ProposeError(f"{name}: line {number} is no JSON object: {error}") from error
        if not isinstance(value, dict):
            raise ProposeError(f"{name}: line {number} is no JSON object")
        found.append(dict(_paths(value, "")))
    head.header = list(dict.fromkeys(path for row in found for path in row))
    head.rows = [[row.get(path, "") for path in head.header] for row in found]


def _paths(value: dict[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _paths(inner, f"{before}{key}.")
        else:
            yield f"{before}{key}", _cell(inner)


def _parquet(stream: IO[bytes], head: Head) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(stream)
        batch = next(file.iter_batches(batch_size=LOOKED_AT), None)
    except (pa.ArrowInvalid, OSError) as error:
        raise ProposeError(f"not readable as Parquet: {error}") from error
    head.header = file.schema_arrow.names
    columns = [[_cell(value) for value in column.to_pylist()] for column in (batch.columns if batch else [])]
    head.rows = [list(row) for row in zip(*columns, strict=True)]
