"""Fiscal calendars: what the project delivers, and where periods begin."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.programs import fiscal_calendar
from orchestration.programs.fiscal_calendar import Calendar, Month
from orchestration.programs.reference import read
from orchestration.settings import REPOSITORY

FOLDER = REPOSITORY / "seeds" / "reference"
CALENDARS = read(FOLDER).calendars
WEEK = timedelta(weeks=1)


def weeks(month: Month) -> float:
    return (month.month_end + fiscal_calendar.DAY - month.month_start) / WEEK


def test_the_file_is_what_the_rules_give() -> None:
    out = io.StringIO()
    fiscal_calendar.write(fiscal_calendar.delivered(), out)
    assert (FOLDER / "fiscal_month.csv").read_text() == out.getvalue()


@pytest.mark.parametrize("name", ["months", "retail_445"])
def test_days_are_contiguous_and_a_century_is_there(name: str) -> None:
    calendar = CALENDARS[name]
    assert calendar.first_day <= date(2000, 1, 1)
    assert calendar.last_day >= date(2099, 12, 31)
    day = calendar.first_day
    for month in calendar.months:
        assert month.month_start == day
        assert month.month_end >= day
        day = month.month_end + fiscal_calendar.DAY
    assert len({month.month_id for month in calendar.months}) == len(calendar.months)
    for column, months in (("quarter_id", 3), ("half_year_id", 6), ("year_id", 12)):
        ids = [getattr(month, column) for month in calendar.months]
        assert ids == sorted(ids)
        assert {ids.count(each) for each in set(ids)} == {months}


def test_calendar_months_are_those_of_the_calendar() -> None:
    for month in CALENDARS["months"].months:
        assert month.month_id == f"{month.month_start:%Y-%m}" == f"{month.month_end:%Y-%m}"
        assert month.month_start.day == 1


def test_the_retail_year_is_weeks_of_4_4_and_5() -> None:
    months = CALENDARS["retail_445"].months
    for year in range(len(months) // 12):
        twelve = months[12 * year : 12 * year + 12]
        assert twelve[0].month_start.isoweekday() == 7
        assert abs((twelve[0].month_start - date(int(twelve[0].year_id), 2, 1)).days) <= 3
        assert [weeks(month) for month in twelve[:11]] == [4, 4, 5, 4, 4, 5, 4, 4, 5, 4, 4]
        assert weeks(twelve[11]) in (5, 6)


@pytest.mark.parametrize(
    ("year", "start", "end"),
    [
        # the retail industry's published years: 2012 and 2017 have 53 weeks
        (2012, date(2012, 1, 29), date(2013, 2, 2)),
        (2016, date(2016, 1, 31), date(2017, 1, 28)),
        (2017, date(2017, 1, 29), date(2018, 2, 3)),
        (2018, date(2018, 2, 4), date(2019, 2, 2)),
    ],
)
def test_published_retail_years(year: int, start: date, end: date) -> None:
    assert fiscal_calendar.retail_year_start(year) == start
    assert fiscal_calendar.retail_year_start(year + 1) == end + fiscal_calendar.DAY


days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
measurements = st.sampled_from(sorted(fiscal_calendar.PERIOD_COLUMNS))


@hypothesis_settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(CALENDARS)), day=days, measurement=measurements)
def test_a_period_starts_where_the_day_before_is_in_another(name: str, day: date, measurement: str) -> None:
    calendar = CALENDARS[name]
    column = fiscal_calendar.PERIOD_COLUMNS[measurement]
    month = calendar.month_of(day)
    assert month.month_start <= day <= month.month_end
    start = calendar.period_start(day, measurement)
    assert start <= day
    assert getattr(calendar.month_of(start), column) == getattr(month, column)
    if start > calendar.first_day:
        assert getattr(calendar.month_of(start - fiscal_calendar.DAY), column) != getattr(month, column)
    assert calendar.period_start(start, measurement) == start
    assert calendar.years(start, day) == [month.year_id]


def test_days_outside_are_an_error() -> None:
    with pytest.raises(ValueError, match="2100-01-31 lies outside calendar retail_445: 1999-01-31 to 2100-01-30"):
        CALENDARS["retail_445"].month_of(date(2100, 1, 31))


def test_years_of_a_validity() -> None:
    retail = CALENDARS["retail_445"]
    assert retail.years(date(2017, 1, 1), date(2017, 12, 31)) == ["2016", "2017"]
    assert CALENDARS["months"].years(date(2016, 12, 31), date(2018, 1, 1)) == ["2016", "2017", "2018"]


@pytest.mark.parametrize(
    ("position", "month", "problem"),
    [
        (
            1,
            Month.of(2017, 2, date(2017, 2, 2), date(2017, 2, 28)),
            "begins on 2017-02-02, but 2017-01 ends on 2017-01",
        ),
        (1, Month.of(2017, 2, date(2017, 1, 31), date(2017, 2, 28)), "begins on 2017-01-31, but"),
        (1, Month.of(2017, 1, date(2017, 2, 1), date(2017, 2, 28)), "stands after 2017-01: months rise"),
        (0, Month("2017-1", date(2017, 1, 1), date(2017, 1, 31), "", "", ""), "expected a month like 2017-03"),
        (0, Month("2017-01", date(2017, 1, 1), date(2017, 1, 31), "2017-Q1", "2017-H2", "2017"), "expected 2017-Q1, 2"),
    ],
)
def test_what_is_wrong_with_a_calendar_is_named(position: int, month: Month, problem: str) -> None:
    months = list(fiscal_calendar.calendar_months(2017, 2017))
    assert not list(fiscal_calendar.problems("months", months))
    months[position] = month
    found = list(fiscal_calendar.problems("months", months))
    assert any(problem in each for each in found), found


def test_a_calendar_knows_its_days() -> None:
    calendar = Calendar("months", tuple(fiscal_calendar.calendar_months(2017, 2018)))
    assert (calendar.first_day, calendar.last_day) == (date(2017, 1, 1), date(2018, 12, 31))
