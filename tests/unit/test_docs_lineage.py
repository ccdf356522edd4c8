"""docs/lineage.md: its keys are columns of the marts, and its queries give what they promise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.settings import REPOSITORY
from tests.marts import Marts, models
from tests.traced import LINES, PAYMENT, PAYOUT, fill

PAGE = (REPOSITORY / "docs" / "lineage.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.S)
ASKED = {
    "'P-2017-05-D-LAKE-US01-USD-credit_memo' as payment_id": f"'{PAYMENT}' as payment_id",
    "'invoices_2017-02.csv' as file_name, 14403 as row_number": "'x.csv' as file_name, 3 as row_number",
    "'D-LAKE' as payee_id": "'D-1' as payee_id",
}
"""What the page asks for, and what is asked for here."""


@pytest.fixture
def marts() -> Iterator[Marts]:
    with duckdb.connect(":memory:") as connection:
        made = Marts(connection)
        fill(made)
        yield made


def query(marts: Marts, number: int) -> list[dict[str, Any]]:
    """Rows of the page's query, asked for what this company has."""
    sql = QUERIES[number - 1]
    for theirs, ours in ASKED.items():
        sql = sql.replace(theirs, ours)
    cursor = marts.connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_the_page_has_five_queries_and_says_what_is_asked_for() -> None:
    assert len(QUERIES) == 5
    assert all(any(theirs in sql for sql in QUERIES) for theirs in ASKED)


def test_the_keys_are_columns_of_the_tables() -> None:
    columns = {model["name"]: {column["name"] for column in model["columns"]} for model in models()}
    rows = re.findall(r"^\| [a-z ]+ \| `(\w+)`, [^|]+\| ([^|]+)\|([^|]*)\|([^|]*)\|$", PAGE, re.M)
    assert [table for table, *_ in rows] == [
        "fct_payment", "fct_payment_line", "fct_posting", "fct_payout", "fct_tier_application", "fct_line_rebate",
        "fct_line", "rpt_file",
    ]  # fmt: skip
    ends = {"landing", "row_of_the_file"}
    for table, key, *leads in rows:
        assert set(re.findall(r"`(\w+)`", key)) <= columns[table]
        for lead in leads:
            for by, to in re.findall(r"((?:`\w+`(?:, )?)+) → (?:`(\w+)|)", lead):
                names = set(re.findall(r"`(\w+)`", by))
                assert names <= columns[table], f"{table}: {by}"
                if to and to not in ends:
                    assert names <= columns[to], f"{table} → {to} by {by}"


def test_down_from_a_payment_to_its_lines(marts: Marts) -> None:
    rows = query(marts, 1)
    assert [row["line_key"] for row in rows] == list(LINES)
    assert sum(row["line_part"] for row in rows) == rows[0]["payment"] == rows[0]["payment_line"] == Decimal(4)
    assert rows[1]["row_number"] == 3
    assert rows[1]["file_name"] == "march.csv"


def test_down_from_a_payment_to_its_tiers(marts: Marts) -> None:
    rows = query(marts, 2)
    assert [(row["payout_id"], row["tier_number"], row["tier_amount"]) for row in rows] == [
        (PAYOUT, 1, Decimal(3)),
        ("A@1:R-2:2017-Q1", 1, Decimal(1)),
    ]


def test_up_from_a_row(marts: Marts) -> None:
    rows = query(marts, 3)
    assert [(row["posting_id"], row["posted"], row["payment_id"]) for row in rows] == [
        ("1-2", Decimal(4), None),
        ("2-1", Decimal(-4), PAYMENT),
    ]
    assert {(row["line_part"], row["payee_part"]) for row in rows} == {(Decimal(2), Decimal(3))}


def test_across(marts: Marts) -> None:
    [row] = query(marts, 4)
    assert (row["earned"], row["accrued"], row["settled"], row["liability"]) == (4, 4, 4, 0)


@pytest.mark.parametrize(
    ("change", "tie"),
    [
        ("update fct_payment set amount = 5", "payment = its lines"),
        ("delete from fct_payment_line", "payment = its lines"),
        ("update fct_posting set debit = 5 where posting_id = '2-1'", "payment line = journal"),
        ("update fct_qualification set payout = 9", "payout = payees"),
        ("delete from fct_line_rebate where line_key = 'erp|100|10'", "payee = line parts"),
        ("delete from rpt_file where file_sequence = 2", "line part = line and file"),
    ],
)
def test_everything_ties_and_what_does_not_is_named(marts: Marts, change: str, tie: str) -> None:
    assert query(marts, 5) == []
    marts.connection.execute(change)
    assert tie in {row["tie"] for row in query(marts, 5)}
