"""X12 files taken in: paths, rows, and what becomes of rows whose set is wrong."""

from __future__ import annotations

import dataclasses
import datetime
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.intake import FileReport, MappingError, load_mapping, take_in
from orchestration.intake.formats import X12Format
from orchestration.intake.mapping import Mapping
from orchestration.intake.records import UnreadableError, schema
from orchestration.intake.x12.paths import PathError, parse
from orchestration.intake.x12.records import open_x12
from orchestration.settings import REPOSITORY, Settings
from orchestration.x12 import load
from tests.unit.test_x12_check import CLAIMS, POS, counted, mutations

EDI = REPOSITORY / "tests" / "edi"


def pos(**changes: Any) -> Mapping:
    """The mapping of the 867 with other values; ``format__set`` stands for the format's set."""
    document = yaml.safe_load((EDI / "coastal_pos.yml").read_text())
    for name, value in changes.items():
        *parents, last = name.split("__")
        place = document
        for parent in parents:
            place = place[parent]
        place[last] = value
    return Mapping.model_validate(document)


def read(tmp_path: Path, text: str, **changes: Any) -> list[dict[str, Any]]:
    """The rows of a file by our columns (as text, before values and templates)."""
    mapping = pos(**changes)
    path = tmp_path / "file.edi"
    path.write_text(text, newline="")
    rows = []
    fmt = mapping.format
    assert isinstance(fmt, X12Format)
    records = open_x12(path, fmt, mapping)
    for batch in records.batches:
        assert batch.schema == schema(len(records.header))
        for row in batch.to_pylist():
            found: dict[str, Any] = {"row": row["row_number"], "error": row["row_error"]}
            for name in mapping.columns:
                found[name] = row[f"c{records.header.index(mapping.column(name).column)}"]
            rows.append(found)
    return rows


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose sources are those of tests/edi."""
    sources = tmp_path / "sources"
    sources.mkdir()
    for path in EDI.glob("*.yml"):
        shutil.copy(path, sources)
    return dataclasses.replace(settings, sources=sources)


def taken(own: Settings, text: str, source: str = "coastal_pos", name: str = "march.edi") -> FileReport:
    path = own.landing / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, newline="")
    (report,) = [report for report in take_in(own).files if report.file_name == name]
    return report


def raw(own: Settings, entity: str = "line") -> list[dict[str, Any]]:
    found = duckdb.connect().execute(
        f"SELECT * FROM read_parquet('{own.raw}/{entity}/*.parquet') ORDER BY file_sequence, row_number"
    )
    names = [item[0] for item in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_an_867_becomes_lines(own: Settings) -> None:
    report = taken(own, POS)
    assert (report.status, report.rows, report.entity, report.message) == ("new", 4, "line", "")
    sale, case, special, back = raw(own)
    assert {row["parse_errors"] for row in raw(own)} == {None}
    expected = {
        "stream": "sell_through",
        "document_number": "7001",
        "line_number": "1",
        "document_type": "invoice",
        "document_date": datetime.date(2017, 3, 6),
        "record_intent": "original",
        "ship_to_id": "R-367",
        "distributor_id": "D-LAKE",
        "end_customer_id": "H-1001",
        "end_customer_name": "HOUSEHOLD 1001",
        "product_id": "1029743",
        "quantity": Decimal(2),
        "unit": "EA",
        "net_amount": Decimal("5.58"),
        "currency": "USD",
        "authorization_number": None,
        "row_number": 16,
    }
    assert {name: sale[name] for name in expected} == expected
    assert (case["unit"], case["line_number"], case["row_number"]) == ("CS", "2", 20)
    # no amount is given: quantity times price, exactly
    assert (special["net_amount"], special["net_amount_text"]) == (Decimal("25.05"), "25.050")
    assert (special["authorization_number"], special["end_customer_id"]) == ("SP-0001", None)
    assert (back["quantity"], back["net_amount"]) == (Decimal(-1), Decimal("-2.79"))
    assert (back["document_type"], back["reference_document_number"]) == ("return", "7001")


def test_an_844_becomes_claims(own: Settings) -> None:
    report = taken(own, CLAIMS, source="coastal_claims")
    assert (report.status, report.rows, report.entity) == ("new", 2, "claim")
    first, second = raw(own, "claim")
    expected = {
        "claim_number": "DM-5501",
        "claim_line_number": "1",
        "claim_date": datetime.date(2017, 4, 10),
        "partner_id": "D-LAKE",
        "record_intent": "original",
        "document_number": "7002",
        "product_id": "1029743",
        "quantity": Decimal(10),
        "unit": "EA",
        "authorization_number": "SP-0001",
        "claimed_amount": Decimal("2.85"),
        "currency": "USD",
        "claim_reason": None,
        "parse_errors": None,
        "row_number": 9,
    }
    assert {name: first[name] for name in expected} == expected
    assert (second["claim_line_number"], second["claim_reason"]) == ("2", "MEET COMPETITION")


def test_intent_comes_from_the_purpose_code(own: Settings) -> None:
    taken(own, POS.replace("BPT*00", "BPT*05"))
    assert {row["record_intent"] for row in raw(own)} == {"replacement"}


def test_an_unknown_purpose_is_a_parse_error(own: Settings) -> None:
    taken(own, POS.replace("BPT*00", "BPT*99"))
    assert {row["parse_errors"] for row in raw(own)} == {"record_intent: '99' is not one of 00, 01, 05, 06"}


def test_rows_of_a_wrong_set_are_kept_with_the_reason(own: Settings) -> None:
    """Rows in = accepted + held + quarantined: the rows of the wrong set are there, and none of them counts."""
    part = POS[POS.index("ST*867") : POS.index("GE*1")]
    broken = part.replace("CTT*4", "CTT*5").replace("*7001", "*8001").replace("0001~", "0002~")
    report = taken(own, POS.replace(part, part + broken).replace("GE*1", "GE*2"))
    assert report.rows == 8
    rows = raw(own)
    reason = "row: segment 77 (CTT, 37 of set 0002): CTT01 counts 5, but the set has 3 PTD, 4 QTY, 4 LIN"
    assert [row["parse_errors"] for row in rows] == [None] * 4 + [reason] * 4
    assert [row["row_number"] for row in rows] == [16, 20, 28, 36, 54, 58, 66, 74]
    assert rows[4]["document_number"] == "8001"


def test_a_wrong_set_without_rows_is_a_row(own: Settings) -> None:
    empty = counted(POS[: POS.index("PTD*SS")] + POS[POS.index("CTT*") :])
    report = taken(own, empty)
    assert report.rows == 1
    (row,) = raw(own)
    assert row["parse_errors"] == "row: segment 9 (CTT, 7 of set 0001): expected PTD before it"
    assert (row["row_number"], row["document_number"], row["quantity"]) == (3, None, None)


def test_other_sets_are_a_row_unless_they_are_ignored(tmp_path: Path) -> None:
    receipt = "ST*997*0002~\nAK1*PO*1~\nAK9*A*1*1*1~\nSE*4*0002~\n"
    mixed = POS.replace("GE*1", f"{receipt}GE*2")
    assert [row["row"] for row in read(tmp_path, mixed)] == [16, 20, 28, 36]
    rows = read(tmp_path, mixed, format__ignored_sets=[])
    assert rows[-1]["row"] == 41
    assert rows[-1]["error"] == "row: segment 41 (ST, 1 of set 0002): set 997 in ST01, expected 867"


def test_a_file_that_is_broken_as_a_whole_has_no_rows(own: Settings) -> None:
    report = taken(own, POS.replace("GE*1", "GE*2"))
    assert (report.status, report.rows) == ("unreadable", 0)
    assert report.message == "not readable as X12: segment 41 (GE): GE01 counts 2 sets, but the group has 1"
    assert raw(own) == []


def test_a_changed_grammar_reads_files_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = pos().recipe
    monkeypatch.setattr("orchestration.intake.mapping.fingerprint", lambda code: f"another grammar of {code}")
    assert pos().recipe != before


def test_the_nearest_loop_decides(tmp_path: Path) -> None:
    text = POS.replace("N1*DS*COASTAL DISTRIBUTION*92*D-LAKE~", "N1*DS*COASTAL*92*D-LAKE~\nN1*ST*HUB*92*999~")
    text = counted(text.replace("N1*ST*STORE 406*92*406~\n", "").replace("N1*ST*STORE 367*92*367~", "N1*ST*X~", 1))
    assert [row["ship_to_id"] for row in read(tmp_path, text)] == ["", "", "999", "367"]


def test_two_values_for_one_path_are_an_error(tmp_path: Path) -> None:
    text = counted(POS.replace("REF*IV*7001~\n", "REF*IV*7001~\nREF*IV*7009~\n"))
    rows = read(tmp_path, text)
    reason = "row: REF02[REF01=IV] is given more than once: '7001' and '7009'"
    assert [row["error"] for row in rows] == [reason, reason, None, None]
    same = counted(POS.replace("REF*IV*7001~\n", "REF*IV*7001~\nREF*IV*7001~\n"))
    assert {row["error"] for row in read(tmp_path, same)} == {None}


def test_composites_and_repetitions(tmp_path: Path) -> None:
    text = POS.replace("QTY*32*2*EA~", "QTY*32*2*EA>>CA~")
    rows = read(tmp_path, text)
    assert [row["error"] for row in rows] == ["row: QTY03 has components or repeats: 'EA>>CA'", None, None, None]
    assert [row["unit"] for row in read(tmp_path, text, columns__unit="QTY03-1")] == ["EA", "CS", "EA", "EA"]
    assert [row["unit"] for row in read(tmp_path, text, columns__unit="QTY03-3")] == ["CA", "", "", ""]
    newer = POS.replace("*U*00401*", "*^*00501*").replace("LIN*1*UP", "LIN*1^2*UP", 1)
    assert read(tmp_path, newer)[0]["error"] == "row: LIN01 has components or repeats: '1^2'"
    pairs = POS.replace("VN*1029743~", "VN*1029743>A~", 1)
    assert read(tmp_path, pairs)[0]["error"] == "row: LIN[VN] has components: '1029743>A'"


def test_implied_decimals_are_those_of_the_set(tmp_path: Path) -> None:
    text = counted(POS.replace("AMT*1*5.58~", "AMT*1*5.58~\nITA*A*ZZ*ZZZZ*02***558~"))
    for given, expected in (("558", "5.58"), ("5", "0.05"), ("-1234", "-12.34"), ("0", "0.00")):
        rows = read(tmp_path, text.replace("558~", f"{given}~"), columns__net_amount="ITA07[ITA01=A]")
        assert (rows[0]["net_amount"], rows[0]["error"]) == (expected, None)
    rows = read(tmp_path, text.replace("***558~", "***5.58~"), columns__net_amount="ITA07")
    assert rows[0]["error"] == "row: ITA07: '5.58' is not a number with 2 implied decimals"


def test_conditions_on_leads_envelope_and_record_numbers(tmp_path: Path) -> None:
    changes = {
        "columns__line_number": "@record",
        "columns__region": "N404[N101=ST]",
        "columns__sales_rep_id": "GS06",
        "columns__sold_to_id": "ISA06",
        "columns__authorization_number": "LIN[UP] | LIN[VN]",
        "columns__end_customer_id": "REF02[REF01=IV,PTD01=SD]",
    }
    rows = read(tmp_path, POS + POS.replace("~\n", "\n"), **changes)
    assert [row["line_number"] for row in rows] == ["1", "2", "3", "4"] * 2
    assert [row["region"] for row in rows[:4]] == ["US", "US", None, None]
    assert {(row["sales_rep_id"], row["sold_to_id"]) for row in rows} == {("101", "COASTALDIST")}
    assert rows[0]["authorization_number"] == "000001029743"
    assert [row["end_customer_id"] for row in rows[:4]] == [None, None, "7002", None]
    assert rows[4]["row"] == 42 + 16


def test_products_are_exact_and_need_numbers() -> None:
    grammar = load("867")
    product = parse("QTY02 * UIT02", grammar, "QTY")
    assert product.value({"QTY02": "3", "UIT02": "0.10000000000000000001"}) == "0.30000000000000000003"
    assert product.value({"QTY02": "-2", "UIT02": "1.50"}) == "-3.00"
    assert product.value({"QTY02": "2", "UIT02": "n/a"}) == "2 * n/a"
    assert product.value({"QTY02": "9" * 50, "UIT02": "2"}) == "9" * 50 + " * 2"
    assert product.value({"QTY02": "2"}) is None
    assert product.value({"QTY02": "", "UIT02": "2"}) is None
    negated = parse("-QTY02", grammar, "QTY")
    assert [negated.value({"QTY02": text}) for text in ("5", "-5", "+5", "", "x")] == ["-5", "5", "-5", None, "-x"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("QTY2", "'QTY2': expected a path such as QTY02, QTY02[QTY01=32], LIN[VN] or @record"),
        ("qty02", "'qty02': expected a path such as"),
        ("", "'': expected a path such as"),
        ("@line", "'@line': expected a path such as"),
        ("QTY00", "'QTY00': elements and components are counted from 1"),
        ("QTY03-0", "'QTY03-0': elements and components are counted from 1"),
        ("BEG02", "'BEG02': set 867 has no segment BEG; it has ST, BPT, CUR"),
        ("CTT01", "'CTT01': CTT stands where no QTY record can see it"),
        ("QTY02[32]", "'QTY02[32]': condition '32': expected an element and its value, such as QTY01=32"),
        ("QTY02[LIN01=1]", "a condition may name QTY itself or the lead of a loop that it stands in"),
        ("QTY02[BEG01=1]", "'QTY02[BEG01=1]': set 867 has no segment BEG"),
        ("LIN", "'LIN': expected an element, such as LIN02, or a qualifier, such as LIN[VN]"),
        ("REF[IV]", "'REF[IV]': REF holds no pairs; those that do: LIN, PER"),
        ("ISA17", "'ISA17': expected ISA01 to ISA16, without conditions"),
        ("GS09", "'GS09': expected GS01 to GS08, without conditions"),
        ("QTY02 |", "'': expected a path such as"),
        ("QTY02 * UIT02 * UIT02 * UIT02 * UIT02", "more than 4 factors"),
    ],
)
def test_paths_that_are_refused(path: str, message: str) -> None:
    with pytest.raises(PathError) as refused:
        parse(path, load("867"), "QTY")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns__unit": "BEG02"}, "columns.unit: 'BEG02': set 867 has no segment BEG"),
        ({"format__set": "850"}, "format.x12: set: unknown set '850'; expected one of 844, 849, 867"),
        ({"format__detail": "PAD"}, "format.x12: detail: set 867 has no loop PAD"),
        ({"format__ignored_sets": ["867"]}, "format.x12: ignored_sets: 867 is the set that is read"),
        ({"format__encoding": "utf-16"}, "format.x12.encoding: unknown encoding 'utf-16'; expected one of ascii"),
        ({"format__decimal": ","}, "format.x12.decimal: Input should be '.'"),
    ],
)
def test_mappings_that_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    document = yaml.safe_load((EDI / "coastal_pos.yml").read_text())
    for name, value in changes.items():
        section, field = name.split("__")
        document[section][field] = value
    path = tmp_path / "coastal_pos.yml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(MappingError) as refused:
        load_mapping(path)
    assert message in str(refused.value)


def test_another_loop_may_be_the_row(tmp_path: Path) -> None:
    """A distributor who reports one product per PTD: the row is the PTD, and finds the QTY inside it."""
    text = counted(POS.replace("QTY*32*1*CS~", "PTD*SS~\nREF*IV*7001~\nQTY*32*1*CS~"))
    rows = read(tmp_path, text, format__detail="PTD", columns__quantity="QTY02[QTY01=32]", columns__net_amount="AMT02")
    assert [(row["document_number"], row["quantity"]) for row in rows] == [
        ("7001", "2"), ("7001", "1"), ("7002", "10"), ("7003", None),
    ]  # fmt: skip


def test_mutated_files_give_rows_or_an_unreadable_file(tmp_path: Path) -> None:
    outcomes = set()
    for mutated in mutations(POS, 300, seed=867):
        try:
            rows = read(tmp_path, mutated)
        except UnreadableError:
            outcomes.add("unreadable")
            continue
        errors = {row["error"] is None for row in rows}
        outcomes.update("right" if right else "wrong" for right in errors)
    assert outcomes == {"unreadable", "right", "wrong"}


def test_the_page_shows_the_files_as_they_are() -> None:
    blocks = (REPOSITORY / "docs" / "edi.md").read_text().split("```")
    report, mapping = blocks[1], blocks[3].removeprefix("yaml")
    for block, name in ((report, "coastal_pos.edi"), (mapping, "coastal_pos.yml")):
        shown = block.strip().splitlines()
        lines = (EDI / name).read_text().splitlines()
        assert set(shown) <= set(lines)
