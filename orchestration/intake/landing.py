"""landing/: what was delivered, its receipts and the byte-exact store.

What belongs here: discovery, fingerprints, receipts. What does not: reading a file's rows.

landing/ is precious. A receipt or a stored copy, once written, is never changed or removed here.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration import disk
from orchestration.settings import Settings

IGNORED_ENDINGS = (".part", ".tmp")


class LandingError(RuntimeError):
    """landing/ is damaged: a receipt cannot be read, or a stored copy is missing or altered."""


@dataclass(frozen=True)
class Receipt:
    """One content that was received. ``sequence`` orders files: a higher one is newer.

    received_on: business date (ISO) of the run that received it; None: not known, as in older receipts.
    """

    sequence: int
    source: str
    file_name: str
    file_hash: str
    file_bytes: int
    received_on: str | None = None

    @property
    def key(self) -> str:
        """The file key: name of the file's Parquet in every room."""
        return f"{self.sequence:06}_{self.file_hash[:16]}"


def stored(settings: Settings, file_hash: str) -> Path:
    """The byte-exact copy of a content."""
    return settings.landing / ".store" / file_hash


def _ignored(path: Path) -> bool:
    return path.name.startswith(".") or path.name.endswith(IGNORED_ENDINGS)


def named_in_text(path: Path) -> bool:
    """Whether the name is UTF-8; Python marks other bytes with surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in path.name)


def delivered(settings: Settings) -> tuple[list[tuple[str, Path]], list[Path]]:
    """Delivered files as (source, path), in order of (source, name), and what is not in its place.

    Out of place: a file directly under landing/, anything but a file in a source's folder, and what
    has a name that is not UTF-8 (no receipt and no table could hold it).
    """
    files: list[tuple[str, Path]] = []
    misplaced: list[Path] = []
    entries = sorted(settings.landing.iterdir()) if settings.landing.is_dir() else []
    for folder in entries:
        if _ignored(folder):
            continue
        if not folder.is_dir() or not named_in_text(folder):
            misplaced.append(folder)
            continue
        for path in sorted(folder.iterdir()):
            if not _ignored(path):
                if path.is_file() and named_in_text(path):
                    files.append((folder.name, path))
                else:
                    misplaced.append(path)
    return files, misplaced


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def receipts(settings: Settings) -> list[Receipt]:
    """Every receipt, oldest first. Raises LandingError for one that cannot be read."""
    found = []
    for path in sorted((settings.landing / ".receipts").glob("[0-9]*.json")):
        try:
            receipt = Receipt(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise LandingError(f"receipt {path.name} cannot be read: {error}") from error
        if int(path.stem) != receipt.sequence:
            raise LandingError(f"receipt {path.name} says sequence {receipt.sequence}")
        found.append(receipt)
    return found


def receive(
    settings: Settings,
    source: str,
    path: Path,
    file_hash: str,
    sequence: int,
    seen: os.stat_result,
    received_on: str | None = None,
) -> Receipt | None:
    """Store a content and write its receipt; None if the file changed since it was fingerprinted.

    ``seen``: what the file system said of the file before. Size and time of change must still be those:
    a file that is being written may pause, but not go back. FileNotFoundError if it was taken away.
    The copy is made first: a receipt never stands without its content.
    """
    copy = stored(settings, file_hash)
    disk.folder(copy.parent)
    half = copy.with_name(f".{sequence:06}.tmp")
    shutil.copyfile(path, half)
    now = path.stat()
    if (now.st_size, now.st_mtime_ns) != (seen.st_size, seen.st_mtime_ns) or fingerprint(half) != file_hash:
        half.unlink()
        return None
    file_bytes = half.stat().st_size
    disk.put(half, copy)
    receipt = Receipt(sequence, source, path.name, file_hash, file_bytes, received_on)
    target = settings.landing / ".receipts" / f"{sequence:06}.json"
    disk.folder(target.parent)
    half = target.with_suffix(".tmp")
    known = {name: value for name, value in asdict(receipt).items() if value is not None}
    disk.put_text(half, target, json.dumps(known, indent=2, ensure_ascii=False) + "\n")
    return receipt


def check_stored(settings: Settings, receipt: Receipt) -> Path:
    """The stored copy of a receipt, its bytes verified. Raises LandingError if missing or altered."""
    path = stored(settings, receipt.file_hash)
    if not path.is_file():
        raise LandingError(
            f"receipt {receipt.sequence:06} ({receipt.file_name}): its copy is missing from landing/.store"
        )
    if fingerprint(path) != receipt.file_hash:
        raise LandingError(
            f"receipt {receipt.sequence:06} ({receipt.file_name}): its copy in landing/.store was altered"
        )
    return path


@contextmanager
def one_at_a_time(settings: Settings) -> Iterator[None]:
    """Let one intake run at a time: two would give the same receipt number to different files."""
    folder = settings.landing / ".receipts"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
