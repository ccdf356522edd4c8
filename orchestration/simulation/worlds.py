"""Program tables of several worlds side by side: the current versions in one, each variant in one of its own.

What belongs here: keeping worlds apart, and a program's validity in a simulation. What does not: making program tables
(programs), which programs there are (orchestration/simulate.py).

A world's programs stack, supersede and compete among themselves only: every id and key, and the name of every stacking
group, begins with the number of the world. Within a world that changes no order, so ties break as in the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.simulation.months import Window

CURRENT = 0
"""Number of the world of the current versions; variants count from 1."""

KEYS = {
    "authorization_id",
    "basis_measure",
    "earning_scope",
    "measure_key",
    "program_id",
    "program_key",
    "scope_key",
    "stacking_group",
    "target_scope",
}
"""Columns of the program tables that name something of one world."""

Tables = Mapping[str, pa.Table]


@dataclass(frozen=True)
class World:
    """The programs of one world. ``tables``: their program tables; ``windows``: by key, of every program.

    ``subjects``: ids of the programs that the simulation is about; others are there because they stack with these.
    """

    number: int
    tables: Tables
    windows: Mapping[str, Window]
    subjects: frozenset[str]


def prefix(number: int) -> str:
    """What the keys of a world begin with."""
    return f"{number:03d}/"


def own(key: str) -> tuple[int, str]:
    """Number of the world, and the key as the warehouse has it, of a key in a simulation."""
    number, _, rest = key.partition("/")
    return int(number), rest


def together(worlds: Sequence[World]) -> dict[str, pa.Table]:
    """The program tables of all worlds; every program counts as approved, in its window."""
    apart = [_apart(world) for world in worlds]
    return {name: pa.concat_tables([tables[name] for tables in apart]) for name in apart[0]}


def _apart(world: World) -> dict[str, pa.Table]:
    made = {}
    for name, table in world.tables.items():
        rows = table.to_pylist()
        if name == "program":
            rows = [_in_window(row, world.windows[row["program_key"]]) for row in rows]
        elif name == "program_enrolment":
            rows = [_accepted(row, world.windows[row["program_key"]]) for row in rows]
        elif name == "program_figure":
            rows = list(_figures(rows, world.windows))
        made[name] = _renamed(pa.Table.from_pylist(rows, schema=table.schema), prefix(world.number))
    return made


def _renamed(table: pa.Table, start: str) -> pa.Table:
    for position, name in enumerate(table.column_names):
        if name in KEYS:
            renamed = pc.binary_join_element_wise(pa.scalar(start), table.column(position), "")
            table = table.set_column(position, table.schema.field(position), renamed)
    return table


def _in_window(row: dict[str, Any], window: Window) -> dict[str, Any]:
    return {**row, "calculated": True, "valid_from": window.valid_from, "valid_to": window.valid_to}


def _accepted(row: dict[str, Any], window: Window) -> dict[str, Any]:
    """Who accepts for a time to come is taken to have accepted for the time that is simulated."""
    if not window.stretched:
        return row
    return {**row, "accepted_on": min(row["accepted_on"], window.first)}


def _figures(rows: Sequence[dict[str, Any]], windows: Mapping[str, Window]) -> Iterable[dict[str, Any]]:
    """Figures given for a period; in a stretched window also for that period of years that have none of their own."""
    given = {(row["measure_key"], row["participant_id"], row["period_id"]) for row in rows}
    for row in sorted(rows, key=lambda row: str(row["period_id"])):
        yield row
        window = windows[str(row["measure_key"]).rsplit(":", 1)[0]]
        year, rest = row["period_id"][:4], row["period_id"][4:]
        if not window.stretched or not year.isdecimal():
            continue
        # fiscal years may begin before or end after the calendar years of their days
        for other in range(window.first.year - 1, window.last.year + 2):
            key = (row["measure_key"], row["participant_id"], f"{other}{rest}")
            if key not in given:
                given.add(key)
                yield {**row, "period_id": key[2]}
