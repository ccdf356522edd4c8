"""Payments: one row per payment, for accounts receivable (credit memos) and payable (supplier invoices)."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.erp.rows import CREDITED
from orchestration.publish.format import Column, Format


def rows(tables: Mapping[str, pa.Table]) -> pa.Table:
    """Each payment with the number of its lines and its line key, by payment_id."""
    counts = tables["payment_line"].group_by("payment_id").aggregate([([], "count_all")])
    posting = tables["posting"]
    keys = posting.filter(pc.is_in(posting["account_role"], pa.array(CREDITED))).select(["payment_id", "line_key"])
    joined = tables["payment"].join(counts, "payment_id").join(keys, "payment_id")
    return joined.rename_columns({"count_all": "line_count"}).sort_by([("payment_id", "ascending")])


FORMAT = Format(
    name="payments",
    title="Payments",
    position=10,
    files={"settlement": "payments"},
    workbooks={"settlement": "payments"},
    rows=rows,
    columns=(
        Column("payment_id", "Payment", "identifier", 40, "our number of the payment; the ERP's answer quotes it"),
        Column("payment_date", "Payment date", "date", 14, "last day of the accounting month"),
        Column("accounting_month", "Month", "identifier", 10, "accounting month, YYYY-MM"),
        Column("legal_entity", "Legal entity", "identifier", 13, "company that pays"),
        Column("payee_id", "Payee", "identifier", 14, "partner who is paid"),
        Column(
            "instrument",
            "Instrument",
            "identifier",
            18,
            "credit_memo, invoice (receivable) or supplier_invoice (payable)",
        ),
        Column(
            "amount",
            "Amount",
            "amount",
            16,
            "to be paid: the sum of its lines; below zero: to be invoiced",
            "payment.amount",
        ),
        Column("currency", "Currency", "identifier", 10, "ISO 4217 code of the amount"),
        Column("line_count", "Lines", "integer", 8, "number of its payment lines"),
        Column("line_key", "Line key", "identifier", 12, "key of the payment in every ERP file; comes back in replies"),
    ),
)
