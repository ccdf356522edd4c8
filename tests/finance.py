"""A ledger and a published snapshot that tie, from movements that a test makes up.

What belongs here: what a close would have left behind. What does not: figures of the models; liabilities are summed
here from the movements, in a way of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration import publish
from orchestration.books import PAYMENT, PAYMENT_LINE, POSTING
from orchestration.publish.delimited import write_csv
from orchestration.publish.erp.rows import with_line_keys
from orchestration.publish.formats import journal, payments
from orchestration.publish.money import minor_units
from orchestration.runs import month_end
from orchestration.settings import Settings
from orchestration.warehouse import connect
from tests.marts import Marts, keys

KINDS = ("adjustment", "accrual", "settlement")
FILES = {
    ("adjustment", "journal"): "adjustment_journal",
    ("accrual", "journal"): "journal",
    ("settlement", "journal"): "settlement_journal",
    ("settlement", "payments"): "payments",
}
"""Names of the ERP files, by kind of batch and format."""
CREDITED = {"credit_memo": "accounts_receivable", "supplier_invoice": "accounts_payable"}


@dataclass(frozen=True)
class Move:
    """One entry on accrued rebates: what it adds to the liability (a settlement: takes from it), and why."""

    month: str
    amount: str
    cause: str = "volume"
    kind: str = "accrual"
    payee: str = "R-1"
    program: str = "GROWTH@1"
    entity: str = "US01"
    currency: str = "USD"
    period: str = "2017-Q2"
    instrument: str = "credit_memo"


@dataclass
class Ledger:
    """The batches of the movements, as files below ``settings.ledger`` and as rows."""

    settings: Settings
    moves: Sequence[Move]
    posting: list[dict[str, Any]] = field(default_factory=list)
    payment: list[dict[str, Any]] = field(default_factory=list)
    payment_line: list[dict[str, Any]] = field(default_factory=list)

    def write(self) -> None:
        """Write every batch of the months: its ERP files and its manifest. Months without a movement get none."""
        number = 0
        for month in sorted({move.month for move in self.moves}):
            for kind in KINDS:
                mine = [move for move in self.moves if (move.month, move.kind) == (month, kind)]
                if mine or kind != "adjustment":
                    number += 1
                    self._batch(number, month, kind, mine)

    def _batch(self, number: int, month: str, kind: str, moves: list[Move]) -> None:
        posting, payment, line = [], [], []
        for who, group in groupby(sorted(moves, key=_payment), key=_payment):
            mine = list(group)
            if kind == "settlement":
                paid = "-".join(("P", month, *who))
                total = sum((Decimal(move.amount) for move in mine), Decimal(0))
                payee, entity, currency, instrument = who
                base = {"payment_id": paid, "batch_number": number, "accounting_month": month, "payee_id": payee,
                        "legal_entity": entity, "currency": currency}  # fmt: skip
                payment.append({**base, "instrument": instrument, "amount": total, "payment_date": month_end(month)})
                for move in mine:
                    payout = {"program_key": move.program, "program_id": move.program.split("@")[0]}
                    line.append({**base, **payout, "period_id": move.period, "amount": Decimal(move.amount)})
                    posting.append(_line(move, number, paid, "accrued_rebates", -Decimal(move.amount), paid))
                posting.append(_line(mine[0], number, paid, CREDITED[instrument], total, paid))
                continue
            for move in mine:
                entry = f"{number:06}-{len(posting) // 2 + 1:06}"
                for role, sign in (("contra_revenue", -1), ("accrued_rebates", 1)):
                    posting.append(_line(move, number, entry, role, sign * Decimal(move.amount), None))
        for place, row in enumerate(posting, start=1):
            row["journal_line"] = place
        tables = {
            "posting": with_line_keys(pa.Table.from_pylist(posting, POSTING)),
            "payment": pa.Table.from_pylist(payment, PAYMENT),
            "payment_line": pa.Table.from_pylist(line, PAYMENT_LINE),
        }
        folder = self.settings.ledger / f"{number:06}_{kind}_{month}"
        (folder / "erp").mkdir(parents=True)
        for form in (journal.FORMAT, payments.FORMAT) if kind == "settlement" else (journal.FORMAT,):
            path = folder / "erp" / f"{FILES[kind, form.name]}_{month}.csv"
            write_csv(path, form, form.table(tables), minor_units(self.settings))
        manifest = {
            "kind": kind,
            "accounting_month": month,
            "run_id": f"run-{number}",
            "calculation_id": "c0ffee",
            "rows": {"posting": len(posting), "payment": len(payment)},
        }
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        self.posting += posting
        self.payment += payment
        self.payment_line += line


def _payment(move: Move) -> tuple[str, str, str, str]:
    return move.payee, move.entity, move.currency, move.instrument


def _line(move: Move, number: int, entry: str, role: str, credit: Decimal, payment: str | None) -> dict[str, Any]:
    ours = role in ("accrued_rebates", "contra_revenue")
    return {
        "batch_number": number,
        "batch_kind": move.kind,
        "accounting_month": move.month,
        "entry_id": entry,
        "program_key": move.program if ours else None,
        "program_id": move.program.split("@")[0] if ours else None,
        "payee_id": move.payee,
        "period_id": move.period if ours else None,
        "legal_entity": move.entity,
        "currency": move.currency,
        "account_role": role,
        "account": {"accrued_rebates": "231500", "contra_revenue": "410900"}.get(role, "110000"),
        "cost_centre": "CC-1",
        "tax_code": "NONE",
        "debit": max(-credit, Decimal(0)),
        "credit": max(credit, Decimal(0)),
        "cause": move.cause,
        "payment_id": payment,
        "posting_date": month_end(move.month),
    }


def post(settings: Settings, moves: Sequence[Move]) -> Ledger:
    """The ledger of the movements, written."""
    ledger = Ledger(settings, moves)
    ledger.write()
    return ledger


def publish_moves(
    settings: Settings,
    moves: Sequence[Move],
    month: str,
    more: Iterable[Any] = (),
    models: Callable[[], None] | None = None,
) -> Ledger:
    """Post the movements and publish a snapshot of ``month``. ``more``: functions that add rows to the marts.

    ``models``: makes fct_liability and its roll-forward in the warehouse, instead of the sums made here.
    """
    ledger = post(settings, moves)
    with connect(settings) as connection:
        marts = Marts(connection)
        connection.execute("delete from rpt_run")
        marts.add("rpt_run", as_of=month_end(month), accounting_month=month, calculation_id="0" * 64)
        for key in sorted({move.program for move in moves}):
            marts.add(
                "dim_program", program_key=key, program_id=key.split("@")[0], name=key.split("@")[0].title(),
                status="active", currency="USD", document_hash="ab" * 32,
            )  # fmt: skip
        for payee in sorted({move.payee for move in moves}):
            marts.add("dim_partner", partner_id=payee, partner_name=f"Store {payee}")
        for row in ledger.posting:
            marts.add("fct_posting", posting_id=f"{row['batch_number']}-{row['journal_line']}", **row)
        for row in ledger.payment:
            marts.add("fct_payment", **row)
        for row in ledger.payment_line:
            key = f"{row['payment_id']}|{row['program_key']}|{row['period_id']}"
            marts.add("fct_payment_line", payment_line_id=key, **row)
        if models is None:
            _liabilities(marts, moves, month)
        for add in more:
            add(marts)
    if models is not None:
        models()
    publish.publish_snapshot(settings, sorted(keys()), keys=keys())
    return ledger


def _liabilities(marts: Marts, moves: Sequence[Move], month: str) -> None:
    """fct_liability and its roll-forward by a walk through the months."""
    months = sorted({move.month for move in moves} | {month})
    names = ("opening", "accrued", "true_ups", "currency_effect", "settled", "written_off", "closing", "unposted")
    totals: dict[tuple[str, ...], dict[str, Decimal]] = {}
    for program, payee, entity, currency in sorted({(move.program, *_payment(move)[:3]) for move in moves}):
        closing = Decimal(0)
        for one in months:
            row = dict.fromkeys(names, Decimal(0)) | {"opening": closing}
            for move in moves:
                if (move.program, *_payment(move)[:3], move.month) == (program, payee, entity, currency, one):
                    column = _column(move)
                    row[column] += Decimal(move.amount) * (-1 if column == "written_off" else 1)
            gained = row["opening"] + row["accrued"] + row["true_ups"] + row["currency_effect"]
            row["closing"] = closing = gained - row["settled"] - row["written_off"]
            keys_of = {"program_key": program, "program_id": program.split("@")[0], "legal_entity": entity}
            keys_of |= {"currency": currency, "accounting_month": one}
            marts.add("fct_liability", liability_id=f"{program}|{payee}|{one}", payee_id=payee, **keys_of, **row)
            sums = totals.setdefault((entity, currency, program, one), dict.fromkeys(names, Decimal(0)))
            totals[entity, currency, program, one] = {name: sums[name] + row[name] for name in names}
    for (entity, currency, program, one), sums in totals.items():
        marts.add(
            "fct_liability_rollforward", rollforward_id=f"{entity}|{currency}|{program}|{one}", legal_entity=entity,
            currency=currency, program_id=program.split("@")[0], program_key=program, accounting_month=one, **sums,
        )  # fmt: skip


def _column(move: Move) -> str:
    if move.kind == "settlement":
        return "settled"
    if move.kind == "adjustment":
        return "written_off"
    return {"volume": "accrued", "currency": "currency_effect"}.get(move.cause, "true_ups")


def folder(settings: Settings, month: str) -> Path:
    """Where the month's workbooks lie."""
    return settings.published / "finance" / month
