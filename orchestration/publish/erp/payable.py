"""Which payments cannot be sent to the bank, and why: asked before a settlement is posted.

What belongs here: the reason for each payment whose legal entity pays directly (pain001) and that lacks
a usable bank account on either side. What does not: holding it back (books take the answer as a function, so
that the payment is not booked and stays due).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from orchestration.publish.erp.bank import BankAccount, account_of, read_accounts
from orchestration.publish.erp.model import erp_formats
from orchestration.publish.erp.seeds import Enabled, enabled_formats
from orchestration.settings import Settings


def unpayable(settings: Settings) -> Callable[[pa.Table], dict[str, str]]:
    """A function from payments (payment_id, legal_entity, payee_id, currency, instrument, payment_date) to reasons.

    The reasons are by payment_id; a payment that can be made has none. Raises PublishError for
    mistakes in seeds/erp (see seeds.enabled_formats).
    """
    enabled, accounts = enabled_formats(settings), read_accounts(settings.erp / "bank_account.csv")

    def reasons(payments: pa.Table) -> dict[str, str]:
        return unpayable_of(payments, enabled, accounts)

    return reasons


def switched_on(settings: Settings) -> tuple[list[tuple[str, str, str, str]], list[str]]:
    """What seeds/erp say: (legal entity, format, title, settings) sorted, and what is wrong with bank accounts.

    Raises PublishError for every other mistake (see seeds.enabled_formats).
    """
    formats, enabled = erp_formats(), enabled_formats(settings)
    rows = [
        (entity, name, formats[name].title, ", ".join(f"{key} = {value}" for key, value in values.items()))
        for entity, names in sorted(enabled.items())
        for name, values in sorted(names.items())
    ]
    accounts = read_accounts(settings.erp / "bank_account.csv")
    return rows, [f"bank_account.csv, row {a.row}: {a.problem}" for a in accounts if a.problem]


def unpayable_of(payments: pa.Table, enabled: Enabled, accounts: Sequence[BankAccount]) -> dict[str, str]:
    """The reason by payment_id, for payments that cannot be made; see unpayable."""
    formats = erp_formats()
    direct = {
        (entity, formats[name].instrument)
        for entity in enabled
        for name in enabled[entity]
        if formats[name].bank_accounts
    }
    found: dict[str, str] = {}
    for row in payments.to_pylist():
        if (row["legal_entity"], row["instrument"]) not in direct:
            continue
        for owner_type, owner in (("partner", row["payee_id"]), ("legal_entity", row["legal_entity"])):
            account = account_of(accounts, owner_type, owner, row["currency"], row["payment_date"])
            if isinstance(account, str):
                found[row["payment_id"]] = account
                break
    return found
