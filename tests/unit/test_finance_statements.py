"""Partner statements: what each shows, that they tie, that they are split right, equal bytes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from orchestration import publish
from orchestration.settings import Settings
from tests.finance import Move, publish_moves
from tests.marts import Marts
from tests.unit.test_finance_workbooks import money, table

MOVES = (
    Move("2017-05", "100.00", period="2017-Q1"),
    Move("2017-05", "100.00", kind="settlement", cause="settlement", period="2017-Q1"),
    Move("2017-06", "25.25", period="2017-Q2"),
    Move("2017-06", "7.00", payee="R/2", period="2017-Q1"),
)
SHEETS = ["Cover", "Programs", "Purchases", "Payments"]


def standing(marts: Marts) -> None:
    """Payouts, where R-1 stands in the open quarter, and what was bought."""
    marts.connection.execute("update dim_program set legal_entity = 'US01', settlement_lag_days = 30")
    ends = {"2017-Q1": date(2017, 3, 31), "2017-Q2": date(2017, 6, 30)}
    for payee, period, amount in (("R-1", "2017-Q1", 100), ("R-1", "2017-Q2", "25.25"), ("R/2", "2017-Q1", 7)):
        payout = f"GROWTH@1:{payee}:{period}"
        marts.add(
            "fct_payout", payout_payee_id=f"{payout}|{payee}", payout_id=payout, program_key="GROWTH@1",
            participant_id=payee, payee_id=payee, period_id=period, period_end=ends[period], legal_entity="US01",
            currency="USD", is_payable=True, amount=Decimal(amount),
        )  # fmt: skip
    marts.payout(
        "GROWTH@1", "R-1", "2017-Q2", period_end=ends["2017-Q2"], next_threshold=Decimal(6000),
        gap_to_next_tier=Decimal(1000), next_tier_gain=Decimal(95),
    )  # fmt: skip
    marts.add("dim_product", product_id="P-1", category="Soup")
    marts.line("erp|1|1", sold_to_id="R-1", month_id="2017-03")
    marts.line("erp|1|2", sold_to_id="R-1", month_id="2017-03", verdict="held")
    marts.line(
        "pos|1|1", stream="sell_through", sold_to_id=None, reseller_id="R-1", distributor_id="D", month_id="2017-04"
    )
    marts.rebate("GROWTH@1:R-1:2017-Q2", "5.25", "erp|1|2")


@pytest.fixture
def house(settings: Settings) -> Settings:
    publish_moves(settings, MOVES, "2017-06", [standing])
    return settings


def write(settings: Settings) -> dict[str, Any]:
    return {path.name: path for path in publish.write_finance(settings, None, ["partner_statements"])}


def test_each_partner_has_its_own_rows_and_the_summary_has_all(house: Settings) -> None:
    old = house.published / "statements" / "2017-06" / "statement_GONE_2017-06.xlsx"
    old.parent.mkdir(parents=True)
    old.write_text("an earlier partner")
    paths = write(house)
    assert list(paths) == ["statements_2017-06.xlsx", "statement_R-1_2017-06.xlsx", "statement_R%2F2_2017-06.xlsx"]
    assert not old.exists()
    mine = paths["statement_R-1_2017-06.xlsx"]
    assert openpyxl.load_workbook(mine).sheetnames == SHEETS
    first, second = table(mine, "Programs")
    assert (first["Period"], money(first["Earned"]), money(first["Paid"]), first["State"]) == (
        "2017-Q1",
        100,
        100,
        "paid",
    )
    shown = [money(second[one]) for one in ("Earned", "Accrued", "Paid", "Held", "Still to be paid")]
    assert shown == [Decimal("25.25"), Decimal("25.25"), 0, Decimal("5.25"), Decimal(20)]
    gap = [
        second[one] for one in ("Bought", "Tier", "Next tier at", "Gap to next tier", "Next tier pays more", "State")
    ]
    assert gap == [5000, 1, 6000, 1000, 95, "open"]
    assert second["To be paid from"].date() == date(2017, 7, 30)
    bought = [(row["What"], row["Month"], row["Lines"], money(row["Net amount"])) for row in table(mine, "Purchases")]
    assert bought == [("bought from us", "2017-03", 2, 200), ("bought through distribution", "2017-04", 1, 100)]
    assert [money(row["Amount"]) for row in table(mine, "Payments")] == [100]
    [other] = table(paths["statement_R%2F2_2017-06.xlsx"], "Programs")
    assert (other["Earned"], other["State"]) == (7, "carried to the next payment run")
    partners = {row["Partner"]: row for row in table(paths["statements_2017-06.xlsx"], "Partners")}
    assert (money(partners["R-1"]["Liability"]), money(partners["R/2"]["Liability"])) == (Decimal("25.25"), 7)
    assert partners["R/2"]["Statement"] == "statement_R%2F2_2017-06.xlsx"
    before = {name: path.read_bytes() for name, path in paths.items()}
    assert {name: path.read_bytes() for name, path in write(house).items()} == before


def test_a_statement_ties_to_the_liability_and_the_summary_to_payouts(settings: Settings) -> None:
    wrong = "update fct_liability set closing = closing + 1 where payee_id = 'R-1'"
    publish_moves(settings, MOVES, "2017-06", [standing, lambda marts: marts.connection.execute(wrong)])
    with pytest.raises(publish.PublishError, match=r"Accrued less paid \(US01, USD\): 25.2500, but liability"):
        write(settings)


def test_statements_are_of_the_snapshots_month(house: Settings) -> None:
    with pytest.raises(publish.PublishError, match="the published snapshot is of 2017-06, not of 2017-05"):
        publish.write_finance(house, "2017-05", ["partner_statements"])
