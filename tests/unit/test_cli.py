"""The `rebates` command: arguments, refusals, exit codes, and what it prints from a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestration import cli, publish, runs
from orchestration.settings import Settings
from orchestration.warehouse import connect
from tests import erp
from tests.marts import LINE, Marts, keys

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


def test_the_formats_of_legal_entities_are_shown_and_checked(
    rebates: Rebates, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Neutral files only" in rebates("ledger", "formats").output
    seeded = erp.seeds(settings, {"DE01": ["pain001"], "CA01": ["sap_journal"]})
    monkeypatch.setattr(cli, "settings_of_environment", lambda: seeded)
    result = rebates("ledger", "formats")
    assert result.exit_code == 0
    said = " ".join(result.output.split())
    assert "CA01 sap_journal" in said
    assert "company_code = 1010" in said
    assert "execution_days = 0" in said
    monkeypatch.setattr(
        cli, "settings_of_environment", lambda: erp.seeds(settings, {}, bank=erp.BANK.replace("DE89", "DE88"))
    )
    result = rebates("ledger", "formats")
    assert result.exit_code == 1
    assert "bank_account.csv, row 2: iban 'DE88370400440532013000' has wrong check digits" in result.output
    monkeypatch.setattr(
        cli, "settings_of_environment", lambda: erp.seeds(settings, {"DE01": ["pain001"]}, {"pain001": {"bic": "X"}})
    )
    result = rebates("ledger", "formats")
    assert result.exit_code == 2
    assert "setting of pain001 'bic' is not known" in result.output


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


@pytest.fixture
def published(settings: Settings) -> None:
    """One payout of 350 dollars: two tiers, one line."""
    with connect(settings) as connection:
        marts = Marts(connection)
        marts.program("VOLUME@1")
        marts.add("dim_product", product_id="P-1", product_name="Soup", family="SOUP", base_unit="EA")
        marts.add("dim_partner", partner_id="R-1", partner_name="Store 1", partner_type="reseller")
        marts.line()
        payout_id = marts.payout("VOLUME@1", payout=Decimal(350), uncapped_payout=Decimal(350))
        marts.rebate(payout_id, "350")
        marts.add("fct_payout", payout_payee_id="1", payout_id=payout_id, payee_id="R-1", amount=Decimal(350))
        for number, amount in enumerate((100, 250), start=1):
            marts.add(
                "fct_tier_application", tier_application_id=str(number), payout_id=payout_id, tier_number=number,
                threshold=Decimal(1000 * (number - 1)), basis_part=Decimal(1000), payout_base=Decimal(1000),
                rate=Decimal(amount) / 1000, flat_amount=Decimal(0), amount=Decimal(amount),
            )  # fmt: skip
    publish.publish_snapshot(settings, sorted(keys()), keys=keys())


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((PAYOUT,), "2 1,000 1,000 1,000 25 % 0 250"),
        (("--lines", "1", PAYOUT), "2017-03-01 100 10 P-1 R-1 100 350.00 invoices.csv 42 9f86d081884c"),
        (
            ("payout", PAYOUT),
            "basis 5,000 · payout base 5,000 · sum 350 · before gates and bounds 350.00 · payout 350.00 USD",
        ),
        (("line", LINE), "VOLUME@1 2017-Q1 R-1 R-1 1 2 % 100 350.00 USD"),
        (("line", LINE, "--program", "VOLUME"), "It earned 350.00 USD"),
        (("partner", "R-1", "--period", "2017-Q1"), "VOLUME@1 Volume · 2017-Q1, to 2017-03-31"),
    ],
)
def test_explain_answers_for_a_payout_a_line_and_a_partner(
    rebates: Rebates, arguments: tuple[str, ...], wanted: str
) -> None:
    result = rebates("explain", *arguments)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert wanted in [" ".join(line.split()) for line in lines]
    assert max(map(len, lines)) <= 120


@pytest.mark.usefixtures("published")
def test_an_unknown_payout_is_answered_with_ones_like_it(rebates: Rebates) -> None:
    result = rebates("explain", "VOLUME@1:R-1:2017-Q2")
    assert result.exit_code == 2
    assert "no payout VOLUME@1:R-1:2017-Q2" in result.output
    assert PAYOUT in result.output
    assert "Without a command a payout is explained" in rebates("explain", "--help").output


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
