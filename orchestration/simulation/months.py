"""Which days a simulation covers: the months asked for, the validity of the program, the history that there is.

What belongs here: dates. Everything is a pure function.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

from orchestration.simulation.published import History, SimulationError

MOVED_MONTHS = 12
"""Months of history that a program is applied to whose validity lies outside of it."""

_MONTHS = re.compile(r"(\d{4})-(0[1-9]|1[0-2])(?:\.\.(\d{4})-(0[1-9]|1[0-2]))?")


@dataclass(frozen=True)
class Window:
    """What a program is simulated on. Periods that touch ``first`` to ``last`` are reported.

    ``valid_from``, ``valid_to``: the days whose lines count. ``stretched``: not, or not only, the program's own days.
    """

    first: date
    last: date
    valid_from: date
    valid_to: date
    stretched: bool


def parse(text: str) -> tuple[date, date]:
    """First and last day of ``2017-01..2017-06`` or ``2017-03``; SimulationError when it is not written like that."""
    match = _MONTHS.fullmatch(text.strip())
    if match is None:
        raise SimulationError(f"--months {text}: expected 2017-01..2017-06, or one month")
    year, month = int(match[1]), int(match[2])
    last_year, last_month = (int(match[3]), int(match[4])) if match[3] else (year, month)
    first, last = date(year, month, 1), _month_end(date(last_year, last_month, 1))
    if last < first:
        raise SimulationError(f"--months {text}: the last month is before the first")
    return first, last


def window(valid_from: date, valid_to: date, history: History, months: tuple[date, date] | None) -> Window:
    """The days on which a program of that validity is simulated.

    Months that are asked for count as if the program were valid in all of them. Without, its own validity counts, as
    far as there is history, and where there is none the last MOVED_MONTHS months do. SimulationError for months
    without history.
    """
    if months is not None:
        first, last = months
        if last < history.first or first > history.last:
            raise SimulationError(f"--months: the published lines span {history.first} to {history.last}")
        last = min(last, history.last)
        stretched = first < valid_from or last > valid_to
        return Window(max(first, history.first), last, min(first, valid_from), max(last, valid_to), stretched)
    if valid_from <= history.last and valid_to >= history.first:
        first, last = max(valid_from, history.first), min(valid_to, history.last)
        return Window(first, last, valid_from, valid_to, stretched=False)
    first = history.last.replace(day=1)
    for _ in range(MOVED_MONTHS - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    first = max(first, history.first)
    return Window(first, history.last, first, history.last, stretched=True)


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
