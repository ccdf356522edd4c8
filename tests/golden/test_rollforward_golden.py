"""Published roll-forwards of rebates (annual reports), posted and read back from the report itself.

What belongs here: their figures as journal lines, through the real models and the workbook. Units: USD thousands.
"""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from orchestration import publish
from orchestration.settings import Settings
from orchestration.transform import dbt_arguments
from orchestration.transform.dbt import run_dbt
from orchestration.warehouse import connect
from tests.finance import Move, publish_moves
from tests.golden import cases as golden
from tests.unit.test_finance_workbooks import recalculated, table

CASES = {case["id"][-4:]: case for case in golden.published("worked_examples") if "rollforward" in case["id"]}
"""By year: opening, provision of the year, adjustment of earlier years, payments, closing."""

INPUTS = """
    create table int_posting as select * exclude (posting_id) from fct_posting;
    create table stg_run_context as select *, 0 as posted_file_sequence, false as net_of_only from rpt_run;
    create table fiscal_month as
        select * from read_csv('{reference}/fiscal_month.csv', types = {{'month_id': 'varchar'}});
    create table int_accrual_difference as
        select ''::varchar as program_key, ''::varchar as program_id, ''::varchar as payee_id, ''::varchar as period_id,
               null::date as period_end, ''::varchar as legal_entity, ''::varchar as currency,
               0::decimal(18, 4) as accrued_to_date, 0::decimal(18, 4) as posted_to_date,
               0::decimal(18, 4) as difference, ''::varchar as cause
        where false;
"""


def moves() -> list[Move]:
    """Each year's movements in its last month: two programs and partners share them, the opening stands before."""
    found = [Move("2014-12", CASES["2015"]["totals"][0]["opening"])]
    for year, case in sorted(CASES.items()):
        provision, adjustment, payments = case["totals"][0]["movements"]
        found += [
            Move(f"{year}-12", str(Decimal(provision) - 1000)),
            Move(f"{year}-12", "1000", payee="R-2", program="TIER@1"),
            Move(f"{year}-12", adjustment, cause="correction"),
            Move(f"{year}-12", str(-Decimal(payments)), kind="settlement", cause="settlement"),
        ]
    return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The figures posted, the two models built over them, and the snapshot of 2017-12 published."""
    settings = Settings(data=tmp_path_factory.mktemp("rollforward") / "data", memory_limit="1GB")

    def models() -> None:
        with connect(settings) as connection:
            connection.execute(INPUTS.format(reference=settings.reference))
        run_dbt(settings, dbt_arguments("build", select="fct_liability fct_liability_rollforward", tests=False))

    publish_moves(settings, moves(), "2017-12", models=models)
    return settings


def report(settings: Settings, year: str) -> Path:
    [path] = publish.write_finance(settings, f"{year}-12", ["liability_rollforward"])
    return path


def expected(year: str) -> list[Decimal]:
    """Opening, accrued, true-ups, settled, closing, as published."""
    provision, adjustment, payments = map(Decimal, CASES[year]["totals"][0]["movements"])
    opening, closing = Decimal(CASES[year]["totals"][0]["opening"]), Decimal(CASES[year]["expected"]["closing"])
    return [opening, provision, adjustment, -payments, closing]


COLUMNS = ("Opening", "Accrued", "True-ups", "Settled", "Closing")


@pytest.mark.slow
@pytest.mark.parametrize("year", sorted(CASES))
def test_the_report_says_what_was_published(house: Settings, year: str) -> None:
    path = report(house, year)
    [row] = table(path, "By legal entity")
    assert [row[name] for name in COLUMNS] == expected(year)
    assert [row[name] for name in ("Currency effect", "Written off")] == [0, 0]
    for sheet in ("By program", "By partner", "Program and partner"):
        assert [sum(row[name] for row in table(path, sheet)) for name in COLUMNS] == expected(year), sheet
    months = [row for row in table(path, "Month by month") if row["Month"] == f"{year}-12"]
    assert [months[0][name] for name in COLUMNS] == expected(year)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_calculates_the_published_closing(house: Settings, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(recalculated(report(house, "2017"), tmp_path), data_only=True)
    sums = {row[0]: row[3] for row in book["Cover"].iter_rows(values_only=True) if row[1:3] == ("US01", "USD")}
    assert [sums[name] for name in COLUMNS] == expected("2017")
    verdicts = [row[7] for row in book["Cover"].iter_rows(values_only=True) if row[7] in ("yes", "NO")]
    assert set(verdicts) == {"yes"}
    assert book["By legal entity"]["I4"].value == 112215
