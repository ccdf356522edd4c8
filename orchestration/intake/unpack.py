"""Compressed deliveries: gzip, and zip with one member or every member that fits a pattern.

What belongs here: getting the files out, within bounds. What does not: what is in them. A member is
never written under its own name, so a name can lead nowhere; one that tries is refused all the same.
"""

from __future__ import annotations

import fnmatch
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from orchestration.intake.formats import ExcelFormat, Format
from orchestration.intake.records import UnreadableError, quoted

CHUNK_BYTES = 1 << 20
FREE_BYTES = 64 << 20
"""What may be unpacked from however few bytes."""
MAX_RATIO = 200
"""Above FREE_BYTES, unpacked bytes may be so many times the packed ones. Text seldom reaches 50."""
MAX_UNPACKED = 64 << 30
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
"""What reading a damaged archive raises."""


def check_ratio(unpacked: int, packed: int) -> None:
    """Raise UnreadableError where far more comes out than went in (a zip bomb)."""
    if unpacked > MAX_UNPACKED or (unpacked > FREE_BYTES and unpacked > MAX_RATIO * max(packed, 1)):
        raise UnreadableError(
            f"unpacks to {unpacked:,} bytes or more from {packed:,}: over {MAX_RATIO} times its size, not read"
        )


@contextmanager
def unpacked(path: Path, fmt: Format, scratch: Path) -> Iterator[Iterator[tuple[str, Path]]]:
    """The files in a delivery, one after the other, as (member's name, path of a temporary copy).

    A file that is not compressed is itself the only one, without a name. Raises UnreadableError for what
    is not compressed as declared, is cut off or damaged, needs a password, or is a bomb.
    """
    copy = scratch.with_name(f"{scratch.name}.unpacked")
    try:
        if fmt.compression == "gzip":
            yield _gzip(path, fmt, copy)
        elif fmt.compression == "zip":
            yield _zip(path, fmt, copy)
        else:
            yield iter([("", path)])
    finally:
        copy.unlink(missing_ok=True)


def _pour(stream: IO[bytes], target: Path, packed: int) -> None:
    """Copy a stream within bounds; sizes that the archive states are not trusted."""
    written = 0
    with target.open("wb") as out:
        while block := stream.read(CHUNK_BYTES):
            written += len(block)
            check_ratio(written, packed)
            out.write(block)


def _gzip(path: Path, fmt: Format, copy: Path) -> Iterator[tuple[str, Path]]:
    try:
        with gzip.open(path) as stream:
            _pour(cast("IO[bytes]", stream), copy, path.stat().st_size)
    except DAMAGED as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"not readable as gzip: {error}") from error
    _refuse_archive(copy, fmt, "the file in it")
    yield "", copy


def _zip(path: Path, fmt: Format, copy: Path) -> Iterator[tuple[str, Path]]:
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise UnreadableError(f"not readable as zip: {error}") from error
    with archive:
        chosen = _members(archive, fmt)
        for member in chosen:
            if member.flag_bits & 1:
                raise UnreadableError(f"member {member.filename!r} is protected by a password")
            try:
                with archive.open(member) as stream:
                    _pour(stream, copy, member.compress_size)
            except DAMAGED as error:
                if isinstance(error, UnreadableError):
                    raise
                raise UnreadableError(f"member {member.filename!r} is not readable: {error}") from error
            _refuse_archive(copy, fmt, f"member {member.filename!r}")
            yield (member.filename if fmt.members else ""), copy


def _members(archive: zipfile.ZipFile, fmt: Format) -> list[zipfile.ZipInfo]:
    """The members to read, in order of their names. Raises UnreadableError unless they are as declared."""
    files = sorted((member for member in archive.infolist() if not member.is_dir()), key=lambda m: m.filename)
    names = [member.filename for member in files]
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            raise UnreadableError(f"member {name!r} has a name that leads out of the archive")
    if len(set(names)) < len(names):
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        raise UnreadableError(f"the archive has member {quoted(twice)} more than once")
    if not fmt.members:
        if len(files) != 1:
            shown = f": {quoted(names)}" if names else ""
            raise UnreadableError(
                f"expected an archive with one file, it has {len(files)}{shown}; name the ones to read in members"
            )
        return files
    chosen = [member for member in files if fnmatch.fnmatchcase(PurePosixPath(member.filename).name, fmt.members)]
    if not chosen:
        raise UnreadableError(f"no member fits {fmt.members!r}; the archive has {quoted(names) or 'none'}")
    return chosen


def _refuse_archive(copy: Path, fmt: Format, what: str) -> None:
    """Raise UnreadableError for an archive in an archive. A workbook is a zip too: its reader looks at it."""
    with copy.open("rb") as stream:
        start = stream.read(4)
    if start.startswith(b"\x1f\x8b") or (start == b"PK\x03\x04" and not isinstance(fmt, ExcelFormat)):
        raise UnreadableError(f"{what} is itself compressed; deliver it compressed once")
