"""Payment lines: what each payment consists of, one row per program version and period."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.format import Column, Format


def rows(tables: Mapping[str, pa.Table]) -> pa.Table:
    """Each payment line with its line key, by payment, program version and period."""
    key = ["payment_id", "program_key", "period_id"]
    posting = tables["posting"]
    keys = posting.filter(pc.equal(posting["account_role"], "accrued_rebates")).select([*key, "line_key"])
    return tables["payment_line"].join(keys, key).sort_by([(name, "ascending") for name in key])


FORMAT = Format(
    name="payment_lines",
    title="Payment lines",
    position=20,
    files={"settlement": "payment_lines"},
    workbooks={"settlement": "payments"},
    rows=rows,
    columns=(
        Column("payment_id", "Payment", "identifier", 40, "the payment that the line is part of"),
        Column("accounting_month", "Month", "identifier", 10, "accounting month, YYYY-MM"),
        Column("legal_entity", "Legal entity", "identifier", 13, "company that pays"),
        Column("payee_id", "Payee", "identifier", 14, "partner who is paid"),
        Column("program_key", "Program version", "identifier", 26, "program and version that the amount was earned in"),
        Column("period_id", "Period", "identifier", 11, "measurement period that it was earned in"),
        Column("amount", "Amount", "amount", 16, "share of the payment; may be below zero", "payment_line.amount"),
        Column("currency", "Currency", "identifier", 10, "ISO 4217 code of the amount"),
        Column("line_key", "Line key", "identifier", 12, "key of the line in every ERP file; comes back in replies"),
    ),
)
