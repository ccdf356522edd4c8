"""Decisions on claims: what stands in landing/, and what may not be decided."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from orchestration import claims, claims_commands, cli, runs
from orchestration.settings import Settings

CLAIM = claims.Standing("R-1|A-1|P|2017-Q1", "in_review", "USD", Decimal(120), Decimal(100), " Ann Lee ")
GIVEN: dict[str, Any] = {"by": " Maria Keller ", "comment": "seen", "decided_on": date(2017, 5, 2)}
DISPUTE: dict[str, Any] = {"owner": "Jo Field", "due_date": date(2017, 6, 1)}


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return Settings(data=tmp_path / "data")


def changed(**columns: Any) -> claims.Standing:
    return dataclasses.replace(CLAIM, **columns)


def test_a_decision_is_a_file_that_is_never_changed(settings: Settings) -> None:
    before = runs.calculation_id(settings, date(2017, 6, 30))
    made = claims.decide(settings, "approve", [CLAIM], **GIVEN)
    assert (made.number, made.by, made.claims[0].amount) == (1, "Maria Keller", Decimal(100))
    path = settings.landing / ".claims" / "000001.json"
    text = path.read_text()
    assert json.loads(text)["claims"][0]["claimed_amount"] == "120"
    claims.decide(settings, "dispute", [changed(status="approved")], **GIVEN, **DISPUTE)
    claims.decide(settings, "resolve", [changed(status="disputed")], outcome="reopened", **GIVEN)
    assert path.read_text() == text
    assert [each.effect for each in claims.read(settings)] == ["approve", "dispute", "review"]
    assert runs.calculation_id(settings, date(2017, 6, 30)) != before
    assert claims.write_table(settings) == 3
    rows = pq.read_table(settings.claim_decision).to_pylist()
    assert [row["decision"] for row in rows] == ["approve", "dispute", "review"]
    assert (rows[0]["amount"], rows[0]["decided_on"], rows[1]["owner"]) == (100, date(2017, 5, 2), "Jo Field")


def test_without_decisions_the_table_has_no_rows(settings: Settings) -> None:
    assert claims.write_table(settings) == 0
    assert pq.read_schema(settings.claim_decision).equals(claims.COLUMNS)


@pytest.mark.parametrize(
    ("kind", "claim", "given", "said"),
    [
        ("approve", CLAIM, {"by": " "}, "needs who decided"),
        ("approve", CLAIM, {"comment": ""}, "needs who decided"),
        ("approve", CLAIM, {"by": "ann lee"}, "was entered by"),
        ("approve", CLAIM, {"amount": Decimal(110)}, "more than was earned"),
        ("approve", CLAIM, {"amount": Decimal(130), "above_earned": True}, "more than is claimed"),
        ("approve", changed(earned_amount=Decimal(0)), {}, "nothing to approve"),
        ("approve", CLAIM, {"amount": Decimal(-1)}, "nothing to approve"),
        ("approve", changed(status="paid"), {}, "is paid"),
        ("approve", changed(status="disputed"), {}, "a disputed claim is resolved"),
        ("resolve", CLAIM, {"outcome": "approved"}, "only a disputed claim"),
        ("resolve", changed(status="disputed"), {}, "has an outcome"),
        ("reject", CLAIM, {"amount": Decimal(1)}, "goes with an approval"),
        ("dispute", CLAIM, {}, "has an owner and a due date"),
        ("dispute", CLAIM, DISPUTE | {"due_date": date(2017, 5, 1)}, "before the day it begins"),
    ],
)
def test_what_may_not_be_decided(
    settings: Settings, kind: str, claim: claims.Standing, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(claims.ClaimError, match=said):
        claims.decide(settings, kind, [claim], **GIVEN | given)
    assert claims.read(settings) == ()


def test_more_than_was_earned_is_approved_where_that_is_said(settings: Settings) -> None:
    made = claims.decide(settings, "approve", [CLAIM], above_earned=True, **GIVEN)
    assert made.claims[0].amount == 120


def test_no_decision_before_an_earlier_one(settings: Settings) -> None:
    claims.decide(settings, "reject", [CLAIM], **GIVEN)
    with pytest.raises(claims.ClaimError, match="was made on 2017-05-02"):
        claims.decide(settings, "approve", [CLAIM], **GIVEN | {"decided_on": date(2017, 5, 1)})


def test_a_decision_that_is_missing_or_broken_is_named(settings: Settings) -> None:
    claims.decide(settings, "reject", [CLAIM], **GIVEN)
    claims.decide(settings, "reject", [CLAIM], **GIVEN)
    (settings.landing / ".claims" / "000001.json").rename(settings.data / "gone")
    with pytest.raises(claims.ClaimError, match=r"000002\.json says number 2; expected 1"):
        claims.read(settings)
    (settings.landing / ".claims" / "000001.json").write_text("{}")
    with pytest.raises(claims.ClaimError, match=r"000001\.json cannot be read"):
        claims.read(settings)


ROW = {
    "claim_key": CLAIM.claim_key, "partner_id": "R-1", "claim_number": "A-1", "program_id": "P", "status": "in_review",
    "currency": "USD", "claim_date": date(2017, 4, 1), "claimed_amount": Decimal(120), "earned_amount": Decimal(100),
    "difference": Decimal(20), "reason": "more_than_earned", "owner": None, "due_date": None,
}  # fmt: skip


def rebates(settings: Settings, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    def rows(_: Settings, sql: str) -> list[dict[str, Any]]:
        return [dict(ROW)] if "from fct_claim " in sql else []

    monkeypatch.setattr(claims_commands, "settings_of_environment", lambda: settings)
    monkeypatch.setattr(claims_commands, "_rows", rows)
    return CliRunner().invoke(cli.main, ["claims", *arguments])


def test_the_commands(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    decided = ("--by", "Maria Keller", "--comment", "seen", "--date", "2017-05-02")
    listed = rebates(settings, monkeypatch, "list")
    assert "more_than_earned" in listed.output, listed.output
    approved = rebates(settings, monkeypatch, "approve", "R-1/A-1", *decided, "--amount", "90.50")
    assert "approved: 90.50 USD" in approved.output, approved.output
    shown = rebates(settings, monkeypatch, "show", CLAIM.claim_key)
    assert "Maria Keller" in shown.output
    for arguments, said in (
        (("approve", "R-9/A-1", *decided), "no claim of that name"),
        (("approve", "R-1/A-1", *decided[:-1], "May"), "expected YYYY-MM-DD"),
        (("approve", "R-1/A-1", *decided, "--amount", "1,5"), "expected a number"),
        (("list", "--status", "open"), "expected one of"),
        (("approve", "R-1/A-1", *decided, "--amount", "110"), "more than was earned"),
    ):
        refused = rebates(settings, monkeypatch, *arguments)
        assert (refused.exit_code, said in refused.output) == (2, True), refused.output
    assert len(claims.read(settings)) == 1
