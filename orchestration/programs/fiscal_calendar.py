"""Fiscal calendars: which months and measurement periods the days of a year belong to.

What belongs here: the shape of a calendar, its checks, and making the rows of those that have a rule.
What does not: reading the file (reference.py).

``python -m orchestration.programs.fiscal_calendar`` prints seeds/reference/fiscal_month.csv; a test
fails when the two differ (decision 0070).
"""

from __future__ import annotations

import csv
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date, timedelta
from typing import TextIO

DAY = timedelta(days=1)

NUMBERS = frozenset(f"{number:02}" for number in range(1, 13))
"""How months of a fiscal year are numbered."""

PERIOD_COLUMNS = {"month": "month_id", "quarter": "quarter_id", "half_year": "half_year_id", "year": "year_id"}
"""The column that names the period of each measurement; `program` is the whole version."""


@dataclass(frozen=True)
class Month:
    """One fiscal month with the periods that it belongs to; both days included."""

    month_id: str
    month_start: date
    month_end: date
    quarter_id: str
    half_year_id: str
    year_id: str

    @classmethod
    def of(cls, year: int, number: int, start: date, end: date) -> Month:
        """The month of that number (1 to 12) of a fiscal year, with the ids that all calendars share."""
        ids = f"{year}-{number:02}", f"{year}-Q{(number + 2) // 3}", f"{year}-H{(number + 5) // 6}"
        return cls(ids[0], start, end, ids[1], ids[2], f"{year}")


COLUMNS = ("calendar", *(field.name for field in fields(Month)))
"""Columns of fiscal_month.csv."""


@dataclass(frozen=True)
class Calendar:
    """Months in order, without a gap; grain: one month."""

    name: str
    months: tuple[Month, ...]

    @property
    def first_day(self) -> date:
        """The first day that the calendar knows."""
        return self.months[0].month_start

    @property
    def last_day(self) -> date:
        """The last day that the calendar knows."""
        return self.months[-1].month_end

    def month_of(self, day: date) -> Month:
        """The month of a day from first_day to last_day; ValueError for any other."""
        if not self.first_day <= day <= self.last_day:
            raise ValueError(f"{day} lies outside calendar {self.name}: {self.first_day} to {self.last_day}")
        return self.months[bisect_right(self.months, day, key=lambda month: month.month_start) - 1]

    def period_start(self, day: date, measurement: str) -> date:
        """First day of the period (month, quarter, half_year, year) in which the day lies; as month_of."""
        column = PERIOD_COLUMNS[measurement]
        period = getattr(self.month_of(day), column)
        return next(month.month_start for month in self.months if getattr(month, column) == period)

    def years(self, first: date, last: date) -> list[str]:
        """Fiscal years with a day from ``first`` to ``last``, in order."""
        touched = (month for month in self.months if month.month_start <= last and month.month_end >= first)
        return list(dict.fromkeys(month.year_id for month in touched))


def problems(name: str, months: Sequence[Month]) -> Iterator[str]:
    """What is wrong with the months of a calendar, in the order of the file; nothing if it can be used."""
    for position, month in enumerate(months):
        where = f"fiscal_month.csv: {name} {month.month_id}"
        year, _, number = month.month_id.partition("-")
        if not (len(year) == 4 and year.isdecimal() and number in NUMBERS):
            yield f"{where}: expected a month like 2017-03"
            continue
        expected = Month.of(int(year), int(number), month.month_start, month.month_end)
        if month != expected:
            yield f"{where}: expected {expected.quarter_id}, {expected.half_year_id}, {expected.year_id}"
        if month.month_end < month.month_start:
            yield f"{where}: ends on {month.month_end}, before it begins on {month.month_start}"
        if position:
            before = months[position - 1]
            if month.month_id <= before.month_id:
                yield f"{where}: stands after {before.month_id}: months rise, none is given twice"
            if month.month_start != before.month_end + DAY:
                yield f"{where}: begins on {month.month_start}, but {before.month_id} ends on {before.month_end}"


def calendar_months(first_year: int, last_year: int) -> Iterator[Month]:
    """Calendar months of calendar years: the calendar `months`."""
    for year in range(first_year, last_year + 1):
        for number in range(1, 13):
            end = date(year, number + 1, 1) - DAY if number < 12 else date(year, 12, 31)
            yield Month.of(year, number, date(year, number, 1), end)


def retail_year_start(year: int) -> date:
    """The Sunday nearest 1 February, on which the retail fiscal year begins."""
    february = date(year, 2, 1)
    since_sunday = february.isoweekday() % 7
    return february + timedelta(days=-since_sunday if since_sunday <= 3 else 7 - since_sunday)


def retail_445_months(first_year: int, last_year: int) -> Iterator[Month]:
    """Months of 4, 4 and 5 weeks in each quarter of the retail year; a 53rd week lengthens the last: `retail_445`."""
    for year in range(first_year, last_year + 1):
        start, next_year = retail_year_start(year), retail_year_start(year + 1)
        for number in range(1, 13):
            end = start + timedelta(weeks=5 if number % 3 == 0 else 4) - DAY if number < 12 else next_year - DAY
            yield Month.of(year, number, start, end)
            start = end + DAY


def delivered() -> Mapping[str, Iterable[Month]]:
    """The calendars that the project delivers; every day from 2000 to 2099 is in each of them."""
    return {"months": calendar_months(2000, 2099), "retail_445": retail_445_months(1999, 2099)}


def write(calendars: Mapping[str, Iterable[Month]], out: TextIO) -> None:
    """Write calendars by name as fiscal_month.csv."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, months in calendars.items():
        writer.writerows((name, *astuple(month)) for month in months)


if __name__ == "__main__":
    write(delivered(), sys.stdout)
