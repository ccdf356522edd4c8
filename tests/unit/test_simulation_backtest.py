"""Back-tests of accruals: methods held against what was finally earned, over a published snapshot."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration import backtest as room
from orchestration import books, matching, publish
from orchestration.publish.calculation import OUTPUTS
from orchestration.runs import RunContext, write_run_context
from orchestration.settings import Settings
from orchestration.simulation.backtest import month_ends
from orchestration.simulation.published import SimulationError
from orchestration.transform import dbt_arguments, read_manifest
from orchestration.transform.dbt import run_dbt
from orchestration.transform.net_of import find_reductions
from tests.golden.document import document, level
from tests.reference.build import line, partner, product
from tests.warehouse import draft_programs, write_rows

TWO_TIERS = [level("0", "1"), level("1000", "2")]
EXPECTED = {"method": "expected", "forecast": "run_rate"}
LINES = [
    line(str(month), "400", day=date(2017, month, 10), partner="R-1", row_number=month, source="test")
    for month in (1, 2, 3, 4)
]


def test_month_ends_of_calendar_months() -> None:
    assert list(month_ends(date(2017, 1, 15), date(2017, 3, 30))) == [date(2017, 1, 31), date(2017, 2, 28)]
    assert list(month_ends(date(2017, 3, 31), date(2017, 3, 31))) == [date(2017, 3, 31)]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A quarter that has closed and one that runs on, published."""
    settings = Settings(data=tmp_path_factory.mktemp("backtest") / "data", memory_limit="1GB")
    documents = [
        document("QUARTERLY", TWO_TIERS, measurement="quarter", partners=["R-1"], accrual=EXPECTED),
        document("YEARLY", TWO_TIERS, measurement="year", partners=["R-1"]),
    ]
    entities = {"line": LINES, "partner": [partner("R-1")], "product": [product("P-1")]}
    outputs = "+" + " +".join(OUTPUTS)
    settings = draft_programs(settings, documents)
    write_rows(settings, entities)
    books.prepare(settings)
    matching.prepare(settings)
    write_run_context(settings, RunContext(date(2017, 4, 30), "2017-04", "0" * 64, 0))
    find_reductions(settings)
    run_dbt(settings, dbt_arguments("build", select=f"{outputs} +fct_line", tests=False))
    manifest = read_manifest(settings)
    keys = {"fct_line": ["line_key"]}
    publish.publish_snapshot(settings, ["fct_line"], keys=keys, manifest=manifest)
    return settings


@pytest.mark.slow
def test_methods_beside_the_outcome(settings: Settings, tmp_path: Path) -> None:
    """1,200 in the quarter pay 2 %: the run rate sees it from January on, what was earned so far only in March."""
    made = room.backtest(settings, "QUARTERLY", ["expected:run_rate", "earned", "fixed_rate:1.5"])
    assert {row.period_id for row in made.rows} == {"2017-Q1"}
    found = {(made.methods[row.method], row.as_of.month): (row.accrued, row.hindsight, row.final) for row in made.rows}
    accrued = {
        "expected:run_rate": ("8", "16", "24"),
        "earned": ("4", "8", "24"),
        "fixed_rate:1.5": ("6", "12", "24"),
    }
    assert found == {
        (method, month): (Decimal(amounts[month - 1]), Decimal(8 * month), Decimal(24))
        for method, amounts in accrued.items()
        for month in (1, 2, 3)
    }
    assert room.summary(made) == [
        ("expected:run_rate", "0.00", "0.00", "0.0 %"),
        ("earned", "-6.00", "6.00", "50.0 %"),
        ("fixed_rate:1.5", "-3.00", "3.00", "25.0 %"),
    ]
    target = tmp_path / "page.html"
    room.write_page(made, target)
    page = target.read_text(encoding="utf-8")
    assert page.count("<polyline") == 4
    assert "expected:run_rate" in page
    first = target.read_bytes()
    room.write_page(made, target)
    assert target.read_bytes() == first


@pytest.mark.slow
def test_what_cannot_be_tested_is_refused_in_plain_words(settings: Settings) -> None:
    for program_id, methods, reason in (
        ("NOBODY", [], "no such program is calculated; expected one of QUARTERLY, YEARLY"),
        ("YEARLY", [], "no measurement period has closed by 2017-04-30"),
        ("QUARTERLY", ["guess"], "--method guess: expected earned"),
        ("QUARTERLY", ["straight_line"], "straight_line does not go with QUARTERLY: accrual.method"),
    ):
        with pytest.raises(SimulationError, match=reason):
            room.backtest(settings, program_id, methods)
