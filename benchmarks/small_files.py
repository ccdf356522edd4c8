"""`python -m benchmarks.small_files`: many files of one row through intake and validation, and what a file costs.

What belongs here: made-up deliveries of a distributor and the master data that they need, the runs, and the table that
is printed. What does not: the watch (measured.py), large files (validation.py). Each run is a process of its own, from
an empty data folder; what a process costs before the first file (imports, reading rules, the judge) is measured on a
delivery of one file and printed beside it. One file in 500 holds a product that nobody knows.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measured import Measured, measure
from orchestration import intake, validation
from orchestration.settings import REPOSITORY, Settings

SOURCE = "north_pos"
HEADER = (
    "Belegnummer;Position;Belegart;Belegdatum;Bezug;Meldeart;Filiale;Kunde;Kundenname;Artikel;Menge;Einheit;"
    "Nettobetrag;Waehrung;Freigabe;Gebiet"
)
MASTERS = {
    "erp_products": ("product_id,product_name,family,brand,category,base_unit,list_price", "{i},Milk,F,B,C,EA,3"),
    "erp_partners": (
        "partner_id,partner_name,partner_type,parent_partner_id,channel,region,country",
        "R-{i},N,reseller,,grocery,,US",
    ),
    "erp_product_units": ("product_id,unit,factor", "{i},CS,12"),
}
KNOWN = 200
"""Products, and partners, of the master data."""
TARGET = 20.0
"""Milliseconds that a file of one row may cost (issue 4)."""


def generate(settings: Settings, files: int) -> None:
    """Deliver the files, one row each, and the master data."""
    for source, (header, row) in MASTERS.items():
        rows = [row.format(i=i) for i in range(1, KNOWN + 1)]
        if source == "erp_partners":
            rows.append("D-NORTH,North,distributor,,grocery,,US")
        (settings.landing / source).mkdir(parents=True)
        (settings.landing / source / "master.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    folder = settings.landing / SOURCE
    folder.mkdir()
    for i in range(files):
        product = "unknown" if i % 500 == 3 else i % KNOWN + 1
        day = f"{i % 28 + 1:02}.{i // 28 % 12 + 1:02}.2017"
        row = f"N{i};1;R;{day};;O;{i % KNOWN + 1};;;{product};{i % 20 + 1};ST;{i % 90 + 1},50;USD;;NORTH"
        (folder / f"north_{i:06}.csv").write_text(f"{HEADER}\n{row}\n", encoding="cp1252")


def take_in(settings: Settings) -> None:
    """Receive and read everything."""
    print(intake.take_in(settings).totals)


def judge(settings: Settings) -> None:
    """Validate everything."""
    report = validation.validate(settings)
    print({name: report.total(name, "line") for name in ("rows", "accepted", "held", "quarantined")})


CHILDREN: dict[str, Callable[[Settings], None]] = {"take_in": take_in, "judge": judge}


def _child(name: str, what: str, settings: Settings) -> Measured:
    arguments = ["-m", "benchmarks.small_files", "--child", what]
    env = {**settings.environment(), "PYTHONPATH": str(REPOSITORY)}
    return measure(name, arguments, settings.data.with_name(f"{settings.data.name}-{what}.log"), env)


def run(folder: Path, files: int) -> list[Measured]:
    """Deliver to an empty folder; intake, validation, and both again."""
    settings = Settings.from_env({**os.environ, "REBATES_DATA": str(folder / f"{files}-files")})
    generate(settings, files)
    return [
        _child("intake", "take_in", settings),
        _child("validation", "judge", settings),
        _child("intake, nothing new", "take_in", settings),
        _child("validation, nothing new", "judge", settings),
    ]


def main(arguments: list[str] | None = None) -> None:
    """Print seconds of each step, and what a file costs beside the fixed cost of the process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_files", description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, help="files of one row (default: 10,000)")
    parser.add_argument("--folder", type=Path, help="an empty folder, kept (default: a temporary one)")
    parser.add_argument("--child", choices=sorted(CHILDREN), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        CHILDREN[given.child](Settings.from_env())
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.folder or Path(temporary)).resolve()
        print(f"\n{given.files:,} files of one row; {os.cpu_count()} processors")
        one, many = run(folder, 1), run(folder, given.files)
    clock = processor = 0.0
    for alone, each in zip(one, many, strict=True):
        cost = [1000 * (b - a) / given.files for a, b in ((alone.seconds, each.seconds), (alone.cpu, each.cpu))]
        print(f"{each.line()}   {cost[0]:6.2f} ms a file, {cost[1]:6.2f} ms of processor time")
        if each.name in ("intake", "validation"):
            clock, processor = clock + cost[0], processor + cost[1]
    print(f"both together: {clock:.2f} ms a file, {processor:.2f} ms of processor time (at most {TARGET:.0f})")


if __name__ == "__main__":
    main()
