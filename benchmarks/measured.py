"""How long a child process took, and how much memory it and its own children held: ``measure(arguments, log)``.

What belongs here: starting, watching, printing. What does not: what is measured. Linux only (/proc).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.1
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Measured:
    """``seconds`` of the clock, ``cpu`` of all processors, ``peak`` resident bytes of the tree, ``load`` at the end."""

    name: str
    seconds: float
    cpu: float
    peak: int
    load: float

    def line(self, baseline: float | None = None) -> str:
        """One row of a table; ``baseline``: seconds that the ratio is taken to."""
        ratio = f"{self.seconds / baseline:6.2f} x" if baseline else " " * 8
        return (
            f"{self.name:<34} {self.seconds:8.1f} s {self.cpu:8.1f} s cpu {self.peak / 2**30:6.2f} GiB {ratio}"
            f"  load {self.load:.1f}"
        )


def measure(name: str, arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Measured:
    """Run Python with the arguments in a child and watch it; what it prints goes to the log.

    Raises RuntimeError with the end of the log when it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began, peak = time.monotonic(), 0
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, *arguments], stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
        )
        while True:
            peak = max(peak, sum(_resident(process) for process in _tree(child.pid)))
            done, status, usage = os.wait4(child.pid, os.WNOHANG)
            if done:
                break
            time.sleep(SAMPLE_SECONDS)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if child.returncode:
        raise RuntimeError(f"{name} failed ({child.returncode}):\n{log.read_text(errors='replace')[-4000:]}")
    # the kernel's own mark of the largest single process catches what falls between two samples
    peak = max(peak, usage.ru_maxrss * 1024)
    return Measured(name, seconds, usage.ru_utime + usage.ru_stime, peak, os.getloadavg()[0])


def _tree(root: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for process in found:
        found.extend(children.get(process, ()))
    return found


def _resident(process: int) -> int:
    """Resident bytes of a process; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0
