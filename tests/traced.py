"""A small company whose only payment can be traced: marts, and the ledger's manifests.

What belongs here: rows that tie. What does not: tests.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from orchestration.settings import Settings
from tests.marts import Marts

HASH = {1: "a" * 64, 2: "b" * 64}
PAYOUT = "A@1:R-1:2017-Q1"
OTHER = "A@1:R-2:2017-Q1"
PAYMENT = "P-2017-04-D-1-US01-USD-credit_memo"
LINES = ("erp|100|10", "erp|100|20", "erp|200|10")


def write_ledger(settings: Settings) -> None:
    """A ledger with an accrual and a settlement."""
    for number, kind in ((1, "accrual"), (2, "settlement")):
        folder = settings.ledger / f"{number:06}_{kind}_2017-04"
        folder.mkdir(parents=True, exist_ok=True)
        manifest = {
            "batch_number": number, "as_of": "2017-04-30", "run_id": f"run-{number}", "calculation_id": "c1",
            "file_sequence": 2, "terms": {"A@1": "t" * 64},
        }  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(manifest))


def fill(made: Marts) -> None:
    """Program A pays R-1's and R-2's purchases to D-1: 3.00 and 1.00, on three lines of two files, in one payment."""
    made.add("dim_product", product_id="P-1", base_unit="EA")
    made.program("A@1", accrual_method="earned", instrument="credit_memo", document_hash="d" * 64)
    for number, name in ((1, "march.csv"), (2, "april.csv")):
        made.add(
            "rpt_file", file_sequence=number, source="erp", entity="line", file_name=name, file_hash=HASH[number],
            received_on=date(2017, 4, number), rows_in=9,
        )  # fmt: skip
    for key, sequence, row in zip(LINES, (1, 1, 2), (2, 3, 2), strict=True):
        made.line(key, file_sequence=sequence, row_number=row, file_hash=HASH[sequence], file_name="x.csv")
    for payout, parts in ((PAYOUT, ("1.00", "2.00")), (OTHER, ("1.00",))):
        participant, amount = payout.split(":")[1], sum(map(Decimal, parts))
        made.payout("A@1", participant, uncapped_payout=amount, payout=amount)
        made.add(
            "fct_tier_application",
            tier_application_id=f"{payout}:1",
            payout_id=payout,
            tier_number=1,
            rate=Decimal("0.02"),
            amount=amount,
        )
        made.add(
            "fct_payout", payout_payee_id=f"{payout}|D-1", payout_id=payout, program_id="A", program_key="A@1",
            participant_id=participant, payee_id="D-1", period_id="2017-Q1", legal_entity="US01", currency="USD",
            is_payable=True, amount=amount,
        )  # fmt: skip
        for part, (key, sequence, row) in zip(
            parts, ([(LINES[0], 1, 2), (LINES[1], 1, 3)] if payout == PAYOUT else [(LINES[2], 2, 2)]), strict=True
        ):
            made.rebate(
                payout, part, key, payee_id="D-1", source="erp", file_sequence=sequence, row_number=row,
                file_hash=HASH[sequence], fx_rate=Decimal(1),
            )  # fmt: skip
    common = {"accounting_month": "2017-04", "payee_id": "D-1", "legal_entity": "US01", "currency": "USD"}
    program = {"program_key": "A@1", "program_id": "A", "period_id": "2017-Q1"}
    for number, (batch, role, debit, credit, of) in enumerate(
        (
            (1, "contra_revenue", 4, 0, program),
            (1, "accrued_rebates", 0, 4, program),
            (2, "accrued_rebates", 4, 0, program),
            (2, "accounts_receivable", 0, 4, {}),
        )
    ):
        line = number % 2 + 1
        made.add(
            "fct_posting", posting_id=f"{batch}-{line}", batch_number=batch, journal_line=line,
            batch_kind={1: "accrual", 2: "settlement"}[batch], entry_id=f"{batch:06}-000001", account_role=role,
            debit=Decimal(debit), credit=Decimal(credit), cause={1: "volume", 2: "settlement"}[batch],
            payment_id=PAYMENT if batch == 2 else None, **common, **of,
        )  # fmt: skip
    made.add(
        "fct_payment", payment_id=PAYMENT, batch_number=2, instrument="credit_memo", amount=Decimal(4), status="paid",
        payment_date=date(2017, 4, 30), **common,
    )  # fmt: skip
    made.add(
        "fct_payment_line", payment_line_id=f"{PAYMENT}|A@1|2017-Q1", payment_id=PAYMENT, batch_number=2,
        amount=Decimal(4), **common, **program,
    )  # fmt: skip
    made.add(
        "fct_liability", liability_id="A@1|D-1|2017-05", program_key="A@1", payee_id="D-1", currency="USD",
        accounting_month="2017-05", closing=Decimal(0),
    )  # fmt: skip
