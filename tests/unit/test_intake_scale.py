"""What intake costs: ten thousand small files, and two million rows in one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.intake import take_in
from orchestration.settings import REPOSITORY
from tests.corpus.company import prepare, settings_in
from tests.corpus.kind import GOOD, HEADER, Kind, line, text

PLAIN = Kind("plain", "plain lines", b"")


@pytest.mark.slow
def test_a_file_of_one_row_costs_less_than_20_milliseconds(tmp_path: Path) -> None:
    own = settings_in(tmp_path)
    prepare(own, [PLAIN])
    for number in range(10_000):
        (own.landing / "plain" / f"{number:05}.csv").write_bytes(text(line(number)))
    before = time.process_time()
    assert take_in(own).new_rows > 10_000
    assert (time.process_time() - before) / 10_000 < 0.020
    before = time.process_time()
    assert take_in(own).count("known") > 10_000
    assert (time.process_time() - before) / 10_000 < 0.005


PROBE = """
import resource, sys
from pathlib import Path
from orchestration.intake import take_in
from tests.corpus.company import settings_in
import dataclasses
own = dataclasses.replace(settings_in(Path(sys.argv[1])), memory_limit="512MB")
print(take_in(own).new_rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_two_million_rows_in_one_file_stay_within_bounded_memory(tmp_path: Path) -> None:
    own = settings_in(tmp_path)
    prepare(own, [PLAIN])
    rest = ",".join(list(GOOD.values())[1:])
    with (own.landing / "plain" / "large.csv").open("w", encoding="utf-8") as stream:
        stream.write(",".join(HEADER) + "\n")
        stream.writelines(f"D{number},{rest}\n" for number in range(2_000_000))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    rows, megabytes = map(int, done.stdout.split()[-2:])  # DuckDB may have shown its progress before
    assert rows > 2_000_000
    assert megabytes < 1_200  # Python, the readers' batches, and DuckDB's 512 MB
