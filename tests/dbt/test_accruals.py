"""What should stand for running periods, by every accrual method: figures by hand, through the real models.

What belongs here: small programs whose estimates can be worked out on paper. What does not: random
programs (tests/property).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from orchestration.settings import Settings
from tests.golden.document import document, level
from tests.property.compare import differences
from tests.reference.build import line, partner, product
from tests.reference.calculate import calculate
from tests.warehouse import Built, build, inputs_of

pytestmark = pytest.mark.slow

AS_OF = date(2017, 1, 31)
"""31 of the first quarter's 90 days have gone by."""

TWO_TIERS = [level("0", "1"), level("1000", "2")]
QUARTER: dict[str, Any] = {"measurement": "quarter", "partners": ["R-1", "R-2"]}
RUN_RATE = {"method": "expected", "forecast": "run_rate"}
LUMP_SUM: dict[str, Any] = {"method": "lump_sum", "rate_kind": "flat", "accrual": {"method": "straight_line"}}


def _gate(figure: str) -> dict[str, Any]:
    return {"basis": {"kind": "amount"}, "operator": ">=", "figure": figure}


def _given(figure: str) -> dict[str, Any]:
    return {"method": "expected", "forecast": "given", "figures": {"R-1": {"2017-Q1": figure}}}


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    # R-1 has bought 400, R-2 200: by days 1,161.29 (2 %) and 580.65 (1 %) in the quarter
    "retrospective": (document("RETRO", TWO_TIERS, accrual=RUN_RATE, **QUARTER), "8.00", "2.00"),
    # 10 + 2 % of 161.29 are 13.23 of 1,161.29
    "incremental": (document("PARTS", TWO_TIERS, method="incremental", accrual=RUN_RATE, **QUARTER), "4.56", "2.00"),
    # the second tier alone
    "most_likely": (
        document("LIKELY", TWO_TIERS, method="incremental", accrual={**RUN_RATE, "method": "most_likely"}, **QUARTER),
        "8.00",
        "2.00",
    ),
    # last year R-1 bought 100 in January and 350 in the quarter; R-2 nothing, so that all partners count: 700
    "seasonality": (
        document("SEASON", TWO_TIERS, accrual={"method": "expected", "forecast": "seasonality"}, **QUARTER),
        "8.00",
        "2.00",
    ),
    "given": (document("GIVEN", TWO_TIERS, accrual=_given("999"), **QUARTER), "4.00", "2.00"),
    "overtaken": (document("OVERTAKEN", TWO_TIERS, accrual=_given("10"), **QUARTER), "4.00", "2.00"),
    "percent": (
        document("PERCENT", TWO_TIERS, accrual={"method": "fixed_rate", "percent": "1.5"}, **QUARTER),
        "6.00",
        "3.00",
    ),
    "per_unit": (
        document("UNITS", TWO_TIERS, accrual={"method": "fixed_rate", "per_unit": "0.25"}, **QUARTER),
        "2.50",
        "1.00",
    ),
    "capped percent": (
        document(
            "CAPPED", TWO_TIERS, accrual={"method": "fixed_rate", "percent": "5"}, cap={"participant": "18"}, **QUARTER
        ),
        "18.00",
        "10.00",
    ),
    "lump sum": (
        document("LUMP", [level("0", flat="900"), level("2000", flat="5000")], **LUMP_SUM, **QUARTER),
        "310",
        "310",
    ),
    "cap": (document("CAP", TWO_TIERS, accrual=RUN_RATE, cap={"participant": "18"}, **QUARTER), "6.20", "2.00"),
    # nothing is earned yet, and R-1 is expected to pass
    "gate": (document("GATE", TWO_TIERS, accrual=RUN_RATE, gates=[_gate("1100")], **QUARTER), "8.00", "0.00"),
    # 23.23 and 5.81 are brought down to 16.00 and 4.00
    "program cap": (document("TIGHT", TWO_TIERS, accrual=RUN_RATE, cap={"program": "20"}, **QUARTER), "5.51", "1.38"),
    "closed": (
        document("CLOSED", TWO_TIERS, accrual=RUN_RATE, measurement="month", partners=["R-1", "R-2"]),
        "4.00",
        "2.00",
    ),
}

LINES = [
    line("1", "400", quantity="10", day=date(2017, 1, 10), partner="R-1"),
    line("2", "200", quantity="4", day=date(2017, 1, 20), partner="R-2"),
    line("3", "100", day=date(2016, 1, 15), partner="R-1"),
    line("4", "300", day=date(2016, 3, 15), partner="R-1"),
    line("5", "-50", day=date(2016, 2, 15), partner="R-1"),
]
QUIET = document("QUIET", [level("0", flat="900")], **LUMP_SUM, measurement="quarter", partners=["R-3"])
"""A lump sum of somebody who has bought nothing yet."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    settings = Settings(data=tmp_path_factory.mktemp("accruals"), memory_limit="1GB")
    lines = [{**row, "row_number": number, "source": "test"} for number, row in enumerate(LINES, start=1)]
    entities = {
        "line": lines,
        "partner": [partner(f"R-{number}") for number in (1, 2, 3)],
        "product": [product("P-1")],
    }
    return build(settings, [*(case[0] for case in CASES.values()), QUIET], entities, AS_OF)


@pytest.mark.parametrize("name", CASES)
def test_liability_to_date(built: Built, name: str) -> None:
    made, *expected = CASES[name]
    found = {
        row["participant_id"]: row for row in built.rows("fct_accrual_estimate") if row["program_id"] == made["id"]
    }
    assert [found[who]["liability"] for who in ("R-1", "R-2")] == [Decimal(each) for each in expected]
    assert {row["is_running"] for row in found.values()} == {name != "closed"}
    accrued = {
        row["payee_id"]: row["accrued_to_date"]
        for row in built.rows("int_accrual_target")
        if row["program_key"].startswith(made["id"] + "@")
    }
    assert accrued == {who: Decimal(each) for who, each in zip(("R-1", "R-2"), expected, strict=True) if Decimal(each)}


def test_why_this_accrual_is_one_row(built: Built) -> None:
    [row] = [row for row in built.rows("fct_accrual_estimate") if row["payout_id"] == "RETRO@1:R-1:2017-Q1"]
    shown = {name: row[name] for name in ("forecast_source", "days_elapsed", "days_total", "forecast_tier_number")}
    assert shown == {"forecast_source": "run_rate", "days_elapsed": 31, "days_total": 90, "forecast_tier_number": 2}
    assert row["forecast_basis"] == row["forecast_period_base"] == Decimal("1161.290322580645")
    assert (row["forecast_payout"], row["earned"]) == (Decimal("23.23"), Decimal("4.00"))
    assert row["forecast_rate"] == Decimal("0.02000361")


def test_a_lump_sum_accrues_by_days_whatever_is_bought(built: Built) -> None:
    [row] = [row for row in built.rows("int_accrual_target") if row["program_key"] == "QUIET@1"]
    assert (row["payee_id"], row["accrued_to_date"]) == ("R-3", Decimal("310.00"))


def test_the_calculator_says_the_same(built: Built) -> None:
    found = differences(built, calculate(inputs_of(built.settings)))
    assert {mart: texts for mart, texts in found.items() if texts} == {}
