"""The hand-written comparisons as commands: DuckDB scripts and pandas on one data folder.

What belongs here: running them with the memory and threads of the settings. What does not: what they say
(handwritten/*.sql, in_pandas.py).
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

from orchestration.settings import Settings
from orchestration.warehouse import in_memory

SCRIPTS = Path(__file__).with_name("handwritten")

VARIANTS = ("one_pass", "sums_first")
"""How lines are summed: as they stand, or in classes of lines that all programs treat alike first."""


def result_path(settings: Settings, name: str) -> Path:
    """Where a comparison leaves its payouts: program_key, participant_id, period_id, payout."""
    return settings.data / "handwritten" / f"{name}.parquet"


def run_duckdb(settings: Settings, variant: str) -> None:
    """Run the script on the data folder; ``variant``: one of VARIANTS. Writes ``result_path``."""
    if variant not in VARIANTS:
        raise ValueError(f"variant {variant}: expected one of {', '.join(VARIANTS)}")
    target = result_path(settings, variant)
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}")
    with in_memory(settings) as connection:
        connection.execute(f"set variable data = '{settings.data}'")
        connection.execute(f"set variable result = '{half}'")
        for step in ("1_tables", f"2_{variant}", "3_tiers"):
            connection.execute((SCRIPTS / f"{step}.sql").read_text(encoding="utf-8"))
    os.replace(half, target)  # noqa: PTH105 - one step, also over an existing file


def run_pandas(settings: Settings) -> None:
    """Run the same in pandas. Writes ``result_path``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from benchmarks.in_pandas import payouts

    frame = payouts(settings.data)
    payout = pa.array([Decimal(cents).scaleb(-2) for cents in frame.pop("cents")], pa.decimal128(18, 4))
    target = result_path(settings, "pandas")
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False).append_column("payout", payout), target)
