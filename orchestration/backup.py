"""Copies of landing/ and ledger/, and a data folder made from one: the two folders from which all else is rebuilt.

What belongs here: what is copied, when, and how a copy is proven whole (decision 0215). What does not: arguments
and the screen (backup_commands.py), and what is kept elsewhere (program documents, seeds: docs/backup.md).

A backup folder holds ``content/<2 digits>/<SHA-256>``, each content once however many backups have it, and
``backups/<number>.json``: a manifest per backup, whose files are all there when it stands.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from orchestration import books, disk, runs
from orchestration.settings import Settings

MARKER = "rebates-backup.json"
FORMAT = 1
PRECIOUS = ("landing", "ledger")

MADE_BY_SETUP = {"dagster", "dbt", "logs", "scratch", runs.RUN_LOCK, *PRECIOUS}
"""What may stand in a data folder that a backup is restored to."""

_BLOCK = 1 << 20

Say = Callable[[str], object]


class BackupError(RuntimeError):
    """A backup cannot be made, is damaged, or cannot be restored here; the message says which file, and why."""


@dataclass(frozen=True)
class Entry:
    """One file of a backup. ``path``: below the data folder, with slashes."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Backup:
    """One backup: its number, what the ledger ended with, how many files were received, and every file in it."""

    number: int
    newest_batch: str | None
    last_receipt: int
    files: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        """Size of the files that it restores."""
        return sum(entry.bytes for entry in self.files)


@dataclass(frozen=True)
class Made:
    """What a backup did. ``new``: whether anything differs from the one before; ``copied``: contents copied now."""

    backup: Backup
    new: bool
    copied: int
    copied_bytes: int
    left_out: tuple[str, ...]
    """Files of the drop zone that changed or went while they were copied: they are in the next one."""


def backup(settings: Settings, target: Path, *, wait_seconds: float = 900.0, say: Say = print) -> Made:
    """Copy landing/ and ledger/ to the backup folder ``target``; what is there already is not copied again.

    The run lock is held while files are listed: between two runs both folders fit each other. They only grow, so
    that runs may go on while contents are copied. Each copy is read back. The manifest comes last: a backup that
    is interrupted is none, and the next one goes on where it stopped.
    Raises BackupError for a folder that is no place for backups, and for a file that is not what its name or
    manifest says; RunError when a run does not end in time; LedgerError when the ledger is not whole.
    """
    _check_target(settings, target)
    disk.folder(target / "backups")
    with _alone(target):
        if not (target / MARKER).exists():
            disk.put_text(target / f".{MARKER}.part", target / MARKER, json.dumps({"format": FORMAT}) + "\n")
        with runs.alone(settings, wait_seconds=wait_seconds, waiting=say, what="backup"):
            batches = books.verify(settings)
            books.prepare(settings)  # a HEAD that a crash left behind is mended before it is copied
            head = settings.ledger / "HEAD"
            head_now = head.read_bytes() if head.exists() else None
            listed = list(_precious(settings))
            last = runs.last_receipt(settings)
        known = {f"ledger/{batch.name}/{path}": content for batch in batches for path, content in batch.files.items()}
        entries, left_out, copied = [], [], []
        for path in listed:
            relative = path.relative_to(settings.data).as_posix()
            if relative == "ledger/HEAD" and head_now is not None:
                entry, new = _put(target, relative, head_now)
            else:
                expected = path.name if relative.startswith("landing/.store/") else known.get(relative)
                try:
                    entry, new = _copy(path, relative, expected, target)
                except (FileNotFoundError, _ChangedError):
                    if not _in_drop_zone(relative):
                        raise BackupError(f"{path} changed or went while it was copied; it never should") from None
                    left_out.append(relative)
                    continue
            entries.append(entry)
            copied += [entry.bytes] * new
        newest = batches[-1].name if batches else None
        before = backups(target)
        if before and before[-1].files == tuple(entries):
            return Made(before[-1], False, len(copied), sum(copied), tuple(left_out))
        made = Backup(before[-1].number + 1 if before else 1, newest, last, tuple(entries))
        text = json.dumps(asdict(made), indent=1) + "\n"
        name = f"{made.number:06}.json"
        disk.put_text(target / "backups" / f".{name}.part", target / "backups" / name, text)
    return Made(made, True, len(copied), sum(copied), tuple(left_out))


def backups(target: Path) -> list[Backup]:
    """The backups of a backup folder, oldest first. BackupError when it is none, or a manifest cannot be read."""
    try:
        kind = json.loads((target / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BackupError(f"{target} is no folder of backups: it has no {MARKER}") from None
    if kind != {"format": FORMAT}:
        raise BackupError(f"{target} holds backups of another format: {kind}")
    return [_read(path) for path in sorted((target / "backups").glob("[0-9]*.json"))]


def chosen(source: Path, number: int | None) -> Backup:
    """The backup of that number, or the newest; BackupError naming those that there are."""
    found = backups(source)
    wanted = [each for each in found if number in (None, each.number)]
    if not wanted:
        there = ", ".join(str(each.number) for each in found) or "none"
        raise BackupError(f"{source} has no backup{'' if number is None else f' {number}'}; there is: {there}")
    return wanted[-1]


def damaged(source: Path, found: Iterable[Backup]) -> list[str]:
    """Contents of these backups that are missing or altered, each in a sentence with a file that it belongs to."""
    wanted: dict[str, str] = {}
    for each in found:
        for entry in each.files:
            wanted.setdefault(entry.sha256, f"{entry.path} (backup {each.number})")
    wrong = []
    for content, path in sorted(wanted.items(), key=lambda item: item[1]):
        place = _content(source, content)
        if not place.is_file():
            wrong.append(f"{path}: its content is missing, {place}")
        elif _hash(place) != content:
            wrong.append(f"{path}: its content was altered, {place}")
    return wrong


def restore(settings: Settings, source: Path, number: int | None = None) -> Backup:
    """Make landing/ and ledger/ of the data folder from a backup (the newest, or that number), and prove them whole.

    The data folder is empty, or holds a part of that very backup (an interrupted restore goes on). Everything else
    is rebuilt by the next run. Raises BackupError when it holds anything else, or when the backup is damaged:
    nothing is written then; LedgerError when the restored ledger is not whole.
    """
    made = chosen(source, number)
    with runs.alone(settings, wait_seconds=0, waiting=print, what="restore"):
        _check_place(settings, made)
        if wrong := damaged(source, [made]):
            raise BackupError(f"the backup is damaged: {_first(wrong)}")
        # what the ledger's HEAD names must stand before it
        for entry in sorted(made.files, key=lambda each: (each.path == "ledger/HEAD", each.path)):
            _restore(source, entry, settings.data / entry.path)
        books.verify(settings)
        books.prepare(settings)
        _check_receipts(settings)
    return made


# --- what is copied -------------------------------------------------------------------------


class _ChangedError(Exception):
    """A file was written while it was copied."""


def _precious(settings: Settings) -> Iterator[Path]:
    """Files of landing/ and ledger/ in order, without locks and what is half-written."""
    for root in (settings.landing, settings.ledger):
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name != ".new")
            for name in sorted(names):
                if name not in (".lock",) and not name.endswith((".tmp", ".part")):
                    yield Path(folder) / name


def _in_drop_zone(path: str) -> bool:
    """Whether others may write the file: landing/<source>/<file>, not our own folders."""
    parts = PurePosixPath(path).parts
    return parts[0] == "landing" and not parts[1].startswith(".")


def _content(target: Path, content: str) -> Path:
    return target / "content" / content[:2] / content


def _put(target: Path, path: str, data: bytes) -> tuple[Entry, bool]:
    """Keep bytes as a content; whether they are new."""
    entry = Entry(path, hashlib.sha256(data).hexdigest(), len(data))
    place = _content(target, entry.sha256)
    if place.is_file() and place.stat().st_size == len(data):
        return entry, False
    disk.folder(place.parent)
    half = place.with_name(f"{place.name}.part")
    half.write_bytes(data)
    disk.put(half, place)
    return entry, True


def _copy(path: Path, relative: str, expected: str | None, target: Path) -> tuple[Entry, bool]:
    """Keep a file as a content, read back; whether it is new. A content that its name promises is not read again."""
    seen = path.stat()
    if expected is not None:
        place = _content(target, expected)
        if place.is_file() and place.stat().st_size == seen.st_size:
            return Entry(relative, expected, seen.st_size), False
    found = expected if expected is not None else _hash(path)
    place = _content(target, found)
    if expected is None and place.is_file() and place.stat().st_size == seen.st_size:
        return Entry(relative, found, seen.st_size), False
    disk.folder(place.parent)
    half = place.with_name(f"{place.name}.part")
    _copy_bytes(path, half)
    now = path.stat()
    if (now.st_size, now.st_mtime_ns) != (seen.st_size, seen.st_mtime_ns):
        half.unlink()
        raise _ChangedError
    if _hash(half) != found:
        half.unlink()
        if expected is None:
            raise _ChangedError
        raise BackupError(f"{path} was altered: its SHA-256 is not {expected}; nothing was recorded")
    disk.put(half, place)
    return Entry(relative, found, seen.st_size), True


def _copy_bytes(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(_BLOCK):
            writer.write(block)


def _hash(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _check_target(settings: Settings, target: Path) -> None:
    place, data = target.resolve(), settings.data.resolve()
    if place == data or data in place.parents or place in data.parents:
        raise BackupError(f"{target} and the data folder {settings.data} lie in each other; choose another place")
    if target.is_dir() and not (target / MARKER).exists():
        strange = sorted(path.name for path in target.iterdir() if path.name not in ("backups", ".lock"))
        if [name for name in strange if name != f".{MARKER}.part"]:
            raise BackupError(f"{target} is not empty and no folder of backups (it holds {strange[0]})")


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """One backup at a time in a backup folder; BackupError, naming the holder, when there is another."""
    try:
        with disk.held(target / ".lock", wait_seconds=0, what="backup"):
            yield
    except disk.HeldError as error:
        raise BackupError(f"another backup is being written to {target}: {error}") from None


# --- what is restored -----------------------------------------------------------------------


def _read(path: Path) -> Backup:
    """A manifest; BackupError when it cannot be read or names a file outside landing/ and ledger/."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        found = Backup(**{**said, "files": tuple(Entry(**entry) for entry in said["files"])})
        outside = [entry.path for entry in found.files if not _is_precious(entry.path)]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BackupError(f"{path} cannot be read: {error}") from None
    if outside or found.number != int(path.stem):
        raise BackupError(f"{path} is not a manifest of a backup: {outside[0] if outside else found.number}")
    return found


def _is_precious(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return len(parts) > 1 and parts[0] in PRECIOUS and ".." not in parts


def _check_place(settings: Settings, made: Backup) -> None:
    """BackupError unless the data folder is empty or holds nothing but files of the backup."""
    wanted = {entry.path: entry for entry in made.files}
    strange, missing = [], dict(wanted)
    for path in _precious(settings):
        relative = path.relative_to(settings.data).as_posix()
        entry = missing.pop(relative, None)
        if relative.startswith("ledger/_schema/"):
            continue  # made anew by every run
        if entry is None or path.stat().st_size != entry.bytes or _hash(path) != entry.sha256:
            strange.append(relative)
    if missing:
        strange += [path.name for path in sorted(settings.data.iterdir()) if path.name not in MADE_BY_SETUP]
    if strange:
        raise BackupError(
            f"{settings.data} is not empty: backup {made.number} does not have, or has otherwise, {_first(strange)};"
            " restore to an empty data folder (REBATES_DATA)"
        )


def _restore(source: Path, entry: Entry, target: Path) -> None:
    if target.is_file() and target.stat().st_size == entry.bytes and _hash(target) == entry.sha256:
        return
    disk.folder(target.parent)
    half = target.with_name(f".{target.name}.part")
    _copy_bytes(_content(source, entry.sha256), half)
    if _hash(half) != entry.sha256:
        half.unlink()
        raise BackupError(f"{entry.path} was not copied whole; nothing is lost, restore again")
    disk.put(half, target)


def _check_receipts(settings: Settings) -> None:
    """BackupError for a receipt whose content is not there."""
    wanted = [json.loads(path.read_text()) for path in sorted((settings.landing / ".receipts").glob("[0-9]*.json"))]
    lost = [f"{r['sequence']:06} ({r['file_name']})" for r in wanted if not _stored(settings, r["file_hash"])]
    if lost:
        raise BackupError(f"receipts without their content in landing/.store: {_first(lost)}")


def _stored(settings: Settings, content: str) -> bool:
    return (settings.landing / ".store" / content).is_file()


def _first(wrong: list[str]) -> str:
    more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    return "; ".join(wrong[:5]) + more
