"""From a delivered file to a person's answer and back: intake, validation, review lists, answers, codes and units."""

from __future__ import annotations

import csv
import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from orchestration import matching
from orchestration.cli import main
from orchestration.intake import take_in
from orchestration.matching import AnswerError, check, deliver, identify, review, suggest, write
from orchestration.settings import Settings
from orchestration.validation import ValidationReport, validate

MASTERS = {
    "erp_products": "product_id,product_name,family,brand,category,base_unit,list_price\n"
    "1029743,FLUID MILK 1 GA,MILK,B,GROCERY,EA,3.49\n1029744,COLD CEREAL 12 OZ,CEREAL,B,GROCERY,EA,4.10\n",
    "erp_product_units": "product_id,unit,factor\n1029743,CS,12\n",
    "erp_partners": "partner_id,partner_name,partner_type,parent_partner_id,channel,region,country\n"
    "D-NORTH,North,distributor,,grocery,NORTH,US\nD-PRAIRIE,Prairie,distributor,,grocery,NORTH,CA\n"
    "R-1,Store 1,reseller,D-NORTH,grocery,NORTH,US\n",
    "erp_end_customers": "end_customer_id,end_customer_name,end_customer_type,industry,size_band,income_band,age_band,"
    "composition,region\nH-1,Café Müller,business,,,,,,\nH-2,Riverside Dental Clinic North,business,,,,,,\n"
    "H-3,Riverside Dental Clinic South,business,,,,,,\n",
    "erp_fx_rates": "from_currency,to_currency,rate_date,rate\nCAD,USD,2017-03-01,0.75\n",
}

NORTH = "Belegnummer;Position;Belegart;Belegdatum;Bezug;Meldeart;Filiale;Kunde;Kundenname;Artikel;Menge;Einheit"
NORTH += ";Nettobetrag;Waehrung;Freigabe;Gebiet"


class Company:
    """A data folder into which files are delivered."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def put(self, source: str, name: str, content: str) -> None:
        """Deliver a text file."""
        path = self.settings.landing / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="cp1252" if source == "north_pos" else "utf-8")

    def north(self, name: str, *rows: tuple[str, str, str, str]) -> None:
        """A report of D-NORTH: document, customer id, customer name, amount."""
        lines = [f"{d};1;R;05.03.2017;;O;1;{who};{called};1029743;2;ST;{a};USD;;" for d, who, called, a in rows]
        self.put("north_pos", f"north_{name}.csv", "\n".join([NORTH, *lines]) + "\n")

    def prairie(self, name: str, *rows: tuple[str, str, str, str]) -> None:
        """A report of D-PRAIRIE: document, product code, unit, amount."""
        path = self.settings.landing / "prairie_pos" / f"prairie_{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        full = [
            {"doc_no": d, "doc_line": "1", "doc_type": "S", "sold_at": "2017-03-06", "ref_doc": None, "intent": "O",
             "store": "R-1", "customer": None, "sku": sku, "qty": "3", "uom": uom, "net_cad": amount}
            for d, sku, uom, amount in rows
        ]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(full, schema=pa.schema([(n, pa.string()) for n in full[0]])), path)

    def run(self) -> ValidationReport:
        """Intake, validation with identification, suggestions."""
        report = take_in(self.settings)
        assert not [file for file in report.files if file.status in ("unreadable", "unmapped")], report.files
        found = validate(self.settings, identify=lambda: identify(self.settings))
        suggest(self.settings)
        return found

    def lines(self, room: str = "accepted") -> dict[str, dict[str, Any]]:
        """Lines of a room by document number."""
        cursor = duckdb.connect().execute(f"from read_parquet('{self.settings.data / room}/line/*.parquet')")
        names = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return {row["document_number"]: row for row in rows}


@pytest.fixture
def company(settings: Settings) -> Company:
    made = Company(settings)
    for source, content in MASTERS.items():
        made.put(source, "master.csv", content)
    return made


def tree(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "state.json")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_end_customer_from_a_name_to_an_answer_that_sticks(company: Company, tmp_path: Path) -> None:
    company.north(
        "1",
        ("10", "H-1", "Café Müller", "5,00"),
        ("11", "", "CAFE MUELLER GmbH", "7,00"),
        ("12", "", "Riverside Dental Clinic", "900,50"),
        ("13", "X-77", "Somebody", "20,00"),
        ("14", "", "", "1,00"),
        ("15", "", "=1+1", "2,00"),
    )
    company.run()
    lines = company.lines()
    assert {d: (row["end_customer_id"], row["end_customer_method"], row["verdict"]) for d, row in lines.items()} == {
        "10": ("H-1", "given", "accepted"),
        "11": ("H-1", "normalised", "accepted"),
        "12": (None, "unidentified", "accepted"),
        "13": ("X-77", "unidentified", "held"),
        "14": (None, "unnamed", "accepted"),
        "15": (None, "unidentified", "accepted"),
    }
    # rules see whom identification found: document 11 has an end customer
    rules = duckdb.connect().execute(
        f"select rows_evaluated, rows_failed from '{company.settings.data}/validation/line/0*.parquet'"
        " where rule_id = 'end_customer_share'"
    )
    assert rules.fetchall() == [(6, 3)]
    listed = review(company.settings)
    assert [(each.name, each.status, each.money, each.lines) for each in listed] == [
        ("Riverside Dental Clinic", "review", "900.50 USD", 1),
        ("Somebody", "unknown", "20.00 USD", 1),
        ("=1+1", "unknown", "2.00 USD", 1),
    ]
    assert [found.end_customer_id for found in listed[0].candidates] == ["H-2", "H-3"]
    # the person answers in a workbook; an unanswered row is no error
    book = tmp_path / "review.xlsx"
    choices = [[found.end_customer_id for found in each.candidates] for each in listed]
    write(matching.CUSTOMERS, matching.customer_rows(listed, "maria"), book, choices)
    first = book.read_bytes()
    write(matching.CUSTOMERS, matching.customer_rows(listed, "maria"), book, choices)
    assert book.read_bytes() == first
    import openpyxl

    opened = openpyxl.load_workbook(book)
    sheet = opened["Review"]
    head = [cell.value for cell in sheet[1]]
    assert sheet.cell(4, head.index("end_customer_name") + 1).value == "'=1+1"
    sheet.cell(2, head.index("answer") + 1).value = "H-3"
    sheet.cell(3, head.index("answer") + 1).value = "none"
    opened.save(book)
    found = check(company.settings, book)
    assert (found.rows, len(found.answered), found.blank, found.problems) == (3, 2, 1, ())
    # the very file may be delivered too: what people read in it is not taken in
    target = company.settings.landing / "customer_answers" / "review.xlsx"
    target.parent.mkdir(parents=True)
    target.write_bytes(book.read_bytes())
    report = company.run()
    assert {f.entity: f.accepted for f in report.files if f.judged} == {"end_customer_answer": 3, "line": 5}
    lines = company.lines()
    assert (lines["12"]["end_customer_id"], lines["12"]["end_customer_method"]) == ("H-3", "answered")
    assert (lines["13"]["end_customer_id"], lines["13"]["verdict"]) == ("X-77", "held")
    assert [each.name for each in review(company.settings)] == ["=1+1"]
    # nothing is identified twice, and a rebuild from landing/ alone gives the same bytes
    assert not any(file.judged for file in company.run().files)
    before = {room: tree(company.settings.data / room) for room in ("accepted", "quarantine", "matching")}
    import shutil

    for room in ("raw", "accepted", "quarantine", "validation", "matching"):
        shutil.rmtree(company.settings.data / room)
    company.run()
    assert {room: tree(company.settings.data / room) for room in before} == before
    # a line of a later file with the same name, and a later answer
    company.north("2", ("20", "", "Riverside Dental Clinic", "1,00"))
    [spelling] = {row["end_customer_spelling"] for row in lines.values() if row["end_customer_method"] == "answered"}
    row = {"end_customer_spelling": spelling, "answer": "H-2", "answered_by": "ben", "comment": "they moved"}
    path = tmp_path / "later.csv"
    write(matching.CUSTOMERS, [row], path)
    assert deliver(company.settings, check(company.settings, path)).parent.name == "customer_answers_csv"
    company.run()
    assert {company.lines()[d]["end_customer_id"] for d in ("12", "20")} == {"H-2"}


def test_unknown_codes_and_units_are_answered_and_their_rows_judged_again(company: Company, tmp_path: Path) -> None:
    company.prairie(
        "1",
        ("1", "1029743", "EA", "10"),
        ("2", "001029743", "EA", "30"),
        ("3", "COLD CERL", "EA", "5"),
        ("4", "1029743", "KARTON", "70"),
        ("5", "1029744", "CS", "9"),
    )
    company.put("erp_cross_references", "x.csv", "line_source,partner_product_id,product_id,valid_from,valid_to\n"
                "prairie_pos,COLD CERL,1029744,2016-01-01,2016-12-31\n")  # fmt: skip
    company.run()
    assert sorted(company.lines()) == ["1"]
    suggestions = pq.read_table(company.settings.matching / "code_suggestion.parquet").to_pylist()
    assert {
        (r["code_type"], r["code"], r["suggestion_number"]): (r["suggestion"], r["reason"]) for r in suggestions
    } == {
        ("product", "001029743", 1): ("1029743", "the same code, written in another way"),
        ("product", "COLD CERL", 1): ("1029744", "the cross-reference of the source on other dates, from 2016-01-01"),
        ("unit", "KARTON", 1): ("CS", "usual word"),
        ("unit", "KARTON", 2): ("EA", "unit of its products"),
    }
    products = [
        {"line_source": "prairie_pos", "partner_product_id": "001029743", "product_id": "1029743",
         "valid_from": "2017-01-01", "lines": "1", "suggestion_1": "1029743 (the same code)"},
        {"line_source": "prairie_pos", "partner_product_id": "COLD CERL", "product_id": "",
         "valid_from": "2017-03-06", "lines": "1"},
    ]  # fmt: skip
    units = [{"line_source": "prairie_pos", "partner_unit": "KARTON", "unit": "CS", "valid_from": "2017-03-01",
              "valid_to": "2017-03-31"}]  # fmt: skip
    for kind, rows in ((matching.PRODUCTS, products), (matching.UNITS, units)):
        path = tmp_path / f"{kind.answer}.csv"
        write(kind, rows, path)
        deliver(company.settings, check(company.settings, path))
    report = company.run()
    assert {f.entity: (f.accepted, f.quarantined) for f in report.files if f.judged} == {
        "product_cross_reference": (1, 0),
        "unit_cross_reference": (1, 0),
        "line": (3, 2),
    }
    lines = company.lines()
    assert (lines["2"]["product_id"], lines["4"]["unit"]) == ("1029743", "CS")
    assert {d: row["rules_failed"] for d, row in company.lines("quarantine").items()} == {
        "3": "unknown_product",
        "5": "unit_not_convertible",
    }
    # out of its dates a word for a unit stays unknown
    company.put("unit_answers", "later.csv", "line_source,partner_unit,unit,valid_from,valid_to\n"
                "prairie_pos,KARTON,CS,2017-03-01,2017-03-02\n")  # fmt: skip
    company.run()
    assert "4" in company.lines("quarantine")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "columns a, b: expected end_customer_spelling, answer, answered_by, comment"),
        ("end_customer_spelling,answer,answered_by,comment,odd\n", "unknown column 'odd'; take it out"),
        ("end_customer_spelling,answer,answered_by,comment\ns1,H-1\n", "row 2: 2 values, the header has 4"),
        ("", "the file is empty"),
    ],
)
def test_a_file_that_is_no_answer_is_refused_with_what_was_expected(
    company: Company, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "answers.csv"
    path.write_text(content)
    with pytest.raises(AnswerError) as caught:
        check(company.settings, path, [matching.CUSTOMERS])
    assert message in str(caught.value)


def test_answers_are_checked_row_by_row(company: Company, tmp_path: Path) -> None:
    company.north("1", ("10", "", "Somebody", "5,00"), ("11", "", "Another", "5,00"))
    company.run()
    one, two = sorted(each.end_customer_spelling for each in review(company.settings))
    path = tmp_path / "answers.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ("end_customer_spelling", "answer", "answered_by", "comment"),
                (one, "H-9", "maria", ""),
                (one, "H-1", "", ""),
                (two, "new", "maria", ""),
                (two, "H-1", "maria", ""),
                ("s000", "H-1", "maria", ""),
                (one, "", "", ""),
            ]
        )
    found = check(company.settings, path)
    assert found.problems == (
        "row 2: answer 'H-9': expected an end customer's id or none, new, open",
        "row 3: answered_by is empty",
        f"row 5: {two} is answered in row 4 already",
        "row 6: end_customer_spelling 's000' is no spelling that was reported",
    )
    assert (found.rows, len(found.answered), found.blank) == (6, 1, 1)
    # delivered unchecked, validation says the same
    company.put("customer_answers_csv", "answers.csv", path.read_text().replace(f"{two},H-1,maria,\n", ""))
    report = company.run()
    [file] = [file for file in report.files if file.entity == "end_customer_answer"]
    assert file.rules == {
        "answer_csv_key": 1,
        "answer_without_name": 1,
        "conflicting_rows": 3,
        "unknown_end_customer": 1,
    }
    assert (file.accepted, file.quarantined) == (1, 4)


def test_the_command_shows_writes_and_checks_the_list(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.north("1", ("12", "", "Riverside Dental Clinic", "900,50"))
    company.run()
    monkeypatch.setenv("REBATES_DATA", str(company.settings.data))
    path = tmp_path / "review.csv"
    shown = CliRunner().invoke(main, ["customers", "review", "--output", str(path), "--answered-by", "maria"])
    assert shown.exit_code == 0, shown.output
    assert "1 spellings wait for an answer" in shown.output
    assert "900.50 USD" in shown.output
    assert "H-2: Riverside Dental Clinic North" in " ".join(shown.output.split())
    rows = list(csv.DictReader(path.open()))
    assert rows[0]["candidate_1"].startswith("H-2: Riverside Dental Clinic North (")
    path.write_text(path.read_text().replace(",,maria,", ",H-2,maria,"))
    checked = CliRunner().invoke(main, ["customers", "check", str(path), "--deliver"])
    assert checked.exit_code == 0, checked.output
    assert "1 rows: 1 answered, 0 left open, 0 wrong" in checked.output
    company.run()
    assert company.lines()["12"]["end_customer_id"] == "H-2"
    path.write_text(path.read_text().replace(",H-2,maria,", ",H-4,maria,"))
    wrong = CliRunner().invoke(main, ["customers", "check", str(path)])
    assert wrong.exit_code == 1
    assert "row 2: answer 'H-4': expected" in wrong.output


def waiting_codes(*rows: dict[str, Any]) -> pa.Table:
    """rpt_unknown_code as a snapshot has it."""
    money, day = pa.decimal128(18, 4), pa.date32()
    names = ["line_source", "distributor_id", "code_type", "code", "currency", "product_description", "suggestions"]
    schema = [*((name, pa.string()) for name in names), ("line_count", pa.int64()), ("net_amount", money)]
    schema += [("first_line_date", day), ("last_line_date", day)]
    base = {"line_source": "prairie_pos", "distributor_id": "D-PRAIRIE", "currency": "CAD", "line_count": 1,
            "first_line_date": date(2017, 3, 6), "last_line_date": date(2017, 3, 6)}  # fmt: skip
    return pa.Table.from_pylist([base | row for row in rows], schema=pa.schema(schema))


def test_the_command_lists_unknown_codes_and_writes_what_is_to_be_answered(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.run()
    found = waiting_codes(
        {"code_type": "product", "code": "001029743", "net_amount": Decimal(30), "product_description": "=Milk",
         "suggestions": "1029743 (the same code, written in another way); 1029744 (the code is alike)"},
        {"code_type": "product", "code": "001029743", "net_amount": Decimal(12), "currency": "USD", "line_count": 2,
         "last_line_date": date(2017, 3, 9)},
        {"code_type": "unit", "code": "KARTON", "net_amount": Decimal(70), "suggestions": "CS (usual word)"},
        {"code_type": "product_unit", "code": "CS of 1029744", "net_amount": Decimal(-9)},
    )  # fmt: skip
    asked: list[str] = []
    monkeypatch.setattr("orchestration.publish.query", lambda settings, sql: asked.append(sql) or found)
    monkeypatch.setenv("REBATES_DATA", str(company.settings.data))
    shown = CliRunner().invoke(main, ["crossref", "list"])
    assert shown.exit_code == 0, shown.output
    said = " ".join(shown.output.split())
    assert "3 codes and units nobody knows" in said
    assert said.index("KARTON") < said.index("001029743") < said.index("CS of 1029744")
    assert "30.00 CAD" in said
    assert "12.00 USD" in said
    assert "product_unit: our own unit without a factor" in said
    path = tmp_path / "codes.csv"
    assert CliRunner().invoke(main, ["crossref", "template", "products", str(path)]).exit_code == 0
    [row] = csv.DictReader(path.open())
    assert (row["partner_product_id"], row["product_id"], row["valid_from"]) == ("001029743", "", "2017-03-06")
    assert (row["product_description"], row["lines"], row["last_date"]) == ("'=Milk", "3", "2017-03-09")
    assert row["suggestion_2"] == "1029744 (the code is alike)"
    path.write_text(path.read_text().replace("001029743,,", "001029743,1029743,"))
    assert CliRunner().invoke(main, ["crossref", "check", str(path), "--deliver"]).exit_code == 0
    [delivered] = (company.settings.landing / "product_code_answers").iterdir()
    assert delivered.read_text().splitlines() == [
        "line_source,partner_product_id,product_id,valid_from,valid_to",
        "prairie_pos,001029743,1029743,2017-03-06,",
    ]
    book = tmp_path / "units.xlsx"
    assert CliRunner().invoke(main, ["crossref", "template", "units", str(book)]).exit_code == 0
    checked = CliRunner().invoke(main, ["crossref", "check", str(book), "--deliver"])
    assert (checked.exit_code, checked.output.splitlines()[0]) == (2, "units: 1 rows: 0 answered, 1 left open, 0 wrong")
    assert set(asked) == {"from rpt_unknown_code order by all"}
