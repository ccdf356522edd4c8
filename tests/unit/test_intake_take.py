"""Intake on hand-made files: formats, row numbers, parse errors, receipts, rebuilds."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.contract import ENTITIES, FILE, SOURCE, raw_columns
from orchestration.intake import FileReport, IntakeReport, LandingError, landing, read_csv, take_in
from orchestration.intake.mapping import load_mapping
from orchestration.settings import Settings

NORTH_HEADER = (
    "Belegnummer;Position;Belegart;Belegdatum;Bezug;Meldeart;Filiale;Kunde;Kundenname;"
    "Artikel;Menge;Einheit;Nettobetrag;Waehrung;Gebiet;Freigabe"
)
NORTH_LINE = "B1;10;R;31.03.2017;;O;367;H-1;Müller & Söhne;1029743;2;ST;5,58;USD;NORD;SP-1"
LAKE_HEADER = [
    "Report No",
    "Line",
    "Type",
    "Sale Date",
    "Orig. Report No",
    "Status",
    "Dealer No",
    "Customer Id",
    "Customer",
    "Item Code",
    "Qty",
    "UoM",
    "Net USD",
    "Special Price No",
]


def deliver(settings: Settings, source: str, name: str, content: bytes | str) -> Path:
    path = settings.landing / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def north(settings: Settings, *lines: str, name: str = "north_1.csv", header: str = NORTH_HEADER) -> Path:
    return deliver(settings, "north_pos", name, "\r\n".join([header, *lines, ""]).encode("cp1252"))


def workbook(
    settings: Settings, rows: list[list[Any]], name: str = "Lakeside POS 1.xlsx", sheet: str = "POS Report"
) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    page["A1"], page["B2"] = "Lakeside Distribution", "Report"
    for number, row in enumerate([LAKE_HEADER, *rows], start=5):
        for place, value in enumerate(row, start=1):
            page.cell(number, place, value)
    path = settings.landing / "lakeside_pos" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def raw(settings: Settings, entity: str = "line", columns: str = "*") -> list[dict[str, Any]]:
    found = duckdb.connect().execute(
        f"SELECT {columns} FROM read_parquet('{settings.raw}/{entity}/*.parquet') ORDER BY file_sequence"
        + ("" if entity == "file" else ", row_number")
    )
    names = [item[0] for item in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def only(report: IntakeReport) -> FileReport:
    assert len(report.files) == 1
    return report.files[0]


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_csv_with_decimal_comma_and_cp1252(settings: Settings) -> None:
    north(settings, NORTH_LINE, 'B2;1;T;01.04.2017;B1;A;9;;"a ""b""; c";77;-1,5;KAR;-0,0001;USD; X ;')
    report = only(take_in(settings))
    assert (report.status, report.rows, report.entity, report.file_sequence) == ("new", 2, "line", 1)
    first, second = raw(settings)
    assert (
        first
        | {
            "stream": "sell_through",
            "document_number": "B1",
            "line_number": "10",
            "document_type": "invoice",
            "document_date": datetime.date(2017, 3, 31),
            "document_date_text": "31.03.2017",
            "reference_document_number": None,
            "record_intent": "original",
            "sold_to_id": None,
            "distributor_id": "D-NORTH",
            "reseller_id": "R-367",
            "end_customer_name": "Müller & Söhne",
            "product_id": "1029743",
            "partner_product_id": "1029743",
            "quantity": Decimal("2"),
            "unit": "EA",
            "net_amount": Decimal("5.58"),
            "net_amount_text": "5,58",
            "authorization_number": "SP-1",
            "parse_errors": None,
            "source": "north_pos",
            "file_sequence": 1,
            "row_number": 2,
        }
        == first
    )
    assert second["end_customer_name"] == 'a "b"; c'
    assert (second["document_type"], second["record_intent"]) == ("return", "addendum")
    assert (second["quantity"], second["net_amount"]) == (Decimal("-1.5"), Decimal("-0.0001"))
    assert (second["region"], second["authorization_number"], second["parse_errors"]) == ("X", None, None)
    assert list(first) == [column.name for column in raw_columns(ENTITIES["line"])]


def test_canonical_csv_and_master_data(settings: Settings) -> None:
    mapped = load_mapping(settings.sources / "erp_invoices.yml").columns
    columns = [column for column in ENTITIES["line"].columns if column.name in mapped]
    header = ",".join(column.name for column in columns)
    deliver(settings, "erp_invoices", "invoices_1.csv", header + "\n" + ",".join(c.example for c in columns) + "\n")
    references = "line_source,partner_product_id,product_id,valid_from,valid_to\nlakeside_pos,LK-1,77,2017-01-01,\n"
    deliver(settings, "erp_cross_references", "x.csv", references)
    deliver(
        settings, "erp_fx_rates", "r.csv", "from_currency,to_currency,rate_date,rate\nCAD,USD,2017-01-02,0.75020000\n"
    )
    report = take_in(settings)
    assert report.totals == {
        "new": 3,
        "known": 0,
        "waiting": 0,
        "unreadable": 0,
        "unmapped": 0,
        "rebuilt": 0,
        "new_rows": 3,
    }
    line = raw(settings)[0]
    assert (line["stream"], line["document_date"]) == ("sell_in", datetime.date(2017, 3, 31))
    assert line["parse_errors"] is None
    reference = raw(settings, "product_cross_reference")[0]
    assert (reference["partner_product_id"], reference["product_id"], reference["valid_to"]) == ("LK-1", "77", None)
    assert raw(settings, "fx_rate")[0]["rate"] == Decimal("0.7502")


def test_fund_claims(settings: Settings) -> None:
    columns = ENTITIES["fund_claim"].columns
    rows = [",".join(column.name for column in columns), ",".join(column.example for column in columns)]
    rows.append("FC-2,SPRING-COOP,D-LAKE,2017-03-15,450,USD,submitted,,")
    deliver(settings, "erp_fund_claims", "fund_claims_2017-03.csv", "\n".join(rows) + "\n")
    assert only(take_in(settings)).rows == 2
    approved, submitted = raw(settings, "fund_claim")
    assert (approved["amount"], approved["approved_on"]) == (Decimal("320"), datetime.date(2017, 3, 1))
    assert (submitted["claim_date"], submitted["approved_by"]) == (datetime.date(2017, 3, 15), None)
    assert {approved["parse_errors"], submitted["parse_errors"]} == {None}


def test_workbook_with_cells_and_text(settings: Settings) -> None:
    workbook(
        settings,
        [
            ["L1", 10, "SALE", datetime.date(2017, 3, 5), None, "ORIG", "R-1", None, None, "LK-7", 3, "EA", 0.1 + 0.2],
            ["L2", "20", "RETURN", "2017-03-06", "L1", "REPL", "R-2", "H-1", "=1", "LK-8", "-1", "EA", "-1.25", "SP-1"],
            [None] * 13,
            [
                "L3",
                1,
                "CREDIT",
                datetime.datetime.fromisoformat("2017-03-05 10:05"),
                "L1",
                "CANC",
                "R-1",
                "",
                "",
                "LK-9",
                0,
                "EA",
                1.23456,
            ],
        ],
    )
    assert only(take_in(settings)).rows == 3
    first, second, third = raw(settings)
    assert (first["row_number"], second["row_number"], third["row_number"]) == (6, 7, 9)
    assert (first["line_number"], first["document_date"]) == ("10", datetime.date(2017, 3, 5))
    assert first["net_amount"] == Decimal("0.3")  # the workbook shows 15 digits, not the binary float
    assert (first["product_id"], first["partner_product_id"], first["currency"]) == (None, "LK-7", "USD")
    assert (second["quantity"], second["net_amount"]) == (Decimal(-1), Decimal("-1.25"))
    assert (second["document_type"], second["record_intent"]) == ("return", "replacement")
    assert (first["authorization_number"], second["authorization_number"]) == (None, "SP-1")
    assert third["document_date"] is None
    assert third["parse_errors"] == (
        "document_date: '2017-03-05 10:05:00' is not a date (%Y-%m-%d); net_amount: '1.23456' has more than 4 decimals"
    )


def prairie(settings: Settings, name: str = "prairie_1.parquet", **changes: Any) -> None:
    columns = {
        "doc_no": ["P1", "P2"],
        "doc_line": pa.array([1, 2], pa.int32()),
        "doc_type": ["S", "C"],
        "sold_at": [datetime.date(2017, 1, 31), None],
        "ref_doc": [None, "P1"],
        "intent": ["O", "O"],
        "store": ["R-5", "R-5"],
        "customer": [None, "H-2"],
        "sku": ["77", "78"],
        "qty": pa.array([Decimal("1.5000"), Decimal("0.0000")], pa.decimal128(18, 4)),
        "uom": ["EA", "EA"],
        "net_cad": pa.array([Decimal("12.3400"), Decimal("-0.0001")], pa.decimal128(18, 4)),
    }
    path = settings.landing / "prairie_pos" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns | changes), path)


def test_parquet(settings: Settings) -> None:
    prairie(settings)
    prairie(settings, "prairie_2.parquet", net_cad=[0.25, 0.1 + 0.2])
    prairie(settings, "prairie_3.parquet", sold_at=pa.array([17197 * 86400, 17197 * 86400 + 32400], pa.timestamp("s")))
    take_in(settings)
    rows = raw(settings)
    assert [row["row_number"] for row in rows] == [1, 2] * 3
    assert (rows[0]["document_date"], rows[0]["line_number"]) == (datetime.date(2017, 1, 31), "1")
    assert (rows[0]["quantity"], rows[0]["net_amount"]) == (Decimal("1.5"), Decimal("12.34"))
    assert (rows[1]["document_date"], rows[1]["document_type"], rows[1]["currency"]) == (None, "credit_memo", "CAD")
    assert (rows[2]["net_amount"], rows[2]["parse_errors"]) == (Decimal("0.25"), None)
    assert rows[3]["parse_errors"] == "net_amount: '0.30000000000000004' has more than 4 decimals"
    assert rows[4]["document_date"] == datetime.date(2017, 1, 31)
    assert str(rows[5]["parse_errors"]).startswith("document_date: '2017-01-31 09:00:00")


@pytest.mark.parametrize(
    ("field", "value", "column", "error"),
    [
        (12, "12,3x", "net_amount", "net_amount: '12,3x' is not a number"),
        (12, "1.234,50", "net_amount", "net_amount: '1.234,50' is not a number"),
        (12, "1,00001", "net_amount", "net_amount: '1,00001' has more than 4 decimals"),
        (
            12,
            "123456789012345,0",
            "net_amount",
            "net_amount: '123456789012345,0' has more than 14 digits before the decimals",
        ),
        (10, "--2", "quantity", "quantity: '--2' is not a number"),
        (10, "1e3", "quantity", "quantity: '1e3' is not a number"),
        (3, "31.02.2017", "document_date", "document_date: '31.02.2017' is not a date (%d.%m.%Y)"),
        (3, "2017-03-31", "document_date", "document_date: '2017-03-31' is not a date (%d.%m.%Y)"),
        (3, "31.03.17", "document_date", "document_date: '31.03.17' is not a date (%d.%m.%Y)"),
        (2, "Q", "document_type", "document_type: 'Q' is not one of R, G, T"),
        (11, "PAL", "unit", "unit: 'PAL' is not one of KAR, ST"),
    ],
)
def test_value_that_cannot_be_parsed(settings: Settings, field: int, value: str, column: str, error: str) -> None:
    cells = NORTH_LINE.split(";")
    cells[field] = value
    north(settings, ";".join(cells))
    take_in(settings)
    row = raw(settings)[0]
    assert row["parse_errors"] == error
    assert row[column] is None
    assert row.get(f"{column}_text", value) == value


@pytest.mark.parametrize("value", ["5,50000", "+5,5", "005,5", " 5,5 "])
def test_exact_numbers_in_other_spellings(settings: Settings, value: str) -> None:
    north(settings, NORTH_LINE.replace("5,58", value))
    take_in(settings)
    assert (raw(settings)[0]["net_amount"], raw(settings)[0]["parse_errors"]) == (Decimal("5.5"), None)


def test_empty_values_stay_empty_and_errors_add_up(settings: Settings) -> None:
    north(settings, "B1;1;X;;;O;;;;;;;a;;;")
    take_in(settings)
    row = raw(settings)[0]
    assert (row["reseller_id"], row["document_date"], row["document_date_text"], row["unit"]) == (None,) * 4
    assert row["parse_errors"] == "document_type: 'X' is not one of R, G, T; net_amount: 'a' is not a number"


def test_ragged_rows_are_rows_and_numbers_count_records(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_csv, "BLOCK_BYTES", 256)  # several blocks
    good = [NORTH_LINE.replace("B1", f"G{i}") for i in range(9)]
    lines = [good[0], "S1;10;R", *good[1:3], "", NORTH_LINE.replace("B1", "L1") + ";more;yet", good[3], *good[4:]]
    lines[3] = lines[3].replace("Müller & Söhne", '"Müller\r\nzwei Zeilen"')
    north(settings, *lines)
    assert only(take_in(settings)).rows == 11
    rows = {row["document_number"]: row for row in raw(settings)}
    assert {name: row["row_number"] for name, row in rows.items()} == {
        **{"G0": 2, "S1": 3, "G1": 4, "G2": 5, "L1": 7, "G3": 8},
        **{f"G{i}": i + 5 for i in range(4, 9)},
    }
    assert rows["S1"]["parse_errors"] == "row: has 3 fields, expected 16"
    assert (rows["S1"]["document_type"], rows["S1"]["unit"]) == ("invoice", None)
    assert rows["L1"]["parse_errors"] == "row: has 18 fields, expected 16 (not read: more | yet)"
    assert rows["L1"]["net_amount"] == Decimal("5.58")
    assert rows["G2"]["end_customer_name"] == "Müller\r\nzwei Zeilen"
    assert all(row["parse_errors"] is None for name, row in rows.items() if name[0] == "G")


@pytest.mark.parametrize(
    "lines",
    [
        [NORTH_LINE.replace("NORD", '"NORD'), NORTH_LINE, NORTH_LINE],
        [NORTH_LINE.replace("Müller", '"5 inch'), NORTH_LINE.replace("Müller", '"6 inch'), NORTH_LINE],
    ],
)
def test_stray_quote_never_swallows_rows(settings: Settings, lines: list[str]) -> None:
    north(settings, *lines)
    report = only(take_in(settings))
    assert report.status == "unreadable"
    assert "quote is not closed properly" in report.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file is empty"),
        (b"\r\n \r\n", "file is empty"),
        (NORTH_HEADER.replace("Menge;", "").encode(), "header in row 1: missing column 'Menge'"),
        ((NORTH_HEADER + ";Rabatt;Neu").encode(), "header in row 1: extra column 'Rabatt', 'Neu'"),
        (NORTH_HEADER.replace("Gebiet", "Menge").encode(), "missing column 'Gebiet'; column given twice 'Menge'"),
        (NORTH_HEADER.replace(";", ",").encode(), "missing column 'Belegnummer'"),
        ((NORTH_HEADER + "\r\nx\x81;").encode("latin-1"), "not readable as cp1252 text"),
    ],
)
def test_csv_that_cannot_be_read(settings: Settings, content: bytes, message: str) -> None:
    deliver(settings, "north_pos", "north_bad.csv", content)
    north(settings, NORTH_LINE, name="north_good.csv")
    bad, good = take_in(settings).files
    assert (bad.status, bad.rows, bad.entity) == ("unreadable", 0, "line")
    assert message in bad.message
    assert (good.status, good.rows) == ("new", 1)
    entry = raw(settings, "file")[0]
    assert (entry["status"], entry["rows_in"], entry["error"]) == ("unreadable", 0, bad.message)


def test_header_only_is_read_with_no_rows(settings: Settings) -> None:
    north(settings)
    report = only(take_in(settings))
    assert (report.status, report.rows, report.message) == ("new", 0, "")
    assert raw(settings, "file")[0]["status"] == "read"
    assert (settings.raw / "line" / f"000001_{report.file_hash[:16]}.parquet").is_file()


def test_workbooks_and_parquet_that_cannot_be_read(settings: Settings) -> None:
    deliver(settings, "lakeside_pos", "Lakeside POS a.xlsx", b"no workbook")
    workbook(settings, [], "Lakeside POS b.xlsx", sheet="Other")
    deliver(settings, "prairie_pos", "prairie_a.parquet", b"no parquet file")
    deliver(settings, "prairie_pos", "prairie_b.parquet", b"")
    report = take_in(settings)
    assert [file.status for file in report.files] == ["unreadable"] * 4
    messages = [file.message for file in report.files]
    assert "not readable as a workbook" in messages[0]
    assert messages[1] == "no sheet 'POS Report'; the workbook has 'Other'"
    assert "not readable as Parquet" in messages[2]
    assert messages[3] == "file is empty"
    assert not any(str(settings.data) in message for message in messages)


def test_values_under_no_name_are_errors(settings: Settings) -> None:
    north(settings, NORTH_LINE + ";", NORTH_LINE + ";lost", header=NORTH_HEADER + ";")
    take_in(settings)
    assert [row["parse_errors"] for row in raw(settings)] == [None, "row: a value in column 17, which has no name"]


def test_utf8_with_byte_order_mark(settings: Settings) -> None:
    content = "\ufefffrom_currency,to_currency,rate_date,rate\nCAD,USD,2017-01-02,0.75\n"
    deliver(settings, "erp_fx_rates", "r.csv", content)
    deliver(settings, "erp_fx_rates", "s.csv", content.encode().replace(b"CAD", b"\xe4CAD"))
    good, bad = take_in(settings).files
    assert (good.status, good.rows) == ("new", 1)
    assert (bad.status, "not readable as utf-8" in bad.message) == ("unreadable", True)


def test_unknown_source_wrong_name_and_misplaced_files_stop_nothing(settings: Settings) -> None:
    deliver(settings, "mystery", "a.csv", "x")
    deliver(settings, "north_pos", "readme.txt", "x")
    deliver(settings, "north_pos", "north_2.csv.part", "x")
    deliver(settings, "north_pos", ".north_3.csv", "x")
    deliver(settings, ".", "stray.csv", "x")
    north(settings, NORTH_LINE)
    report = take_in(settings)
    assert [(f.source, f.file_name, f.status) for f in report.files] == [
        ("mystery", "a.csv", "unmapped"),
        ("north_pos", "north_1.csv", "new"),
        ("north_pos", "readme.txt", "unmapped"),
        ("", "stray.csv", "unmapped"),
    ]
    assert "seeds/sources/mystery.yml" in report.files[0].message
    assert "north_*.csv" in report.files[2].message
    assert [row["entity"] for row in raw(settings, "file")] == [None, "line", None]


def test_receipts_store_and_known_content(settings: Settings) -> None:
    path = north(settings, NORTH_LINE, name="north_b.csv")
    north(settings, NORTH_LINE.replace("B1", "B2"), name="north_a.csv")
    take_in(settings)
    receipt = json.loads((settings.landing / ".receipts" / "000002.json").read_text())
    file_hash = hashlib.sha256(path.read_bytes()).hexdigest()
    assert receipt == {
        "sequence": 2,
        "source": "north_pos",
        "file_name": "north_b.csv",
        "file_hash": file_hash,
        "file_bytes": path.stat().st_size,
    }
    assert (settings.landing / ".store" / file_hash).read_bytes() == path.read_bytes()
    before = tree(settings.data)
    shutil.copy(path, path.with_name("north_c.csv"))
    north(settings, NORTH_LINE.replace("B1", "B3"), name="north_a.csv")  # corrected under the same name
    report = take_in(settings)
    assert [(f.file_name, f.status, f.file_sequence) for f in report.files] == [
        ("north_a.csv", "new", 3),
        ("north_b.csv", "known", 2),
        ("north_c.csv", "known", 2),
    ]
    assert "receipt 000002 (north_b.csv)" in report.files[2].message
    after = tree(settings.data)
    changed = {name for name, value in before.items() if after.get(name) != value}
    assert changed == {"landing/north_pos/north_a.csv"}
    assert sorted(row["document_number"] for row in raw(settings)) == ["B1", "B2", "B3"]


def test_receipts_keep_the_day_of_the_run_that_received_them(settings: Settings) -> None:
    north(settings, NORTH_LINE, name="north_a.csv")
    take_in(settings)  # a run that knows no date, as receipts were before
    north(settings, NORTH_LINE.replace("B1", "B2"), name="north_b.csv")
    take_in(settings, received_on=datetime.date(2017, 4, 9))
    north(settings, NORTH_LINE.replace("B1", "B3"), name="north_c.csv")
    take_in(settings, received_on=datetime.date(2017, 3, 31))  # a month that is run again
    assert "received_on" not in json.loads((settings.landing / ".receipts" / "000001.json").read_text())
    days = [None, datetime.date(2017, 4, 9), datetime.date(2017, 4, 9)]
    assert [row["received_on"] for row in raw(settings, "file")] == days
    before = tree(settings.raw)
    shutil.rmtree(settings.raw)
    take_in(settings, received_on=datetime.date(2017, 12, 31))
    assert tree(settings.raw) == before


def test_the_register_of_sources_follows_the_mappings(settings: Settings) -> None:
    take_in(settings)
    found = {row["source"]: row for row in pq.read_table(settings.raw / "source" / "source.parquet").to_pylist()}
    assert list(found) == sorted(found)
    assert set(found) == {path.stem for path in settings.sources.glob("*.yml")}
    assert found["prairie_pos"]["partner_id"] == "D-PRAIRIE"
    assert found["prairie_pos"]["agreed_fields"] == "reseller_id|end_customer_id"
    settings = dataclasses.replace(settings, sources=settings.data / "none")
    take_in(settings)
    empty = pq.read_table(settings.raw / "source" / "source.parquet")
    assert empty.num_rows == 0
    assert empty.column_names == [column.name for column in SOURCE.columns]


def test_same_content_from_two_sources_is_two_files(settings: Settings) -> None:
    for source in ("erp_partner_tiers", "erp_partners"):
        deliver(settings, source, "a.csv", "x")
    assert [f.file_sequence for f in take_in(settings).files] == [1, 2]


def test_content_renamed_to_a_fitting_name_is_read(settings: Settings) -> None:
    path = north(settings, NORTH_LINE, name="Nord.csv")
    assert only(take_in(settings)).status == "unmapped"
    path.rename(path.with_name("north_1.csv"))
    assert (only(take_in(settings)).status, len(raw(settings))) == ("new", 1)
    assert only(take_in(settings)).status == "known"


def test_raw_is_rebuilt_from_the_store_to_the_same_bytes(settings: Settings) -> None:
    north(settings, *(NORTH_LINE.replace("B1", f"B{i}") for i in range(3000)), "short")
    prairie(settings)
    workbook(settings, [["L1", 1, "SALE", datetime.date(2017, 3, 5), None, "ORIG", "R-1", "", "", "LK-7", 3, "EA", 1]])
    deliver(settings, "mystery", "a.csv", "x")
    take_in(settings)
    before = tree(settings.raw)
    assert {f"{name}/_schema.parquet" for name in (*ENTITIES, "file")} <= set(before)
    shutil.rmtree(settings.raw)
    for folder in settings.landing.iterdir():
        if not folder.name.startswith("."):
            shutil.rmtree(folder)
    report = take_in(dataclasses.replace(settings, threads=1))
    assert (report.rebuilt, [f.status for f in report.files]) == (4, ["known", "unmapped", "known", "known"])
    assert tree(settings.raw) == before
    assert take_in(settings).files == ()
    next((settings.raw / "line").glob("000001*")).unlink()
    assert take_in(settings).rebuilt == 1
    assert tree(settings.raw) == before


def test_changed_mapping_reads_again(settings: Settings, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    shutil.copytree(settings.sources, sources)
    own = dataclasses.replace(settings, sources=sources)
    (sources / "north_pos.yml").unlink()
    north(settings, NORTH_LINE)
    assert only(take_in(own)).status == "unmapped"
    mapping = (settings.sources / "north_pos.yml").read_text()
    (sources / "north_pos.yml").write_text(mapping.replace("decimal:", "decimals:"))
    report = only(take_in(own))
    assert (report.status, "north_pos.yml: format.csv.decimals: unknown field" in report.message) == ("unmapped", True)
    (sources / "north_pos.yml").write_text(mapping.replace("R-{value}", "Q-{value}"))
    assert (only(take_in(own)).rows, raw(settings)[0]["reseller_id"]) == (1, "Q-367")
    (sources / "north_pos.yml").write_text(mapping)
    take_in(own)
    first = tree(settings.raw)
    shutil.rmtree(settings.raw)
    take_in(own)
    assert (tree(settings.raw), raw(settings)[0]["reseller_id"]) == (first, "R-367")


def test_damaged_landing_is_an_error(settings: Settings) -> None:
    north(settings, NORTH_LINE)
    take_in(settings)
    stored = next((settings.landing / ".store").iterdir())
    stored.write_bytes(b"altered")
    shutil.rmtree(settings.raw)
    with pytest.raises(LandingError, match=r"000001 .*altered"):
        take_in(settings)
    stored.unlink()
    with pytest.raises(LandingError, match="missing"):
        take_in(settings)


def test_progress_and_schemas_without_any_file(settings: Settings) -> None:
    assert take_in(settings).files == ()
    for name, entity in ENTITIES.items():
        schema = pq.read_schema(settings.raw / name / "_schema.parquet")
        assert schema.names == [column.name for column in raw_columns(entity)]
    assert pq.read_schema(settings.raw / "file" / "_schema.parquet").names == [column.name for column in FILE.columns]
    north(settings, NORTH_LINE)
    said: list[str] = []
    take_in(settings, said.append)
    assert said == ["north_pos/north_1.csv: 1 rows"]


def test_a_very_long_text_is_read_and_a_row_with_one_too_many_is_named(settings: Settings) -> None:
    long = "x" * 200_000
    north(settings, NORTH_LINE.replace("Müller & Söhne", long), NORTH_LINE.replace("Müller & Söhne", long) + ";extra")
    [report] = take_in(settings).files
    assert (report.status, report.rows) == ("new", 2)
    rows = duckdb.sql(
        f"SELECT row_number, length(end_customer_name), parse_errors FROM '{settings.raw}/line/000001*.parquet'"
    ).fetchall()
    assert rows == [(2, 200_000, None), (3, 200_000, "row: has 17 fields, expected 16 (not read: extra)")]


def test_a_name_that_is_no_text_is_reported_and_the_others_are_taken_in(settings: Settings) -> None:
    north(settings, NORTH_LINE)
    content = (settings.landing / "north_pos" / "north_1.csv").read_bytes()
    try:
        Path(os.fsdecode(bytes(settings.landing / "north_pos") + b"/north_\xff.csv")).write_bytes(content + b"\n")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    reports = {report.file_name: report for report in take_in(settings).files}
    assert reports["north_1.csv"].status == "new"
    refused = reports["north_\\udcff.csv"]
    assert (refused.status, refused.file_sequence) == ("unmapped", None)
    assert "not UTF-8" in refused.message


def test_a_file_that_cannot_be_opened_does_not_stop_the_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    north(settings, NORTH_LINE)
    north(settings, NORTH_LINE, name="north_gone.csv")
    fingerprint = landing.fingerprint

    def gone(path: Path) -> str:
        if path.name == "north_gone.csv":
            raise FileNotFoundError(2, "No such file or directory")
        return fingerprint(path)

    monkeypatch.setattr(landing, "fingerprint", gone)
    reports = {report.file_name: report for report in take_in(settings).files}
    assert (reports["north_1.csv"].status, reports["north_gone.csv"].status) == ("new", "unreadable")
    assert "No such file" in reports["north_gone.csv"].message
