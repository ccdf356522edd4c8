"""The 849 that answers price claims: what is written, what is refused, and that our reader reads it."""

from __future__ import annotations

import datetime
import io
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.intake.formats import X12Format
from orchestration.intake.mapping import Mapping
from orchestration.intake.x12.records import open_x12
from orchestration.publish import Decision, PublishError, write_claim_response
from orchestration.x12 import check

MOMENT = datetime.datetime(2017, 4, 18, 9, 30, tzinfo=datetime.UTC)
ENVELOPE: dict[str, Any] = {
    "sender": ("ZZ", "NORTHWINDMFG"),
    "receiver": ("ZZ", "COASTALDIST"),
    "control": 7,
    "created": MOMENT,
}

ACCEPTED = Decision(
    partner_id="D-LAKE",
    claim_number="DM-5501",
    claim_line_number="1",
    state="accepted",
    claimed_amount=Decimal("2.8500"),
    allowed_amount=Decimal("2.85"),
    currency="USD",
    authorization_number="SP-0001",
    product_id="1029743",
    unit="EA",
    claimed_quantity=Decimal(10),
    allowed_quantity=Decimal("10.0000"),
)
ADJUSTED = replace(
    ACCEPTED,
    claim_line_number="2",
    state="adjusted",
    claimed_amount=Decimal("5.70"),
    allowed_amount=Decimal("4.56"),
    claimed_quantity=Decimal(20),
    allowed_quantity=Decimal(16),
    reason_code="04",
    reason="4 of 20 are beyond the authorised quantity",
)
REJECTED = replace(
    ACCEPTED,
    claim_line_number="10",
    state="rejected",
    authorization_number="SP-0099",
    allowed_amount=Decimal(0),
    allowed_quantity=Decimal(0),
    reason_code="01",
)
OTHER = Decision(
    partner_id="D-LAKE",
    claim_number="DM-5500",
    claim_line_number="A",
    state="accepted",
    claimed_amount=Decimal("100000000.01"),
    allowed_amount=Decimal("100000000.01"),
    currency="CAD",
)
ALL = [ACCEPTED, ADJUSTED, REJECTED, OTHER]

TEXT = """ISA*00*          *00*          *ZZ*NORTHWINDMFG   *ZZ*COASTALDIST    *170418*0930*U*00401*000000007*0*P*>~
GS*CF*NORTHWINDMFG*COASTALDIST*20170418*0930*7*X*004010~
ST*849*0001~
BRC*00*20170418*DB*DM-5500~
CUR*SE*CAD~
N1*DS**92*D-LAKE~
CON*DB*DM-5500~
PAD*A**NC~
AMT*S*100000000.01~
AMT*A*100000000.01~
CTT*1~
AMT*TT*100000000.01~
SE*11*0001~
ST*849*0002~
BRC*00*20170418*DB*DM-5501~
CUR*SE*USD~
N1*DS**92*D-LAKE~
CON*CT*SP-0001~
PAD*1**NC~
LIN**VN*1029743~
QTY*32*10*EA~
AMT*S*2.85~
AMT*A*2.85~
PAD*2**RZ~
LIN**VN*1029743~
AAA*N**04*N~
QTY*32*16*EA~
AMT*S*5.7~
AMT*A*4.56~
REF*ZZ*04*4 of 20 are beyond the authorised quantity~
CON*CT*SP-0099~
PAD*10**RC~
LIN**VN*1029743~
AAA*N**01*C~
QTY*32*0*EA~
AMT*S*2.85~
AMT*A*0~
CTT*2*26~
AMT*TT*7.41~
SE*27*0002~
GE*2*7~
IEA*1*000000007~
"""


def test_what_is_written() -> None:
    assert write_claim_response(ALL, **ENVELOPE) == TEXT


def test_the_order_of_decisions_does_not_matter() -> None:
    chance = random.Random(849)
    for _ in range(5):
        shuffled = chance.sample(ALL, len(ALL))
        assert write_claim_response(shuffled, **ENVELOPE) == TEXT


@pytest.mark.parametrize("version", ["004010", "005010"])
def test_our_reader_reads_what_we_write(tmp_path: Path, version: str) -> None:
    text = write_claim_response(ALL, **ENVELOPE, version=version)
    verdict = check(io.BytesIO(text.encode()), "849")
    assert (verdict.sets, verdict.wrong) == (2, {})
    path = tmp_path / "reply.edi"
    path.write_text(text)
    mapping = Mapping.model_validate(
        {
            "source": "replies",
            "description": "what we wrote",
            "owner": "finance",
            "entity": "claim",
            "file_pattern": "*.edi",
            "format": {"type": "x12", "set": "849"},
            "columns": {
                "claim_number": "BRC04",
                "claim_line_number": "PAD01",
                "claim_date": "BRC02",
                "partner_id": "N104[N101=DS]",
                "claimed_amount": "AMT02[AMT01=A]",
                "currency": "CUR02",
                "authorization_number": "CON02[CON01=CT]",
                "product_id": "LIN[VN]",
                "quantity": "QTY02",
                "unit": "QTY03",
                "claim_reason": "AAA03",
                "end_customer_id": "PAD03",
            },
        }
    )
    fmt = mapping.format
    assert isinstance(fmt, X12Format)
    states = {"NC": "accepted", "RZ": "adjusted", "RC": "rejected"}
    read = [
        Decision(
            partner_id=row["c3"],
            claim_number=row["c0"],
            claim_line_number=row["c1"],
            state=states[row["c11"]],
            claimed_amount=Decimal(0),
            allowed_amount=Decimal(row["c4"]),
            currency=row["c5"],
            authorization_number=row["c6"] or "",
            product_id=row["c7"] or "",
            unit=row["c9"] or "",
            allowed_quantity=None if row["c8"] is None else Decimal(row["c8"]),
            reason_code=row["c10"] or "",
        )
        for batch in open_x12(path, fmt, mapping).batches
        for row in batch.to_pylist()
    ]
    expected = [replace(d, claimed_amount=Decimal(0), claimed_quantity=None, reason="") for d in ALL]
    assert {d.claim_line_number: d for d in read} == {d.claim_line_number: d for d in expected}


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (
            replace(ACCEPTED, state="paid"),
            "claim DM-5501/1: state 'paid', expected one of accepted, adjusted, rejected",
        ),
        (replace(ACCEPTED, allowed_amount=Decimal(2)), "accepted, but what is allowed is not what was claimed"),
        (replace(ACCEPTED, reason_code="04"), "accepted, but with reason '04'"),
        (
            replace(ADJUSTED, allowed_amount=Decimal("5.70"), allowed_quantity=Decimal(20)),
            "adjusted, but what is allowed",
        ),
        (replace(ADJUSTED, reason_code=""), "claim DM-5501/2: adjusted needs a reason code of two characters (AAA03)"),
        (replace(REJECTED, allowed_amount=Decimal(1)), "claim DM-5501/10: rejected, but something is allowed"),
        (replace(ACCEPTED, currency=""), "partner, claim number, line number and currency are needed"),
        (replace(ACCEPTED, claim_line_number="123456789012"), "a line number has at most 11 characters (PAD01)"),
        (replace(ACCEPTED, unit=""), "a quantity and its unit come together"),
        (replace(ADJUSTED, reason="x" * 81), "the reason has 81 characters, at most 80 can be sent (REF03)"),
        (replace(ADJUSTED, reason="zu viel für SP-0001"), "REF03: 'zu viel für SP-0001' has a character that X12"),
        (replace(ADJUSTED, reason="20 > 16"), "claim response: REF03: '20 > 16' has a separator in it"),
        (replace(ACCEPTED, product_id="A*B"), "claim response: LIN03: 'A*B' has a separator in it"),
    ],
)
def test_decisions_that_are_refused(decision: Decision, message: str) -> None:
    with pytest.raises(PublishError) as refused:
        write_claim_response([decision], **ENVELOPE)
    assert message in str(refused.value)


def test_what_does_not_belong_in_one_reply() -> None:
    with pytest.raises(PublishError, match="no decisions to write"):
        write_claim_response([], **ENVELOPE)
    with pytest.raises(PublishError, match="several partners: D-LAKE, D-NORTH; expected one"):
        write_claim_response([ACCEPTED, replace(ADJUSTED, partner_id="D-NORTH")], **ENVELOPE)
    with pytest.raises(PublishError, match="claim DM-5501/1: decided more than once"):
        write_claim_response([ACCEPTED, replace(ACCEPTED, authorization_number="SP-2")], **ENVELOPE)
    with pytest.raises(PublishError, match=r"claim DM-5501: several currencies \(CAD, USD\); expected one"):
        write_claim_response([ACCEPTED, replace(ADJUSTED, currency="CAD")], **ENVELOPE)
    for changes, message in (
        ({"control": 0}, "control number 0"),
        ({"version": "003060"}, "version '003060'"),
        ({"sender": ("ZZ", "A" * 16)}, "sender: expected a qualifier of 2 and an id of 1 to 15 characters"),
    ):
        with pytest.raises(PublishError, match=message):
            write_claim_response(ALL, **(ENVELOPE | changes))
