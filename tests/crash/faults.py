"""A process that is killed, or refused by the disk, at the n-th thing that it does to its files.

What belongs here: the fault and the process that meets it. What does not: what the process does
(scenes.py) and what must stand afterwards (the tests).

The product knows nothing of this: Python itself tells a hook of each file that is opened for writing,
renamed, removed or made (``sys.addaudithook``), before it happens; ``os.fsync`` is wrapped. What DuckDB
and Arrow write goes past Python: random times and a limit on file sizes reach that.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import re
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NAMED = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.link", "os.symlink", "os.truncate"}

FREEING = {"os.remove", "os.rmdir", "os.rename", "os.chmod"}
"""What a full disk still lets happen."""

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.crash.scenes"])


@dataclass(frozen=True)
class Fault:
    """What happens at the ``at``-th step (from 1; 0: never).

    ``before``: it happens before the first step that this pattern is found in, instead.
    ``error``: this errno is raised there and ever after (a full disk stays full); none: SIGKILL.
    ``largest_file``: no file may grow beyond so many bytes (0: any size).
    """

    at: int = 0
    before: str = ""
    error: int = 0
    largest_file: int = 0


@dataclass(frozen=True)
class Met:
    """What came of a process: its exit code (-9: killed), the steps that it did, the error that stopped it."""

    code: int
    steps: list[str]
    error: str = ""
    kind: str = ""


def meet(work: Callable[..., object], folder: Path, fault: Fault, *, seconds: float | None = None) -> Met:
    """Do ``work(folder)`` in a process of its own that meets the fault; or is killed after ``seconds``."""
    told = folder.with_name(f"{folder.name}.steps.json")
    told.unlink(missing_ok=True)
    process = FORKS.Process(target=_child, args=(work, folder, fault, told))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
    process.join()
    code = process.exitcode
    process.close()
    said: dict[str, Any] = json.loads(told.read_text()) if told.is_file() else {"steps": []}
    return Met(code if code is not None else -1, **said)


def _child(work: Callable[..., object], folder: Path, fault: Fault, told: Path) -> None:
    steps = _arm(folder, fault)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    if fault.largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.largest_file, unlimited[1]))
    said: dict[str, Any] = {}
    try:
        work(folder)
    except Exception as error:
        said = {"error": str(error), "kind": type(error).__name__}
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    told.write_text(json.dumps({"steps": steps, **said}))
    os._exit(3 if said else 0)


def _arm(folder: Path, fault: Fault) -> list[str]:
    """Watch what this process does to files in the folder; the list grows with each step."""
    steps: list[str] = []
    inside = f"{folder}{os.sep}"

    def step(event: str, name: str, path: str = "") -> None:
        steps.append(f"{event} {name.removeprefix(inside)}")
        if fault.before:
            if not re.search(fault.before, steps[-1]):
                return
        elif not fault.at or len(steps) < fault.at:
            return
        if fault.error and not (fault.error == errno.ENOSPC and event in FREEING):
            raise OSError(fault.error, os.strerror(fault.error), path or name)
        if not fault.error:
            os.kill(os.getpid(), signal.SIGKILL)

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes) and flags & WRITING and os.fsdecode(path).startswith(inside):
                step("open", os.fsdecode(path))
        elif event in NAMED:
            path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes | os.PathLike) else ""
            # removing a tree names files relative to an open folder
            if path.startswith(inside) or (path and not path.startswith(os.sep)):
                step(event, path, path if path.startswith(os.sep) else str(folder / path))

    def fsync(descriptor: int) -> None:
        name = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if name.startswith(inside):
            step("fsync", name)
        flushed(descriptor)

    flushed, os.fsync = os.fsync, fsync
    sys.addaudithook(heard)
    return steps
