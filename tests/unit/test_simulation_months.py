"""Which days a simulation covers, and what a stretched validity does to figures and acceptances."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from orchestration.simulation import months
from orchestration.simulation.months import Window
from orchestration.simulation.published import History, SimulationError
from orchestration.simulation.worlds import World, own, together

HISTORY = History(date(2016, 3, 1), date(2017, 6, 20))


def test_months_are_read_to_their_first_and_last_day() -> None:
    assert months.parse("2017-01..2017-02") == (date(2017, 1, 1), date(2017, 2, 28))
    assert months.parse("2016-02") == (date(2016, 2, 1), date(2016, 2, 29))


@pytest.mark.parametrize("text", ["2017", "2017-13", "2017-01-01..2017-02", "2017-03..2017-02", "2017-01…2017-02"])
def test_months_written_in_another_way_are_refused(text: str) -> None:
    with pytest.raises(SimulationError, match="--months"):
        months.parse(text)


def test_without_months_the_validity_counts_as_far_as_there_is_history() -> None:
    found = months.window(date(2017, 1, 1), date(2017, 12, 31), HISTORY, None)
    assert found == Window(date(2017, 1, 1), date(2017, 6, 20), date(2017, 1, 1), date(2017, 12, 31), stretched=False)
    found = months.window(date(2015, 1, 1), date(2016, 12, 31), HISTORY, None)
    assert (found.first, found.last, found.stretched) == (date(2016, 3, 1), date(2016, 12, 31), False)


def test_a_validity_outside_of_history_is_moved_to_its_last_twelve_months() -> None:
    found = months.window(date(2018, 1, 1), date(2018, 12, 31), HISTORY, None)
    assert found == Window(date(2016, 7, 1), date(2017, 6, 20), date(2016, 7, 1), date(2017, 6, 20), stretched=True)


def test_months_asked_for_stretch_the_validity_and_never_shorten_it() -> None:
    asked = months.parse("2017-01..2017-03")
    found = months.window(date(2017, 2, 1), date(2017, 12, 31), HISTORY, asked)
    assert found == Window(date(2017, 1, 1), date(2017, 3, 31), date(2017, 1, 1), date(2017, 12, 31), stretched=True)
    found = months.window(date(2016, 1, 1), date(2017, 12, 31), HISTORY, asked)
    assert (found.valid_from, found.stretched) == (date(2016, 1, 1), False)
    running = months.window(date(2017, 1, 1), date(2017, 12, 31), HISTORY, months.parse("2017-05..2017-12"))
    assert (running.first, running.last) == (date(2017, 5, 1), date(2017, 6, 20))


def test_months_without_history_are_refused() -> None:
    with pytest.raises(SimulationError, match="2016-03-01 to 2017-06-20"):
        months.window(date(2017, 1, 1), date(2017, 12, 31), HISTORY, months.parse("2018-01"))


# --- worlds ---------------------------------------------------------------------------------


def world(number: int, *, stretched: bool) -> World:
    tables = {
        "program": pa.table(
            {
                "program_key": ["NEXT@1"],
                "program_id": ["NEXT"],
                "stacking_group": pa.array([None], pa.string()),
                "earning_scope": ["NEXT@1:earning"],
                "calculated": [False],
                "valid_from": [date(2018, 1, 1)],
                "valid_to": [date(2018, 12, 31)],
            }
        ),
        "program_enrolment": pa.table({"program_key": ["NEXT@1"], "accepted_on": [date(2018, 1, 15)]}),
        "program_figure": pa.table(
            {
                "measure_key": ["NEXT@1:basis", "NEXT@1:gate_1", "NEXT@1:basis"],
                "participant_id": ["P-1", "P-1", "P-2"],
                "period_id": ["2018-Q1", "program", "2017-Q1"],
                "figure": [Decimal(10), Decimal(20), Decimal(30)],
            }
        ),
    }
    window = Window(date(2017, 1, 1), date(2017, 6, 30), date(2017, 1, 1), date(2018, 12, 31), stretched)
    return World(number, tables, {"NEXT@1": window}, frozenset({"NEXT"}))


def test_worlds_have_keys_of_their_own() -> None:
    rows = together([world(0, stretched=False), world(12, stretched=False)])["program"].to_pylist()
    assert [row["program_key"] for row in rows] == ["000/NEXT@1", "012/NEXT@1"]
    assert [row["earning_scope"] for row in rows] == ["000/NEXT@1:earning", "012/NEXT@1:earning"]
    assert [(row["program_id"], row["stacking_group"]) for row in rows] == [("000/NEXT", None), ("012/NEXT", None)]
    assert own("012/NEXT@1") == (12, "NEXT@1")


def test_a_program_counts_as_approved_in_its_window() -> None:
    [row] = together([world(1, stretched=False)])["program"].to_pylist()
    assert (row["calculated"], row["valid_from"], row["valid_to"]) == (True, date(2017, 1, 1), date(2018, 12, 31))


def test_where_the_validity_is_stretched_acceptances_and_figures_follow() -> None:
    as_it_is, stretched = together([world(1, stretched=False)]), together([world(1, stretched=True)])
    assert as_it_is["program_enrolment"].column("accepted_on").to_pylist() == [date(2018, 1, 15)]
    assert stretched["program_enrolment"].column("accepted_on").to_pylist() == [date(2017, 1, 1)]
    assert as_it_is["program_figure"].num_rows == 3
    figures = {
        (row["measure_key"], row["participant_id"], row["period_id"]): row["figure"]
        for row in stretched["program_figure"].to_pylist()
    }
    assert figures["001/NEXT@1:basis", "P-1", "2017-Q1"] == Decimal(10)
    assert figures["001/NEXT@1:basis", "P-2", "2017-Q1"] == Decimal(30)
    assert figures["001/NEXT@1:gate_1", "P-1", "program"] == Decimal(20)
    assert len(figures) == stretched["program_figure"].num_rows
