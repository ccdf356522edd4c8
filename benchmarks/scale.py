"""`python -m benchmarks.scale`: the dbt models beside hand-written scripts, on lines of any number.

What belongs here: which runs are measured, and the tables that are printed. What does not: the company
(company.py), its programs (catalogue.py), the scripts (hand.py), the watch (measured.py).

Every measured run is a child process on the same files. The folder that is given is used again when it holds
lines of the wanted number; without one a temporary folder is used and removed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import catalogue, company, hand
from benchmarks.measured import Measured, measure
from orchestration import books, claims, matching
from orchestration.runs import RunContext, month_of, write_run_context
from orchestration.settings import REPOSITORY, Settings
from orchestration.transform import BOOKS_TAG, dbt_arguments, prepare
from orchestration.transform.dbt import run_dbt
from orchestration.transform.net_of import find_reductions
from orchestration.warehouse import connect

AS_OF = date(company.YEAR, 12, 31)

PAYOUT = "model.rebates.int_payout"
"""Up to this model it is the calculation of payouts; what comes after shares them, down to lines."""

BYTES_UP_TO = 2_000_000
"""Tables with more rows are compared by count and checksums of rows, not as sorted files."""

MARTS = ("dim_", "fct_", "rpt_")


@dataclass(frozen=True)
class Node:
    """One dbt node of a build: its unique id, what it read, and when it ran (seconds from the first start)."""

    unique_id: str
    parents: tuple[str, ...]
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


# --- what the children do ----------------------------------------------------------------------


def generate(settings: Settings, lines: int) -> None:
    """Write lines and programs into the folder, unless it holds them already."""
    stamp = settings.data / "benchmark.json"
    wanted = json.dumps({"lines": lines, "source": _generator_hash()})
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if stamp.is_file() or not settings.data.is_dir() or not any(settings.data.iterdir()):
        shutil.rmtree(settings.data, ignore_errors=True)
    else:
        raise ValueError(f"{settings.data} holds something else: give an empty folder, or one of an earlier benchmark")
    settings.data.mkdir(parents=True)
    company.generate(settings, company.Size(lines))
    catalogue.write(settings, lines)
    books.prepare(settings)
    matching.prepare(settings)
    stamp.write_text(wanted)


def _generator_hash() -> str:
    return hashlib.sha256(
        b"".join(Path(module.__file__ or "").read_bytes() for module in (company, catalogue))
    ).hexdigest()


def build(settings: Settings, select: str | None) -> None:
    """The dbt part of a full build, as a run does it; with run_results.json, which a run does not need."""
    claims.write_table(settings)
    write_run_context(settings, RunContext(AS_OF, month_of(AS_OF), "0" * 64, 0))
    find_reductions(settings)
    arguments = dbt_arguments("build", select=select, exclude=f"tag:{BOOKS_TAG}", tests=select is None)
    print(run_dbt(settings, [each for each in arguments if each != "--no-write-json"]))


CHILDREN: Mapping[str, Callable[[Settings, argparse.Namespace], None]] = {
    "generate": lambda settings, given: generate(settings, given.lines),
    "late": lambda settings, _: print(company.late_file(settings)),
    "dbt": lambda settings, _: build(settings, None),
    "dbt_payouts": lambda settings, _: build(settings, f"+{PAYOUT.rpartition('.')[2]}"),
    **{name: lambda settings, _, name=name: hand.run_duckdb(settings, name) for name in hand.VARIANTS},  # type: ignore[misc]
    "pandas": lambda settings, _: hand.run_pandas(settings),
}


def _child(name: str, what: str, settings: Settings, lines: int) -> Measured:
    arguments = ["-m", "benchmarks.scale", "--child", what, "--folder", str(settings.data), "--lines", str(lines)]
    env = {**settings.environment(), "PYTHONPATH": str(REPOSITORY)}
    return measure(name, arguments, settings.data.with_name(f"{settings.data.name}-logs") / f"{what}.log", env)


# --- what dbt says of its run ------------------------------------------------------------------


def nodes(target: Path) -> list[Node]:
    """The nodes of the last build, from run_results.json and manifest.json below dbt's target folder."""
    results = json.loads((target / "run_results.json").read_text())["results"]
    parents = json.loads((target / "manifest.json").read_text())["parent_map"]
    timed = []
    for result in results:
        times = [datetime.fromisoformat(step[at]) for step in result["timing"] for at in ("started_at", "completed_at")]
        if times:
            timed.append((result["unique_id"], min(times), max(times)))
    first = min(began for _, began, _ in timed)
    return [
        Node(name, tuple(parents.get(name, ())), (began - first).total_seconds(), (ended - first).total_seconds())
        for name, began, ended in timed
    ]


def until_payout(found: Iterable[Node]) -> set[str]:
    """Unique ids of int_payout, all that it reads, and the tests of these alone."""
    by_id = {node.unique_id: node for node in found}
    inside, open_ = set(), [PAYOUT]
    while open_:
        name = open_.pop()
        if name not in inside:
            inside.add(name)
            open_.extend(by_id[name].parents if name in by_id else ())
    tests = {
        node.unique_id
        for node in by_id.values()
        if node.unique_id.startswith("test.") and node.parents and set(node.parents) <= inside
    }
    return inside | tests


def print_nodes(found: list[Node], most: int = 10) -> None:
    """Node seconds of both phases, models and tests apart, and the slowest models."""
    inside = until_payout(found)
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for node in found:
        phase = "to payouts" if node.unique_id in inside else "after payouts"
        sums[phase, "tests" if node.unique_id.startswith("test.") else "models"] += node.seconds
    for phase in ("to payouts", "after payouts"):
        print(f"    {phase:<14} models {sums[phase, 'models']:8.1f} s   tests {sums[phase, 'tests']:8.1f} s")
    for node in sorted(found, key=lambda node: -node.seconds)[:most]:
        phase = "(a)" if node.unique_id in inside else "(b)"
        name = node.unique_id.split(".")[2]
        print(f"    {phase} {node.seconds:8.1f} s  {name}")


# --- comparing ---------------------------------------------------------------------------------


def differences(settings: Settings, name: str) -> int:
    """Payouts that differ between the models and a comparison; one that either does not have counts as zero."""
    with connect(settings, read_only=True) as connection:
        [(found,)] = connection.execute(
            f"""select count(*)
                from int_payout as p
                full join read_parquet('{hand.result_path(settings, name)}') as h
                using (program_key, participant_id, period_id)
                where coalesce(p.payout, 0) <> coalesce(h.payout, 0)"""
        ).fetchall()
    return int(found)


def fingerprints(settings: Settings) -> dict[str, tuple[Any, ...]]:
    """Every mart's rows and two checksums over them; of small ones also the SHA-256 of the sorted Parquet file."""
    found: dict[str, tuple[Any, ...]] = {}
    half = settings.scratch / "compared.parquet"
    with connect(settings, read_only=True) as connection:
        tables = [row[0] for row in connection.execute("select table_name from information_schema.tables").fetchall()]
        for table in sorted(name for name in tables if name.startswith(MARTS)):
            [sums] = connection.execute(
                f'select count(*), sum(cast(hash(t) as hugeint)), bit_xor(hash(t)) from "{table}" as t'
            ).fetchall()
            digest = None
            if sums[0] <= BYTES_UP_TO:
                connection.execute(f"copy (select * from \"{table}\" order by all) to '{half}' (format parquet)")
                digest = hashlib.sha256(half.read_bytes()).hexdigest()
            found[table] = (*sums, digest)
    half.unlink(missing_ok=True)
    return found


def eligibility(settings: Settings) -> tuple[int, float]:
    """Lines that count, and for how many programs each is eligible on average."""
    with connect(settings, read_only=True) as connection:
        [(lines, eligible)] = connection.execute(
            "select (select count(*) from int_line), (select sum(earning_lines) from int_basis)"
        ).fetchall()
    return int(lines), float(eligible) / int(lines)


# --- runs --------------------------------------------------------------------------------------


def one_size(settings: Settings, lines: int, *, pandas: bool, late: bool) -> Measured:
    """Measure everything on one number of lines and print it; returns the full dbt build.

    Ratios are to the faster of the two hand-written scripts.
    """
    print(f"\n{lines:,} lines, 100 programs; {os.cpu_count()} processors, DuckDB may use {settings.memory_limit}")
    _say(_child("generate (or used again)", "generate", settings, lines))
    prepare(settings)
    by_hand = [
        _child("by hand, DuckDB, sums first", "sums_first", settings, lines),
        _child("by hand, DuckDB, one pass", "one_pass", settings, lines),
    ]
    base = min(each.seconds for each in by_hand)
    for each in by_hand:
        _say(each, base)
    if pandas:
        _say(_child("by hand, pandas", "pandas", settings, lines), base)
    _fresh(settings)
    _say(_child("dbt to payouts, without tests (a)", "dbt_payouts", settings, lines), base)
    _fresh(settings)
    full = _child("dbt, full build (a + b, tests)", "dbt", settings, lines)
    _say(full, base)
    print_nodes(nodes(settings.dbt_target))
    counted, programs = eligibility(settings)
    print(f"    {counted:,} lines count, each eligible for {programs:.2f} programs")
    for name in (*hand.VARIANTS, *(("pandas",) if pandas else ())):
        print(f"    payouts that differ from {name}: {differences(settings, name)}")
    if late:
        _late(settings, lines, full)
    return full


def _late(settings: Settings, lines: int, full: Measured) -> None:
    """Add the late file, build on top, then from nothing, and compare; the file is taken away again."""
    before = set(settings.data.glob("*/*/*.parquet"))
    try:
        _child("late file", "late", settings, lines)
        top = _child("dbt, late file on top", "dbt", settings, lines)
        _say(top, full.seconds)
        print_nodes(nodes(settings.dbt_target))
        on_top = fingerprints(settings)
        _fresh(settings)
        _say(_child("dbt, the same from nothing", "dbt", settings, lines), full.seconds)
        from_nothing = fingerprints(settings)
        different = sorted(name for name in on_top | from_nothing if on_top.get(name) != from_nothing.get(name))
        print(f"    {len(from_nothing)} marts compared; different: {', '.join(different) or 'none'}")
    finally:
        for path in set(settings.data.glob("*/*/*.parquet")) - before:
            if path.parent.parent in (settings.accepted, settings.raw):
                path.unlink()


def _fresh(settings: Settings) -> None:
    """Remove the warehouse, as before a first run."""
    for path in settings.data.glob("warehouse.duckdb*"):
        path.unlink()


def _say(run: Measured, baseline: float | None = None) -> None:
    print(run.line(baseline), flush=True)


def print_growth(runs: list[tuple[int, Measured]]) -> None:
    """The exponent of growth between each size and the next, and between the first and the last."""
    pairs = [*pairwise(runs), *([(runs[0], runs[-1])] if len(runs) > 2 else [])]
    for (fewer, short), (more, long) in pairs:
        exponent = math.log(long.seconds / short.seconds) / math.log(more / fewer)
        print(f"growth of the full build from {fewer:,} to {more:,} lines: exponent {exponent:.3f}")


def main(arguments: list[str] | None = None) -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of the year (default: 1,000,000)")
    parser.add_argument("--scaling", help="several numbers of lines instead, e.g. 1000000,10000000,30000000")
    parser.add_argument("--folder", type=Path, help="data folder, kept and used again (default: a temporary one)")
    parser.add_argument("--late", action="store_true", help="also a late file on top of the last size")
    parser.add_argument("--no-pandas", action="store_true", help="leave pandas out")
    parser.add_argument("--child", choices=sorted(CHILDREN), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        settings = Settings.from_env()
        if given.folder != settings.data:
            raise SystemExit(
                f"--child works on {settings.data} (REBATES_DATA), not on {given.folder}: leave it to the parent"
            )
        CHILDREN[given.child](settings, given)
        return
    sizes = [int(each) for each in given.scaling.split(",")] if given.scaling else [given.lines]
    with tempfile.TemporaryDirectory() as temporary:
        runs = []
        for lines in sizes:
            folder = (given.folder or Path(temporary)).resolve() / f"lines-{lines}"
            settings = Settings.from_env({**os.environ, "REBATES_DATA": str(folder)})
            late = given.late and lines == sizes[-1]
            runs.append((lines, one_size(settings, lines, pandas=not given.no_pandas, late=late)))
            if not given.folder:
                shutil.rmtree(folder)
        if len(runs) > 1:
            print_growth(runs)


if __name__ == "__main__":
    main()
