"""The neutral rows that every ERP format is a view of, with the keys that come back in replies.

What belongs here: journal lines, payments and payment lines of a batch with their line keys. What does
not: any format's own columns.

The line key is ``<batch number>-<journal line>``, the ``posting_id`` of fct_posting: one key for every
row that leaves the house. A payment has the key of the journal line that credits receivables or
payables, a payment line that of the journal line that takes it from accrued rebates.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

Tables = Mapping[str, pa.Table]

CREDITED = ("accounts_receivable", "accounts_payable")
"""Account roles of the side of a payment; the other side is accrued rebates."""

_NUMBERS_OF_A_BATCH = 1_000_000_000
"""An ERP's numeric id is the batch number times this, plus the number of the journal line."""


def with_line_keys(posting: pa.Table) -> pa.Table:
    """The journal lines with ``line_key``, in the order of their numbers."""
    posting = posting.sort_by([("journal_line", "ascending")])
    parts = [posting[name].cast(pa.string()) for name in ("batch_number", "journal_line")]
    return posting.append_column("line_key", pc.binary_join_element_wise(*parts, "-"))


def journal(tables: Tables) -> pa.Table:
    """Journal lines by number: those of the ledger, line_key, instrument (of a payment's lines), description."""
    lines = with_line_keys(tables["posting"])
    paid = tables.get("payment", tables.get("payment_reversal"))
    if paid is not None:
        instruments = paid.group_by(["payment_id", "instrument"]).aggregate([])
        lines = lines.join(instruments, "payment_id").sort_by([("journal_line", "ascending")])
    else:
        lines = lines.append_column("instrument", pa.nulls(lines.num_rows, pa.string()))
    return lines.append_column("description", _words(lines, "program_key", "period_id", "payee_id", "cause"))


def payment(tables: Tables) -> pa.Table:
    """Payments by payment_id with line_key, document_number (a number for the ERP), negated, description."""
    sides = with_line_keys(tables["posting"])
    sides = sides.filter(pc.is_in(sides["account_role"], pa.array(CREDITED)))
    sides = sides.select(["payment_id", "line_key", "journal_line"])
    rows = tables["payment"].join(sides, "payment_id").sort_by([("payment_id", "ascending")])
    rows = _numbered(rows, "document_number", rows["journal_line"])
    rows = rows.append_column("negated", _negated(rows["amount"]))
    return rows.append_column("description", _words(rows, "accounting_month", "payee_id", prefix="Rebate"))


def payment_line(tables: Tables) -> pa.Table:
    """Payment lines in the order of the journal.

    Those of the ledger with line_key, payment_key and document_number (of their payment), line_number
    (within it, from 1), payment_date, instrument, account, cost_centre, tax_code, negated, description.
    """
    sides = with_line_keys(tables["posting"])
    sides = sides.filter(pc.equal(sides["account_role"], "accrued_rebates"))
    keys = ["payment_id", "program_key", "period_id"]
    sides = sides.select([*keys, "line_key", "journal_line", "account", "cost_centre", "tax_code"])
    firsts = sides.group_by("payment_id").aggregate([("journal_line", "min")])
    mine = payment(tables).select(["payment_id", "line_key", "document_number", "payment_date", "instrument"])
    mine = mine.rename_columns({"line_key": "payment_key"})
    rows = tables["payment_line"].join(sides, keys).join(firsts, "payment_id").join(mine, "payment_id")
    rows = rows.sort_by([("journal_line", "ascending"), *((key, "ascending") for key in keys)])
    number = pc.add(pc.subtract(rows["journal_line"], rows["journal_line_min"]), 1)
    rows = rows.append_column("line_number", number)
    rows = rows.append_column("negated", _negated(rows["amount"]))
    return rows.append_column("description", _words(rows, "line_key", "program_key", "period_id"))


NEUTRAL = {"journal": journal, "payment": payment, "payment_line": payment_line}
"""The neutral rows by name (model.ROWS)."""


def _numbered(rows: pa.Table, name: str, journal_line: pa.ChunkedArray) -> pa.Table:
    batch = pc.multiply(rows["batch_number"].cast(pa.int64()), _NUMBERS_OF_A_BATCH)
    return rows.append_column(name, pc.add(batch, journal_line.cast(pa.int64())))


def _negated(amount: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.negate(amount).cast(amount.type)


def _words(rows: pa.Table, *columns: str, prefix: str = "") -> pa.ChunkedArray:
    """What a person reads of a row: the columns that have a value, joined by spaces."""
    values: list[pa.ChunkedArray | pa.Scalar] = [pa.scalar(prefix)] if prefix else []
    values += [rows[name].cast(pa.string()) for name in columns]
    return pc.binary_join_element_wise(*values, " ", null_handling="skip")
