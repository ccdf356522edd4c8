"""What is killed: posting two months, taking files in, publishing. Each scene finishes what an earlier one left.

What belongs here: scenes that may run again and again, and what a reader must find at any moment. What does
not: faults (faults.py).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration import books, intake, publish, warehouse
from orchestration.intake import landing
from orchestration.settings import Settings
from orchestration.validation import decisions
from tests.unit.test_books_journal import accounts, context, differences, due

LIABILITY = {"2017-06": "100.00", "2017-07": "90.00"}
EARNED = {"2017-06": "40.00", "2017-07": "90.00"}


def settings_of(data: Path) -> Settings:
    return Settings(data=data, memory_limit="512MB", threads=1)


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder by relative path, without locks (they say who held them) and scratch."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (".lock", ".run.lock") and path.parent.name != "scratch"
    }


# --- posting --------------------------------------------------------------------------------


def render(folder: Path, facts: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
    (folder / "erp").mkdir()
    (folder / "erp" / "journal.csv").write_text(f"{facts['batch']} {tables['posting'].num_rows}\n")


def _posted(settings: Settings, kind: str) -> str:
    """What the warehouse would say was posted, read from the ledger."""
    if kind == "settlement":
        paid = books.read(settings, "payment_line")["amount"]
        return str(pc.sum(paid).as_py() or Decimal(0))
    rows = [r for r in books.read(settings, "posting").to_pylist() if r["batch_kind"] == kind]
    return str(sum((r["credit"] - r["debit"] for r in rows if r["account_role"] == "accrued_rebates"), Decimal(0)))


def accrue(settings: Settings, month: str) -> books.Batch:
    posted = _posted(settings, "accrual")
    rows = [] if Decimal(posted) == Decimal(LIABILITY[month]) else [{"accrued": LIABILITY[month], "posted": posted}]
    return books.post_accruals(settings, context(month), differences(*rows), accounts(), render)


def settle(settings: Settings, month: str) -> books.Batch:
    rows = {"earned": EARNED[month], "settled": _posted(settings, "settlement")}
    return books.post_settlements(settings, context(month), due(rows), accounts(), render)


def post(data: Path) -> None:
    """Close June and July, and lay their ERP files out."""
    settings = settings_of(data)
    books.prepare(settings)
    books.verify(settings)
    for month in LIABILITY:
        if books.open_for_close(settings, month) == "open":
            accrue(settings, month)
            settle(settings, month)
        publish.publish_batches(settings)
        if month not in books.closed_months(settings):
            raise AssertionError(f"{month} is not closed")


def nothing_to_post(data: Path) -> None:
    """Where posting starts from: an empty house."""
    data.mkdir(parents=True)


def post_reads(data: Path) -> None:
    """At any moment: the ledger verifies, readers by pattern see whole batches, published files are the ledger's."""
    settings = settings_of(data)
    batches = books.verify(settings)
    if (settings.ledger / "_schema" / "posting.parquet").is_file():
        pattern = str(settings.ledger / "*" / "posting.parquet")
        [seen] = (
            duckdb.connect().execute(f"select count(*), coalesce(sum(debit - credit), 0) from '{pattern}'").fetchall()
        )
        assert seen == (sum(batch.rows["posting"] for batch in batches), 0)
    for path in (settings.published / "erp").glob("*/[!.]*"):
        assert path.read_bytes() == (settings.ledger / path.parent.name / "erp" / path.name).read_bytes()


# --- taking in ------------------------------------------------------------------------------


def take_in(data: Path) -> None:
    """Take three files in and release a row."""
    settings = settings_of(data)
    intake.take_in(settings, received_on=date(2017, 6, 30))
    if not any((settings.landing / ".decisions").glob("[0-9]*.json")):
        row = decisions.Released(source="erp_products", file_hash="0" * 64, row_number=2, rules=("x",))
        decisions.release(settings, [row], by="Ann", comment="seen")


def three_files(data: Path) -> None:
    """Where taking in starts from: files in the drop zone, one of them received before."""
    settings = settings_of(data)
    products = "product_id,product_name,family,brand,category,base_unit\n"
    rates = "from_currency,to_currency,rate_date,rate\nCAD,USD,2017-01-02,0.75020000\n"
    for source, name, text in (
        ("erp_products", "products_1.csv", products + "1,Soup,SOUP,B,FOOD,EA\n"),
        ("erp_fx_rates", "rates_1.csv", rates),
        ("erp_fx_rates", "rates_2.csv", rates + "CAD,USD,2017-01-03,0.75030000\n"),
    ):
        path = settings.landing / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if source == "erp_products":
            intake.take_in(settings, received_on=date(2017, 5, 31))


def take_in_reads(data: Path) -> None:
    """At any moment: receipts are numbered without a gap, each with its content; raw files can be read."""
    settings = settings_of(data)
    known = landing.receipts(settings)
    assert [receipt.sequence for receipt in known] == list(range(1, len(known) + 1))
    for receipt in known:
        landing.check_stored(settings, receipt)
    for folder in settings.raw.iterdir():
        duckdb.connect().execute(f"select count(*) from '{folder}/*.parquet'").fetchall()


# --- publishing -----------------------------------------------------------------------------

KEYS = {"dim_partner": ["partner_id"], "fct_line": ["line"]}


def _fill(settings: Settings, amount: int) -> None:
    with warehouse.connect(settings) as connection:
        connection.execute("create or replace table fct_line as select i as line from range(1000) as r(i)")
        connection.execute(f"create or replace table dim_partner as select 'R-1' as partner_id, {amount} as amount")


def two_versions(data: Path) -> None:
    """Where publishing starts from: a version is out, and the warehouse has other figures now."""
    settings = settings_of(data)
    data.mkdir(parents=True)
    for amount in (1, 2):
        _fill(settings, amount)
        publish.publish_snapshot(settings, sorted(KEYS), keys=KEYS)
    _fill(settings, 3)


def publish_version(data: Path) -> None:
    """Publish the warehouse as a new version."""
    publish.publish_snapshot(settings_of(data), sorted(KEYS), keys=KEYS)


def published_reads(data: Path) -> None:
    """At any moment: the version before or the new one can be read, whole."""
    sql = "select max(amount) as amount, count(*) as lines from fct_line, dim_partner"
    [row] = publish.query(settings_of(data), sql).to_pylist()
    assert row in ({"amount": 2, "lines": 1000}, {"amount": 3, "lines": 1000})


# --- all of them ----------------------------------------------------------------------------

SCENES = {
    "post": (nothing_to_post, post, post_reads),
    "take_in": (three_files, take_in, take_in_reads),
    "publish": (two_versions, publish_version, published_reads),
}
"""By name: what it starts from, the work, and what a reader must find at any moment."""


def start(scene: str, data: Path, template: Path) -> None:
    """Put the data folder where the scene starts; made once, then copied."""
    if not template.exists():
        SCENES[scene][0](data)
        shutil.copytree(data, template)
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(template, data)
