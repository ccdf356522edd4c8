"""Difference posting and settlement: which journal lines and payments the books make of what is handed in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from orchestration import books, warehouse
from orchestration.books.tables import SCHEMAS, check_batch
from orchestration.settings import Settings

MONEY = pa.decimal128(18, 4)
ROLES = {
    "contra_revenue": "400900",
    "accrued_rebates": "231500",
    "accounts_receivable": "120000",
    "accounts_payable": "210000",
}


def context(month: str = "2017-06", **changes: Any) -> books.CloseContext:
    as_of = {"2017-06": date(2017, 6, 30), "2017-07": date(2017, 7, 31)}.get(month, date(2018, 12, 31))
    values: dict[str, Any] = {"accounting_month": month, "as_of": as_of, "file_sequence": 9}
    values |= {"run_id": "run", "calculation_id": "c1"}
    return books.CloseContext(**(values | changes))


def accounts(entities: Sequence[str] = ("US01", "CA01"), without: Sequence[tuple[str, str]] = ()) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"legal_entity": entity, "account_role": role, "account": account, "cost_centre": f"CC-{entity}"}
            for entity in entities
            for role, account in ROLES.items()
            if (entity, role) not in without
        ]
    )


def differences(*rows: dict[str, Any]) -> pa.Table:
    """Rows of int_accrual_difference: ``accrued`` and ``posted`` as text, the rest with defaults."""
    filled = []
    for row in rows:
        accrued, posted = Decimal(row.pop("accrued", "0")), Decimal(row.pop("posted", "0"))
        key = {"program_key": "growth@1", "payee_id": "R-1", "period_id": "2017-Q2"}
        place = {"legal_entity": "US01", "currency": "USD", "cause": "volume"}
        amounts = {"accrued_to_date": accrued, "posted_to_date": posted, "difference": accrued - posted}
        full = key | place | amounts | {"is_left": False} | row
        filled.append(full | {"program_id": full["program_key"].split("@")[0], "period_end": date(2017, 6, 30)})
    text = ("program_key", "program_id", "payee_id", "period_id", "legal_entity", "currency", "cause")
    money = ("accrued_to_date", "posted_to_date", "difference")
    schema = pa.schema([(c, pa.string()) for c in text] + [(c, MONEY) for c in money] + [("period_end", pa.date32())])
    schema = schema.append(pa.field("is_left", pa.bool_()))
    return pa.Table.from_pylist(filled, schema)


def due(*rows: dict[str, Any]) -> pa.Table:
    """Rows of int_settlement_due: ``earned``, ``held``, ``settled`` and ``minimum`` as text."""
    filled = []
    for row in rows:
        earned, held, settled = (Decimal(row.pop(name, "0")) for name in ("earned", "held", "settled"))
        minimum = row.pop("minimum", "0")
        key = {"program_key": "growth@1", "payee_id": "R-1", "period_id": "2017-Q2"}
        place = {"legal_entity": "US01", "currency": "USD", "instrument": "credit_memo"}
        amounts = {"earned": earned, "held": held, "settled_to_date": settled, "to_pay": earned - held - settled}
        full = key | place | amounts | {"minimum_payment": None if minimum is None else Decimal(minimum)} | row
        filled.append(full | {"program_id": full["program_key"].split("@")[0]})
    text = ("program_key", "program_id", "payee_id", "period_id", "legal_entity", "currency", "instrument")
    money = ("minimum_payment", "earned", "held", "settled_to_date", "to_pay")
    return pa.Table.from_pylist(filled, pa.schema([(c, pa.string()) for c in text] + [(c, MONEY) for c in money]))


def empty(table: str) -> pa.Table:
    return SCHEMAS[table].empty_table()


def lines(posting: pa.Table) -> list[tuple[str, str, str]]:
    """Role, debit and credit of each journal line, trailing zeros cut."""
    return [
        (row["account_role"], f"{row['debit'].normalize():f}", f"{row['credit'].normalize():f}")
        for row in posting.to_pylist()
    ]


@pytest.fixture
def connection(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse.in_memory(settings) as opened:
        yield opened


def accrue(connection: duckdb.DuckDBPyConnection, rows: pa.Table, **changes: Any) -> pa.Table:
    inputs = {"accounts": accounts(), "posted": empty("posting")} | changes
    return books.accrual_postings(connection, context(), 1, rows, inputs["accounts"], inputs["posted"])


def settle(connection: duckdb.DuckDBPyConnection, rows: pa.Table, **changes: Any) -> books.Settlement:
    inputs = {"accounts": accounts(), "settled": empty("payment_line")} | changes
    return books.settlement(connection, context(), 2, rows, inputs["accounts"], inputs["settled"])


def test_an_increase_debits_contra_revenue_and_credits_the_accrual(connection: duckdb.DuckDBPyConnection) -> None:
    posting = accrue(connection, differences({"accrued": "1234.50"}))
    assert lines(posting) == [("contra_revenue", "1234.5", "0"), ("accrued_rebates", "0", "1234.5")]
    first = posting.to_pylist()[0]
    assert first == {
        "batch_number": 1,
        "batch_kind": "accrual",
        "accounting_month": "2017-06",
        "journal_line": 1,
        "entry_id": "000001-000001",
        "program_key": "growth@1",
        "program_id": "growth",
        "payee_id": "R-1",
        "period_id": "2017-Q2",
        "legal_entity": "US01",
        "currency": "USD",
        "account_role": "contra_revenue",
        "account": "400900",
        "cost_centre": "CC-US01",
        "tax_code": None,
        "debit": Decimal("1234.5000"),
        "credit": Decimal("0.0000"),
        "cause": "volume",
        "payment_id": None,
        "posting_date": date(2017, 6, 30),
    }
    check_batch("accrual", {"posting": posting})


def test_a_decrease_posts_the_other_way_round_and_zero_posts_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    posted = accrue(connection, differences({"accrued": "100"}, {"payee_id": "R-2", "accrued": "8"}))
    rows = differences(
        {"accrued": "70.25", "posted": "100", "cause": "correction"},
        {"payee_id": "R-2", "accrued": "8", "posted": "8"},
    )
    posting = accrue(connection, rows, posted=posted)
    assert lines(posting) == [("accrued_rebates", "29.75", "0"), ("contra_revenue", "0", "29.75")]
    assert posting["cause"].unique().to_pylist() == ["correction"]


def test_what_is_left_for_the_next_run_posts_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    rows = differences({"accrued": "4.99", "is_left": True}, {"payee_id": "R-2", "accrued": "5"})
    assert accrue(connection, rows)["payee_id"].to_pylist() == ["R-2", "R-2"]


def test_entries_do_not_depend_on_the_order_of_rows(connection: duckdb.DuckDBPyConnection) -> None:
    rows = differences(
        {"payee_id": "R-2", "accrued": "2"},
        {"payee_id": "R-1", "accrued": "1"},
        {"program_key": "a@2", "legal_entity": "CA01", "currency": "CAD", "accrued": "3"},
    )
    posting = accrue(connection, rows)
    assert posting.equals(accrue(connection, rows.take([2, 0, 1])))
    assert posting["journal_line"].to_pylist() == [1, 2, 3, 4, 5, 6]
    assert posting["program_key"].to_pylist()[::2] == ["a@2", "growth@1", "growth@1"]
    assert posting["cost_centre"].to_pylist()[0] == "CC-CA01"


def test_two_causes_of_one_payout_are_two_entries(connection: duckdb.DuckDBPyConnection) -> None:
    rows = differences(
        {"accrued": "100", "difference": Decimal(60)},
        {"accrued": "100", "difference": Decimal(40), "cause": "late data"},
    )
    posting = accrue(connection, rows)
    assert posting.num_rows == 4
    assert len(set(posting["entry_id"].to_pylist())) == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (differences({"accrued": "5", "difference": Decimal(4)}), "not accrued_to_date less posted_to_date.*growth@1"),
        (differences({"accrued": "5"}, {"accrued": "5"}), "not accrued|more than one row"),
        (differences({"accrued": "9", "posted": "5"}), r"posted_to_date is not what .* 5.0000, 0.0000"),
        (differences({"accrued": "5", "payee_id": None}), "empty value.*payee_id"),
        (differences({"accrued": "5"}).drop_columns(["cause"]), "missing: cause"),
        (differences({"accrued": "5"}).drop_columns(["is_left"]), "missing: is_left"),
        (differences({"accrued": "5", "legal_entity": "DE01"}), r"no account .*\(DE01, accrued_rebates\)"),
    ],
)
def test_accrual_input_that_breaks_a_rule_is_refused(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, message: str
) -> None:
    with pytest.raises(books.LedgerError, match=message):
        accrue(connection, rows)


def test_floats_and_too_many_decimals_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    rows = differences({"accrued": "5"})
    floats = rows.set_column(rows.column_names.index("difference"), "difference", pa.array([5.0]))
    with pytest.raises(books.LedgerError, match=r"differences\.difference: expected a decimal, got double"):
        accrue(connection, floats)
    fine = pa.array([Decimal("5.000001")], pa.decimal128(38, 6))
    with pytest.raises(books.LedgerError, match=r"difference does not fit DECIMAL\(18,4\): \(5\.000001\)"):
        accrue(connection, rows.set_column(rows.column_names.index("difference"), "difference", fine))


def test_a_missing_account_is_named_and_a_double_one_refused(connection: duckdb.DuckDBPyConnection) -> None:
    rows = differences({"accrued": "5"})
    with pytest.raises(books.LedgerError, match=r"no account .*: \(US01, contra_revenue\)$"):
        accrue(connection, rows, accounts=accounts(without=[("US01", "contra_revenue")]))
    with pytest.raises(books.LedgerError, match=r"more than one account .*US01"):
        accrue(connection, rows, accounts=pa.concat_tables([accounts(["US01"]), accounts(["US01"])]))
    numbers = accounts()
    numbers = numbers.set_column(numbers.column_names.index("account"), "account", pa.array(range(8)))
    with pytest.raises(books.LedgerError, match=r"accounts\.account: expected text"):
        accrue(connection, rows, accounts=numbers)


def test_one_payment_per_payee_entity_currency_and_instrument(connection: duckdb.DuckDBPyConnection) -> None:
    result = settle(
        connection,
        due(
            {"earned": "100.00", "held": "10.00"},
            {"program_key": "tier@1", "earned": "50.00"},
            {"program_key": "other@1", "earned": "7.00", "instrument": "supplier_invoice"},
            {"program_key": "north@1", "earned": "3.00", "legal_entity": "CA01", "currency": "CAD"},
            {"program_key": "done@1", "earned": "4.00", "held": "4.00"},
        ),
    )
    check_batch("settlement", result.tables())
    payments = {row["payment_id"]: str(row["amount"]) for row in result.payment.to_pylist()}
    assert payments == {
        "P-2017-06-R-1-CA01-CAD-credit_memo": "3.0000",
        "P-2017-06-R-1-US01-USD-credit_memo": "140.0000",
        "P-2017-06-R-1-US01-USD-supplier_invoice": "7.0000",
    }
    assert result.payment_line.num_rows == 4  # nothing to pay: no line
    assert lines(result.posting) == [
        ("accrued_rebates", "3", "0"),
        ("accounts_receivable", "0", "3"),
        ("accrued_rebates", "90", "0"),
        ("accrued_rebates", "50", "0"),
        ("accounts_receivable", "0", "140"),
        ("accrued_rebates", "7", "0"),
        ("accounts_payable", "0", "7"),
    ]
    assert result.posting["cause"].unique().to_pylist() == ["settlement"]


@pytest.mark.parametrize(
    ("rows", "paid"),
    [
        ([{"earned": "49.99", "minimum": "50"}], None),
        ([{"earned": "50.00", "minimum": "50"}], "50.0000"),
        ([{"earned": "30", "minimum": None}], "30.0000"),
        # the highest minimum of the rows decides over the total
        ([{"earned": "30", "minimum": "10"}, {"program_key": "b@1", "earned": "15", "minimum": "50"}], None),
        ([{"earned": "40", "minimum": "10"}, {"program_key": "b@1", "earned": "15", "minimum": "50"}], "55.0000"),
        # a row with nothing to pay brings no minimum
        ([{"earned": "40"}, {"program_key": "b@1", "minimum": "500"}], "40.0000"),
        ([{"earned": "10"}, {"program_key": "b@1", "earned": "5", "held": "15"}], None),
        ([{"earned": "10"}, {"program_key": "b@1", "earned": "5", "held": "20"}], None),
    ],
)
def test_a_payment_below_its_minimum_or_not_above_zero_is_carried(
    connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], paid: str | None
) -> None:
    result = settle(connection, due(*(dict(row) for row in rows)))
    assert [str(amount) for amount in result.payment["amount"].to_pylist()] == ([paid] if paid else [])
    if not paid:
        assert result.posting.num_rows == result.payment_line.num_rows == 0


def test_what_is_taken_back_is_netted_in_the_payment(connection: duckdb.DuckDBPyConnection) -> None:
    settled = settle(connection, due({"earned": "100"})).payment_line
    rows = due({"earned": "70", "settled": "100"}, {"period_id": "2017-Q3", "earned": "45"})
    result = settle(connection, rows, settled=settled)
    check_batch("settlement", result.tables())
    assert result.payment["amount"].to_pylist() == [Decimal("15.0000")]
    assert lines(result.posting) == [
        ("accrued_rebates", "0", "30"),
        ("accrued_rebates", "45", "0"),
        ("accounts_receivable", "0", "15"),
    ]


def test_a_payout_is_never_paid_twice(connection: duckdb.DuckDBPyConnection) -> None:
    settled = settle(connection, due({"earned": "100"})).payment_line
    with pytest.raises(books.LedgerError, match=r"settled_to_date is not .* 0.0000, 100.0000"):
        settle(connection, due({"earned": "100"}), settled=settled)
    with pytest.raises(books.LedgerError, match="more than one row"):
        settle(connection, due({"earned": "100"}, {"earned": "100"}))


def test_settlement_input_that_breaks_a_rule_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(books.LedgerError, match=r"unknown instrument.*\(growth@1, cash\)"):
        settle(connection, due({"earned": "5", "instrument": "cash"}))
    with pytest.raises(books.LedgerError, match="to_pay is not earned less held"):
        settle(connection, due({"earned": "5", "to_pay": Decimal(6)}))
    with pytest.raises(books.LedgerError, match=r"no account .*\(US01, accounts_receivable\)$"):
        settle(connection, due({"earned": "5"}), accounts=accounts(without=[("US01", "accounts_receivable")]))


def changed(table: pa.Table, row: int, **values: Any) -> pa.Table:
    rows = table.to_pylist()
    rows[row] |= values
    return pa.Table.from_pylist(rows, table.schema)


def test_a_batch_that_does_not_balance_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    posting = accrue(connection, differences({"accrued": "5"}, {"payee_id": "R-2", "accrued": "6"}))
    with pytest.raises(books.LedgerError, match="debit and credit differ: US01, USD, 1"):
        check_batch("accrual", {"posting": changed(posting, 0, debit=Decimal(6))})
    # the batch balances, but not its entries
    crossed = changed(changed(posting, 0, debit=Decimal(6)), 2, debit=Decimal(5))
    with pytest.raises(books.LedgerError, match="debit and credit differ: 000001-000001"):
        check_batch("accrual", {"posting": crossed})
    with pytest.raises(books.LedgerError, match=r"without exactly one side above zero: 1$"):
        check_batch("accrual", {"posting": changed(posting, 0, debit=Decimal(-5))})


def test_a_settlement_whose_tables_disagree_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    tables = settle(connection, due({"earned": "5"}, {"program_key": "b@1", "earned": "6"})).tables()
    with pytest.raises(books.LedgerError, match="payment and its lines differ: P-2017-06-R-1"):
        check_batch("settlement", tables | {"payment_line": changed(tables["payment_line"], 0, amount=Decimal(7))})
    same = changed(tables["payment_line"], 0, program_key="growth@1")
    with pytest.raises(books.LedgerError, match="payout more than once in a batch"):
        check_batch("settlement", tables | {"payment_line": same})
    with pytest.raises(books.LedgerError, match="payment and the journal's payable differ"):
        check_batch("settlement", tables | {"posting": tables["posting"].slice(0, 0)})


def test_a_context_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(books.LedgerError, match="expected YYYY-MM"):
        context("2017-13")
    with pytest.raises(books.LedgerError, match="before the accounting month"):
        context("2017-06", as_of=date(2017, 5, 31))
    assert context("2024-02", as_of=date(2024, 3, 5)).posting_date == date(2024, 2, 29)
