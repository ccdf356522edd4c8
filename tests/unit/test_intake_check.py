"""A mapping tried on a file, and the steps of docs/onboard-a-distributor.md from a new file to accepted lines."""

from __future__ import annotations

import dataclasses
import io
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from rich.console import Console

from orchestration import intake_commands
from orchestration.cli import main
from orchestration.intake import load_mapping, propose, take_in, try_file
from orchestration.settings import REPOSITORY, Settings
from orchestration.validation import validate

PAGE = REPOSITORY / "docs" / "onboard-a-distributor.md"
MASTERS = {
    "erp_products": "product_id,product_name,family,brand,category,base_unit,list_price\n"
    "1000050,CEREAL,F,B,C,EA,2.99\n1000057,TOPPING,F,B,C,EA,3.69\n1000213,DRINKS,F,B,C,EA,2.50\n",
    "erp_product_units": "product_id,unit,factor\n1000057,CS,12\n1000050,EA,1\n",
    "erp_partners": "partner_id,partner_name,partner_type,parent_partner_id,channel,region,country\n"
    "R-1039,a,reseller,,grocery,NORTH,US\nR-105,b,reseller,,grocery,NORTH,US\nR-1067,c,reseller,,grocery,NORTH,US\n",
}


def block(marker: str) -> str:
    """A fenced block of the page, by the text of the line before it."""
    found = re.search(re.escape(marker) + r"[^\n]*\n\n?```\w*\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, marker
    return found[1]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder of its own, with the repository's rules and its own sources."""
    sources = tmp_path / "sources"
    shutil.copytree(REPOSITORY / "seeds" / "sources", sources)
    (sources / "bergland.yml").unlink(missing_ok=True)
    return dataclasses.replace(Settings.from_env({"REBATES_DATA": str(tmp_path / "data")}), sources=sources)


def deliver(settings: Settings, source: str, name: str, content: bytes) -> None:
    (settings.landing / source).mkdir(parents=True, exist_ok=True)
    (settings.landing / source / name).write_bytes(content)


def check(settings: Settings, mapping: Path, file: Path) -> tuple[bool, str]:
    out = io.StringIO()
    good = intake_commands.check(settings, mapping, file, 2, Console(file=out, width=200))
    return good, out.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_steps_of_the_page(settings: Settings, tmp_path: Path) -> None:
    for source, text in MASTERS.items():
        deliver(settings, source, "all.csv", text.encode())
    take_in(settings)
    validate(settings)
    file = tmp_path / "bergland_2017-01.csv"
    file.write_bytes(block("`bergland_2017-01.csv`").encode("cp1252"))

    # 1 propose: the page shows the draft as it is
    text = propose(file, "line", "", intake_commands.known(settings))
    assert text == block("as rebates intake propose")
    (tmp_path / "bergland.yml").write_text(text, encoding="utf-8")
    before = contents(settings.data)
    good, said = check(settings, tmp_path / "bergland.yml", file)
    assert not good
    assert re.search(r"document_type +Art +is not one of RE, RT +1 +'MU' \(1, first in row 8\)", said)
    assert "Of 5 rows 0 would be accepted, 0 held, 5 quarantined." in said

    # 2 finish and check
    mapping = settings.sources / "bergland.yml"
    mapping.write_text(block("finished mapping"), encoding="utf-8")
    good, said = check(settings, mapping, file)
    assert good
    assert re.search(r"unknown_partner +reject +4 ", said)
    assert "03.01.2017 → 2017-01-03" in said
    assert contents(settings.data) == before

    # 3 the partner master
    deliver(settings, "erp_partners", "bergland.csv", block("partner master").encode())
    take_in(settings)
    validate(settings)
    good, said = check(settings, mapping, file)
    assert good
    assert "Of 4 rows 3 would be accepted, 1 held, 0 quarantined." in said

    # 4 land it: what was said is what happens
    deliver(settings, "bergland", file.name, file.read_bytes())
    take_in(settings)
    [verdict] = [found for found in validate(settings).files if found.source == "bergland"]
    assert (verdict.rows, verdict.accepted, verdict.held, verdict.quarantined) == (4, 3, 1, 0)
    rows = duckdb.sql(
        f"select document_number, product_id, quantity, unit, net_amount, distributor_id, reseller_id"
        f" from read_parquet('{settings.accepted}/line/[0-9]*.parquet') order by row_number limit 1"
    ).fetchall()
    assert [str(value) for value in rows[0]] == ["B-1001", "1000050", "12.0000", "EA", "35.8800", "D-BERG", "R-1039"]


MAPPING = """\
source: shop
description: a
owner: a
entity: line
file_pattern: "shop_*.csv"
format: {type: csv, encoding: utf-8, separator: ",", decimal: ".", date_format: "%Y-%m-%d"}
columns:
  document_number: doc
  document_type: {column: kind, values: {S: invoice}}
  document_date: day
  product_id: item
  quantity: qty
  net_amount: net
  region: region
constants: {stream: sell_through, line_number: "1", record_intent: original, unit: EA, currency: USD, distributor_id: D}
"""


def shop(tmp_path: Path, rows: str, name: str = "shop_1.csv") -> tuple[Path, Path]:
    (tmp_path / "shop.yml").write_text(MAPPING)
    (tmp_path / name).write_text("doc,kind,day,item,qty,net,region\n" + rows)
    return tmp_path / "shop.yml", tmp_path / name


ROWS = "A,S,2017-03-01,77,1,5.00,\nB,X,2017-02-30,77,1,5.00,\nC,X,2017-03-01,77,one; two,5.00,\nD,S,2017-03-01,77,1\n"


def test_misfits_are_counted_by_column_reason_and_value(settings: Settings, tmp_path: Path) -> None:
    mapping, file = shop(tmp_path, ROWS)
    trial = try_file(settings, load_mapping(mapping), file, 10)
    found = {(misfit.column, misfit.reason): misfit for misfit in trial.misfits}
    assert (trial.rows, trial.rows_with_errors) == (4, 3)
    assert found["document_type", "is not one of S"].examples == (("X", 2, 3),)
    assert found["document_date", "is not a date (%Y-%m-%d)"].examples == (("2017-02-30", 1, 3),)
    assert found["row", "has 5 fields, expected 7"].examples == (("", 1, 5),)
    assert {column for column, _ in found} == {"document_type", "document_date", "quantity", "row"}
    assert trial.empty == ("region",)
    assert "reseller_id" in trial.unmapped
    assert "unit" not in trial.unmapped
    number, before, after = trial.first[0]
    assert (number, before["day"], str(after["document_date"])) == (2, "2017-03-01", "2017-03-01")


def test_without_master_data_look_ups_are_not_tried(settings: Settings, tmp_path: Path) -> None:
    mapping, file = shop(tmp_path, "A,S,2017-03-01,77,1,5.00,\nB,S,2017-03-01,77,1,-5.00,\n")
    good, said = check(settings, mapping, file)
    assert good
    assert "look-ups were not tried" in said
    assert re.search(r"negative_price +reject +1 .*row 3: 1.0000 for -5.0000", said)
    assert re.search(r"missing_reseller_id +reject +2 ", said)
    assert not re.search(r"unknown_product +reject", said)
    assert "Of 2 rows 0 would be accepted, 0 held, 2 quarantined." in said
    assert not settings.data.exists() or not contents(settings.data)


def test_a_file_that_does_not_fit_says_why(settings: Settings, tmp_path: Path) -> None:
    mapping, file = shop(tmp_path, "A,S,2017-03-01,77,1,5.00,\n", "other.csv")
    file.write_text(file.read_text().replace("qty", "pieces"))
    good, said = check(settings, mapping, file)
    assert not good
    assert "The name 'other.csv' does not fit file_pattern 'shop_*.csv'" in said
    assert "missing column 'qty'; extra column 'pieces'" in said
    assert "ignored_columns" in said


def test_header_only(settings: Settings, tmp_path: Path) -> None:
    good, said = check(settings, *shop(tmp_path, ""))
    assert good
    assert "There are no rows: no rule was tried." in said


def test_exit_codes(tmp_path: Path) -> None:
    mapping, file = shop(tmp_path, ROWS)
    env = {"REBATES_DATA": str(tmp_path / "data")}
    done = CliRunner().invoke(main, ["intake", "check", str(mapping), str(file)], env=env)
    assert done.exit_code == 1, done.output
    assert "Nothing was written." in done.output
    mapping.write_text(MAPPING.replace("  quantity: qty\n", ""))
    done = CliRunner().invoke(main, ["intake", "check", str(mapping), str(file)], env=env)
    assert done.exit_code == 2
    assert "columns.quantity: required column is neither mapped nor a constant" in done.output
    done = CliRunner().invoke(main, ["intake", "propose", str(file), "--source", "shop"], env=env)
    assert done.exit_code == 0
    assert "source: shop" in done.output
