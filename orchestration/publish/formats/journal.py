"""The journal: one row per journal line, for the general ledger."""

from __future__ import annotations

from orchestration.publish.format import Column, Format

FORMAT = Format(
    name="journal",
    title="Journal",
    position=30,
    files={"accrual": "journal", "settlement": "settlement_journal", "adjustment": "adjustment_journal"},
    workbooks={"accrual": "journal", "settlement": "settlement_journal", "adjustment": "adjustment_journal"},
    rows=lambda tables: tables["posting"],
    frozen=2,
    columns=(
        Column("journal_line", "Line", "integer", 8, "number of the journal line in its batch, from 1 without gaps"),
        Column("entry_id", "Entry", "identifier", 16, "the entry: batch and number; its lines balance to zero"),
        Column("posting_date", "Posting date", "date", 13, "last day of the accounting month"),
        Column("accounting_month", "Month", "identifier", 10, "accounting month, YYYY-MM"),
        Column("legal_entity", "Legal entity", "identifier", 13, "company whose books are posted"),
        Column("account", "Account", "identifier", 12, "general ledger account"),
        Column("account_role", "Account role", "identifier", 20, "what the account is used for"),
        Column("cost_centre", "Cost centre", "identifier", 13, "cost centre"),
        Column("debit", "Debit", "amount", 16, "amount debited; zero on the credit side", "posting.debit"),
        Column("credit", "Credit", "amount", 16, "amount credited; zero on the debit side", "posting.credit"),
        Column("currency", "Currency", "identifier", 10, "ISO 4217 code of debit and credit"),
        Column("payee_id", "Payee", "identifier", 14, "partner whom the rebate belongs to"),
        Column("program_key", "Program version", "identifier", 26, "program and version; empty on a payment's side"),
        Column("period_id", "Period", "identifier", 11, "measurement period; empty on a payment's side"),
        Column("cause", "Cause", "identifier", 16, "why the liability moved (volume, late data, settlement …)"),
        Column("payment_id", "Payment", "identifier", 40, "payment that the line belongs to; empty in accruals"),
        Column("tax_code", "Tax code", "identifier", 10, "tax code"),
        Column("line_key", "Line key", "identifier", 12, "key of the line in every ERP file; comes back in replies"),
    ),
)
