"""When a claim is paid: the model fct_claim itself, over tables handed in; by dbt: tests/dbt/test_claims.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
import pytest

from orchestration.settings import REPOSITORY

MONEY = pa.decimal128(18, 4)
MODEL = (REPOSITORY / "dbt_project" / "models" / "marts" / "fct_claim.sql").read_text()
TEXTS = (
    "claim_key", "partner_id", "claim_number", "program_id", "period_id", "authorization_number", "legal_entity",
    "currency", "claim_kind", "status", "reason", "decided_by", "comment", "owner",
)  # fmt: skip
AMOUNTS = ("claimed_amount", "earned_amount", "difference", "approved_amount")
CLAIM = pa.schema(
    [(name, pa.string()) for name in TEXTS]
    + [(name, MONEY) for name in AMOUNTS]
    + [(name, pa.date32()) for name in ("claim_date", "decided_on", "due_date")]
    + [(name, pa.int32()) for name in ("line_count", "decision_number", "turn_place")]
)
PAYMENT = pa.schema([("payment_id", pa.string()), ("payment_date", pa.date32())])
PART = pa.schema([(name, pa.string()) for name in ("program_id", "payee_id", "period_id", "payment_id")]).append(
    pa.field("amount", MONEY)
)
DIFFERENCE = pa.schema(
    [("claim_key", pa.string()), ("claim_line_number", pa.string()), ("reason", pa.string()), ("amount", MONEY)]
)


def parts(*given: tuple[str, str]) -> list[dict[str, Any]]:
    """What payments paid, or are reopened by, of the payout that is claimed."""
    payout = {"program_id": "P", "payee_id": "R-1", "period_id": "Q1"}
    return [{**payout, "payment_id": payment, "amount": Decimal(amount)} for payment, amount in given]


def paid(
    payments: Sequence[tuple[str, str]],
    reversed_: Sequence[tuple[str, str]] = (),
    reopen: Sequence[tuple[str, str]] = (),
) -> dict[str, tuple[str, str | None, int | None]]:
    """Status, payment and days by claim: 60 and then 40 were approved, of claims of 11 April."""
    claims = [
        {
            "claim_key": f"A-{place}", "partner_id": "R-1", "program_id": "P", "period_id": "Q1", "status": "approved",
            "approved_amount": Decimal(amount), "claim_date": date(2017, 4, 11), "turn_place": place,
        }
        for place, amount in enumerate(("60", "40"), start=1)
    ]  # fmt: skip
    days = [{"payment_id": f"P-{month}", "payment_date": date(2017, month, 30)} for month in (4, 5, 6)]
    sql = jinja2.Environment(autoescape=False).from_string(MODEL)
    text = sql.render(config=lambda **_: "", ref=lambda name: name, days_between=lambda one, two: f"({two} - {one})")
    with duckdb.connect() as connection:
        for name, rows, schema in (
            ("int_claim", claims, CLAIM),
            ("int_payment", days, PAYMENT),
            ("int_payment_line", parts(*payments), PART),
            ("int_payment_reversal", parts(*reversed_), PART),
            ("int_payment_reopen", parts(*reopen), PART),
            ("rpt_claim_difference", [], DIFFERENCE),
        ):
            whole = [{column: row.get(column) for column in schema.names} for row in rows]
            connection.register(name, pa.Table.from_pylist(whole, schema=schema))
        found = connection.sql(f"select claim_key, status, payment_id, days_to_payment from ({text})").fetchall()
    return {key: tuple(rest) for key, *rest in found}


APRIL, MAY, JUNE = ("paid", "P-4", 19), ("paid", "P-5", 49), ("paid", "P-6", 80)
OPEN = ("approved", None, None)


@pytest.mark.parametrize(
    ("payments", "reversed_", "reopen", "first", "second"),
    [
        ([("P-4", "60"), ("P-5", "40")], [], [], APRIL, MAY),
        ([("P-4", "60"), ("P-5", "39.99")], [], [], APRIL, OPEN),
        # the second was rejected: the ledger has reopened it, or will with the next close; then it is paid again
        ([("P-4", "60"), ("P-5", "40")], [("P-5", "40")], [], APRIL, OPEN),
        ([("P-4", "60"), ("P-5", "40")], [], [("P-5", "40")], APRIL, OPEN),
        ([("P-4", "60"), ("P-5", "40"), ("P-6", "40")], [("P-5", "40")], [], APRIL, JUNE),
        # a part came back, in two answers
        ([("P-4", "60"), ("P-5", "40")], [("P-5", "10")], [("P-5", "5")], APRIL, OPEN),
        ([("P-4", "60"), ("P-5", "55")], [("P-5", "10")], [("P-5", "5")], APRIL, MAY),
        # the first came back: what was paid later pays the claim whose turn is first
        ([("P-4", "60"), ("P-5", "60")], [("P-4", "60")], [], MAY, OPEN),
    ],
)
def test_what_was_rejected_or_sent_back_has_paid_nothing(
    payments: list[tuple[str, str]],
    reversed_: list[tuple[str, str]],
    reopen: list[tuple[str, str]],
    first: Any,
    second: Any,
) -> None:
    assert paid(payments, reversed_, reopen) == {"A-1": first, "A-2": second}
