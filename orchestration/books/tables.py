"""What a batch consists of: the columns of its tables, and the rules that every batch keeps.

What belongs here: schemas and checks over Arrow tables (pure). What does not: folders, manifests,
and how postings are found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

MONEY = pa.decimal128(18, 4)

POSTING = pa.schema(
    [
        ("batch_number", pa.int32()),
        ("batch_kind", pa.string()),
        ("accounting_month", pa.string()),
        ("journal_line", pa.int32()),
        ("entry_id", pa.string()),
        ("program_key", pa.string()),
        ("program_id", pa.string()),
        ("payee_id", pa.string()),
        ("period_id", pa.string()),
        ("legal_entity", pa.string()),
        ("currency", pa.string()),
        ("account_role", pa.string()),
        ("account", pa.string()),
        ("cost_centre", pa.string()),
        ("tax_code", pa.string()),
        ("debit", MONEY),
        ("credit", MONEY),
        ("cause", pa.string()),
        ("payment_id", pa.string()),
        ("posting_date", pa.date32()),
    ]
)
"""One row per journal line; key: batch_number, journal_line."""

PAYMENT = pa.schema(
    [
        ("payment_id", pa.string()),
        ("batch_number", pa.int32()),
        ("accounting_month", pa.string()),
        ("payee_id", pa.string()),
        ("legal_entity", pa.string()),
        ("currency", pa.string()),
        ("instrument", pa.string()),
        ("amount", MONEY),
        ("payment_date", pa.date32()),
    ]
)
"""One row per payment; key: payment_id. The amount is above zero, of an invoice (the payee owes it) below."""

PAYMENT_LINE = pa.schema(
    [
        ("payment_id", pa.string()),
        ("batch_number", pa.int32()),
        ("accounting_month", pa.string()),
        ("program_key", pa.string()),
        ("program_id", pa.string()),
        ("payee_id", pa.string()),
        ("period_id", pa.string()),
        ("legal_entity", pa.string()),
        ("currency", pa.string()),
        ("amount", MONEY),
        ("settled_before", MONEY),
    ]
)
"""One row per payout in a payment; key: batch_number, program_key, payee_id, period_id. May be negative.

``settled_before``: what of the payout earlier batches had settled when it was posted, less what was reopened.
"""

PAYMENT_REVERSAL = pa.schema(
    [
        ("payment_id", pa.string()),
        ("batch_number", pa.int32()),
        ("accounting_month", pa.string()),
        ("program_key", pa.string()),
        ("program_id", pa.string()),
        ("payee_id", pa.string()),
        ("period_id", pa.string()),
        ("legal_entity", pa.string()),
        ("currency", pa.string()),
        ("instrument", pa.string()),
        ("amount", MONEY),
        ("cause", pa.string()),
    ]
)
"""One row per payout of a payment that is due again; key: batch_number, payment_id, program_key, period_id.

``batch_number`` is that of the adjustment; ``amount``
has the sign of the payment's line, and is at most what is left of it.
"""

PROPOSAL_LINE = pa.schema(
    [
        ("payment_id", pa.string()),
        ("batch_number", pa.int32()),
        ("accounting_month", pa.string()),
        ("program_key", pa.string()),
        ("program_id", pa.string()),
        ("payee_id", pa.string()),
        ("period_id", pa.string()),
        ("legal_entity", pa.string()),
        ("currency", pa.string()),
        ("instrument", pa.string()),
        ("minimum_payment", MONEY),
        ("amount", MONEY),
        ("settled_before", MONEY),
    ]
)
"""One row per payout that a proposal would pay; key: batch_number, program_key, payee_id, period_id."""

SCHEMAS: dict[str, pa.Schema] = {
    "posting": POSTING,
    "payment": PAYMENT,
    "payment_line": PAYMENT_LINE,
    "payment_reversal": PAYMENT_REVERSAL,
    "proposal_line": PROPOSAL_LINE,
}

ADDED_LATER: dict[str, tuple[str, ...]] = {"posting": ("tax_code",), "payment_line": ("settled_before",)}
"""Columns that the first batches did not have, by table: null where a batch lacks them."""

TABLES_OF_KIND: dict[str, tuple[str, ...]] = {
    "adjustment": ("posting", "payment_reversal"),
    "accrual": ("posting",),
    "settlement": ("posting", "payment", "payment_line"),
    "proposal": ("posting", "proposal_line"),
}
"""Kinds of batches in the order in which a month posts them, with their tables."""

REQUIRED_KINDS = ("accrual", "settlement")
"""Kinds that a closed month has; the others only where there is something to post."""

REVERSAL_CAUSES = ("payment_rejected", "payment_returned")
"""Causes of journal lines that reopen what a payment had settled."""

PAYOUT_KEY = ("program_key", "payee_id", "period_id")
INVOICE = "invoice"
"""Instrument of what a payee owes us: its payments are below zero."""

CREDITED_BY = {
    "credit_memo": "accounts_receivable",
    "supplier_invoice": "accounts_payable",
    INVOICE: "accounts_receivable",
}
"""Account role that a payment's instrument credits, an invoice debits (semantics 11)."""


class LedgerError(Exception):
    """The ledger, or what was handed in for it, breaks a rule. The message names what and where."""


def completed(name: str, table: pa.Table) -> pa.Table:
    """The table with the columns of its schema, in order; those that were added later are null if it lacks them.

    A table that lacks any other column, or has one that is not known, is returned as it is, for
    check_batch to refuse.
    """
    schema = SCHEMAS[name]
    missing = [column for column in schema.names if column not in table.column_names]
    if not set(missing) <= set(ADDED_LATER.get(name, ())) or set(table.column_names) - set(schema.names):
        return table
    for column in missing:
        table = table.append_column(column, pa.nulls(table.num_rows, schema.field(column).type))
    return table.select(schema.names)


def totals(posting: pa.Table) -> list[dict[str, str]]:
    """Debit and credit per legal entity and currency, as text with four decimals, sorted by both."""
    sums = posting.group_by(["legal_entity", "currency"]).aggregate([("debit", "sum"), ("credit", "sum")])
    return [
        {
            "legal_entity": row["legal_entity"],
            "currency": row["currency"],
            "debit": f"{row['debit_sum']:.4f}",
            "credit": f"{row['credit_sum']:.4f}",
        }
        for row in sums.sort_by([("legal_entity", "ascending"), ("currency", "ascending")]).to_pylist()
    ]


def check_batch(kind: str, tables: Mapping[str, pa.Table]) -> None:
    """Refuse a batch that breaks a rule (semantics 10-12); LedgerError says which.

    Debit equals credit per entry and per legal entity and currency; each journal line has one side,
    above zero; a settlement's payments equal their lines and what the journal credits, an adjustment's
    reversals what it debits; a payout stands at most once in a batch.
    """
    for name in TABLES_OF_KIND[kind]:
        if not tables[name].schema.equals(SCHEMAS[name]):
            raise LedgerError(f"{name} does not have its columns: {', '.join(SCHEMAS[name].names)}")
    posting = tables["posting"]
    one_side = pc.or_(
        pc.and_(pc.greater(posting["debit"], Decimal(0)), pc.equal(posting["credit"], Decimal(0))),
        pc.and_(pc.equal(posting["debit"], Decimal(0)), pc.greater(posting["credit"], Decimal(0))),
    )
    wrong = posting.filter(pc.invert(pc.fill_null(one_side, False)))
    if wrong.num_rows:
        lines = ", ".join(str(line) for line in wrong["journal_line"][:5].to_pylist())
        raise LedgerError(f"{wrong.num_rows} journal line(s) without exactly one side above zero: {lines}")
    for keys in (["legal_entity", "currency"], ["entry_id", "legal_entity", "currency"]):
        _equal("debit and credit differ", _side(posting, "debit", keys), _side(posting, "credit", keys), keys)
    if kind == "settlement":
        _check_payments(posting, tables["payment"], tables["payment_line"])
    if kind == "proposal" and posting.num_rows:
        raise LedgerError("a proposal posts nothing, but has journal lines")
    if kind == "adjustment":
        _check_reversals(posting, tables["payment_reversal"])


def _check_payments(posting: pa.Table, payment: pa.Table, payment_line: pa.Table) -> None:
    """A settlement's payments, their lines and the journal say the same; LedgerError otherwise."""
    keys = ["payment_id", "legal_entity", "currency"]
    for name, table, unique in (("payment", payment, ["payment_id"]), ("payout", payment_line, list(PAYOUT_KEY))):
        twice = table.group_by(unique).aggregate([([], "count_all")]).filter(pc.field("count_all") > 1)
        if twice.num_rows:
            raise LedgerError(f"{name} more than once in a batch: {_sample(twice, unique)}")
    owed = pc.equal(payment["instrument"], INVOICE)
    right_side = pc.if_else(owed, pc.less(payment["amount"], Decimal(0)), pc.greater(payment["amount"], Decimal(0)))
    wrong_side = payment.filter(pc.invert(pc.fill_null(right_side, False)))
    if wrong_side.num_rows:
        raise LedgerError(f"payment not above zero, or invoice not below: {_sample(wrong_side, ['payment_id'])}")
    credited = posting.filter(pc.is_in(posting["account_role"], pa.array(list(CREDITED_BY.values()))))
    cleared = posting.filter(pc.equal(posting["account_role"], "accrued_rebates"))
    amount = pc.subtract(cleared["debit"], cleared["credit"]).cast(pa.decimal128(38, 4))
    cleared = cleared.select(keys).append_column("amount", amount)
    paid = _side(payment, "amount", keys)
    _equal("payment and its lines differ", paid, _side(payment_line, "amount", keys), keys)
    net = pc.subtract(credited["credit"], credited["debit"]).cast(pa.decimal128(38, 4))
    payables = credited.select(keys).append_column("amount", net)
    _equal("payment and the journal's payable differ", paid, payables, keys)
    _equal("payment and the journal's accrued rebates differ", paid, cleared, keys)


def _check_reversals(posting: pa.Table, reversal: pa.Table) -> None:
    """What an adjustment reopens of each payment stands once, and is what the journal says; LedgerError otherwise."""
    keys = ["payment_id", "legal_entity", "currency"]
    unique = ["payment_id", *PAYOUT_KEY]
    twice = reversal.group_by(unique).aggregate([([], "count_all")]).filter(pc.field("count_all") > 1)
    if twice.num_rows:
        raise LedgerError(f"reversal more than once in a batch: {_sample(twice, unique)}")
    lines = posting.filter(pc.is_in(posting["cause"], pa.array(list(REVERSAL_CAUSES))))
    net = pc.subtract(lines["credit"], lines["debit"]).cast(pa.decimal128(38, 4))
    cleared = pc.equal(lines["account_role"], "accrued_rebates")
    amounts = lines.select(keys).append_column("amount", net)
    other = amounts.filter(pc.invert(cleared))
    reopened = _side(reversal, "amount", keys)
    _equal("reversal and the journal's accrued rebates differ", reopened, amounts.filter(cleared), keys)
    other = other.set_column(len(keys), "amount", pc.negate(other["amount"]).cast(pa.decimal128(38, 4)))
    _equal("reversal and the journal's payable differ", reopened, other, keys)


def _side(table: pa.Table, column: str, keys: Sequence[str]) -> pa.Table:
    """Keys and one amount, named ``amount``."""
    return table.select(list(keys)).append_column("amount", table[column].cast(pa.decimal128(38, 4)))


def _equal(what: str, left: pa.Table, right: pa.Table, keys: Sequence[str]) -> None:
    """LedgerError when the sums of ``amount`` per key differ between the two tables."""
    negated = pc.negate(right["amount"]).cast(pa.decimal128(38, 4))
    both = pa.concat_tables([left, right.set_column(right.schema.get_field_index("amount"), "amount", negated)])
    sums = both.group_by(list(keys)).aggregate([("amount", "sum")])
    unequal = sums.filter(pc.not_equal(sums["amount_sum"], Decimal(0)))
    if unequal.num_rows:
        raise LedgerError(f"{what}: {_sample(unequal, [*keys, 'amount_sum'])}")


def _sample(table: pa.Table, columns: Sequence[str]) -> str:
    """The first rows, sorted, as text for a message."""
    rows = table.select(list(columns)).sort_by([(columns[0], "ascending")]).slice(0, 5).to_pylist()
    more = f" and {table.num_rows - len(rows)} more" if table.num_rows > len(rows) else ""
    return "; ".join(", ".join(str(row[column]) for column in columns) for row in rows) + more
