"""The ageing of claims: what it shows, that it ties, and what it says when nobody has claimed anything."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from orchestration import automation, publish
from orchestration.cli import main
from orchestration.settings import Settings
from tests.finance import Move, folder, publish_moves
from tests.marts import Marts
from tests.unit.test_finance_workbooks import cover, money, recalculated, table

AS_OF = date(2017, 6, 30)
MOVES = (
    Move("2017-06", "100.00"),
    Move("2017-06", "80.00", payee="R-2"),
    Move("2017-06", "60.00", kind="settlement", cause="settlement"),
)
OPEN = (
    # partner, age in days, claimed, earned, approved, status, currency
    ("R-1", 0, "10.00", "10.00", "10.00", "approved", "USD"),
    ("R-1", 30, "20.00", "15.00", "0", "in_review", "USD"),
    ("R-1", 31, "-4.50", "0", "0", "in_review", "USD"),
    ("R-2", 60, "7.25", "9.00", "7.25", "approved", "USD"),
    ("R-2", 61, "8.00", "2.00", "0", "disputed", "USD"),
    ("R-2", 90, "3.00", "2.00", "0", "disputed", "USD"),
    ("=R-3", 91, "900", "0", "0", "in_review", "JPY"),
)
BUCKETS = {30: "0-30", 60: "31-60", 90: "61-90", 10_000: "over 90"}


def claims(marts: Marts) -> None:
    """Open claims at both ends of each age, one paid and one rejected, and what the reports of claims say of them."""
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for number, row in enumerate(OPEN, start=1):
        partner, age, claimed, earned, approved, status, currency = row
        disputed = (
            {"owner": "claims desk", "due_date": AS_OF - timedelta(days=70 - age)} if status == "disputed" else {}
        )
        marts.add(
            "fct_claim", claim_key=f"C-{number}", claim_number=f"C-{number}", partner_id=partner, currency=currency,
            program_id="GROWTH" if currency == "USD" else None, legal_entity="US01" if currency == "USD" else None,
            claim_date=AS_OF - timedelta(days=age), claimed_amount=Decimal(claimed), earned_amount=Decimal(earned),
            difference=Decimal(claimed) - Decimal(earned), approved_amount=Decimal(approved), status=status, **disputed,
        )  # fmt: skip
        bucket = next(name for last, name in BUCKETS.items() if age <= last)
        groups.setdefault((partner, currency, status, bucket), []).append(row)
    for (partner, currency, status, bucket), rows in groups.items():
        marts.add(
            "rpt_claim_ageing", partner_id=partner, program_id="GROWTH" if currency == "USD" else "",
            currency=currency, status=status, age_bucket=bucket, claims=len(rows),
            claimed_amount=sum(Decimal(row[2]) for row in rows), approved_amount=sum(Decimal(row[4]) for row in rows),
            oldest_claim_date=AS_OF - timedelta(days=max(row[1] for row in rows)),
        )  # fmt: skip
    common = {"partner_id": "R-1", "program_id": "GROWTH", "currency": "USD", "earned_amount": Decimal(60)}
    common |= {"claimed_amount": Decimal(60), "difference": Decimal(0), "claim_date": date(2017, 5, 20)}
    marts.add(
        "fct_claim", claim_key="C-8", claim_number="C-8", status="paid", approved_amount=Decimal(60),
        payment_id="P-2017-06-R-1-US01-USD-credit_memo", payment_date=AS_OF, days_to_payment=41, **common,
    )  # fmt: skip
    marts.add("fct_claim", claim_key="C-9", claim_number="C-9", status="rejected", approved_amount=Decimal(0), **common)
    for partner in ("", "R-1"):
        for program in ("", "GROWTH"):
            marts.add(
                "rpt_claim_days", partner_id=partner, program_id=program, claims=1, median_days=41,
                percentile_90_days=41, longest_days=41, share_above_30_days=Decimal(1),
            )  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A snapshot of June with claims, for tests that change nothing but workbooks."""
    made = Settings(data=tmp_path_factory.mktemp("ageing") / "data", memory_limit="1GB")
    publish_moves(made, MOVES, "2017-06", [claims])
    return made


def write(settings: Settings) -> Path:
    [path] = publish.write_finance(settings, None, ["claim_ageing"])
    assert path == folder(settings, "2017-06") / "claim_ageing_2017-06.xlsx"
    return path


def ties(path: Path) -> list[tuple[Any, ...]]:
    return [row for row in cover(path) if row[-1] in ("yes", "NO")]


def test_ageing_by_partner_and_bucket(house: Settings) -> None:
    path = write(house)
    ages = ("0-30 days", "31-60 days", "61-90 days", "over 90", "Open", "Of which approved")
    shown = {
        (row["Partner"], row["Currency"]): (row["Claims"], *(money(row[age]) for age in ages))
        for row in table(path, "Ageing")
    }
    assert shown == {
        ("=R-3", "JPY"): (1, 0, 0, 0, 900, 900, 0),
        ("R-1", "USD"): (3, 30, Decimal("-4.50"), 0, 0, Decimal("25.50"), 10),
        ("R-2", "USD"): (3, 0, Decimal("7.25"), 11, 0, Decimal("18.25"), Decimal("7.25")),
    }
    [first] = [row for row in table(path, "Ageing") if row["Partner"] == "R-1"]
    assert (first["Name"], first["Oldest claim"].date()) == ("Store R-1", AS_OF - timedelta(days=31))


def test_each_open_claim_with_days_owner_and_difference(house: Settings) -> None:
    rows = table(write(house), "Open claims")
    assert [row["Claim"] for row in rows] == ["C-7", "C-6", "C-5", "C-4", "C-3", "C-2", "C-1"]  # the oldest first
    assert [row["Days open"] for row in rows] == [91, 90, 61, 60, 31, 30, 0]
    assert [money(row["Difference"]) for row in rows] == [900, 1, 6, Decimal("-1.75"), Decimal("-4.50"), 5, 0]
    late = {row["Claim"]: (row["Status"], row["Owner"], row["Overdue"]) for row in rows if row["Owner"]}
    assert late == {"C-6": ("disputed", "claims desk", None), "C-5": ("disputed", "claims desk", "yes")}


def test_days_to_payment(house: Settings) -> None:
    rows = table(write(house), "Days to payment")
    assert [(row["Of"], row["Partner"], row["Program"]) for row in rows] == [
        ("all", None, None),
        ("partner", "R-1", None),
        ("program", None, "GROWTH"),
        ("partner and program", "R-1", "GROWTH"),
    ]
    names = ("Paid claims", "Median days", "90th percentile", "Longest", "Above 30 days %")
    assert {tuple(row[name] for name in names) for row in rows} == {(1, 41, 41, 41, 100)}


def test_the_cover_ties_every_bucket_to_the_claims(house: Settings) -> None:
    path = write(house)
    facts = {row[0]: row[1] for row in cover(path)}
    assert facts["Claims"] == "9: 7 open, 1 paid, 1 rejected"
    assert facts["Days to payment"] == "median 41 days, 90th percentile 41 days, 100.00 % above 30 days"
    found = {(row[0], row[2], row[4]): (money(row[3]), row[-1]) for row in ties(path)}
    assert {verdict for _, verdict in found.values()} == {"yes"}
    by_days = "open claims by their days"
    assert [found[f"Open, {age} days", "USD", by_days][0] for age in BUCKETS.values()] == [30, Decimal("2.75"), 11, 0]
    assert found["Open, over 90 days", "JPY", by_days][0] == 900
    assert found["Open, all ages", "USD", "open claims of the snapshot"][0] == Decimal("43.75")
    assert found["Number of open claims", None, "open claims by age"][0] == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("update fct_claim set status = 'paid' where claim_key = 'C-2'", "Number of open claims"),
        ("update fct_claim set claimed_amount = claimed_amount + 1 where claim_key = 'C-2'", "Open, all ages.*USD"),
        ("update fct_claim set approved_amount = 0 where claim_key = 'C-4'", "Approved .*USD.*7.25"),
        ("update rpt_claim_ageing set age_bucket = '31-60' where currency = 'JPY'", "Open, 31-60 days.*JPY"),
        ("update rpt_claim_ageing set age_bucket = '91-120' where currency = 'JPY'", "Open, all ages.*JPY"),
        ("update rpt_claim_days set claims = 2", "Number of paid claims"),
        ("update fct_claim set payment_id = 'P-0' where status = 'paid'", "of these with a payment"),
        ("update fct_claim set status = 'lost' where claim_key = 'C-9'", "Number of open claims|Number of claims"),
        ("update fct_claim set difference = 0 where claim_key = 'C-6'", "Difference .*USD"),
    ],
)
def test_what_does_not_tie_is_not_written(settings: Settings, change: str, message: str) -> None:
    def changed(marts: Marts) -> None:
        marts.connection.execute(change)

    publish_moves(settings, MOVES, "2017-06", [claims, changed])
    with pytest.raises(publish.PublishError, match=message):
        publish.write_finance(settings, None, ["claim_ageing"])
    assert not list(settings.published.glob("finance/*/*"))


def test_without_claims_it_says_so_and_ties(settings: Settings) -> None:
    publish_moves(settings, MOVES, "2017-06")
    path = write(settings)
    rows = cover(path)
    assert rows[1][:1] == ("There are no claims.",)
    assert {row[0]: row[1] for row in rows}["Claims"] == "none"
    assert len(ties(path)) == 4
    assert all(row[-1] == "yes" and row[3] == row[5] == 0 for row in ties(path))
    for title in ("Ageing", "Open claims", "Days to payment"):
        assert "There are no rows." in str(openpyxl.load_workbook(path)[title]["A2"].value)


def test_equal_bytes_again_from_the_command(house: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(house)
    before = path.read_bytes()
    path.unlink()
    monkeypatch.setenv("REBATES_DATA", str(house.data))
    done = CliRunner().invoke(main, ["finance", "--only", "claim_ageing"], catch_exceptions=False)
    assert (done.exit_code, path.read_bytes()) == (0, before)
    assert "finance/2017-06/claim_ageing_2017-06.xlsx" in done.output
    refused = CliRunner().invoke(main, ["finance", "--month", "2017-05", "--only", "claim_ageing"])
    assert (refused.exit_code, "claim_ageing: the published snapshot is of 2017-06" in refused.output) == (2, True)


def test_each_monday_the_ages_of_the_evening_before() -> None:
    [schedule] = [one for one in automation.schedules() if one.name == "weekly_claim_ageing"]
    assert (schedule.cron_schedule, schedule.job_name) == ("15 5 * * 1", "weekly_claim_ageing")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_calculates_what_stands_beside_the_formulas(house: Settings, tmp_path: Path) -> None:
    path = write(house)
    anew = openpyxl.load_workbook(recalculated(path, tmp_path / "calc"), data_only=True)
    shown = openpyxl.load_workbook(path, data_only=True)
    formulas = 0
    for sheet in openpyxl.load_workbook(path):
        for cell in (cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"):
            expected, found = shown[sheet.title][cell.coordinate].value, anew[sheet.title][cell.coordinate].value
            assert found == (expected if isinstance(expected, str) else pytest.approx(expected)), cell.value
            formulas += 1
    assert formulas > 40
