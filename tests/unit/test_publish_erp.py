"""ERP files: which legal entity gets which, what an importer would refuse, splitting, sums, and equal bytes."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration import publish
from orchestration.publish.erp import write as erp_write
from orchestration.publish.erp.model import ErpFormat, Field, Layout
from orchestration.settings import REPOSITORY, Settings
from tests import erp

FORMATS = publish.erp_formats()
JOURNALS = ("dynamics_journal", "netsuite_journal", "oracle_gl", "sap_journal")


def accrual_files(
    tmp_path: Path,
    settings: Settings,
    names: list[str],
    *rows: dict[str, Any],
    given: Mapping[str, Mapping[str, str]] | None = None,
    **columns: pa.Array,
) -> dict[str, bytes]:
    """Files of an accrual batch of US01; ``columns`` replace columns of its journal."""
    tables = erp.accrual(settings, *(rows or ({"accrued": "5"},)))
    for name, values in columns.items():
        posting = tables["posting"]
        position = posting.schema.get_field_index(name)
        tables["posting"] = posting.set_column(position, posting.schema.field(position), values)
    return erp.write(tmp_path / "batch", erp.seeds(settings, {"US01": names}, given), tables)


def fields_of(name: str, content: bytes) -> list[dict[str, str]]:
    """Rows of a file by field name, whatever its form; blocks of SAP are joined with their header."""
    one = FORMATS[name.split("_US01")[0].split("_CA01")[0].split("_DE01")[0]]
    if one.name == "sap_journal":
        rows = []
        for block in content.decode().split("\r\n\r\n"):
            lines = [next(csv.reader([line])) for line in block.splitlines() if line]
            if lines:
                head = dict(zip(lines[0], lines[1], strict=True))
                rows += [head | dict(zip(lines[2], line, strict=True)) for line in lines[3:]]
        return rows
    layout = next(layout for layout in one.layouts if not layout.file or name.endswith(layout.file))
    return erp.records(content, None if one.header else [field.name for field in layout.fields])


def test_without_a_switch_nothing_is_written(settings: Settings, tmp_path: Path) -> None:
    assert accrual_files(tmp_path, settings, []) == {}
    tables = erp.accrual(settings, {"accrued": "5"})
    neutral = ["journal_2017-06.csv", "journal_2017-06.xlsx"]
    for names, expected in (([], neutral), (["sap_journal"], [*neutral, "sap_journal_US01_2017-06.csv"])):
        folder = tmp_path / "-".join(["books", *names])
        publish.renderer(erp.seeds(settings, {"US01": names}))(folder, erp.facts(tables), tables)
        assert sorted(path.name for path in (folder / "erp").iterdir()) == expected


def test_the_repository_switches_nothing_on() -> None:
    for name in ("format", "setting", "bank_account"):
        assert len((REPOSITORY / "seeds" / "erp" / f"{name}.csv").read_text().splitlines()) == 1


def test_a_legal_entity_gets_its_own_rows_only(settings: Settings, tmp_path: Path) -> None:
    tables = erp.accrual(
        settings, {"accrued": "5"}, {"program_key": "n@1", "legal_entity": "CA01", "currency": "CAD", "accrued": "7"}
    )
    seeded = erp.seeds(settings, {"US01": ["sap_journal"], "CA01": ["dynamics_journal"], "DE01": ["sap_journal"]})
    files = erp.write(tmp_path, seeded, tables)
    assert sorted(files) == ["dynamics_journal_CA01_2017-06.csv", "sap_journal_US01_2017-06.csv"]
    rows = fields_of("dynamics_journal_CA01", files["dynamics_journal_CA01_2017-06.csv"])
    assert [(row["CURRENCYCODE"], row["DEBITAMOUNT"]) for row in rows] == [("CAD", "7.00"), ("CAD", "0.00")]


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        (
            "format.csv",
            "XX01,oracle_gl",
            r"row 3: legal entity 'XX01' is not known; known: CA01, DE01, US01",
        ),
        ("format.csv", "US01,oracle", r"format.csv, row 3: format 'oracle' is not known; known: dynamics_journal, "),
        ("format.csv", "US01,oracle_gl", r"format.csv, row 3: US01 and oracle_gl stand there twice"),
        ("format.csv", "US01", r"format.csv, row 3: not 2 values"),
        ("format.csv", "US01,sap_journal", r"setting.csv: US01 has sap_journal switched on, but no company_code"),
        ("setting.csv", "US01,oracle_gl,leger,X", r"row 4: setting of oracle_gl 'leger' is not known; known: .*ledger"),
        (
            "setting.csv",
            "US01,oracle_gl,ledger,X",
            r"row 4: ledger of oracle_gl stands there twice for US01",
        ),
        ("setting.csv", "US01,sap_journal,date_format,D.M.Y", r"row 4: date_format is 'D.M.Y', expected one of YYYY-"),
    ],
)
def test_a_mistake_in_the_switches_stops_before_anything(settings: Settings, name: str, row: str, message: str) -> None:
    seeded = erp.seeds(settings, {"US01": ["oracle_gl"]})
    with (seeded.erp / name).open("a") as handle:
        handle.write(row + "\n")
    with pytest.raises(publish.PublishError, match=message):
        publish.renderer(seeded)


def test_other_columns_and_missing_files_are_named(settings: Settings) -> None:
    seeded = erp.seeds(settings, {})
    (seeded.erp / "format.csv").write_text("entity,format\n")
    with pytest.raises(publish.PublishError, match=r"format.csv: columns .*, expected legal_entity, format"):
        publish.renderer(seeded)
    (seeded.erp / "format.csv").unlink()
    with pytest.raises(publish.PublishError, match=r"format.csv is missing in erp/"):
        publish.renderer(seeded)


def test_two_formats_never_pay_the_same(settings: Settings) -> None:
    with pytest.raises(publish.PublishError, match="oracle_ap and pain001 switched on: both would pay"):
        publish.renderer(erp.seeds(settings, {"US01": ["pain001", "oracle_ap"]}))


LONG = "X" * 60


@pytest.mark.parametrize(
    ("name", "column", "value", "reason"),
    [
        ("oracle_gl", "account", "1" * 26, rf"line 1-1, field SEGMENT3: '{'1' * 26}' has more than 25 characters"),
        ("oracle_gl", "payee_id", "R" * 241, r"line 1-1, field REFERENCE23: .* has more than 240 characters"),
        ("oracle_gl", "payee_id", "R\n1", r"line 1-1, field REFERENCE23: 'R\\n1' has characters that the importer"),
        ("sap_journal", "account", "12345678901", r"line 1-1, field HKONT: '12345678901' has more than 10 characters"),
        ("sap_journal", "account", "", r"line 1-1, field HKONT: is empty, but required"),
        ("sap_journal", "cost_centre", LONG, r"line 1-1, field KOSTL: .* has more than 10 characters"),
        ("sap_journal", "tax_code", "V00", r"line 1-1, field MWSKZ: 'V00' has more than 2 characters"),
        ("sap_journal", "account", "1\u2028", r"line 1-1, field HKONT: .* has characters that the importer"),
        ("dynamics_journal", "tax_code", LONG, r"line 1-1, field ITEMSALESTAXGROUP: .* has more than 10 characters"),
        ("dynamics_journal", "account", "40|1", r"account segment '40\|1' holds the delimiter '\|'"),
        ("netsuite_journal", "account", "", r"line 1-1, field Account: is empty, but required"),
        ("netsuite_journal", "cost_centre", "a\tb", r"line 1-1, field Department: 'a\\tb' has characters"),
    ],
)
def test_what_an_importer_would_refuse_is_refused(
    settings: Settings, tmp_path: Path, name: str, column: str, value: str, reason: str
) -> None:
    message = rf"batch 000001_accrual_2017-06, {name} of US01: {reason}"
    if "delimiter" in reason:
        message = reason
    with pytest.raises(publish.PublishError, match=message):
        accrual_files(tmp_path, settings, [name], **{column: pa.array([value] * 2)})
    assert not [path for path in (tmp_path / "batch" / "erp").iterdir() if path.name.startswith(name)]


def test_every_refusal_is_counted_and_five_are_shown(settings: Settings, tmp_path: Path) -> None:
    rows = [{"payee_id": f"R-{number}", "accrued": "1"} for number in range(4)]
    with pytest.raises(publish.PublishError, match=r"line 1-5, field HKONT: is empty, but required; and 3 more$"):
        accrual_files(tmp_path, settings, ["sap_journal"], *rows, account=pa.array([""] * 8))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            {"currency": "KWD", "accrued": "1.125"},
            "field Debit: '1.125' is in a currency with more than 2 decimals",
        ),
        ({"accrued": "12345678901.00"}, "field Debit: '12345678901.00' has more than 10 digits before the decimal"),
    ],
)
def test_amounts_that_netsuite_does_not_take(
    settings: Settings, tmp_path: Path, row: dict[str, Any], reason: str
) -> None:
    with pytest.raises(publish.PublishError, match=reason):
        accrual_files(tmp_path, settings, ["netsuite_journal"], row)
    assert accrual_files(tmp_path / "other", settings, ["sap_journal"], row)


def test_settings_that_are_too_long_or_name_no_column(settings: Settings, tmp_path: Path) -> None:
    for name, given_, message in (
        ("sap_journal", {"company_code": "US010"}, r"line 1-1, field BUKRS: 'US010' has more than 4 characters"),
        ("oracle_gl", {"segments": "{acount}"}, r"setting segments: \{acount\}, expected one of legal_entity, account"),
        ("oracle_gl", {"segments": "|".join("1" * 31)}, r"setting segments: 31 segments, at most 30"),
        ("dynamics_journal", {"delimiter": "-"}, r"account segment 'CC-US01' holds the delimiter '-'"),
    ):
        with pytest.raises(publish.PublishError, match=message):
            accrual_files(tmp_path / name, settings, [name], given={name: given_})


def test_words_that_we_compose_are_cut_not_refused(settings: Settings, tmp_path: Path) -> None:
    key = "a-program-with-a-very-long-name-that-nobody-should-have-given-it@12"
    files = accrual_files(tmp_path, settings, ["sap_journal", "dynamics_journal"], {"program_key": key, "accrued": "5"})
    assert {len(row["SGTXT"]) for row in fields_of("sap_journal", files["sap_journal_US01_2017-06.csv"])} == {50}
    rows = fields_of("dynamics_journal", files["dynamics_journal_US01_2017-06.csv"])
    assert {row["TEXT"] for row in rows} == {key[:60]}


def test_a_sum_that_differs_stops_the_batch(settings: Settings, tmp_path: Path) -> None:
    one = FORMATS["sap_journal"]
    wrong = replace(one, derive=lambda rows, _: one.derive(rows, {}), layouts=(replace_control(one.layouts[0]),))
    tables = erp.accrual(settings, {"accrued": "5"})
    tables["posting"] = tables["posting"].append_column(
        "wrong", pa.array([Decimal("5.01"), Decimal(0)], pa.decimal128(18, 4))
    )
    seeded = erp.seeds(settings, {})
    batch = publish.erp.model.Batch(erp.facts(tables), tables, {"USD": 2}, {"US01": "USD"}, tmp_path)
    given_ = {"company_code": "1010", "journal_entry_type": "SA", "ledger_group": "", "date_format": "YYYYMMDD"}
    with pytest.raises(publish.PublishError, match=r"WRSOL is \{'USD': '5.0000'\}, not \{'USD': '5.0100'\}"):
        erp_write._files(batch, wrong, "US01", given_, set())
    assert seeded.erp.is_dir()


def replace_control(layout: Layout) -> Layout:
    return replace(layout, controls={"WRSOL": "wrong", "WRHAB": "credit"})


def test_a_journal_that_does_not_balance_is_refused(settings: Settings, tmp_path: Path) -> None:
    tables = erp.accrual(settings, {"accrued": "5"}, {"payee_id": "R-2", "accrued": "6"})
    money = pa.decimal128(18, 4)
    crossed = pa.array([Decimal(6), Decimal(0), Decimal(5), Decimal(0)], money)
    position = tables["posting"].schema.get_field_index("debit")
    tables["posting"] = tables["posting"].set_column(position, "debit", crossed)
    with pytest.raises(publish.PublishError, match=r"entry_id 000001-000001, USD: debit and credit differ by 1.0000"):
        erp.write(tmp_path, erp.seeds(settings, {"US01": ["dynamics_journal"]}), tables)


def test_packets_hold_whole_entries_in_order() -> None:
    assert erp_write.pack([], 4) == []
    assert erp_write.pack([2, 2, 2], 4) == [4, 2]
    assert erp_write.pack([2, 3, 2, 2], 4) == [2, 3, 4]
    assert erp_write.pack([2, 9, 1], 4) == [2, 9, 1]
    assert erp_write.pack([4, 4], 4) == [4, 4]


def test_large_journals_become_several_documents_and_files(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(FORMATS["netsuite_journal"], document_lines=5, most_document_lines=8, file_lines=9)
    monkeypatch.setattr(erp_write, "erp_formats", lambda: FORMATS | {"netsuite_journal": small})
    rows = [{"payee_id": f"R-{number:02}", "accrued": "1.01"} for number in range(7)]
    files = accrual_files(tmp_path, settings, ["netsuite_journal"], *rows)
    assert sorted(files) == [f"netsuite_journal_US01_2017-06_{part}.csv" for part in (1, 2)]
    sizes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name, content in files.items():
        for row in erp.records(content):
            sizes[name][row["External ID"]] += 1
    # whole entries of two lines: at most 5 lines in a document, at most 9 in a file
    assert [dict(sizes[name]) for name in sorted(sizes)] == [
        {"000001-0001-US01": 4, "000001-0002-US01": 4},
        {"000001-0003-US01": 4, "000001-0004-US01": 2},
    ]


def test_an_entry_that_fits_into_no_document_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(FORMATS["sap_journal"], document_lines=3, most_document_lines=3)
    monkeypatch.setattr(erp_write, "erp_formats", lambda: FORMATS | {"sap_journal": small})
    rows = [{"program_key": f"p{number}@1", "earned": "1"} for number in range(3)]
    batch = erp.settlement(settings, *rows)
    with pytest.raises(
        publish.PublishError,
        match=r"of US01: line 000002-000001, field entry: an entry has 4 lines, the importer takes at most 3",
    ):
        erp.write(tmp_path, erp.seeds(settings, {"US01": ["sap_journal"]}), batch.tables())


def test_what_a_subledger_books_is_not_booked_twice(settings: Settings, tmp_path: Path) -> None:
    batch = erp.settlement(
        settings, {"earned": "100"}, {"program_key": "i@1", "earned": "7", "instrument": "supplier_invoice"}
    )

    def debits(*names: str) -> dict[str, Decimal]:
        files = erp.write(tmp_path / "-".join(names), erp.seeds(settings, {"US01": list(names)}), batch.tables())
        found: dict[str, Decimal] = {}
        for name, content in files.items():
            column = {"G": "ENTERED_DR", "A": "AMOUNT", "R": "AMOUNT"}[name.rsplit("/", 1)[1][0]]
            if name.endswith("ApInvoicesInterface.csv"):
                continue
            rows = fields_of(name, content)
            found[name.split("_US01")[0]] = sum((abs(Decimal(row[column] or 0)) for row in rows), Decimal(0))
        return found

    assert debits("oracle_gl") == {"oracle_gl": Decimal(107)}
    assert debits("oracle_gl", "oracle_ap") == {"oracle_gl": Decimal(100), "oracle_ap": Decimal(7)}
    assert debits("oracle_gl", "oracle_ap", "oracle_ar") == {"oracle_ap": Decimal(7), "oracle_ar": Decimal(100)}


def test_receivables_and_payables_name_the_partner(settings: Settings, tmp_path: Path) -> None:
    batch = erp.settlement(
        settings, {"earned": "100"}, {"program_key": "i@1", "earned": "7", "instrument": "supplier_invoice"}
    )
    seeded = erp.seeds(settings, {"US01": ["dynamics_journal", "netsuite_journal"]})
    files = erp.write(tmp_path, seeded, batch.tables())
    rows = fields_of("dynamics_journal", files["dynamics_journal_US01_2017-06.csv"])
    assert [(row["ACCOUNTTYPE"], row["ACCOUNTDISPLAYVALUE"]) for row in rows] == [
        ("Ledger", "231500|CC-US01"),
        ("Customer", "R-1"),
        ("Ledger", "231500|CC-US01"),
        ("Vendor", "R-1"),
    ]
    rows = fields_of("netsuite_journal", files["netsuite_journal_US01_2017-06.csv"])
    assert [row["Name"] for row in rows] == ["", "R-1", "", "R-1"]


def test_a_foreign_currency_is_converted_by_oracle(settings: Settings, tmp_path: Path) -> None:
    rows = ({"accrued": "5"}, {"payee_id": "R-2", "currency": "CAD", "accrued": "7"})
    ((name, content),) = accrual_files(tmp_path, settings, ["oracle_gl"], *rows).items()
    columns = ("CURRENCY_CODE", "USER_CURRENCY_CONVERSION_TYPE", "CURRENCY_CONVERSION_DATE")
    assert [tuple(row[column] for column in columns) for row in fields_of(name, content)] == [
        *[("USD", "", "")] * 2,
        *[("CAD", "Corporate", "2017/06/30")] * 2,
    ]


def test_dates_have_the_form_of_the_setting(settings: Settings, tmp_path: Path) -> None:
    for form, date in (("YYYYMMDD", "20170630"), ("DD.MM.YYYY", "30.06.2017"), ("MM/DD/YYYY", "06/30/2017")):
        given_ = {"sap_journal": {"date_format": form}}
        files = accrual_files(tmp_path / date.replace("/", "-"), settings, ["sap_journal"], given=given_)
        assert fields_of("sap_journal", *files.values())[0]["BUDAT"] == date


def test_zips_and_files_are_the_same_bytes_again(settings: Settings, tmp_path: Path) -> None:
    seeded = erp.seeds(settings, {"US01": list(JOURNALS), "DE01": ["oracle_gl"]})
    tables = erp.accrual(settings, {"accrued": "5"}, {"payee_id": "R-2", "accrued": "6"})
    shuffled = {"posting": tables["posting"].take([3, 0, 2, 1])}
    for name, batch in (("a", tables), ("b", shuffled)):
        erp.write(tmp_path / name, seeded, batch)
    for path in (tmp_path / "a" / "erp").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / "erp" / path.name).read_bytes(), path.name
    with zipfile.ZipFile(tmp_path / "a" / "erp" / "oracle_gl_US01_2017-06.zip") as archive:
        (entry,) = archive.infolist()
        assert (entry.filename, entry.date_time) == ("GlInterface.csv", (1980, 1, 1, 0, 0, 0))
        assert archive.testzip() is None


def test_a_zip_does_not_depend_on_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    first = erp_write.zipped({"a.csv": b"1", "b.csv": b"2"})
    monkeypatch.setattr("time.localtime", lambda *_: (2031, 1, 2, 3, 4, 5, 0, 1, 0))
    assert erp_write.zipped({"a.csv": b"1", "b.csv": b"2"}) == first
    assert zipfile.ZipFile(io.BytesIO(first)).namelist() == ["a.csv", "b.csv"]


def test_a_format_that_cannot_be_right_is_refused() -> None:
    with pytest.raises(ValueError, match="kind money, expected one of text"):
        Field("A", kind="money")
    with pytest.raises(ValueError, match="exclude each other"):
        Field("A", column="a", constant="b")
    with pytest.raises(ValueError, match=r"fields twice: \['A'\]"):
        Layout("journal", (Field("A"), Field("A")), {})
    with pytest.raises(ValueError, match=r"amounts \['A'\] are not the controlled ones \[\]"):
        Layout("journal", (Field("A", "debit", kind="amount"),), {})
    with pytest.raises(ValueError, match="rows claim, expected one of journal"):
        Layout("claim", (), {})


def test_every_format_carries_a_line_key_and_names_its_sources() -> None:
    assert sorted(FORMATS) == [*sorted(JOURNALS)[:2], "oracle_ap", "oracle_ar", "oracle_gl", "pain001", "sap_journal"]
    for one in FORMATS.values():
        columns = {field.column for layout in one.layouts for field in layout.fields}
        keyed = {"line_key", "line_memo", "description"} & columns
        assert keyed, one.name
        assert one.line_key, one.name
        assert one.sources, one.name


PAGE = (REPOSITORY / "docs" / "erp-files.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("one", FORMATS.values(), ids=list(FORMATS))
def test_the_page_names_formats_settings_and_filled_fields(one: ErpFormat) -> None:
    assert f"### {one.title}" in PAGE
    section = PAGE.split(f"### {one.title}\n")[1].split("\n### ")[0].split("\n## ")[0]
    for setting in one.settings:
        default = "required" if setting.default is None else f"`{setting.default}`" if setting.default else "empty"
        assert f"| `{setting.name}` | {default} | {setting.meaning} |" in section, setting.name
    for layout in one.layouts:
        for field in layout.fields:
            if field.column or field.setting or field.constant:
                assert erp.field_row(field) in section, field.name
    for source in one.sources:
        assert source in section, source


# --- amounts in = amounts out, whatever the batch -----------------------------------------------

MONEY = st.decimals(min_value="-99999", max_value="99999", places=2)
NAMES = st.sampled_from(["R-1", "R-2", "=R-3", 'R"4', "R,5", "Ré-6", "店7", " R-8"])
ENTITY = st.sampled_from([("US01", "USD"), ("US01", "CAD"), ("CA01", "CAD"), ("DE01", "EUR"), ("US01", "JPY")])


@st.composite
def differences(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of an accrual batch, one for each payee of each of some programs."""
    rows = {}
    for number in range(draw(st.integers(1, 6))):
        entity, currency = draw(ENTITY)
        amount = draw(MONEY.filter(bool))
        if currency == "JPY":
            amount = amount.to_integral_value() or Decimal(1)
        key = (f"p{number}@1", draw(NAMES))
        rows[key] = {"program_key": key[0], "payee_id": key[1], "legal_entity": entity, "currency": currency} | {
            "accrued": str(amount)
        }
    return list(rows.values())


SIZES = {
    name: {field.name: field.size for layout in one.layouts for field in layout.fields if field.size}
    for name, one in FORMATS.items()
}
DEBIT_CREDIT = {
    "oracle_gl": ("ENTERED_DR", "ENTERED_CR", "CURRENCY_CODE", "REFERENCE21"),
    "sap_journal": ("WRSOL", "WRHAB", "WAERS", "ZUONR"),
    "dynamics_journal": ("DEBITAMOUNT", "CREDITAMOUNT", "CURRENCYCODE", "DOCUMENT"),
    "netsuite_journal": ("Debit", "Credit", "Currency", "Line Memo"),
}


@hypothesis_settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=differences())
def test_journals_say_what_the_ledger_says(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    tables = erp.accrual(settings, *rows)
    seeded = erp.seeds(settings, {entity: list(JOURNALS) for entity in erp.ENTITIES})
    files = erp.write(tmp_path_factory.mktemp("any"), seeded, tables)
    told: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    keys: dict[str, set[str]] = defaultdict(set)
    for row in tables["posting"].to_pylist():
        sums = told[row["legal_entity"], row["currency"]]
        sums[0] += row["debit"]
        sums[1] += row["credit"]
        keys[row["legal_entity"]].add(f"1-{row['journal_line']}")
    for entity, lines in keys.items():
        for one, (debit, credit, currency, key) in DEBIT_CREDIT.items():
            (name,) = [name for name in files if name.startswith(f"{one}_{entity}")]
            found: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
            records = fields_of(name, files[name])
            for record in records:
                found[record[currency]][0] += Decimal(record[debit] or 0)
                found[record[currency]][1] += Decimal(record[credit] or 0)
                assert all(len(record[field]) <= size for field, size in SIZES[one].items())
            assert dict(found) == {code: sums for (mine, code), sums in told.items() if mine == entity}
            assert all(debits == credits_ for debits, credits_ in found.values())
            assert {record[key].split(" ")[0] for record in records} == lines


INSTRUMENTS = st.sampled_from(["credit_memo", "supplier_invoice"])


@st.composite
def dues(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of a settlement of US01: earned, less what is held, in any instrument."""
    rows = {}
    for number in range(draw(st.integers(1, 6))):
        key = (f"p{number}@1", draw(NAMES), draw(st.sampled_from(["2017-Q1", "2017-Q2"])))
        row = dict(zip(("program_key", "payee_id", "period_id"), key, strict=True))
        row |= {"instrument": draw(INSTRUMENTS), "currency": draw(st.sampled_from(["USD", "CAD"]))}
        rows[key] = row | {"earned": str(draw(MONEY)), "held": str(draw(MONEY))}
    return list(rows.values())


@hypothesis_settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=dues(), names=st.sets(st.sampled_from(["oracle_ap", "oracle_ar"])))
def test_journal_and_subledgers_together_say_what_the_ledger_says(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], names: set[str]
) -> None:
    tables = erp.settlement(settings, *rows).tables()
    seeded = erp.seeds(settings, {"US01": ["oracle_gl", *sorted(names)]})
    files = erp.write(tmp_path_factory.mktemp("any"), seeded, tables)
    told: dict[str, Decimal] = {}
    for row in tables["posting"].to_pylist():
        if row["account_role"] == "accrued_rebates":
            told[f"2-{row['journal_line']}"] = row["debit"] - row["credit"]
    found: dict[str, Decimal] = {}
    for name, content in files.items():
        assert not content.startswith(b"\xef\xbb\xbf")
        for record in fields_of(name, content):
            if "GlInterface" in name and record["SEGMENT3"] == "231500":
                amount = Decimal(record["ENTERED_DR"] or 0) - Decimal(record["ENTERED_CR"] or 0)
                assert found.setdefault(record["REFERENCE21"], amount) == amount
            elif "ApInvoiceLines" in name:
                assert record["DESCRIPTION"].split(" ")[0] not in found
                found[record["DESCRIPTION"].split(" ")[0]] = Decimal(record["AMOUNT"])
            elif "RaInterface" in name:
                assert record["INTERFACE_LINE_ATTRIBUTE2"] not in found
                found[record["INTERFACE_LINE_ATTRIBUTE2"]] = -Decimal(record["AMOUNT"])
    assert found == told
