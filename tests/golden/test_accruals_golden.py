"""Published accruals through the models and the books: a discount expected from the second quarter, a lump sum by days.

What belongs here: the cases of worked_examples.json that are about liabilities of running periods. What does not:
payouts (test_models_golden.py).
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from orchestration import books, contract, matching
from orchestration.runs import RunContext, month_end, month_of, write_run_context
from orchestration.settings import Settings
from orchestration.transform import dbt_arguments
from orchestration.transform.dbt import run_dbt
from orchestration.transform.net_of import find_reductions
from orchestration.warehouse import connect
from tests.golden.case import published
from tests.golden.document import Document, document, level
from tests.reference.build import line, partner, product
from tests.unit.test_books_journal import accounts, differences, due
from tests.warehouse import FILES_PER_ENTITY, Built, write_programs, write_rows

pytestmark = pytest.mark.slow

QUARTERS = {"Q1": date(2022, 3, 31), "Q2": date(2022, 6, 30)}
FIRST_FILE = list(contract.ENTITIES).index("line") * FILES_PER_ENTITY + 1
STANDARD, BY_DAYS = (
    next(case for case in published("worked_examples") if case["id"] == name)
    for name in ("ifrs15-example-24", "sap-fixed-amount-daily-accrual")
)


def _standard() -> Document:
    """100 a unit, 90 on all above 1,000 a year: a rebate of 10 a unit, retrospective, expected by the run rate."""
    rebate = Decimal(STANDARD["program"]["price"]) - Decimal(STANDARD["program"]["reduced_price"])
    return document(
        "STANDARD",
        [level("0", "0"), level(STANDARD["program"]["threshold"], str(rebate))],
        rate_kind="per_unit",
        basis="quantity",
        tiers={"boundary": "exclusive"},
        partners=["R-1"],
        valid=("2022-01-01", "2022-12-31"),
        accrual={"method": "expected", "forecast": "run_rate"},
    )


def _by_days(elapsed: int) -> Document:
    """The lump sum of which so many days have gone by at the end of the first quarter."""
    first = QUARTERS["Q1"] - timedelta(days=elapsed - 1)
    last = first + timedelta(days=int(BY_DAYS["program"]["days"]) - 1)
    return document(
        f"DAYS-{elapsed}",
        [level("0", flat=BY_DAYS["program"]["amount"])],
        method="lump_sum",
        rate_kind="flat",
        partners=["R-2"],
        valid=(str(first), str(last)),
        measurement="program",
        accrual={"method": "straight_line"},
    )


DOCUMENTS = [_standard(), _by_days(10), _by_days(11)]


def _purchases(quarter: str) -> dict[str, Any]:
    [quantity] = [row["quantity"] for row in STANDARD["totals"] if row["period"] == quarter]
    number = list(QUARTERS).index(quarter) + 1
    amount = str(Decimal(quantity) * Decimal(STANDARD["program"]["price"]))
    day = QUARTERS[quarter] - timedelta(days=20)
    row = line(quarter, amount, quantity=quantity, day=day, partner="R-1")
    return {**row, "file_sequence": number, "row_number": 1, "source": "test"}


def _calculate(settings: Settings, lines: list[dict[str, Any]], as_of: date, known: int) -> Built:
    """The models as of a day; ``known``: the newest file that the last accrual batch knew."""
    write_rows(settings, {"line": lines, "partner": [partner("R-1"), partner("R-2")], "product": [product("P-1")]})
    write_run_context(settings, RunContext(as_of, month_of(as_of), "0" * 64, known))
    find_reductions(settings)
    run_dbt(settings, dbt_arguments("build", select="+int_accrual_difference +fct_accrual_estimate", tests=False))
    return Built(settings)


def _post(settings: Settings, month: str, found: pa.Table, newest_file: int = FIRST_FILE) -> None:
    """Close the month: what accrues, and a settlement of nothing."""
    context = books.CloseContext(month, month_end(month), "run", "0" * 64, newest_file)
    books.post_accruals(settings, context, found, accounts(), lambda *_: None)
    books.post_settlements(settings, context, due(), accounts(), lambda *_: None)


def _differences(settings: Settings) -> pa.Table:
    with connect(settings, read_only=True) as connection:
        return connection.sql("select * from int_accrual_difference").to_arrow_table()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two quarters, closed: what came in by the end of each, and what was posted."""
    settings = Settings(data=tmp_path_factory.mktemp("golden_accruals"), memory_limit="1GB")
    settings = write_programs(settings, DOCUMENTS)
    books.prepare(settings)
    matching.prepare(settings)
    lines = []
    for quarter, day in QUARTERS.items():
        lines.append(_purchases(quarter))
        _calculate(settings, lines, day, 0 if quarter == "Q1" else FIRST_FILE)
        _post(settings, month_of(day), _differences(settings), FIRST_FILE + len(lines) - 1)
        if quarter == "Q1":
            for month in ("2022-04", "2022-05"):
                _post(settings, month, differences())
    return settings


def _posted(settings: Settings, program_key: str) -> dict[tuple[str, str], Decimal]:
    """Liability posted by month and cause."""
    return {
        (row["accounting_month"], row["cause"]): row["credit"] - row["debit"]
        for row in books.read(settings, "posting").to_pylist()
        if row["program_key"] == program_key and row["account_role"] == "accrued_rebates"
    }


def _price(quarter: str) -> Decimal:
    [quantity] = [row["quantity"] for row in STANDARD["totals"] if row["period"] == quarter]
    return Decimal(quantity) * Decimal(STANDARD["program"]["price"])


def test_revenue_of_the_standard_s_example(settings: Settings) -> None:
    """In the first quarter no discount is expected; in the second it is, on what was sold before too."""
    posted = _posted(settings, "STANDARD@1")
    by_month = {month: sum(amount for (each, _), amount in posted.items() if each == month) for month, _ in posted}
    assert _price("Q1") - by_month.get("2022-03", 0) == Decimal(STANDARD["expected"]["q1_revenue"])
    assert _price("Q2") - by_month["2022-06"] == Decimal(STANDARD["expected"]["q2_revenue"])


def test_the_catch_up_is_an_entry_of_its_own(settings: Settings) -> None:
    assert _posted(settings, "STANDARD@1") == {
        ("2022-06", "volume"): Decimal(5000),
        ("2022-06", "forecast_change"): Decimal(750),
    }


@pytest.mark.parametrize("elapsed", [10, 11])
def test_a_lump_sum_by_days_without_any_volume(settings: Settings, elapsed: int) -> None:
    posted = _posted(settings, f"DAYS-{elapsed}@1")
    expected = Decimal(BY_DAYS["expected"][f"expected_accrual_after_{elapsed}_days"])
    assert posted["2022-03", "volume"] == expected
    # the days are over and nothing was bought: what was earned is nothing, and that is what stands
    assert posted["2022-06", "forecast_change"] == -expected
