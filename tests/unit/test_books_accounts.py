"""Account determination: the rule that names the most wins; what is missing or ambiguous stops the batch by name."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration import books
from orchestration.books import chain
from orchestration.books.tables import POSTING
from orchestration.settings import Settings
from tests.unit.test_books_journal import accounts, context, differences, due, empty
from tests.unit.test_books_journal import connection as connection
from tests.unit.test_books_ledger import render

TRAITS = books.Traits(
    pa.table({"program_key": ["growth@1", "coop@1"], "program_type": ["tiers", "fund"]}),
    pa.table({"partner_id": ["R-1", "R-2"], "partner_country": ["US", "CA"]}),
)


def rule(role: str, account: str, **changes: Any) -> dict[str, Any]:
    return {
        "legal_entity": "US01",
        "account_role": role,
        "program_type": None,
        "partner_country": None,
        "account": account,
        "cost_centre": f"CC-{account}",
        "tax_code": None,
    } | changes


def rules(*more: dict[str, Any]) -> pa.Table:
    """General rules for each role of US01, and more."""
    text = pa.schema([(name, pa.string()) for name in rule("", "")])
    general = [rule(row["account_role"], row["account"]) for row in accounts(["US01"]).to_pylist()]
    return pa.Table.from_pylist([*general, *more], text)


def contra(connection: duckdb.DuckDBPyConnection, chart: pa.Table, **row: Any) -> dict[str, Any]:
    """The contra-revenue line of one difference."""
    rows = differences({"accrued": "5"} | row)
    posting = books.accrual_postings(connection, context(), 1, rows, chart, empty("posting"), TRAITS)
    return next(line for line in posting.to_pylist() if line["account_role"] == "contra_revenue")


def test_the_rule_that_names_the_most_wins(connection: duckdb.DuckDBPyConnection) -> None:
    chart = rules(
        rule("contra_revenue", "401", program_type="fund"),
        rule("contra_revenue", "402", partner_country="CA", tax_code="V0"),
        rule("contra_revenue", "403", program_type="fund", partner_country="CA", tax_code=""),
    )
    assert contra(connection, chart)["account"] == "400900"
    assert contra(connection, chart, program_key="coop@1")["account"] == "401"
    line = contra(connection, chart, payee_id="R-2")
    assert (line["account"], line["cost_centre"], line["tax_code"]) == ("402", "CC-402", "V0")
    line = contra(connection, chart, program_key="coop@1", payee_id="R-2")
    assert (line["account"], line["tax_code"]) == ("403", None)


def test_two_rules_that_name_equally_much_stop_the_batch(connection: duckdb.DuckDBPyConnection) -> None:
    chart = rules(
        rule("contra_revenue", "401", program_type="fund"), rule("contra_revenue", "402", partner_country="CA")
    )
    message = r"equally much.*names both: \(US01, contra_revenue, program type fund, partner country CA\)$"
    with pytest.raises(books.LedgerError, match=message):
        contra(connection, chart, program_key="coop@1", payee_id="R-2")
    assert contra(connection, chart, program_key="coop@1")["account"] == "401"


def test_a_missing_rule_is_named_with_what_is_known(connection: duckdb.DuckDBPyConnection) -> None:
    text = rules().schema
    chart = pa.Table.from_pylist(
        [rule("contra_revenue", "401", partner_country="CA"), rule("accrued_rebates", "2")], text
    )
    with pytest.raises(
        books.LedgerError, match=r"no account .*: \(US01, contra_revenue, program type tiers, partner country US\)$"
    ):
        contra(connection, chart)


def test_an_unknown_country_or_kind_is_no_reason_to_use_the_general_rule(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    chart = rules(rule("contra_revenue", "402", partner_country="CA"))
    with pytest.raises(books.LedgerError, match=r"partner_country is not known.*\(US01, contra_revenue, R-9\)$"):
        contra(connection, chart, payee_id="R-9")
    chart = rules(rule("accrued_rebates", "402", program_type="fund"))
    with pytest.raises(books.LedgerError, match=r"program_type is not known.*\(US01, accrued_rebates, new@1\)$"):
        contra(connection, chart, program_key="new@1")
    # nobody asks: no trait is needed
    assert contra(connection, rules(), payee_id="R-9", program_key="new@1")["account"] == "400900"


def test_rules_that_are_none_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    double = rule("contra_revenue", "401", partner_country="CA")
    with pytest.raises(books.LedgerError, match=r"more than one account .*\(US01, contra_revenue, None, CA\)"):
        contra(connection, rules(double, double | {"account": "402"}))
    with pytest.raises(books.LedgerError, match=r"no ISO 3166 code .*\(US01, contra_revenue, Canada\)"):
        contra(connection, rules(rule("contra_revenue", "2", partner_country="Canada")))
    with pytest.raises(books.LedgerError, match=r"a payment joins programs.*\(US01, accounts_payable, fund\)"):
        contra(connection, rules(rule("accounts_payable", "2", program_type="fund")))


def test_a_payment_and_its_lines_find_their_accounts(connection: duckdb.DuckDBPyConnection) -> None:
    chart = rules(
        rule("accrued_rebates", "2315F", program_type="fund"),
        rule("accounts_receivable", "120CA", partner_country="CA"),
    )
    rows = due({"earned": "5", "payee_id": "R-2"}, {"earned": "7", "payee_id": "R-2", "program_key": "coop@1"})
    posting = books.settlement(connection, context(), 2, rows, chart, empty("payment_line"), TRAITS).posting
    assert posting["account"].to_pylist() == ["2315F", "231500", "120CA"]


def test_older_batches_without_later_columns_are_read(settings: Settings) -> None:
    books.prepare(settings)
    batch = books.post_accruals(settings, context(), differences({"accrued": "5"}), accounts(), render)
    path = batch.folder / "posting.parquet"
    old = pq.ParquetFile(path).read().drop_columns(["tax_code"])
    assert "tax_code" not in old.column_names
    pq.write_table(old, path)
    tables = chain.read_tables(batch.folder, "accrual")
    assert tables["posting"].schema.equals(POSTING)
    assert tables["posting"]["tax_code"].to_pylist() == [None, None]
    assert books.read(settings, "posting").num_rows == 2
    glob = settings.ledger / "*" / "posting.parquet"
    read = duckdb.connect().sql(f"select tax_code from read_parquet('{glob}', union_by_name = true)").fetchall()
    assert read == [(None,), (None,)]


def test_a_batch_that_lacks_any_other_column_is_refused(settings: Settings) -> None:
    books.prepare(settings)
    batch = books.post_accruals(settings, context(), differences({"accrued": "5"}), accounts(), render)
    path = batch.folder / "posting.parquet"
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["cause"]), path)
    with pytest.raises(books.LedgerError, match="posting does not have its columns"):
        books.tables.check_batch("accrual", chain.read_tables(batch.folder, "accrual"))
