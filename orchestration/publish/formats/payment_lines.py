"""Payment lines: what each payment consists of, one row per program version and period."""

from __future__ import annotations

from orchestration.publish.format import Column, Format

FORMAT = Format(
    name="payment_lines",
    title="Payment lines",
    position=20,
    files={"settlement": "payment_lines"},
    workbooks={"settlement": "payments"},
    rows=lambda tables: tables["payment_line"].sort_by(
        [("payment_id", "ascending"), ("program_key", "ascending"), ("period_id", "ascending")]
    ),
    columns=(
        Column("payment_id", "Payment", "identifier", 40, "the payment that the line is part of"),
        Column("accounting_month", "Month", "identifier", 10, "accounting month, YYYY-MM"),
        Column("legal_entity", "Legal entity", "identifier", 13, "company that pays"),
        Column("payee_id", "Payee", "identifier", 14, "partner who is paid"),
        Column("program_key", "Program version", "identifier", 26, "program and version that the amount was earned in"),
        Column("period_id", "Period", "identifier", 11, "measurement period that it was earned in"),
        Column("amount", "Amount", "amount", 16, "share of the payment; may be below zero", "payment_line.amount"),
        Column("currency", "Currency", "identifier", 10, "ISO 4217 code of the amount"),
    ),
)
