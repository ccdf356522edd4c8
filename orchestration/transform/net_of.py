"""Stacking by net_of: what earlier programs pay on a line reduces it for later ones, found wave by wave.

What belongs here: the passes before the build. What does not: figures; the models give them.

A program that nothing reduces is of wave 1, one that programs of wave n reduce is of wave n + 1
(programs/flatten.py). Each pass builds the models for programs stacked by net_of alone and takes over
what the model int_line_reduction says; after pass n the reductions of wave n + 1 stand. The build then
calculates every program once, and its test tie_line_reductions holds that nothing was left open.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from orchestration.settings import Settings
from orchestration.transform.dbt import dbt_arguments, run_dbt
from orchestration.warehouse import connect, in_memory

MODEL = "int_line_reduction"
_COLUMNS = "program_key, line_key, reduction"
_NOTHING = "null::varchar as program_key, null::varchar as line_key, null::decimal(18, 4) as reduction"


def waves(settings: Settings) -> int:
    """The highest wave of the calculated programs; 1 when no program reduces another."""
    with in_memory(settings) as connection:
        rows = connection.execute(
            "select coalesce(max(net_of_wave), 1) from read_parquet(?) where calculated",
            [str(settings.program_tables / "program.parquet")],
        ).fetchall()
    return int(rows[0][0])


def find_reductions(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> int:
    """Write run/line_reduction.parquet, by how much lines of net_of programs are reduced, and return its rows.

    Reads run/run_context.parquet and leaves it as it was. Raises DbtError when a pass fails.
    """
    _copy(settings, settings.line_reduction, f"select * from (select {_NOTHING}) where false")
    try:
        for wave in range(2, waves(settings) + 1):
            progress(f"net_of: reductions of wave {wave}")
            _select_programs(settings, net_of_only=True)
            run_dbt(settings, dbt_arguments("build", select=f"+{MODEL}", tests=False))
            _copy(settings, settings.line_reduction, f"select {_COLUMNS} from {MODEL} order by {_COLUMNS}", MODEL)
    finally:
        _select_programs(settings, net_of_only=False)
    with in_memory(settings) as connection:
        rows = connection.execute("select count(*) from read_parquet(?)", [str(settings.line_reduction)]).fetchall()
    return int(rows[0][0])


def _select_programs(settings: Settings, *, net_of_only: bool) -> None:
    """Say in the run context which programs the models calculate."""
    query = f"select * replace ({net_of_only} as net_of_only) from read_parquet($context)"
    _copy(settings, settings.run_context, query)


def _copy(settings: Settings, target: Path, query: str, model: str | None = None) -> None:
    """Write what a query gives as Parquet, whole or not at all; with a model from the warehouse."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}")
    query = query.replace("$context", _literal(settings.run_context))
    with connect(settings, read_only=True) if model else in_memory(settings) as connection:
        connection.execute(f"copy ({query}) to {_literal(half)} (format parquet)")
    os.replace(half, target)  # noqa: PTH105 - one step, also over an existing file


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
