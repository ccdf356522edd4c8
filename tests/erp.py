"""Batches and seeds for tests of ERP files: what books really post, and legal entities with their formats.

What belongs here: making a batch and writing its files. What does not: what the files must say.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration import books, publish, warehouse
from orchestration.books.tables import totals
from orchestration.publish.erp.bank import read_accounts
from orchestration.publish.erp.model import Batch
from orchestration.publish.erp.seeds import enabled_formats, entity_currencies
from orchestration.publish.erp.write import write_erp_files
from orchestration.settings import Settings
from tests.unit.test_books_journal import ROLES, context, differences, due, empty

ENTITIES = {"US01": ("US", "USD"), "CA01": ("CA", "CAD"), "DE01": ("DE", "EUR")}

GIVEN = {
    "oracle_gl": {"ledger": "US Primary Ledger", "segments": "01|{cost_centre}|{account}|0000"},
    "oracle_ap": {
        "business_unit": "US1 Business Unit",
        "supplier_site": "REBATES",
        "segments": "01|{cost_centre}|{account}|0000",
        "segment_delimiter": ".",
    },
    "oracle_ar": {"business_unit": "US1 Business Unit", "memo_line": "Rebate"},
    "sap_journal": {"company_code": "1010"},
    "dynamics_journal": {"journal_name": "GenJrn", "segments": "{account}|{cost_centre}", "delimiter": "|"},
    "netsuite_journal": {"subsidiary": "US Subsidiary"},
    "pain001": {"initiating_party": "Consumer Brands Group"},
}
"""Settings that each format needs, for a legal entity that has it."""

BANK = (
    "owner_type,owner_id,currency,holder,country,iban,account_number,bic,clearing_system,clearing_member,"
    "valid_from,valid_to\n"
    "legal_entity,DE01,EUR,Consumer Brands GmbH,DE,DE89370400440532013000,,COBADEFFXXX,,,2016-01-01,\n"
    "legal_entity,US01,USD,Consumer Brands Inc.,US,,12345678,,USABA,021000021,2016-01-01,\n"
    "partner,R-1,EUR,Laden Eins GmbH,DE,DE75512108001245126199,,,,,2016-01-01,\n"
    "partner,R-1,USD,Store One LLC,US,,987654321,,USABA,011401533,2016-01-01,\n"
    "partner,R-2,EUR,Magasin Deux,FR,FR1420041010050500013M02606,,BNPAFRPPXXX,,,2016-01-01,\n"
)

Tables = dict[str, pa.Table]


def accounts() -> pa.Table:
    """Accounts of every legal entity; a tax code on the liability."""
    rows = [
        {
            "legal_entity": entity,
            "account_role": role,
            "account": account,
            "cost_centre": f"CC-{entity}",
            "tax_code": "V0" if role == "accrued_rebates" else None,
        }
        for entity in ENTITIES
        for role, account in ROLES.items()
    ]
    return pa.Table.from_pylist(rows)


def accrual(settings: Settings, *rows: dict[str, Any]) -> Tables:
    """An accrual batch of the given differences, as books post it."""
    with warehouse.in_memory(settings) as connection:
        posting = books.accrual_postings(
            connection, context(), 1, differences(*map(dict, rows)), accounts(), empty("posting")
        )
    return {"posting": posting}


def settlement(settings: Settings, *rows: dict[str, Any], seeds: Settings | None = None) -> books.Settlement:
    """A settlement batch of what is due, as books post it; without payments that ``seeds`` cannot pay."""
    unpayable = {"unpayable": publish.unpayable(seeds)} if seeds else {}
    with warehouse.in_memory(settings) as connection:
        return books.settlement(
            connection, context(), 2, due(*map(dict, rows)), accounts(), empty("payment_line"), **unpayable
        )


def facts(tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """What a manifest would tell of the batch."""
    kind, number = ("settlement", 2) if "payment" in tables else ("accrual", 1)
    return {
        "batch": f"{number:06}_{kind}_2017-06",
        "batch_number": number,
        "kind": kind,
        "accounting_month": "2017-06",
        "as_of": "2017-06-30",
        "calculation_id": "c0ffee",
        "file_sequence": 12,
        "program_keys": [],
        "rows": {name: table.num_rows for name, table in tables.items()},
        "totals": totals(tables["posting"]),
    }


def seeds(
    settings: Settings,
    formats: Mapping[str, Sequence[str]],
    given: Mapping[str, Mapping[str, str]] | None = None,
    bank: str = BANK,
) -> Settings:
    """Settings whose seeds switch on the formats of each legal entity; ``given`` changes their settings."""
    reference, erp = settings.data / "seeds" / "reference", settings.data / "seeds" / "erp"
    for folder in (reference, erp):
        folder.mkdir(parents=True, exist_ok=True)
    entities = [f"{entity},{entity},{country},{code},months" for entity, (country, code) in ENTITIES.items()]
    _write(reference / "legal_entity.csv", "legal_entity,name,country,currency,calendar", entities)
    units = [f"{code},{code},{unit}" for code, unit in (("USD", 2), ("CAD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3))]
    _write(reference / "currency.csv", "currency,name,minor_unit", units)
    _write(erp / "format.csv", "legal_entity,format", [f"{e},{name}" for e, names in formats.items() for name in names])
    rows = [
        f'{entity},{name},{setting},"{value}"'
        for entity, names in formats.items()
        for name in names
        for setting, value in (dict(GIVEN.get(name, {})) | dict((given or {}).get(name, {}))).items()
    ]
    _write(erp / "setting.csv", "legal_entity,format,setting,value", rows)
    (erp / "bank_account.csv").write_text(bank, encoding="utf-8")
    return replace(settings, reference=reference, erp=erp)


def _write(path: Path, header: str, rows: Sequence[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def write(folder: Path, seeded: Settings, tables: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Write the files of legal entities' own formats; contents by name, of zips by ``<zip>/<file>``."""
    erp = folder / "erp"
    erp.mkdir(parents=True, exist_ok=True)
    units, currencies = publish.minor_units(seeded), entity_currencies(seeded)
    accounts_ = read_accounts(seeded.erp / "bank_account.csv")
    write_erp_files(Batch(facts(tables), tables, units, currencies, erp, accounts_), enabled_formats(seeded))
    found: dict[str, bytes] = {}
    for path in sorted((folder / "erp").iterdir()):
        if path.suffix != ".zip":
            found[path.name] = path.read_bytes()
            continue
        with zipfile.ZipFile(path) as archive:
            found |= {f"{path.name}/{name}": archive.read(name) for name in archive.namelist()}
    return found


def records(content: bytes, names: Sequence[str] | None = None) -> list[dict[str, str]]:
    """Rows of a CSV by column; ``names`` where it has no header."""
    reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), fieldnames=names)
    return list(reader)


def field_row(field: Any) -> str:
    """The row of docs/erp-files.md that describes a field of a format."""
    source = (
        f"`{field.constant}`" if field.constant else f"setting `{field.setting}`" if field.setting else field.column
    )
    notes = ", ".join(filter(None, ["required" if field.required else "", field.meaning, "cut" if field.cut else ""]))
    return f"| `{field.name}` | {source} | {field.size or ''} | {notes} |"
