"""ISO 20022 customer credit transfer initiation, pain.001.001.09: direct payments of supplier_invoice payments.

Sources:

- Elements, their order and their types: the message definition pain.001.001.09 of ISO 20022 (iso20022.org, catalogue of
  messages). Its schema is not carried here, because the terms under which it may be copied were not
  found; ``pain001_subset.xsd`` is our own schema of the elements that we write, narrower than the message
  in every place. Every file is validated against it before it is written. A bank may validate against the whole schema.
- Characters of names and remittance: the Latin set that every bank takes (European Payments Council,
  customer-to-bank implementation guidelines, 1.4 Character Set; europeanpaymentscouncil.eu, "SEPA
  Requirements for an Extended Character Set"; listed at architome.nl/unifi/characterset.html).
- SEPA where the currency is EUR and both sides have an IBAN: service level SEPA, charges SLEV, at most
  999,999,999.99 (the same guidelines, as we know them; no page was found to cite). Otherwise charges
  are shared (SHAR).

One payment information block for each currency (and SEPA or not). The day of execution is the payment date of the
ledger, the last day of the accounting month, plus ``execution_days``: banks refuse or move days in the past.
CreDtTm is the as-of date at midnight, so that the file does not depend on the clock.
Line key: EndToEndId, which banks return in pain.002 and in statements. A payee without a usable bank account
never gets here: the payment stays due (payable.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pyarrow as pa

from orchestration.publish.erp.bank import BankAccount, account_of
from orchestration.publish.erp.checks import Refusal, refuse
from orchestration.publish.erp.model import Batch, ErpFormat, Field, Layout, Setting
from orchestration.publish.format import PublishError

if TYPE_CHECKING:
    import xmlschema

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
SCHEMA = Path(__file__).with_name("pain001_subset.xsd")
SEPA_MOST = Decimal("999999999.99")
_NOT_PROVIDED = "NOTPROVIDED"

Element = ElementTree.Element


@dataclass(frozen=True)
class Transfer:
    """One payment with the accounts of both sides."""

    line_key: str
    payee_id: str
    amount: Decimal
    text: str
    currency: str
    payment_date: date
    month: str
    debtor: BankAccount
    creditor: BankAccount

    @property
    def sepa(self) -> bool:
        """Whether it is paid in the single euro payments area."""
        return self.currency == "EUR" and bool(self.debtor.iban and self.creditor.iban)


def write(batch: Batch, entity: str, settings: Mapping[str, str], rows: pa.Table) -> list[bytes]:
    """The messages of one legal entity, each with at most ``most_transfers`` transfers; validated.

    Raises PublishError for payments without usable accounts, SEPA transfers above the limit, and
    whatever the schema refuses.
    """
    numbers = {}
    for name in ("most_transfers", "execution_days"):
        if not settings[name].isdecimal() or (name == "most_transfers" and int(settings[name]) < 1):
            raise PublishError(f"setting {name} of {entity}: {settings[name]!r} is no number that can be used")
        numbers[name] = int(settings[name])
    transfers = _transfers(batch, entity, rows)
    size = numbers["most_transfers"]
    slices = [transfers[start : start + size] for start in range(0, len(transfers), size)]
    return [
        _message(batch, entity, part, number, settings["initiating_party"], numbers["execution_days"])
        for number, part in enumerate(slices, start=1)
    ]


def _transfers(batch: Batch, entity: str, rows: pa.Table) -> list[Transfer]:
    found: list[Transfer] = []
    wrong: list[Refusal] = []
    for row in rows.sort_by([("currency", "ascending"), ("payment_id", "ascending")]).to_pylist():
        currency, on = row["currency"], row["payment_date"]
        sides = [
            account_of(batch.accounts, "legal_entity", entity, currency, on),
            account_of(batch.accounts, "partner", row["payee_id"], currency, on),
        ]
        accounts = [side for side in sides if isinstance(side, BankAccount)]
        wrong += [Refusal(row["line_key"], "bank account", side) for side in sides if isinstance(side, str)]
        if len(accounts) < len(sides):
            continue
        units = batch.units[currency]
        one = Transfer(
            line_key=row["line_key"],
            payee_id=row["payee_id"],
            amount=row["amount"],
            text=f"{row['amount']:.{units}f}",
            currency=currency,
            payment_date=on,
            month=row["accounting_month"],
            debtor=accounts[0],
            creditor=accounts[1],
        )
        if one.sepa and one.amount > SEPA_MOST:
            wrong.append(Refusal(one.line_key, "InstdAmt", f"{one.text} EUR is more than a SEPA transfer may be"))
        found.append(one)
    refuse(batch, ERP, entity, wrong)
    return sorted(found, key=lambda one: (one.currency, not one.sepa))


def _message(
    batch: Batch, entity: str, transfers: Sequence[Transfer], number: int, initiating: str, days: int
) -> bytes:
    """One message, validated against the schema."""
    name = f"{batch.facts['batch_number']:06}-{entity}-{number}"
    document = Element("Document", xmlns=NAMESPACE)
    root = _add(document, "CstmrCdtTrfInitn")
    header = _add(root, "GrpHdr")
    _add(header, "MsgId", name)
    _add(header, "CreDtTm", f"{batch.facts['as_of']}T00:00:00")
    _totals(header, transfers)
    _add(_add(header, "InitgPty"), "Nm", initiating)
    groups = itertools.groupby(transfers, key=lambda one: (one.currency, one.sepa, one.payment_date))
    for block, (_, group) in enumerate(groups, start=1):
        _block(root, f"{name}-{block}", list(group), days)
    ElementTree.indent(document, "  ")
    content = ElementTree.tostring(document, encoding="UTF-8", xml_declaration=True) + b"\n"
    validate(content, f"batch {batch.facts['batch']}, {ERP.name} of {entity}")
    return content


def _block(root: Element, name: str, transfers: Sequence[Transfer], days: int) -> None:
    """One payment information block: one debtor account, one currency, one day."""
    first = transfers[0]
    block = _add(root, "PmtInf")
    _add(block, "PmtInfId", name)
    _add(block, "PmtMtd", "TRF")
    _totals(block, transfers)
    if first.sepa:
        _add(_add(_add(block, "PmtTpInf"), "SvcLvl"), "Cd", "SEPA")
    _add(_add(block, "ReqdExctnDt"), "Dt", (first.payment_date + timedelta(days=days)).isoformat())
    _add(_add(block, "Dbtr"), "Nm", first.debtor.holder)
    _account(block, "DbtrAcct", first.debtor, first.currency)
    _agent(block, "DbtrAgt", first.debtor, required=True)
    _add(block, "ChrgBr", "SLEV" if first.sepa else "SHAR")
    for one in transfers:
        transfer = _add(block, "CdtTrfTxInf")
        _add(_add(transfer, "PmtId"), "EndToEndId", one.line_key)
        _add(_add(transfer, "Amt"), "InstdAmt", one.text).set("Ccy", one.currency)
        _agent(transfer, "CdtrAgt", one.creditor, required=False)
        creditor = _add(transfer, "Cdtr")
        _add(creditor, "Nm", one.creditor.holder)
        _add(_add(creditor, "PstlAdr"), "Ctry", one.creditor.country)
        _account(transfer, "CdtrAcct", one.creditor, "")
        _add(_add(transfer, "RmtInf"), "Ustrd", f"Rebate {one.month}, our reference {one.line_key}")


def _totals(parent: Element, transfers: Sequence[Transfer]) -> None:
    total = sum((Decimal(one.text) for one in transfers), Decimal(0))
    _add(parent, "NbOfTxs", str(len(transfers)))
    _add(parent, "CtrlSum", f"{total:f}")


def _account(parent: Element, tag: str, account: BankAccount, currency: str) -> None:
    element = _add(parent, tag)
    number = _add(element, "Id")
    if account.iban:
        _add(number, "IBAN", account.iban)
    else:
        _add(_add(number, "Othr"), "Id", account.account_number)
    if currency:
        _add(element, "Ccy", currency)


def _agent(parent: Element, tag: str, account: BankAccount, *, required: bool) -> None:
    """The bank: BIC, member of a clearing system, or that it is not provided (an IBAN names its bank)."""
    if not (account.bic or account.clearing_system or required):
        return
    bank = _add(_add(parent, tag), "FinInstnId")
    if account.bic:
        _add(bank, "BICFI", account.bic)
    if account.clearing_system:
        member = _add(bank, "ClrSysMmbId")
        _add(_add(member, "ClrSysId"), "Cd", account.clearing_system)
        _add(member, "MmbId", account.clearing_member)
    if not (account.bic or account.clearing_system):
        _add(_add(bank, "Othr"), "Id", _NOT_PROVIDED)


def _add(parent: Element, tag: str, text: str | None = None) -> Any:
    element = ElementTree.SubElement(parent, tag)
    element.text = text
    return element


@cache
def schema() -> xmlschema.XMLSchema:
    """Our schema of the subset."""
    import xmlschema

    return xmlschema.XMLSchema(str(SCHEMA))


def validate(content: bytes, what: str) -> None:
    """PublishError naming the element and the reason when the schema refuses a message."""
    errors = [f"{error.path}: {error.reason}" for error in schema().iter_errors(content.decode("utf-8"))]
    if errors:
        raise PublishError(f"{what}: {'; '.join(errors[:5])}")


ERP = ErpFormat(
    name="pain001",
    title="ISO 20022 pain.001, direct payments",
    kinds=("settlement",),
    instrument="supplier_invoice",
    bank_accounts=True,
    layouts=(
        Layout(
            "payment",
            (
                Field("EndToEndId", "line_key", size=35, required=True, meaning="line key of the payment"),
                Field("InstdAmt", "amount", kind="amount", required=True, meaning="with the currency as Ccy"),
            ),
            {"InstdAmt": "amount"},
        ),
    ),
    line_key="EndToEndId",
    settings=(
        Setting("initiating_party", "name of who sends the file"),
        Setting("execution_days", "days from the payment date to the day of execution", "0"),
        Setting("most_transfers", "transfers in one file, as agreed with the bank", "5000"),
    ),
    suffix="xml",
    digits=13,
    write=write,
    sources=(
        "iso20022.org, message definition pain.001.001.09 (schema: our own of the subset)",
        "European Payments Council, customer-to-bank implementation guidelines (characters, SEPA)",
    ),
)
