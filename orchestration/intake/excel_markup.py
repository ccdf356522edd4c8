"""What a workbook's own markup says and its reader does not: passwords, sizes, cells without a value.

What belongs here: looks into the package of an .xlsx or .xlsm (a zip of XML). What does not: the
values of cells (read_excel.py). Other workbooks (.xls, .xlsb, .ods) are left to their reader.

An error cell (#N/A) and a formula that was stored without its value both look empty to the reader.
They are found here, so that a row never loses a value without a word.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from orchestration.intake.records import UnreadableError
from orchestration.intake.unpack import CHUNK_BYTES, DAMAGED, check_ratio

MAX_CELLS = 60_000_000
"""A sheet is held as a rectangle up to its last cell; a stray cell far out must not fill the memory."""
_CONTAINER = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # old workbooks, and new ones under a password
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DAMAGED_BOOK = (*DAMAGED, KeyError)


def check_package(path: Path) -> None:
    """Raise UnreadableError for a workbook under a password, and for one that unpacks to far more than it is."""
    with path.open("rb") as stream:
        start = stream.read(1 << 20)
    if start.startswith(_CONTAINER) and "EncryptedPackage".encode("utf-16-le") in _tail(path, start):
        raise UnreadableError("the workbook is protected by a password; it must be delivered without one")
    if not start.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(path) as package:
            for member in package.infolist():
                check_ratio(member.file_size, member.compress_size)
    except UnreadableError:
        raise
    except _DAMAGED_BOOK as error:
        raise UnreadableError(f"not readable as a workbook: {error}") from error


def _tail(path: Path, start: bytes) -> bytes:
    """The start and the end of a file: where the directory of an old container stands."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - (1 << 20)))
        return start + stream.read()


def problem_cells(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """Cells of a sheet that have no value to read, by (row, column) from 0, with the reason.

    Raises UnreadableError for a sheet whose last cell is so far out that it cannot be held.
    """
    if not zipfile.is_zipfile(path):
        return {}
    try:
        with zipfile.ZipFile(path) as package:
            name = _member(package, sheet)
            if name is None:
                return {}
            with package.open(name) as stream:
                suspicious = _scan(stream, sheet)
            if not suspicious:
                return {}
            with package.open(name) as stream:
                return _problems(stream)
    except UnreadableError:
        raise
    except (*_DAMAGED_BOOK, ElementTree.ParseError) as error:
        raise UnreadableError(f"not readable as a workbook: {error}") from error


def _member(package: zipfile.ZipFile, sheet: str) -> str | None:
    """The package's member that holds a sheet; None in a package of another kind."""
    names = set(package.namelist())
    if "xl/workbook.xml" not in names or "xl/_rels/workbook.xml.rels" not in names:
        return None
    book = ElementTree.parse(io.BytesIO(package.read("xl/workbook.xml")))
    relations = ElementTree.parse(io.BytesIO(package.read("xl/_rels/workbook.xml.rels")))
    targets = {item.get("Id"): item.get("Target") or "" for item in relations.iter()}
    for item in book.iter(f"{_MAIN}sheet"):
        if item.get("name") == sheet:
            target = targets.get(item.get(_RELATION) or "") or ""
            name = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
            return name if name in names else None
    return None


def _scan(stream: IO[bytes], sheet: str) -> bool:
    """Whether a sheet may have cells without a value. Raises UnreadableError where cells are too far out."""
    columns: set[bytes] = set()
    rows = 0
    suspicious = False
    rest = b""
    while block := stream.read(CHUNK_BYTES):
        text = rest + block
        columns.update(re.findall(rb'\sr="([A-Z]{1,3})[0-9]{1,7}"', text))
        if found := re.findall(rb'\sr="[A-Z]{0,3}([0-9]{1,7})"', text):
            rows = max(rows, max(map(int, found)))
        suspicious = suspicious or b't="e"' in text or b"<f" in text
        rest = text[-200:]
    width = max((_column(letters.decode()) for letters in columns), default=-1) + 1
    if width * rows > MAX_CELLS:
        raise UnreadableError(
            f"sheet {sheet!r} has cells as far out as row {rows:,} and column {width:,}:"
            f" more than {MAX_CELLS:,} cells cannot be read"
        )
    return suspicious


def _problems(stream: IO[bytes]) -> dict[tuple[int, int], str]:
    found = {}
    for _, element in ElementTree.iterparse(stream):
        if element.tag == f"{_MAIN}c":
            reason = ""
            value = element.findtext(f"{_MAIN}v")
            if element.get("t") == "e":
                reason = f"holds the error {value or 'of a formula'}"
            elif not value and element.find(f"{_MAIN}f") is not None and element.get("t") != "str":
                reason = "holds a formula that was stored without its value"
            if reason and (match := re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7})", element.get("r") or "")):
                found[int(match[2]) - 1, _column(match[1])] = reason
        elif element.tag == f"{_MAIN}row":
            element.clear()
    return found


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
