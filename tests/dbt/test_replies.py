"""Answers to payments, by the real models over a ledger that books really post: status, reopening, the work list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration import books, matching
from orchestration.publish import renderer
from orchestration.runs import RunContext, month_end, write_run_context
from orchestration.settings import Settings
from orchestration.transform import dbt_arguments
from orchestration.transform.dbt import run_dbt
from orchestration.warehouse import connect
from tests.unit.test_books_journal import accounts, context, differences, due
from tests.warehouse import Built, write_rows

D = Decimal
MODELS = "+int_payment_reopen +rpt_unmatched_reply +fct_payment +fct_payment_reversal +int_posted"


def payment(payee: str, month: str = "2017-06") -> str:
    return f"P-{month}-{payee}-US01-USD-credit_memo"


def reply(payee: str, status: str, day: int = 10, *, month: int = 7, **columns: Any) -> dict[str, Any]:
    return {
        "payment_id": columns.pop("payment_id", payment(payee)),
        "reply_date": date(2017, month, day),
        "status": status,
        **columns,
    }


PAID = {
    "paid": ["100"],
    "rejected": ["70", "-20.01"],
    "partly": ["33.34", "33.33", "33.33"],
    "returned": ["80"],
    "unheard": ["5"],
    "contradicted": ["60"],
    "wrong": ["40"],
}
"""Payees of June's settlement and their payouts, by period."""


@dataclass(frozen=True)
class House:
    """A ledger with June closed, the models over it, and the replies that came so far."""

    settings: Settings
    replies: list[dict[str, Any]]

    def month(self, month: str, *rows: dict[str, Any]) -> None:
        """More replies, and the run context of a month."""
        self.replies.extend(rows)
        write_rows(self.settings, {"payment_reply": self.replies})
        write_run_context(self.settings, RunContext(month_end(month), month, "0" * 64, 0))

    def view(self, name: str) -> pa.Table:
        """Rows of a view of the warehouse, as they are now."""
        with connect(self.settings, read_only=True) as connection:
            return connection.sql(f"select * from {name}").to_arrow_table()

    def adjust(self, month: str) -> books.Batch | None:
        """Post the adjustments of a month as a close does."""
        reopen = self.view("int_payment_reopen")
        return books.post_adjustments(self.settings, context(month), reopen, accounts(), renderer(self.settings))

    def marts(self) -> Built:
        """The marts that read the ledger, built anew."""
        run_dbt(self.settings, dbt_arguments("build", select="fct_payment rpt_unmatched_reply", tests=False))
        return Built(self.settings)

    def settled(self) -> dict[str, Decimal]:
        """By payee: what the ledger says is settled."""
        found: dict[str, Decimal] = {}
        for row in self.view("int_posted").to_pylist():
            found[row["payee_id"]] = found.get(row["payee_id"], D(0)) + row["settled"]
        return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    settings = Settings(data=tmp_path_factory.mktemp("replies") / "data", memory_limit="1GB")
    books.prepare(settings)
    matching.prepare(settings)
    rows = [
        {"payee_id": payee, "period_id": f"2017-0{number}", "amount": amount}
        for payee, amounts in PAID.items()
        for number, amount in enumerate(amounts, start=1)
    ]
    accrued = [{key: row[key] for key in ("payee_id", "period_id")} | {"accrued": row["amount"]} for row in rows]
    earned = [{key: row[key] for key in ("payee_id", "period_id")} | {"earned": row["amount"]} for row in rows]
    books.post_accruals(settings, context(), differences(*accrued), accounts(), renderer(settings))
    books.post_settlements(settings, context(), due(*earned), accounts(), renderer(settings))
    made = House(settings, [])
    made.month("2017-07")
    run_dbt(settings, dbt_arguments("build", select=MODELS, tests=False))
    return made


def line_key(house: House, payee: str) -> str:
    posting = books.read(house.settings, "posting").to_pylist()
    [line] = [p for p in posting if p["payment_id"] == payment(payee) and p["program_key"] is None]
    return f"{line['batch_number']}-{line['journal_line']}"


def test_answers_find_their_payments_and_say_what_became_of_them(house: House) -> None:
    house.month(
        "2017-07",
        reply("paid", "accepted", 3),
        reply("paid", "paid", 12, payment_id=line_key(house, "paid"), amount=D(100), currency="USD", reference="A1"),
        reply("paid", "paid", 13),
        reply("rejected", "accepted", 3),
        reply("rejected", "rejected", 5, reason="AC04"),
        reply("partly", "partly_paid", 5, amount=D("40.00")),
        reply("returned", "paid", 8),
        reply("returned", "returned", 20, reason="closed"),
        reply("contradicted", "rejected", 5),
        reply("contradicted", "paid", 6),
        reply("wrong", "paid", 5, amount=D("39.99")),
        reply("wrong", "paid", 6, currency="CAD"),
        reply("nobody", "paid", 6, payment_id="P-1"),
        reply("unheard", "rejected", 1, month=8),
    )
    marts = house.marts()
    found = {row["payee_id"]: row for row in marts.rows("fct_payment")}
    assert {payee: (row["status"], row["paid_amount"], row["paid_on"]) for payee, row in found.items()} == {
        "paid": ("paid", D(100), date(2017, 7, 12)),
        "rejected": ("rejected", D(0), None),
        "partly": ("partly_paid", D(40), date(2017, 7, 5)),
        "returned": ("returned", D(0), date(2017, 7, 8)),
        "unheard": ("sent", D(0), None),
        "contradicted": ("rejected", D(0), None),
        "wrong": ("sent", D(0), None),
    }
    assert (found["paid"]["reference"], found["rejected"]["reason"]) == ("A1", "AC04")
    work = {
        (row["reported_payment_id"], row["reply_date"].day): row["reason"] for row in marts.rows("rpt_unmatched_reply")
    }
    assert work == {
        (payment("contradicted"), 6): "already_rejected",
        (payment("wrong"), 5): "amount_differs",
        (payment("wrong"), 6): "currency_differs",
        ("P-1", 6): "unknown_payment",
    }


def test_what_was_not_paid_is_reopened_line_by_line_once(house: House) -> None:
    reopen = {
        (row["payee_id"], row["period_id"]): (row["amount"], row["cause"])
        for row in house.view("int_payment_reopen").to_pylist()
    }
    assert reopen == {
        ("rejected", "2017-01"): (D(70), "payment_rejected"),
        ("rejected", "2017-02"): (D("-20.01"), "payment_rejected"),
        # 60 of 100 over 33.34, 33.33, 33.33: exactly 20.004, 19.998, 19.998
        ("partly", "2017-01"): (D(20), "payment_rejected"),
        ("partly", "2017-02"): (D(20), "payment_rejected"),
        ("partly", "2017-03"): (D(20), "payment_rejected"),
        ("returned", "2017-01"): (D(80), "payment_returned"),
        ("contradicted", "2017-01"): (D(60), "payment_rejected"),
    }
    batch = house.adjust("2017-07")
    assert batch is not None
    assert batch.new
    assert batch.manifest.name == "000003_adjustment_2017-07"
    assert house.view("int_payment_reopen").num_rows == 0
    assert house.settled() == {
        "paid": D(100), "rejected": D(0), "partly": D(40), "returned": D(0),
        "unheard": D(5), "contradicted": D(0), "wrong": D(40),
    }  # fmt: skip
    again = house.adjust("2017-07")
    assert again is not None
    assert not again.new
    names = {path.name for path in Path(batch.folder, "erp").iterdir()}
    assert {"adjustment_journal_2017-07.csv", "payment_reversals_2017-07.csv"} <= names
    [entry] = {p["entry_id"] for p in batch.tables["posting"].to_pylist() if p["payment_id"] == payment("rejected")}
    sides = [
        (p["account_role"], p["debit"], p["credit"])
        for p in batch.tables["posting"].to_pylist()
        if p["entry_id"] == entry
    ]
    assert sides == [
        ("accounts_receivable", D("49.99"), D(0)),
        ("accrued_rebates", D(0), D(70)),
        ("accrued_rebates", D("20.01"), D(0)),
    ]
    books.verify(house.settings)


def test_it_is_due_again_and_a_later_answer_reopens_only_the_rest(house: House) -> None:
    settled = house.view("int_posted").to_pylist()
    again = [
        {
            "payee_id": p["payee_id"],
            "period_id": p["period_id"],
            "earned": str(p["accrued"]),
            "settled": str(p["settled"]),
        }
        for p in settled
        if p["payee_id"] in ("rejected", "partly")
    ]
    books.post_accruals(house.settings, context("2017-07"), differences(), accounts(), renderer(house.settings))
    batch = books.post_settlements(
        house.settings, context("2017-07"), due(*again), accounts(), renderer(house.settings)
    )
    assert dict(zip(*(batch.tables["payment"][name].to_pylist() for name in ("payee_id", "amount")), strict=True)) == {
        "partly": D(60),
        "rejected": D("49.99"),
    }
    house.month(
        "2017-08",
        reply("partly", "returned", 3, month=8, amount=D(40)),
        reply("rejected", "paid", 4, month=7),
    )
    assert {(r["payee_id"], r["amount"], r["cause"]) for r in house.view("int_payment_reopen").to_pylist()} == {
        ("partly", D("13.34"), "payment_returned"),
        ("partly", D("13.33"), "payment_returned"),
        ("unheard", D(5), "payment_rejected"),
    }
    assert house.adjust("2017-08") is not None
    assert house.settled()["partly"] == D(60)
    books.verify(house.settings)
    # a first answer that comes late says the opposite of what was reopened: a person has to look
    reasons = {row["reason"] for row in house.marts().rows("rpt_unmatched_reply") if row["payee_id"] == "rejected"}
    assert reasons == {"already_reopened", "already_paid"}
    assert books.read(house.settings, "payment_reversal").num_rows == 11
