"""`make bench`: the sample company's main job in an empty folder, then again with nothing new.

Prints wall seconds, processor seconds, peak memory (the largest single process) and the load of the
machine for each run; the stages' seconds stand in what the command itself prints (kept in a log).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = ("-m", "orchestration.cli", "sample-year")


def measure(name: str, data: Path, arguments: list[str], log: Path) -> None:
    """Run the command on a data folder and print what it took. Raises CalledProcessError when it fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with log.open("wb") as out:
        subprocess.run(
            [sys.executable, *COMMAND, *arguments],
            env={**os.environ, "REBATES_DATA": str(data)},
            stdout=out,
            stderr=subprocess.STDOUT,
            check=True,
        )
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss / 1024**2
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"{name:<28} {seconds:7.1f} s  {cpu:7.1f} s cpu  {peak:5.2f} GiB peak  load {load}", flush=True)
    stages = log.read_text(encoding="utf-8", errors="replace").rpartition("\nElapsed")[2]
    print("\n".join(f"    {line.rstrip()}" for line in stages.splitlines()[2:] if line.strip()))


def main() -> None:
    """Run it all; `python -m benchmarks 2017-04 2017-06` chooses the months."""
    first, last = sys.argv[1:3] if len(sys.argv) > 2 else ("2017-05", "2017-06")
    print(f"{os.cpu_count()} processors, months {first} to {last}")
    with tempfile.TemporaryDirectory() as folder:
        data, arguments = Path(folder) / "data", ["--from", first, "--to", last]
        measure("from an empty folder", data, arguments, Path(folder) / "first.log")
        measure("again, nothing new", data, arguments, Path(folder) / "second.log")


if __name__ == "__main__":
    main()
