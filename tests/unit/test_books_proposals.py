"""Payments that people release: four eyes, reductions, refusals, and that a release posts once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration import books
from orchestration.books.policy import release_policy
from orchestration.settings import Settings
from tests.unit.test_books_journal import accounts, context, differences, due
from tests.unit.test_books_ledger import render

D = Decimal
POLICY = {"US01": "automatic", "CA01": "four_eyes"}
CANADA = {"program_key": "canada@1", "legal_entity": "CA01", "currency": "CAD"}
UNITS = {"CAD": 2, "USD": 2}
R1, R2 = (f"P-2017-06-{payee}-CA01-CAD-credit_memo" for payee in ("R-1", "R-2"))
JUNE: list[dict[str, Any]] = [
    {"earned": "40"},
    {**CANADA, "earned": "100"},
    {**CANADA, "earned": "-30", "period_id": "2017-Q1"},
    {**CANADA, "earned": "50", "payee_id": "R-2", "minimum": "20"},
    {**CANADA, "earned": "5", "payee_id": "R-3", "minimum": "20"},
]
WHO: dict[str, Any] = {"on": date(2017, 7, 4), "comment": "looked at"}


def close(settings: Settings, month: str, *rows: dict[str, Any], **changes: Any) -> books.Batch | None:
    books.post_accruals(settings, context(month), differences(), accounts(), render)
    table = due(*(dict(row) for row in rows))
    books.post_settlements(settings, context(month), table, accounts(), render, policy=POLICY)
    return books.post_proposal(settings, context(month), table, changes.get("policy", POLICY))


def release(settings: Settings, by: str = "Eve", **changes: Any) -> books.Batch:
    given = {"accounts": accounts(), "render": render, "run_id": "r", "terms": {}, **WHO} | changes
    return books.release(settings, "2017-06", by=by, **given)


def reduce(settings: Settings, payment: str, by: str = "Ann", **line: Any) -> None:
    books.reduce(settings, "2017-06", books.Reduction(payment_id=payment, **line), UNITS, by=by, **WHO)


@pytest.fixture
def june(settings: Settings) -> Settings:
    """June: US01 paid 40, for CA01 are proposed R-1 70 (100 and -30) and R-2 50; R-3's 5 is below its minimum."""
    books.prepare(settings)
    close(settings, "2017-06", *JUNE)
    return settings


def paid(batch: books.Batch) -> dict[str, Decimal]:
    return dict(zip(*(batch.tables["payment"][name].to_pylist() for name in ("payee_id", "amount")), strict=True))


def test_a_close_pays_what_is_automatic_and_proposes_the_rest(june: Settings) -> None:
    manifests = books.verify(june)
    assert [m.name for m in manifests] == [
        "000001_accrual_2017-06",
        "000002_settlement_2017-06",
        "000003_proposal_2017-06",
    ]
    assert books.read(june, "payment")["legal_entity"].to_pylist() == ["US01"]
    proposal = books.proposal_of(june, "2017-06")
    assert (proposal.state, proposal.lines["amount"].to_pylist()) == ("open", [D(-30), D(100), D(50)])
    assert books.closed_months(june) == {"2017-06"}
    again = close(june, "2017-06", *JUNE)
    assert again is not None
    assert not again.new


def test_an_open_proposal_stops_the_close_of_the_next_month(june: Settings) -> None:
    with pytest.raises(books.LedgerError, match=r"rebates settlement show 2017-06.*settlement release 2017-06"):
        books.open_for_close(june, "2017-07")
    with pytest.raises(books.LedgerError, match="neither released nor refused"):
        close(june, "2017-07")
    assert books.open_for_close(june, "2017-06") == "closed"
    books.refuse(june, "2017-06", by="Ann", **WHO)
    assert books.open_for_close(june, "2017-07") == "open"


def test_somebody_else_releases_and_the_batch_says_who(june: Settings) -> None:
    with pytest.raises(books.LedgerError, match=r"nobody has proposed it.*settlement propose 2017-06"):
        release(june)
    books.submit(june, "2017-06", by="Ann Lee", **WHO)
    with pytest.raises(books.LedgerError, match="Ann Lee has proposed it, so somebody else"):
        release(june, by=" ann  LEE ")
    with pytest.raises(books.LedgerError, match="--by"):
        release(june, comment=" ")
    batch = release(june)
    assert paid(batch) == {"R-1": D(70), "R-2": D(50)}
    assert batch.manifest.name == "000004_settlement_2017-06"
    approval = batch.manifest.approval or {}
    assert (approval["proposal"], approval["prepared_by"], approval["released_by"], approval["released_on"]) == (
        "000003_proposal_2017-06",
        ["Ann Lee"],
        "Eve",
        "2017-07-04",
    )
    assert [decision["comment"] for decision in approval["decisions"]] == ["looked at", "looked at"]
    assert books.verify(june)[-1].approval == approval
    assert books.open_for_close(june, "2017-07") == "open"


def test_a_release_posts_once_and_nothing_can_be_changed_after_it(june: Settings) -> None:
    books.submit(june, "2017-06", by="Ann", **WHO)
    first = release(june)
    again = release(june, by="Joe")
    assert (again.new, again.manifest) == (False, first.manifest)
    for change in (
        lambda: books.refuse(june, "2017-06", by="Ann", **WHO),
        lambda: books.submit(june, "2017-06", by="Ann", **WHO),
        lambda: reduce(june, R1),
    ):
        with pytest.raises(books.LedgerError, match="released by Eve; nothing can be changed"):
            change()
    assert len(books.verify(june)) == 4


def test_what_is_reduced_stays_due_and_whoever_reduced_does_not_release(june: Settings) -> None:
    books.submit(june, "2017-06", by="Ann", **WHO)
    reduce(june, R1, by="Bob", program_key="canada@1", period_id="2017-Q2", amount=D("60.50"))
    reduce(june, R2, by="Cid")
    with pytest.raises(books.LedgerError, match="Bob has reduced it"):
        release(june, by="bob")
    batch = release(june)
    assert paid(batch) == {"R-1": D("30.50")}
    assert [d["decision"] for d in (batch.manifest.approval or {})["decisions"]] == [
        "propose", "reduce", "reduce", "release",
    ]  # fmt: skip
    rows = [
        {**CANADA, "earned": "100", "settled": "60.50"},
        {**CANADA, "earned": "50", "payee_id": "R-2"},
    ]
    close(june, "2017-07", *rows)
    assert books.proposal_of(june, "2017-07").lines["amount"].to_pylist() == [D("39.50"), D(50)]


def test_a_payment_that_no_longer_reaches_its_minimum_is_carried(june: Settings) -> None:
    books.submit(june, "2017-06", by="Ann", **WHO)
    reduce(june, R2, program_key="canada@1", period_id="2017-Q2", amount=D("19.99"))
    reduce(june, R1, program_key="canada@1", period_id="2017-Q2", amount=D(30))
    with pytest.raises(books.LedgerError, match=r"nothing of the proposal is left.*settlement refuse 2017-06"):
        release(june)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            {"program_key": "canada@1", "period_id": "2017-Q2", "amount": D(100)},
            "100 is not less than the proposed 100",
        ),
        ({"program_key": "canada@1", "period_id": "2017-Q2", "amount": D(-1)}, "not below zero"),
        ({"program_key": "canada@1", "period_id": "2017-Q2", "amount": D("1.001")}, "more than 2 decimals"),
        ({"program_key": "canada@1", "period_id": "2017-Q1"}, "-30.*netted from the payment"),
        ({"program_key": "canada@1", "period_id": "2017-Q9"}, "not in the payments proposed"),
        ({"amount": D(5)}, "name the program and the period"),
    ],
)
def test_a_reduction_pays_less(june: Settings, line: dict[str, Any], message: str) -> None:
    with pytest.raises(books.LedgerError, match=message):
        reduce(june, R1, **line)
    assert books.proposal_of(june, "2017-06").decisions == []


def test_what_cannot_be_made_is_withheld_at_the_release(june: Settings) -> None:
    books.submit(june, "2017-06", by="Ann", **WHO)
    batch = release(june, unpayable=lambda payments: {R1: "no bank account"})
    assert (paid(batch), batch.withheld) == ({"R-2": D(50)}, {R1: "no bank account"})


def test_files_that_cannot_be_written_decide_nothing(june: Settings) -> None:
    books.submit(june, "2017-06", by="Ann", **WHO)

    def broken(folder: Path, facts: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        release(june, render=broken)
    assert [d.decision for d in books.proposal_of(june, "2017-06").decisions] == ["propose"]
    assert release(june).new


def test_a_release_that_was_decided_and_not_posted_is_finished(june: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    books.submit(june, "2017-06", by="Ann", **WHO)
    with monkeypatch.context() as killed:

        def stop(manifest: books.Manifest) -> None:
            raise KeyboardInterrupt

        killed.setattr("orchestration.books.ledger.asdict", stop)  # after the files, before the rename
        with pytest.raises(KeyboardInterrupt):
            release(june)
    with pytest.raises(books.LedgerError, match="Eve has released it"):
        books.refuse(june, "2017-06", by="Ann", **WHO)
    batch = release(june, by="Ann", comment="finished")
    assert (batch.manifest.approval or {})["released_by"] == "Eve"
    assert [d.decision for d in books.proposal_of(june, "2017-06").decisions] == ["propose", "release"]


def test_a_month_with_nothing_to_propose_waits_for_nobody(settings: Settings) -> None:
    books.prepare(settings)
    close(settings, "2017-06", JUNE[0])
    assert books.proposal_of(settings, "2017-06").state == "empty"
    assert books.open_for_close(settings, "2017-07") == "open"
    assert close(settings, "2017-07", policy={"US01": "automatic"}) is None
    with pytest.raises(books.LedgerError, match="months with a proposal: 2017-06"):
        books.proposal_of(settings, "2017-07")


def test_an_entity_without_a_policy_stops_the_close(settings: Settings) -> None:
    books.prepare(settings)
    books.post_accruals(settings, context(), differences(), accounts(), render)
    with pytest.raises(books.LedgerError, match="no row for legal entity US01"):
        books.post_settlements(settings, context(), due({"earned": "1"}), accounts(), render, policy={})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("legal_entity,release\nUS01,sometimes\n", "row 2: release 'sometimes', expected automatic or four_eyes"),
        ("legal_entity,release\nUS01,automatic\nUS01,four_eyes\n", "row 3: legal entity 'US01'"),
        ("entity,release\n", "columns"),
    ],
)
def test_a_policy_that_cannot_be_read_is_named(settings: Settings, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "settlement_policy.csv").write_text(text)
    changed = Settings(data=settings.data, books=tmp_path)
    with pytest.raises(books.LedgerError, match=message):
        release_policy(changed)
    assert release_policy(settings).keys() == {"US01", "CA01"}
