"""Drafts of mappings: formats, notations, columns, and what is left for a person."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from orchestration.contract import ENTITIES
from orchestration.intake import Known, ProposeError, propose
from orchestration.intake.propose import WORDS
from orchestration.intake.styles import date_formats, number_style

KNOWN = Known(frozenset({"77", "78"}), frozenset({"R-101", "R-102"}), frozenset({"H-1"}), frozenset({"EA", "CS"}))


def draft(path: Path, **more: Any) -> dict[str, Any]:
    return yaml.safe_load(propose(path, **{"entity": "line", **more}))


def written(tmp_path: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


GERMAN = (
    "Belegnummer;Position;Belegart;Belegdatum;Filiale;Artikelnummer;Menge;Einheit;Nettobetrag;Währung\r\n"
    "B1;1;RE;13.03.2017;101;77;1.200;ST;4.188,50;EUR\r\n"
    "B1;2;XX;14.03.2017;102;78;2;KAR;-3,25;EUR\r\n"
)


def test_a_german_csv(tmp_path: Path) -> None:
    path = written(tmp_path, "haendler_2017-03.csv", GERMAN, "cp1252")
    text = propose(path, "line", known=KNOWN)
    found = yaml.safe_load(text)
    assert found["format"] == {
        "type": "csv", "encoding": "cp1252", "separator": ";", "decimal": ",", "thousands": ".",
        "date_format": "%d.%m.%Y",
    }  # fmt: skip
    columns = found["columns"]
    assert columns["document_number"] == "Belegnummer"
    assert columns["document_date"] == "Belegdatum"
    assert columns["net_amount"] == "Nettobetrag"
    assert columns["currency"] == "Währung"
    assert columns["product_id"] == "Artikelnummer"
    assert columns["reseller_id"] == {"column": "Filiale", "template": "R-{value}"}
    assert columns["unit"] == {"column": "Einheit", "values": {"ST": "EA", "KAR": "CS"}}
    assert columns["document_type"] == {"column": "Belegart", "values": {"RE": "invoice"}}
    assert "# XX: ?  # 1 rows; expected" in text
    assert found["file_pattern"] == "haendler_*.csv"
    assert found["source"] == "haendler"
    assert found["constants"] == {"stream": "sell_through", "record_intent": "original"}
    assert "product_codes" not in found


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("numéro de facture,ligne,type de document,date de vente,magasin,code article,quantité,unité,montant net",
         "F1,1,facture,31/03/2017,R-101,77,2,EA,3.50"),
        ("número de factura,línea,tipo de documento,fecha de venta,tienda,código de artículo,cantidad,unidad,neto",
         "F1,1,factura,31/03/2017,R-101,77,2,EA,3.50"),
        ("Invoice No,Line,Type,Invoice Date,Store,Item Number,Qty,UoM,Net Amount",
         "F1,1,Sale,03/31/2017,R-101,77,2,EA,3.50"),
    ],
)  # fmt: skip
def test_french_spanish_and_english_headers(tmp_path: Path, header: str, row: str) -> None:
    found = draft(written(tmp_path, "a.csv", f"{header}\n{row}\n"), known=KNOWN)
    theirs = [item["column"] if isinstance(item, dict) else item for item in found["columns"].values()]
    ours = ["document_number", "line_number", "document_type", "document_date", "reseller_id", "product_id",
            "quantity", "unit", "net_amount"]  # fmt: skip
    assert list(found["columns"]) == ours
    assert theirs == header.split(",")
    assert list(found["columns"]["document_type"]["values"].values()) == ["invoice"]


def test_dates_that_can_be_read_in_two_ways_are_marked(tmp_path: Path) -> None:
    text = propose(written(tmp_path, "a.csv", "Invoice,Invoice Date\nA,03/04/2017\n"), "line")
    [line] = [line for line in text.splitlines() if "date_format" in line]
    assert "# ? '03/04/2017' also fits %m/%d/%Y" in line


def test_what_is_required_and_not_found_is_left_to_a_person(tmp_path: Path) -> None:
    text = propose(written(tmp_path, "a.csv", "Invoice,Zzz\nA,5\n"), "line")
    assert "  # quantity: ?  # required" in text
    assert "quantity" not in yaml.safe_load(text)["columns"]
    assert yaml.safe_load(text)["ignored_columns"] == ["Zzz"]
    assert "No accepted master data" in text


def test_codes_that_are_none_of_ours_are_cross_referenced(tmp_path: Path) -> None:
    found = draft(written(tmp_path, "a.csv", "Invoice,Item Code\nA,LK-1\n"), known=KNOWN)
    assert found["product_codes"] == "cross_reference"


def test_values_outweigh_names(tmp_path: Path) -> None:
    # both are called product; only one holds products of ours
    found = draft(written(tmp_path, "a.csv", "Product,Product code\nSoap,77\nTea,78\n"), known=KNOWN)
    assert found["columns"]["product_id"] == "Product code"


def test_a_workbook_with_a_title_block(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "POS"
    for row in (["Lakeside report"], [], ["Report No", "Line", "Sale Date", "Qty", "Net USD"]):
        sheet.append(row)
    import datetime

    sheet.append(["A1", 1, datetime.date(2017, 3, 31), 2, 3.5])
    book.save(tmp_path / "pos 2017.xlsx")
    found = draft(tmp_path / "pos 2017.xlsx")
    assert found["format"] == {"type": "excel", "sheet": "POS", "header_row": 3}
    assert found["columns"]["document_date"] == "Sale Date"
    assert found["constants"]["currency"] == "USD"
    assert found["file_pattern"] == "pos *.xlsx"


def test_json_lines_and_parquet(tmp_path: Path) -> None:
    row = {"invoice": {"number": "A", "date": "2017-03-31"}, "quantity": 2, "net_amount": 3.5}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    found = draft(tmp_path / "a.jsonl")
    assert found["format"] == {"type": "json_lines", "date_format": "%Y-%m-%d"}
    assert found["columns"]["document_number"] == "invoice.number"
    assert found["columns"]["document_date"] == "invoice.date"
    pq.write_table(pa.table({"doc_no": ["A"], "qty": [2], "net_cad": [3.5]}), tmp_path / "a.parquet")
    found = draft(tmp_path / "a.parquet")
    assert found["format"] == {"type": "parquet"}
    assert found["columns"] == {"document_number": "doc_no", "quantity": "qty", "net_amount": "net_cad"}
    assert found["constants"]["currency"] == "CAD"


def test_a_compressed_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(GERMAN.encode()))
    found = draft(tmp_path / "a.csv.gz")
    assert (found["format"]["type"], found["format"]["compression"]) == ("csv", "gzip")


def test_x12_is_refused_with_the_page_that_helps(tmp_path: Path) -> None:
    path = written(tmp_path, "a.edi", "ISA*00*          *00*")
    with pytest.raises(ProposeError, match=r"docs/edi\.md"):
        propose(path, "line")


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"\x81\x8d\xff;a\n", "not readable as utf-8 or")])
def test_files_that_cannot_be_looked_at(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ProposeError, match=words):
        propose(tmp_path / "a.csv", "line")


def test_wrong_entity_and_source_names(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "a,b\nx,y\n")
    with pytest.raises(ProposeError, match="unknown entity 'sale'; expected one of line, partner"):
        propose(path, "sale")
    with pytest.raises(ProposeError, match="--source 'A-1'"):
        propose(path, "line", "A-1")


@pytest.mark.parametrize(
    ("values", "decimal", "thousands", "sure"),
    [
        (["1.234,56", "7,5"], ",", ".", True),
        (["1,234.56"], ".", ",", True),
        (["1 234,5"], ",", " ", True),
        (["1'234.50"], ".", "'", True),
        (["1.234", "12"], ".", ".", False),
        (["12", "7"], ".", "", False),
        (["1.5", "2,5"], ".", "", False),
    ],
)
def test_number_styles(values: list[str], decimal: str, thousands: str, sure: bool) -> None:
    style = number_style(values)
    assert style.decimal[0] == decimal
    assert style.decimal[1].startswith("?") != sure
    if sure:
        assert style.thousands[0] == thousands


def test_signs_and_negatives() -> None:
    style = number_style(["(5.25)", "5-", "$ 7.10", "-3"])
    assert style.negatives[0] == ["leading", "trailing", "parentheses"]
    assert style.signs[0] == ["$"]


def test_codes_are_no_dates() -> None:
    assert date_formats(["20170331"]) == ["%Y%m%d"]
    assert date_formats(["10000500"]) == []
    assert date_formats(["31.02.2017"]) == []
    assert date_formats(["31.03.2017", "no date"]) == []


def test_every_word_is_about_a_column_of_ours() -> None:
    words = yaml.safe_load(WORDS.read_text())
    columns = {column.name: column for entity in ENTITIES.values() for column in entity.columns}
    assert set(words["columns"]) <= set(columns) | {"partner_product_id"}
    assert set(words["values"]["document_type"]) == set(columns["document_type"].domain)
    assert set(words["values"]["record_intent"]) == set(columns["record_intent"].domain)
