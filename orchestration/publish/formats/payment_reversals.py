"""Payment reversals: what of payments is due again, because ERP or bank rejected them or sent them back."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.format import Column, Format


def rows(tables: Mapping[str, pa.Table]) -> pa.Table:
    """Each reopened line of a payment with the key of its journal line, by payment, program version and period."""
    keys = ["payment_id", "program_key", "period_id"]
    posting = tables["posting"]
    keyed = posting.filter(pc.equal(posting["account_role"], "accrued_rebates")).select([*keys, "line_key"])
    joined = tables["payment_reversal"].join(keyed, keys)
    return joined.sort_by([(key, "ascending") for key in keys])


FORMAT = Format(
    name="payment_reversals",
    title="Payment reversals",
    position=25,
    files={"adjustment": "payment_reversals"},
    workbooks={"adjustment": "adjustment_journal"},
    rows=rows,
    columns=(
        Column("payment_id", "Payment", "identifier", 40, "the payment whose line is due again"),
        Column("accounting_month", "Month", "identifier", 10, "accounting month of the reversal, YYYY-MM"),
        Column("legal_entity", "Legal entity", "identifier", 13, "company that pays"),
        Column("payee_id", "Payee", "identifier", 14, "partner whom the amount is owed to"),
        Column("instrument", "Instrument", "identifier", 18, "instrument of the payment"),
        Column("program_key", "Program version", "identifier", 26, "program and version of the line"),
        Column("period_id", "Period", "identifier", 11, "measurement period of the line"),
        Column("amount", "Amount", "amount", 16, "part of the line that is due again", "payment_reversal.amount"),
        Column("currency", "Currency", "identifier", 10, "ISO 4217 code of the amount"),
        Column("cause", "Cause", "identifier", 16, "payment_rejected or payment_returned"),
        Column("line_key", "Line key", "identifier", 12, "key of the journal line that reopens it"),
    ),
)
