"""Bank accounts, direct payments (pain.001), and what happens to a payment that cannot be sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from orchestration import publish
from orchestration.publish.erp import bank
from orchestration.publish.formats import pain001
from orchestration.settings import Settings
from tests import erp

NS = {"p": pain001.NAMESPACE}
DIRECT: dict[str, Any] = {
    "program_key": "de@1",
    "legal_entity": "DE01",
    "currency": "EUR",
    "instrument": "supplier_invoice",
    "earned": "9.00",
}
US: dict[str, Any] = {"program_key": "us@1", "instrument": "supplier_invoice", "earned": "5.00"}


def messages(files: dict[str, bytes]) -> dict[str, ElementTree.Element]:
    return {name: ElementTree.fromstring(content) for name, content in files.items()}


def texts(element: ElementTree.Element, path: str) -> list[str]:
    return [found.text or "" for found in element.findall(path, NS)]


def paid(
    tmp_path: Path, settings: Settings, *rows: dict[str, Any], bank_file: str = erp.BANK, **given: str
) -> dict[str, bytes]:
    seeded = erp.seeds(settings, {"DE01": ["pain001"], "US01": ["pain001"]}, {"pain001": given}, bank_file)
    batch = erp.settlement(settings, *rows, seeds=seeded)
    return erp.write(tmp_path / "batch", seeded, batch.tables())


@pytest.mark.parametrize(
    ("iban", "problem"),
    [
        ("DE89370400440532013000", ""),
        ("GB82WEST12345698765432", ""),
        ("NO9386011117947", ""),
        ("MT84MALT011000012345MTLCAST001S", ""),
        ("DE88370400440532013000", "has wrong check digits"),
        ("DE89370400440532031000", "has wrong check digits"),  # two digits changed places
        ("DE8937040044053201300", "has 21 characters, an IBAN of DE has 22"),
        ("US89370400440532013000", "is of a country without IBANs (US)"),
        ("de89370400440532013000", "is no IBAN (two letters, two digits, then letters and digits without spaces)"),
        ("", "is no IBAN (two letters, two digits, then letters and digits without spaces)"),
    ],
)
def test_check_digits_of_an_iban(iban: str, problem: str) -> None:
    assert bank.iban_problem(iban) == problem


def test_forms_of_a_bic_and_of_clearing_numbers() -> None:
    assert [bank.bic_problem(bic) for bic in ("COBADEFF", "COBADEFFXXX")] == ["", ""]
    assert all(bank.bic_problem(bic) for bic in ("COBADEF", "COBADEFFXX", "cobadeff", "COBA1EFF", ""))
    assert bank.clearing_problem("USABA", "021000021") == ""
    assert bank.clearing_problem("USABA", "021000012") == "clearing member '021000012' has a wrong check digit"
    assert "does not have the form of CACPA" in bank.clearing_problem("CACPA", "1234")
    assert "clearing system 'ABA' is not known; known: AUBSB, CACPA" in bank.clearing_problem("ABA", "021000021")


ROW = "partner,R-9,EUR,{holder},{country},{iban},{number},{bic},{system},{member},{start},{end}\n"
GOOD = {"holder": "Neun", "country": "DE", "iban": "DE75512108001245126199", "start": "2017-01-01"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"iban": "DE75 5121 0800 1245 1261 99"}, None),
        ({"holder": "Müller"}, "holder 'Müller' has more than 70 characters, or some that banks do not take"),
        ({"holder": "N" * 71}, "has more than 70 characters"),
        ({"holder": ""}, "holder is empty"),
        ({"country": "Germany"}, "country 'Germany' is no ISO 3166 code"),
        ({"iban": ""}, "exactly one of iban and account_number is needed"),
        ({"number": "123"}, "exactly one of iban and account_number is needed"),
        ({"iban": "", "number": "123"}, "an account_number needs a bic or a clearing_system and clearing_member"),
        ({"iban": "", "number": "12-3", "bic": "COBADEFF"}, "account_number '12-3' is not 1 to 34 letters and digits"),
        ({"bic": "COBADEF"}, "bic 'COBADEF' is no BIC"),
        ({"system": "USABA"}, "clearing_system and clearing_member belong together"),
        ({"iban": "DE75512108001245126198"}, "has wrong check digits"),
        ({"start": "2017-6-1"}, "valid_from '2017-6-1' is no date"),
        ({"start": "20170601"}, "valid_from '20170601' is no date"),
        ({"start": "2017-07-01"}, "partner R-9 has no bank account in EUR on 2017-06-30"),
        ({"end": "2017-06-29"}, "partner R-9 has no bank account in EUR on 2017-06-30"),
        ({"end": "2017-06-30"}, None),
    ],
)
def test_what_an_account_must_be(tmp_path: Path, changes: dict[str, str], problem: str | None) -> None:
    path = tmp_path / "bank_account.csv"
    names = ("holder", "country", "iban", "number", "bic", "system", "member", "start", "end")
    row = ROW.format(**{name: (dict.fromkeys(names, "") | GOOD | changes)[name] for name in names})
    path.write_text(erp.BANK.splitlines()[0] + "\n" + row, encoding="utf-8")
    found = bank.account_of(bank.read_accounts(path), "partner", "R-9", "EUR", date(2017, 6, 30))
    if problem is None:
        assert isinstance(found, bank.BankAccount)
        assert found.iban == GOOD["iban"]
    else:
        assert isinstance(found, str)
        assert problem in found
        if "R-9 has no" not in problem:
            assert found.startswith("bank account of partner R-9 (row 2): ")


def test_two_valid_accounts_are_no_account(tmp_path: Path) -> None:
    path = tmp_path / "bank_account.csv"
    path.write_text(erp.BANK + erp.BANK.splitlines()[3] + "\n", encoding="utf-8")
    found = bank.account_of(bank.read_accounts(path), "partner", "R-1", "EUR", date(2017, 6, 30))
    assert found == "partner R-1 has more than one bank account in EUR on 2017-06-30: rows 4, 7"
    path.write_text(erp.BANK.replace("legal_entity,DE01", "company,DE01"), encoding="utf-8")
    with pytest.raises(publish.PublishError, match=r"bank_account.csv, row 2: owner_type 'company', expected one of"):
        bank.read_accounts(path)


def test_only_the_payment_without_an_account_is_held_back(settings: Settings, tmp_path: Path) -> None:
    seeded = erp.seeds(settings, {"DE01": ["pain001", "sap_journal"]})
    rows = (
        DIRECT,
        DIRECT | {"payee_id": "R-9", "earned": "12.00"},
        US | {"payee_id": "R-9"},  # a legal entity that does not pay directly: nobody asks
        DIRECT | {"payee_id": "R-8", "program_key": "memo@1", "instrument": "credit_memo"},
    )
    batch = erp.settlement(settings, *rows, seeds=seeded)
    assert batch.withheld == {
        "P-2017-06-R-9-DE01-EUR-supplier_invoice": "partner R-9 has no bank account in EUR on 2017-06-30"
    }
    assert sorted(batch.payment["payee_id"].to_pylist()) == ["R-1", "R-8", "R-9"]
    for table in batch.tables().values():
        assert "P-2017-06-R-9-DE01-EUR-supplier_invoice" not in table["payment_id"].to_pylist()
    assert sum(batch.payment["amount"].to_pylist()) == Decimal("23.0000")
    (name, content), *_ = erp.write(tmp_path, seeded, batch.tables()).items()
    assert name == "pain001_DE01_2017-06.xml"
    assert texts(ElementTree.fromstring(content), ".//p:Cdtr/p:Nm") == ["Laden Eins GmbH"]


def test_a_missing_account_of_our_own_is_a_reason_too(settings: Settings) -> None:
    seeded = erp.seeds(settings, {"US01": ["pain001"]})
    rows = (US, US | {"program_key": "eur@1", "currency": "EUR"})
    batch = erp.settlement(settings, *rows, seeds=seeded)
    assert batch.withheld == {
        "P-2017-06-R-1-US01-EUR-supplier_invoice": "legal entity US01 has no bank account in EUR on 2017-06-30"
    }


def test_a_sepa_message(settings: Settings, tmp_path: Path) -> None:
    files = paid(tmp_path, settings, DIRECT, DIRECT | {"payee_id": "R-2", "earned": "11.25"}, execution_days="3")
    (root,) = messages(files).values()
    for path, expected in {
        ".//p:GrpHdr/p:MsgId": ["000002-DE01-1"],
        ".//p:GrpHdr/p:CreDtTm": ["2017-06-30T00:00:00"],
        ".//p:NbOfTxs": ["2", "2"],
        ".//p:CtrlSum": ["20.25", "20.25"],
        ".//p:SvcLvl/p:Cd": ["SEPA"],
        ".//p:ReqdExctnDt/p:Dt": ["2017-07-03"],
        ".//p:DbtrAcct/p:Id/p:IBAN": ["DE89370400440532013000"],
        ".//p:ChrgBr": ["SLEV"],
        ".//p:EndToEndId": ["2-2", "2-4"],
        ".//p:InstdAmt": ["9.00", "11.25"],
        ".//p:CdtrAcct/p:Id/p:IBAN": ["DE75512108001245126199", "FR1420041010050500013M02606"],
        ".//p:CdtrAgt//p:BICFI": ["BNPAFRPPXXX"],
        ".//p:RmtInf/p:Ustrd": ["Rebate 2017-06, our reference 2-2", "Rebate 2017-06, our reference 2-4"],
    }.items():
        assert texts(root, path) == expected, path
    assert [amount.get("Ccy") for amount in root.findall(".//p:InstdAmt", NS)] == ["EUR", "EUR"]


def test_a_message_without_ibans_names_the_clearing_system(settings: Settings, tmp_path: Path) -> None:
    (root,) = messages(paid(tmp_path, settings, US)).values()
    assert texts(root, ".//p:ChrgBr") == ["SHAR"]
    assert root.find(".//p:PmtTpInf", NS) is None
    assert texts(root, ".//p:Othr/p:Id") == ["12345678", "987654321"]
    assert texts(root, ".//p:ClrSysId/p:Cd") == ["USABA", "USABA"]
    assert texts(root, ".//p:MmbId") == ["021000021", "011401533"]


def test_large_batches_become_several_messages(settings: Settings, tmp_path: Path) -> None:
    rows = [DIRECT | {"payee_id": payee, "earned": "1.00"} for payee in ("R-1", "R-2")]
    files = paid(tmp_path, settings, *rows, most_transfers="1")
    assert [texts(root, ".//p:MsgId") for root in messages(files).values()] == [["000002-DE01-1"], ["000002-DE01-2"]]
    assert sorted(files) == ["pain001_DE01_2017-06_1.xml", "pain001_DE01_2017-06_2.xml"]


@pytest.mark.parametrize(
    ("rows", "given", "message"),
    [
        ([DIRECT], {"most_transfers": "0"}, "setting most_transfers of DE01: '0' is no number that can be used"),
        ([DIRECT], {"execution_days": "soon"}, "setting execution_days of DE01: 'soon' is no number"),
        (
            [DIRECT | {"earned": "1000000000.00"}],
            {},
            "pain001 of DE01: line 2-2, field InstdAmt: 1000000000.00 EUR is more than a SEPA transfer may be",
        ),
        ([DIRECT], {"initiating_party": "Käufer"}, r"pain001 of DE01: .*InitgPty/Nm: .*pattern"),
    ],
)
def test_what_a_bank_would_refuse(
    settings: Settings, tmp_path: Path, rows: list[dict[str, Any]], given: dict[str, str], message: str
) -> None:
    with pytest.raises(publish.PublishError, match=message):
        paid(tmp_path, settings, *rows, **given)


def test_a_payment_that_got_past_the_door_stops_the_batch(settings: Settings, tmp_path: Path) -> None:
    seeded = erp.seeds(settings, {"DE01": ["pain001"]})
    batch = erp.settlement(settings, DIRECT | {"payee_id": "R-9"})
    with pytest.raises(
        publish.PublishError,
        match=r"batch 000002_settlement_2017-06, pain001 of DE01: line 2-2, field bank account: par",
    ):
        erp.write(tmp_path, seeded, batch.tables())


def test_the_schema_refuses_what_is_out_of_order(settings: Settings, tmp_path: Path) -> None:
    (content,) = paid(tmp_path, settings, DIRECT).values()
    pain001.validate(content, "fine")
    text = content.decode()
    for old, new in (
        ("<PmtMtd>TRF</PmtMtd>", ""),
        ("<NbOfTxs>1</NbOfTxs>", "<NbOfTxs>one</NbOfTxs>"),
        ('Ccy="EUR"', 'Ccy="euro"'),
        (">9.00<", ">9.000001<"),
        (">9.00<", ">-9.00<"),
        ("<EndToEndId>2-2<", f"<EndToEndId>{'2' * 36}<"),
        ("Laden Eins GmbH", "Läden"),
    ):
        assert old in text
        with pytest.raises(publish.PublishError, match="wrong: "):
            pain001.validate(text.replace(old, new).encode(), "wrong")


def test_amounts_have_the_decimals_of_their_currency(settings: Settings, tmp_path: Path) -> None:
    file = erp.BANK + "".join(line.replace("USD", "JPY") + "\n" for line in erp.BANK.splitlines() if "USD" in line)
    (root,) = messages(paid(tmp_path, settings, US | {"currency": "JPY", "earned": "500"}, bank_file=file)).values()
    assert texts(root, ".//p:InstdAmt") == ["500"]
    assert texts(root, ".//p:CtrlSum") == ["500", "500"]


def test_a_format_that_needs_no_accounts_never_asks(settings: Settings) -> None:
    seeded = replace(erp.seeds(settings, {"DE01": ["sap_journal"]}, bank=erp.BANK.splitlines()[0] + "\n"))
    assert erp.settlement(settings, DIRECT, seeds=seeded).withheld == {}
