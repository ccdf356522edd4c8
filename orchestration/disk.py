"""Files that survive a crash, and locks that say who holds them.

What belongs here: how a file is written whole and for good, and how one process at a time is let in
(decision 0197). What does not: which files there are and what stands in them.

A process that is killed leaves a file as it was or as it is to be, since it gets its name in one step.
What is *put* here survives a power cut as well: its bytes are forced to disk before it gets its name,
and its name before this module returns.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

REMEDIES = {
    "No space left on device": "the disk is full: make room",
    "Disk quota exceeded": "the quota is used up: make room, or have it raised",
    "File too large": "a file may not grow that large here: raise the limit on file sizes",
    "Read-only file system": "the folder can only be read: mount it for writing",
    "Permission denied": "the folder may not be written: give the user who runs this the right to",
    "Operation not permitted": "the folder may not be written: give the user who runs this the right to",
    "Input/output error": "the disk cannot be read or written: have it looked at, and restore a backup if need be",
}
"""What to do, by what the system says when it refuses a file."""

_QUOTED = re.compile(r"""['"](/[^'"]+)['"]""")


class HeldError(RuntimeError):
    """A lock is held by somebody else; the message says by whom."""


def flush(path: Path) -> None:
    """Force a file's bytes, or a folder's names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def folder(path: Path) -> None:
    """Make a folder and those above it, for good. One that stands already is left as it is."""
    missing = [one for one in (path, *path.parents) if not one.is_dir()]
    path.mkdir(parents=True, exist_ok=True)
    for one in reversed(missing):
        flush(one.parent)


def put(half: Path, target: Path) -> None:
    """Give a finished file its name, in one step and for good. Both stand in the same file system."""
    flush(half)
    half.replace(target)
    flush(target.parent)


def put_text(half: Path, target: Path, text: str) -> None:
    """Write a file whole and for good: under the name ``half`` first, then as ``target``."""
    half.write_text(text, encoding="utf-8")
    put(half, target)


@contextmanager
def held(
    path: Path,
    *,
    wait_seconds: float,
    what: str = "",
    waiting: Callable[[str], object] = lambda holder: None,
    every_seconds: float = 0.1,
) -> Iterator[None]:
    """Hold the lock file; the system frees it when the process ends, however it ends.

    ``what``: what is done under the lock; it stands in the file with the process and the machine, for
    those who wait. Somebody else's lock is waited for, at most ``wait_seconds`` (by a clock that nobody
    can set); ``waiting`` is told once who holds it. HeldError, naming the holder, when it was not let go.
    """
    with path.open("a+", encoding="utf-8", errors="replace") as handle:
        give_up = time.monotonic() + wait_seconds
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise HeldError(_holder(path)) from None
                if not told:
                    waiting(_holder(path))
                    told = True
                time.sleep(every_seconds)
        handle.truncate(0)
        handle.write(f"process {os.getpid()} on {socket.gethostname()}{what and f' ({what})'}\n")
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)


def explained(message: str, folder: Path) -> str:
    """What an error says, with what to do where the system refused a file; other messages as they are.

    ``folder``: where the trouble is when the message names no path.
    """
    for said, remedy in REMEDIES.items():
        if said in message:
            paths = _QUOTED.findall(message)
            where = Path(paths[0]).parent if paths else folder
            return f"{where}: {remedy}, then run again; nothing is half done ({' '.join(message.split())})"
    return message


def _holder(path: Path) -> str:
    """Who says in a lock file that it holds it."""
    return path.read_text(encoding="utf-8", errors="replace").strip() or "a process that does not say who it is"
