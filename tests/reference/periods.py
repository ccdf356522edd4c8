"""Which measurement period a day belongs to, and which day it is one fiscal year later.

What belongs here: fiscal calendars as rows. What does not: lines, programs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

Row = Mapping[str, Any]

COLUMN = {"month": "month_id", "quarter": "quarter_id", "half_year": "half_year_id", "year": "year_id"}
"""The column that names the period of each measurement; of ``program`` there is one period."""


def calendar_months(first_year: int = 2000, last_year: int = 2099) -> list[Row]:
    """Return the rows of the calendar ``months``: fiscal months are calendar months."""
    rows: list[Row] = []
    for year in range(first_year, last_year + 1):
        for month in range(1, 13):
            following = date(year + month // 12, month % 12 + 1, 1)
            rows.append(
                {
                    "calendar": "months",
                    "month_id": f"{year}-{month:02}",
                    "month_start": date(year, month, 1),
                    "month_end": following - timedelta(days=1),
                    "quarter_id": f"{year}-Q{(month + 2) // 3}",
                    "half_year_id": f"{year}-H{(month + 5) // 6}",
                    "year_id": f"{year}",
                }
            )
    return rows


class Calendar:
    """One fiscal calendar: months without gaps, each in a quarter, a half-year and a year."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """Take the rows of this one calendar; their dates may be texts, as in a seed."""
        dated = [{**row, "month_start": _day(row["month_start"]), "month_end": _day(row["month_end"])} for row in rows]
        self._months: list[dict[str, Any]] = sorted(dated, key=lambda row: row["month_start"])
        self._starts: list[date] = [row["month_start"] for row in self._months]
        self._by_id = {row["month_id"]: row for row in self._months}

    def month(self, day: date) -> Row:
        """Return the row of the fiscal month that the day lies in; ValueError outside the calendar."""
        place = bisect_right(self._starts, day) - 1
        if place < 0 or day > self._months[place]["month_end"]:
            raise ValueError(f"{day} lies outside the calendar")
        return self._months[place]

    def period(self, measurement: str, day: date) -> str:
        """Return the id of the measurement period that the day falls in. KeyError for an unknown measurement."""
        return "program" if measurement == "program" else str(self.month(day)[COLUMN[measurement]])

    def periods(self, measurement: str, first: date, last: date) -> list[tuple[str, date]]:
        """Return id and first day of every period with a day from ``first`` to ``last``, in order.

        ``program`` begins on ``first``, the others when their fiscal period does.
        """
        if measurement == "program":
            return [("program", first)] if first <= last else []
        column = COLUMN[measurement]
        starts: dict[str, date] = {}
        for row in self._months:
            starts.setdefault(row[column], row["month_start"])
        touched = [row for row in self._months if row["month_start"] <= last and row["month_end"] >= first]
        return [(period, starts[period]) for period in dict.fromkeys(row[column] for row in touched)]

    def span(self, measurement: str, period_id: str, first: date, last: date) -> tuple[date, date]:
        """Return first and last day of a period; ``first`` and ``last``: those of the program."""
        if measurement == "program":
            return first, last
        rows = [row for row in self._months if row[COLUMN[measurement]] == period_id]
        return rows[0]["month_start"], rows[-1]["month_end"]

    def next_year(self, day: date) -> date | None:
        """Return the same day of the same fiscal month one year later, at most that month's last day.

        None when the calendar does not reach so far.
        """
        month = self.month(day)
        year, _, number = month["month_id"].partition("-")
        later = self._by_id.get(f"{int(year) + 1}-{number}")
        if later is None:
            return None
        same: date = later["month_start"] + (day - month["month_start"])
        return min(same, later["month_end"])


def calendars(rows: Sequence[Row]) -> dict[str, Calendar]:
    """Return every calendar by its name."""
    names = dict.fromkeys(row["calendar"] for row in rows)
    return {name: Calendar(row for row in rows if row["calendar"] == name) for name in names}


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
