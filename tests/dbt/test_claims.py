"""Claims against what was earned, by the real models over a small warehouse: by rule, by people, and why not."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration import claims
from orchestration.books.tables import PAYMENT, PAYMENT_LINE
from orchestration.settings import Settings
from orchestration.transform import dbt_arguments
from orchestration.transform.dbt import run_dbt
from tests.golden.document import document, level
from tests.reference.build import line, partner, product
from tests.warehouse import Built, build

pytestmark = pytest.mark.slow

AS_OF = date(2017, 6, 30)
APRIL = date(2017, 4, 10)


def documents() -> list[dict[str, Any]]:
    """A program that pays only on an approved claim, and special prices."""
    authorization = {
        "number": "SP-1", "partner": "R-1", "end_customer": "H-1", "product": "P-1", "valid_from": "2017-01-01",
        "valid_to": "2017-03-31", "quantity": "5", "reference_cost": "9", "contract_price": "7",
    }  # fmt: skip
    special = document("SPECIAL", None, lines={"stream": "sell_through"}, role="reseller", measurement="quarter")
    special["price_difference"] = {"method": "contract_price", "authorizations": [authorization]}
    settlement = {"lag_days": 15, "instrument": "credit_memo", "claim_required": True}
    return [document("CLAIMED", [level("0", "10")], measurement="quarter", settlement=settlement), special]


def lines() -> list[dict[str, Any]]:
    """Purchases that earn 100, 50, 30, 20 and 70, and resale: 4 of 5 authorised units, 1 of 4, another customer's."""

    def resale(number: str, customer: str) -> dict[str, Any]:
        row: dict[str, Any] = {"stream": "sell_through", "reseller_id": "R-1", "partner": None, "distributor_id": "D-1"}
        return line(
            number, "40", quantity="4", day=date(2017, 2, int(number)), end_customer_id=customer,
            authorization_number="SP-1", **row,
        )  # fmt: skip

    bought = [
        line(f"2{n}", amount, partner=f"R-{n}") for n, amount in enumerate(("1000", "500", "300", "200", "700"), 1)
    ]
    return [*bought, resale("9", "H-1"), resale("10", "H-1"), resale("13", "H-2")]


def claim(partner_id: str, number: str, amount: str, line_number: str = "1", **columns: Any) -> dict[str, Any]:
    period = {"program_id": "CLAIMED", "period_id": "2017-Q1"} if not columns else {}
    return {
        "partner_id": partner_id, "claim_number": number, "claim_line_number": line_number, "claim_date": APRIL,
        "claimed_amount": Decimal(amount), "currency": "USD", **period, **columns,
    }  # fmt: skip


def price(number: str, line_number: str, document_number: str, quantity: str, amount: str) -> dict[str, Any]:
    return claim(
        "R-1", number, amount, line_number, document_number=document_number, product_id="P-1",
        quantity=Decimal(quantity), unit="EA", authorization_number="SP-1",
    )  # fmt: skip


def claimed() -> list[dict[str, Any]]:
    """Equal, again, within the tolerance, above it, with a quarantined line, line by line, for nothing, cancelled."""
    again = claim("R-1", "A-2", "100") | {"claim_date": date(2017, 4, 11)}
    corrected = claim("R-5", "E-1", "70") | {"file_sequence": 2}
    return [
        claim("R-1", "A-1", "100"),
        again,
        claim("R-2", "B-1", "50.20"),
        claim("R-3", "C-1", "60"),
        claim("R-4", "D-1", "20"),
        claim("R-5", "E-1", "7"),
        corrected,
        price("P-1", "1", "9", "5", "10.50"),
        price("P-1", "2", "10", "4", "8"),
        price("P-1", "3", "13", "4", "8"),
        price("P-1", "4", "99", "1", "3"),
        price("P-2", "1", "9", "4", "8"),
        claim("R-2", "N-1", "5", claim_reason="for old times' sake"),
        claim("R-2", "N-2", "5", program_id="GONE", period_id="2017-Q1"),
        claim("R-2", "N-3", "5", program_id="SPECIAL", period_id="2017-Q1"),
        claim("R-3", "N-4", "30", program_id="CLAIMED", period_id="2017-Q1", currency="CAD"),
        claim("R-2", "GONE", "5"),
        claim("R-2", "GONE", "5") | {"file_sequence": 2, "record_intent": "cancellation"},
        claim("R-1", "LATER", "1") | {"claim_date": date(2017, 7, 1)},
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    settings = Settings(data=tmp_path_factory.mktemp("claims") / "data")
    quarantined = {
        "claim": [
            {"partner_id": "R-4", "claim_number": "D-1", "claim_line_number": "2", "file_sequence": 3},
            {"partner_id": "R-5", "claim_number": "E-1", "claim_line_number": "1", "file_sequence": 1, "row_number": 9},
        ]
    }
    entities = {
        "line": [each | {"row_number": number} for number, each in enumerate(lines(), start=1)],
        "partner": [*(partner(f"R-{n}") for n in range(1, 6)), partner("D-1", partner_type="distributor")],
        "product": [product("P-1")],
        "end_customer": [{"end_customer_id": f"H-{n}", "end_customer_name": f"H {n}"} for n in (1, 2)],
        "claim": claimed(),
    }
    return build(settings, documents(), entities, AS_OF, quarantined=quarantined)


def found(built: Built) -> dict[str, dict[str, Any]]:
    return {row["claim_key"]: row for row in built.rows("int_claim")}


def differences(built: Built, number: str) -> dict[tuple[str, str], Decimal]:
    rows = built.rows("rpt_claim_difference")
    return {(row["claim_line_number"], row["reason"]): row["amount"] for row in rows if row["claim_number"] == number}


def test_what_rules_approve(built: Built) -> None:
    got = {
        (row["claim_number"], row["period_id"], row["status"], row["reason"], row["approved_amount"], row["difference"])
        for row in built.rows("int_claim")
    }
    assert got == {
        ("A-1", "2017-Q1", "approved", "equal", Decimal(100), Decimal(0)),
        ("A-2", "2017-Q1", "in_review", None, Decimal(0), Decimal(100)),
        ("B-1", "2017-Q1", "approved", "within_tolerance", Decimal(50), Decimal("0.2")),
        ("C-1", "2017-Q1", "in_review", None, Decimal(0), Decimal(30)),
        ("D-1", "2017-Q1", "in_review", "quarantined_lines", Decimal(0), Decimal(0)),
        ("E-1", "2017-Q1", "approved", "equal", Decimal(70), Decimal(0)),
        ("P-1", "2017-Q1", "in_review", None, Decimal(0), Decimal("8.5")),
        ("P-1", None, "in_review", None, Decimal(0), Decimal(11)),
        ("P-2", "2017-Q1", "in_review", None, Decimal(0), Decimal(8)),
        ("N-1", None, "in_review", None, Decimal(0), Decimal(5)),
        ("N-2", "2017-Q1", "in_review", None, Decimal(0), Decimal(5)),
        ("N-3", "2017-Q1", "in_review", None, Decimal(0), Decimal(5)),
        ("N-4", "2017-Q1", "in_review", None, Decimal(0), Decimal(30)),
    }


def test_every_difference_is_explained_to_the_cent(built: Built) -> None:
    explained: dict[str, Decimal] = defaultdict(Decimal)
    for row in built.rows("rpt_claim_difference"):
        explained[row["claim_key"]] += row["amount"]
    assert explained == {key: row["difference"] for key, row in found(built).items() if row["difference"]}


def test_why_claims_differ(built: Built) -> None:
    assert differences(built, "A-2") == {("", "already_claimed"): Decimal(100)}
    assert differences(built, "B-1") == {("", "more_than_earned"): Decimal("0.2")}
    assert differences(built, "P-1") == {
        ("1", "quantity_differs"): Decimal(2),
        ("1", "price_differs"): Decimal("0.5"),
        ("2", "authorization_exceeded"): Decimal(6),
        ("3", "authorization_end_customer"): Decimal(8),
        ("4", "no_such_line"): Decimal(3),
    }
    assert differences(built, "P-2") == {("1", "already_claimed"): Decimal(8)}
    assert differences(built, "N-1") == {("1", "nothing_named"): Decimal(5)}
    assert differences(built, "N-2") == {("1", "unknown_program"): Decimal(5)}
    assert differences(built, "N-3") == {("", "nothing_earned"): Decimal(5)}
    assert differences(built, "N-4") == {("1", "currency"): Decimal(30)}


def test_only_what_was_approved_is_due(built: Built) -> None:
    due = {row["payee_id"]: row["to_pay"] for row in built.rows("int_settlement_due") if row["program_id"] == "CLAIMED"}
    assert due == {"R-1": Decimal(100), "R-2": Decimal(50), "R-5": Decimal(70)}
    special = [row["to_pay"] for row in built.rows("int_settlement_due") if row["program_id"] == "SPECIAL"]
    assert special == [Decimal(10)], "a program that asks for no claim pays without one"


def test_what_people_decide(built: Built) -> None:
    def key(partner_id: str, number: str) -> str:
        return f"{partner_id}|{number}|CLAIMED|2017-Q1"

    def standing(partner_id: str, number: str) -> claims.Standing:
        row = found(built)[key(partner_id, number)]
        columns = ("claim_key", "status", "currency", "claimed_amount", "earned_amount")
        return claims.Standing(*(row[column] for column in columns))

    settings = built.settings
    given: dict[str, Any] = {"by": "Maria Keller", "comment": "looked at", "decided_on": date(2017, 5, 2)}
    claims.decide(settings, "reject", [standing("R-1", "A-1")], reason_code="WRONG", **given)
    claims.decide(settings, "approve", [standing("R-3", "C-1")], above_earned=True, **given)
    claims.decide(settings, "approve", [standing("R-4", "D-1")], **given | {"decided_on": date(2017, 7, 1)})
    dispute: dict[str, Any] = {"owner": "Jo Field", "due_date": date(2017, 7, 15)}
    claims.decide(settings, "dispute", [standing("R-2", "B-1")], **given, **dispute)
    claims.decide(settings, "approve", [standing("R-5", "E-1")], amount=Decimal(30), **given)
    assert claims.write_table(settings) == 5
    run_dbt(settings, dbt_arguments("build", select="stg_claim_decision+", exclude="tag:books"))

    got = found(built)
    assert got[key("R-1", "A-1")]["status"] == "rejected"
    assert got[key("R-1", "A-1")]["reason"] == "WRONG"
    # what was rejected is no claim: the second one is now the first
    assert (got[key("R-1", "A-2")]["status"], got[key("R-1", "A-2")]["decided_by"]) == ("approved", "rule")
    assert got[key("R-3", "C-1")]["approved_amount"] == 60
    assert got[key("R-4", "D-1")]["status"] == "in_review", "decided after the as-of date"
    assert (got[key("R-2", "B-1")]["status"], got[key("R-2", "B-1")]["owner"]) == ("disputed", "Jo Field")
    due = {row["payee_id"]: row["to_pay"] for row in built.rows("int_settlement_due") if row["program_id"] == "CLAIMED"}
    assert due == {"R-1": Decimal(100), "R-3": Decimal(30), "R-5": Decimal(30)}, "never more than was earned"


def test_what_is_paid_and_how_long_it_took(built: Built) -> None:
    """Of 100, approved for A-2 (11 April): 60 paid on 30 April, 40 on 31 May; of 30 nothing more than 20."""
    settings = built.settings
    paid = (("000001", "04", "R-1", "60"), ("000002", "05", "R-1", "40"), ("000003", "05", "R-3", "20"))
    for batch, month, payee, amount in paid:
        key = {"payment_id": f"P-{batch}", "batch_number": int(batch), "accounting_month": f"2017-{month}"}
        common = {**key, "payee_id": payee, "legal_entity": "US01", "currency": "USD", "amount": Decimal(amount)}
        payment = {**common, "instrument": "credit_memo", "payment_date": date(2017, int(month), 30)}
        line_of = {**common, "program_key": "CLAIMED@1", "program_id": "CLAIMED", "period_id": "2017-Q1"}
        folder = settings.ledger / f"{batch}_settlement_2017-{month}"
        folder.mkdir()
        for name, row, schema in (("payment", payment, PAYMENT), ("payment_line", line_of, PAYMENT_LINE)):
            whole = {column: row.get(column) for column in schema.names}
            pq.write_table(pa.Table.from_pylist([whole], schema=schema), folder / f"{name}.parquet")
    run_dbt(settings, dbt_arguments("build", select="fct_claim rpt_claim_ageing rpt_claim_days", tests=False))

    got = {row["claim_number"]: row for row in built.rows("fct_claim") if row["program_id"] == "CLAIMED"}
    assert (got["A-2"]["status"], got["A-2"]["payment_id"], got["A-2"]["days_to_payment"]) == ("paid", "P-000002", 49)
    assert got["A-1"]["status"] == "rejected"
    assert got["C-1"]["status"] == "approved", "paid in part is not paid"
    days = {(row["partner_id"], row["program_id"]): row for row in built.rows("rpt_claim_days")}
    assert set(days) == {("R-1", "CLAIMED"), ("R-1", ""), ("", "CLAIMED"), ("", "")}
    assert {row["median_days"] for row in days.values()} == {49}
    assert {row["share_above_30_days"] for row in days.values()} == {Decimal(1)}
    ageing = {(row["partner_id"], row["status"], row["age_bucket"]) for row in built.rows("rpt_claim_ageing")}
    assert ("R-3", "approved", "61-90") in ageing
    assert not [each for each in ageing if each[1] in ("paid", "rejected")]
