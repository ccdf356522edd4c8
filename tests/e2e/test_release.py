"""Payments of the sample company that people release, and what ERP and bank answer: by the very jobs.

The tests stand on one data folder and in order: each says what it leaves behind.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration import books, execute, publish, sample, settlement_commands
from orchestration.settings import Settings

pytestmark = pytest.mark.slow

JANUARY, FEBRUARY, MARCH = "2017-01", "2017-02", "2017-03"


def run(settings: Settings, job: str, month: str) -> execute.Outcome:
    return execute.execute(settings, job, month=month, tell=lambda happening: None)


def query(settings: Settings, sql: str) -> list[dict[str, Any]]:
    return publish.query(settings, sql).to_pylist()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """January closed and refused, February closed and proposed: people release every payment."""
    place = tmp_path_factory.mktemp("release")
    (place / "books").mkdir()
    (place / "books" / "settlement_policy.csv").write_text("legal_entity,release\nUS01,four_eyes\nCA01,four_eyes\n")
    settings = Settings(data=place / "data", books=place / "books", memory_limit="1GB")
    for month, through in ((JANUARY, date(2017, 2, 5)), (FEBRUARY, date(2017, 3, 5))):
        sample.deliver(settings, through)
        outcome = run(settings, "close", month)
        assert outcome.failure is None, outcome.failure
        if month == JANUARY and books.proposal_of(settings, month).state == "open":
            books.refuse(settings, month, by="Ann", on=date(2017, 2, 6), comment="paid with February")
    return settings


def test_nothing_is_paid_before_somebody_released_it(data: Settings) -> None:
    assert query(data, "select * from fct_payment") == []
    assert books.proposal_of(data, FEBRUARY).state == "open"
    with pytest.raises(books.LedgerError, match="settlement release 2017-02"):
        books.open_for_close(data, MARCH)


def test_a_release_posts_publishes_and_ties(data: Settings) -> None:
    proposed = sum(books.proposal_of(data, FEBRUARY).lines["amount"].to_pylist())
    books.submit(data, FEBRUARY, by="Ann", on=date(2017, 3, 6), comment="checked")
    batch = settlement_commands.release(data, FEBRUARY, "Eve", date(2017, 3, 7), "agreed")
    outcome = run(data, "release", FEBRUARY)
    assert outcome.failure is None, outcome.failure
    [paid] = query(data, "select sum(amount) as amount from fct_payment")
    [moved] = query(data, "select sum(settled) as amount from fct_liability_rollforward")
    assert paid["amount"] == moved["amount"] == proposed > 0
    assert (data.published / "erp" / batch.manifest.name / f"payments_{FEBRUARY}.csv").is_file()


def test_what_the_bank_refuses_is_proposed_again(data: Settings) -> None:
    rows = query(
        data, "select payment_id, payee_id, amount, currency from fct_payment order by amount desc, payment_id"
    )
    first, *others = rows
    folder = data.landing / "erp_payment_replies"
    folder.mkdir(exist_ok=True)
    lines = [f"{first['payment_id']},2017-03-10,rejected,,,,AC04 account closed"]
    lines += [f"{row['payment_id']},2017-03-10,paid,{row['amount']},{row['currency']},REF," for row in others]
    lines.append("P-unknown,2017-03-10,paid,,,,")
    head = "payment_id,reply_date,status,amount,currency,reference,reason"
    Path(folder, "replies_2017-03.csv").write_text("\n".join([head, *lines]) + "\n")
    sample.deliver(data, date(2017, 4, 5))
    outcome = run(data, "close", MARCH)
    assert outcome.failure is None, outcome.failure
    assert outcome.made["adjustment_batch"]["posted now"]
    found = {row["payment_id"]: row for row in query(data, "select * from fct_payment")}
    assert {row["status"] for row in found.values()} == {"paid", "rejected"} if others else {"rejected"}
    refused = found[first["payment_id"]]
    assert (refused["status"], refused["reopened_amount"]) == ("rejected", first["amount"])
    [work] = query(data, "select reported_payment_id, reason from rpt_unmatched_reply")
    assert work == {"reported_payment_id": "P-unknown", "reason": "unknown_payment"}
    again = books.proposal_of(data, MARCH)
    payees = dict(zip(*(again.lines[name].to_pylist() for name in ("payee_id", "settled_before")), strict=True))
    assert first["payee_id"] in payees
    [settled] = query(data, "select sum(settled) as amount from fct_liability_rollforward")
    assert settled["amount"] == sum((row["amount"] for row in others), Decimal(0))
