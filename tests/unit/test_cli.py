"""The `rebates` command: arguments, refusals, exit codes, and what it prints from a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestration import cli, publish, runs
from orchestration.settings import Settings
from orchestration.warehouse import connect

PAYOUT = "VOLUME@1:R-1:2017-Q1"


@pytest.fixture
def rebates(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Rebates:
    monkeypatch.setenv("REBATES_DATA", str(settings.data))
    monkeypatch.setenv("REBATES_MEMORY_LIMIT", settings.memory_limit)
    return Rebates()


class Rebates:
    """Calls the command as a shell would."""

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """What the command did with these arguments."""
        return CliRunner(env=env).invoke(cli.main, list(arguments))


# --- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--as-of", "30.06.2017"), "expected YYYY-MM-DD, for example 2017-06-30"),
        (("close", "2017-6"), "expected YYYY-MM, for example 2017-06"),
        (("sample", "--through", "soon"), "expected YYYY-MM-DD"),
        (("sample-year", "--from", "2017-05", "--to", "2017-04"), "the last month is before the first"),
        (("query", "select 1"), "no snapshot has been published yet"),
        (("explain", PAYOUT), "no snapshot has been published yet"),
    ],
)
def test_what_cannot_be_carried_out_is_said_in_a_line(rebates: Rebates, arguments: tuple[str, ...], says: str) -> None:
    result = rebates(*arguments)
    assert result.exit_code == 2
    assert says in result.output
    assert "Traceback" not in result.output


def test_a_misspelt_setting_is_refused(rebates: Rebates) -> None:
    result = rebates("status", env={"REBATES_DATE": "x"})
    assert result.exit_code == 2
    assert "unknown setting REBATES_DATE; known settings: " in result.output


def test_a_close_out_of_order_is_refused_in_the_books_words(rebates: Rebates, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration import books

    def refuse(settings: Settings, month: str) -> str:
        raise books.LedgerError(f"{month} cannot be closed yet: 2017-04 is next")

    monkeypatch.setattr(books, "open_for_close", refuse)
    result = rebates("close", "2017-06")
    assert result.exit_code == 2
    assert "2017-06 cannot be closed yet: 2017-04 is next" in result.output


# --- the house ------------------------------------------------------------------------------


def test_path_and_clean(rebates: Rebates, settings: Settings) -> None:
    assert rebates("path", "dagster-home").output == f"{settings.dagster_home}\n"
    for name in ("landing", "ledger", "raw", "published"):
        (settings.data / name).mkdir(parents=True)
    result = rebates("clean")
    assert result.exit_code == 0
    assert sorted(path.name for path in settings.data.iterdir()) == [".run.lock", "landing", "ledger"]
    with runs.alone(settings, wait_seconds=0, waiting=print):
        assert "another run is at work" in rebates("clean").output


def test_status_of_an_empty_house(rebates: Rebates) -> None:
    result = rebates("status")
    assert result.exit_code == 0
    assert "next month to close any" in " ".join(result.output.split())


def test_an_empty_ledger_verifies_and_a_damaged_one_does_not(rebates: Rebates, settings: Settings) -> None:
    assert rebates("ledger", "verify").exit_code == 0
    folder = settings.ledger / "000001_accrual_2017-06"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    result = rebates("ledger", "verify")
    assert result.exit_code == 1
    assert "The ledger is not whole" in result.output


def test_programs_are_judged(rebates: Rebates, tmp_path: Path) -> None:
    listed = rebates("programs", "list")
    assert listed.exit_code == 0
    good = next(Path(Settings(data=tmp_path).programs).glob("*.yml"))
    assert rebates("programs", "check", str(good)).exit_code == 0
    bad = tmp_path / "bad.yml"
    bad.write_text(good.read_text() + "\nbonus: 7\n")
    result = rebates("programs", "check", str(bad))
    assert result.exit_code == 1
    assert "bad.yml: bonus: " in result.output


# --- the snapshot ---------------------------------------------------------------------------

SNAPSHOT = """
    create table dim_program as select 'VOLUME@1' as program_key, 'Volume rebate' as name,
        'all' as growth_payout;
    create table dim_partner as select 'R-1' as partner_id, 'Store 1' as partner_name;
    create table fct_qualification as
        select 'VOLUME@1:R-1:2017-Q1' as payout_id, 'VOLUME@1' as program_key, 'R-1' as participant_id,
               '2017-Q1' as period_id, date '2017-01-01' as period_start, date '2017-03-31' as period_end,
               'USD' as currency, 'amount' as basis_kind, 'incremental' as method,
               'percent' as rate_kind, 3 as target_lines,
               2 as earning_lines, 2000.000000000000::decimal(38,12) as basis, 2000.00::decimal(38,12) as payout_base,
               350.00::decimal(18,4) as uncapped_payout, 350.00::decimal(18,4) as payout,
               3000::decimal(38,12) as next_threshold, 1000::decimal(38,12) as gap_to_next_tier,
               650.00::decimal(18,4) as next_payout, 300.00::decimal(18,4) as next_tier_gain;
    create table fct_qualification_rule as
        select 'VOLUME@1:R-1:2017-Q1' as payout_id, 11 as rule_number, 'tier_1' as rule,
               'amount, at least' as requirement,
               0::decimal(38,12) as required, 2000::decimal(38,12) as actual, true as holds
        union all select 'VOLUME@1:R-1:2017-Q1', 13, 'tier_3', 'amount, at least', 3000, 2000, false;
    create table fct_tier_application as
        select 'VOLUME@1:R-1:2017-Q1' as payout_id, 1 as tier_number, 0::decimal(38,12) as threshold,
               1000::decimal(38,12) as part, 0.10::decimal(18,8) as rate, 0::decimal(18,4) as flat_amount,
               100::decimal(38,12) as amount
        union all select 'VOLUME@1:R-1:2017-Q1', 2, 1000, 1000, 0.25, 0, 250;
    create table fct_payout as
        select 'VOLUME@1:R-1:2017-Q1' as payout_id, 'R-1' as payee_id, 'VOLUME@1' as program_key, true as is_payable,
               350.00::decimal(18,4) as amount;
    create table fct_line as
        select 'a|1|10' as line_key, date '2017-02-01' as document_date, '1' as document_number, '10' as line_number,
               'SKU-7' as product_id, 'invoices_2017-02.csv' as file_name;
    create table fct_line_rebate as
        select 'a|1|10' as line_key, 'VOLUME@1:R-1:2017-Q1' as payout_id, 'R-1' as member_id, 'R-1' as payee_id,
               2000.00::decimal(38,12) as payout_base, 350.00::decimal(18,4) as amount, 42 as row_number,
               '9f86d081884c7d65' as file_hash;
    create table rpt_excluded_line as
        select 'VOLUME@1:earning' as scope_key, 'b|1|10' as line_key, 'VOLUME@1' as program_key,
               'R-1' as participant_id, 'R-1b' as member_id, '2017-Q1' as period_id, 'product' as reason,
               9.99::decimal(18,4) as net_amount, 'USD' as currency;
"""
KEYS = {
    "dim_program": ["program_key"],
    "dim_partner": ["partner_id"],
    "fct_qualification": ["payout_id"],
    "fct_qualification_rule": ["payout_id", "rule_number"],
    "fct_tier_application": ["payout_id", "tier_number"],
    "fct_payout": ["payout_id", "payee_id"],
    "fct_line": ["line_key"],
    "fct_line_rebate": ["line_key", "payout_id", "payee_id"],
    "rpt_excluded_line": ["scope_key", "line_key"],
}


@pytest.fixture
def published(settings: Settings) -> None:
    with connect(settings) as connection:
        connection.execute(SNAPSHOT)
    publish.publish_snapshot(settings, sorted(KEYS), keys=KEYS)


@pytest.mark.usefixtures("published")
def test_explain_shows_rules_arithmetic_payees_and_lines(rebates: Rebates) -> None:
    result = rebates("explain", PAYOUT)
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    for wanted in (
        "Volume rebate (VOLUME@1)",
        "R-1 Store 1 · period 2017-Q1 (2017-01-01 to 2017-03-31)",
        "tier_3 amount, at least 3,000 2,000 no",
        "1 0 1,000 10 % 0 100",
        "2 1,000 1,000 25 % 0 250",
        "basis 2,000 · payout base 2,000 · sum 350 · before cap 350.00 · payout 350.00 USD",
        "Next tier at 3,000: 1,000 to go; reaching it would pay 650.00 (300.00 more)",
        "R-1 Store 1 350.00",
        "2017-02-01 1 10 SKU-7 R-1 2,000 350.00 invoices_2017-02.csv 42 9f86d081884c",
        "earning product 1 9.99 USD",
        "gives: each tier's rate on the part of the basis inside it, times payout base / basis",
    ):
        assert wanted in lines


@pytest.mark.usefixtures("published")
def test_an_unknown_payout_is_answered_with_ones_like_it(rebates: Rebates) -> None:
    result = rebates("explain", "VOLUME@1:R-1:2017-Q2")
    assert result.exit_code == 2
    assert "no payout VOLUME@1:R-1:2017-Q2" in result.output
    assert PAYOUT in result.output


@pytest.mark.usefixtures("published")
def test_query_prints_exact_figures(rebates: Rebates) -> None:
    result = rebates("query", "--csv", "select payout_id, amount from fct_payout")
    assert (result.exit_code, result.output) == (0, f"payout_id,amount\n{PAYOUT},350.0000\n")
    assert "350.0000" in rebates("query", "select amount from fct_payout").output
    assert "1 of 2 rows" in rebates("query", "--limit", "1", "select * from fct_tier_application").output


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("sql", ["drop view fct_payout", "select * from nowhere", "copy fct_payout to 'x.csv'"])
def test_query_only_reads(rebates: Rebates, sql: str) -> None:
    result = rebates("query", sql)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
