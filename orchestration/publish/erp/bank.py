"""Bank accounts of our legal entities and of payees, for direct payments: seeds/erp/bank_account.csv.

What belongs here: reading the file, check digits, finding an account. What does not: the payment file
(formats/pain001.py). Why a reviewed file and not a landed one: decision 0173.

An account is an IBAN, or a number with the bank's clearing code or BIC. A row that is wrong stops
only the payments that would use it: its reason is the reason why they are held back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.publish.erp.reading import read_rows
from orchestration.publish.format import PublishError

COLUMNS = (
    *("owner_type", "owner_id", "currency", "holder", "country", "iban", "account_number", "bic"),
    *("clearing_system", "clearing_member", "valid_from", "valid_to"),
)
OWNER_TYPES = ("legal_entity", "partner")

TEXT = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]+")
"""Characters that every bank takes in a payment (the Latin set of SWIFT and the European Payments Council)."""

MEMBER = {"USABA": r"\d{9}", "CACPA": r"\d{9}", "GBDSC": r"\d{6}", "AUBSB": r"\d{6}", "CHBCC": r"\d{3,5}"}
"""Clearing systems (ISO 20022 external codes) and the form of their members' numbers."""

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{1,30}")
_IBAN_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18"
    " FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20"
    " LU20 LV21 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19"
    " SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBAN_LENGTHS.split()}
"""Length of an IBAN by country."""

_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")


@dataclass(frozen=True)
class BankAccount:
    """One row of the file. ``problem``: why it cannot be used; empty when it can."""

    row: int
    owner_type: str
    owner_id: str
    currency: str
    holder: str
    country: str
    iban: str
    account_number: str
    bic: str
    clearing_system: str
    clearing_member: str
    valid_from: str
    valid_to: str
    problem: str = ""


def iban_problem(iban: str) -> str:
    """Why this is no IBAN (ISO 13616: form, length of the country, check digits modulo 97); empty when it is one."""
    if not _IBAN.fullmatch(iban):
        return "is no IBAN (two letters, two digits, then letters and digits without spaces)"
    length = LENGTHS.get(iban[:2])
    if length is None:
        return f"is of a country without IBANs ({iban[:2]})"
    if len(iban) != length:
        return f"has {len(iban)} characters, an IBAN of {iban[:2]} has {length}"
    digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
    return "" if int(digits) % 97 == 1 else "has wrong check digits"


def bic_problem(bic: str) -> str:
    """Why this is no BIC (ISO 9362: 8 or 11 characters); empty when it is one."""
    return "" if _BIC.fullmatch(bic) else "is no BIC (8 or 11 characters: bank 4, country 2, place 2, branch 3)"


def clearing_problem(system: str, member: str) -> str:
    """Why this is no member number of the clearing system; empty when it is one. US routing numbers: check digit."""
    if system not in MEMBER:
        return f"clearing system {system!r} is not known; known: {', '.join(sorted(MEMBER))}"
    if not re.fullmatch(MEMBER[system], member):
        return f"clearing member {member!r} does not have the form of {system}"
    if system == "USABA" and sum(int(digit) * (3, 7, 1)[place % 3] for place, digit in enumerate(member)) % 10:
        return f"clearing member {member!r} has a wrong check digit"
    return ""


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _problem(row: dict[str, str]) -> str:
    """Why the row cannot be used, in one sentence; empty when it can."""
    for column in ("owner_id", "currency", "holder", "country", "valid_from"):
        if not row[column]:
            return f"{column} is empty"
    if len(row["holder"]) > 70 or not TEXT.fullmatch(row["holder"]):
        return f"holder {row['holder']!r} has more than 70 characters, or some that banks do not take"
    if not re.fullmatch(r"[A-Z]{2}", row["country"]):
        return f"country {row['country']!r} is no ISO 3166 code"
    for column in ("valid_from", "valid_to"):
        if row[column] and not _is_date(row[column]):
            return f"{column} {row[column]!r} is no date (YYYY-MM-DD)"
    if bool(row["iban"]) == bool(row["account_number"]):
        return "exactly one of iban and account_number is needed"
    if row["iban"] and (problem := iban_problem(row["iban"])):
        return f"iban {row['iban']!r} {problem}"
    if row["account_number"] and not re.fullmatch(r"[A-Za-z0-9]{1,34}", row["account_number"]):
        return f"account_number {row['account_number']!r} is not 1 to 34 letters and digits"
    if row["bic"] and (problem := bic_problem(row["bic"])):
        return f"bic {row['bic']!r} {problem}"
    if bool(row["clearing_system"]) != bool(row["clearing_member"]):
        return "clearing_system and clearing_member belong together"
    if row["clearing_system"] and (problem := clearing_problem(row["clearing_system"], row["clearing_member"])):
        return problem
    if row["account_number"] and not (row["bic"] or row["clearing_system"]):
        return "an account_number needs a bic or a clearing_system and clearing_member"
    return ""


def read_accounts(path: Path) -> list[BankAccount]:
    """Every row of the file, each with its problem. PublishError for other columns and unknown owner types."""
    accounts = []
    for number, row in read_rows(path, COLUMNS):
        if row["owner_type"] not in OWNER_TYPES:
            raise PublishError(
                f"{path.name}, row {number}: owner_type {row['owner_type']!r}, expected one of {', '.join(OWNER_TYPES)}"
            )
        row["iban"] = row["iban"].replace(" ", "")
        accounts.append(BankAccount(number, **row, problem=_problem(row)))
    return accounts


def account_of(
    accounts: Iterable[BankAccount], owner_type: str, owner_id: str, currency: str, on: date
) -> BankAccount | str:
    """The account that is valid on that day, or why there is none that can be used."""
    mine = [a for a in accounts if (a.owner_type, a.owner_id, a.currency) == (owner_type, owner_id, currency)]
    day = on.isoformat()
    valid = [a for a in mine if a.problem or a.valid_from <= day <= (a.valid_to or day)]
    what = f"{owner_type.replace('_', ' ')} {owner_id}"
    if not valid:
        return f"{what} has no bank account in {currency} on {day}"
    if len(valid) > 1:
        return (
            f"{what} has more than one bank account in {currency} on {day}: rows {', '.join(str(a.row) for a in valid)}"
        )
    (found,) = valid
    return f"bank account of {what} (row {found.row}): {found.problem}" if found.problem else found
