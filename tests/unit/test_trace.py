"""`rebates trace`: one small company traced from every step, over tables with the columns of the real marts."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from orchestration.settings import Settings
from orchestration.trace import Step, Trace, TraceError, trace, write_csv, write_xlsx
from tests.marts import Marts
from tests.traced import HASH, LINES, OTHER, PAYMENT, PAYOUT, fill, write_ledger


def read(sequence: int, rows: Collection[int]) -> Mapping[int, str]:
    """Files of ten rows."""
    return {row: f"row {row} of file {sequence}" for row in rows if row <= 10}


@pytest.fixture
def house(settings: Settings) -> Settings:
    write_ledger(settings)
    return settings


@pytest.fixture
def snapshot() -> Iterator[Marts]:
    with duckdb.connect(":memory:") as connection:
        made = Marts(connection)
        fill(made)
        yield made


def step(found: Trace, name: str) -> Step:
    [each] = [each for each in found.steps if each.name == name]
    return each


def column(snapshot: Marts, found: Trace, name: str, column: str) -> list[Any]:
    each = step(found, name)
    return [row[each.columns.index(column)] for row in each.rows(snapshot.connection)]


def failed(found: Trace) -> list[str]:
    return [tie.what for tie in found.broken]


STARTS = [("payment", PAYMENT), ("journal", "1-2"), ("journal", "2-2"), ("payout", PAYOUT), ("line", LINES[0])]


@pytest.mark.parametrize(("kind", "key"), STARTS)
def test_every_start_leads_to_both_ends_and_ties(snapshot: Marts, house: Settings, kind: str, key: str) -> None:
    found = trace(snapshot.connection, house, kind, key, read)
    assert failed(found) == []
    assert len(found.ties) == 12
    assert column(snapshot, found, "payments", "payment") == [PAYMENT]
    assert column(snapshot, found, "payments", "status") == ["paid"]
    assert column(snapshot, found, "payments", "batch") == ["000002_settlement_2017-04"]
    assert column(snapshot, found, "journal", "journal line") == ["1-1", "1-2", "2-1", "2-2"]
    assert column(snapshot, found, "batches", "run") == ["run-1", "run-2"]
    assert column(snapshot, found, "programs", "terms as last posted") == ["t" * 64]
    assert column(snapshot, found, "standing", "earned") == [Decimal(4)]
    assert PAYOUT in column(snapshot, found, "payouts", "payout")
    lines = {"payment": LINES, "journal": LINES, "payout": LINES[:2], "line": LINES[:1]}[kind]
    assert column(snapshot, found, "line_parts", "line") == list(lines)
    assert column(snapshot, found, "rows", "as delivered") == [
        {LINES[0]: "row 2 of file 1", LINES[1]: "row 3 of file 1", LINES[2]: "row 2 of file 2"}[key] for key in lines
    ]
    names = [each.name for each in found.steps]
    order = (names.index("payments"), names.index("rows"))
    assert order == ((len(names) - 1, 0) if kind == "line" else (0, len(names) - 1)), "money first, or the file first"


def test_a_payee_of_a_payout(snapshot: Marts, house: Settings) -> None:
    found = trace(snapshot.connection, house, "payout", f"{OTHER}|D-1", read)
    assert column(snapshot, found, "line_parts", "line") == [LINES[2]]


@pytest.mark.parametrize("named", ["march.csv", "erp/march.csv", "1", "000001", "a" * 64, "A" * 16])
def test_a_row_of_a_file_by_every_name_of_the_file(snapshot: Marts, house: Settings, named: str) -> None:
    found = trace(snapshot.connection, house, "row", named, read, row=3)
    assert found.about[1] == f"It is line {LINES[1]}: accepted."
    assert "It earned 2 USD in 1 payout(s)." in found.about
    assert column(snapshot, found, "rows", "as delivered") == ["row 3 of file 1"]
    assert column(snapshot, found, "payments", "payment") == [PAYMENT]
    assert column(snapshot, found, "line_sums", "amount of this trace") == [Decimal(2)]
    assert failed(found) == []


def test_what_became_of_rows_that_do_not_count(snapshot: Marts, house: Settings) -> None:
    def said(row: int, named: str = "1") -> str:
        found = trace(snapshot.connection, house, "row", named, read, row=row)
        assert [each.name for each in found.steps] == ["rows"]
        assert failed(found) == []
        return found.about[1]

    origin = {"source": "erp", "file_sequence": 1, "file_hash": HASH[1]}
    snapshot.add("rpt_quarantined_line", row_number=4, rules_failed="unknown_product", parse_errors="unit: x", **origin)
    snapshot.add("rpt_superseded_line", line_key=LINES[2], line_status="corrected", row_number=5, **origin)
    snapshot.add("rpt_superseded_line", line_key="erp|9|9", line_status="cancelled", row_number=6, **origin)
    snapshot.add("rpt_file", file_sequence=3, source="m", entity="partner", file_name="p.csv", file_hash="c" * 64)
    assert said(4) == "It is quarantined and counts nowhere: unknown_product, unit: x."
    assert said(5) == (
        f"It is a version of line {LINES[2]} that does not count: corrected by a newer row;"
        " what counts instead is x.csv row 2."
    )
    assert said(6) == "It is a version of line erp|9|9 that does not count: a cancellation: it removes the line."
    assert said(1) == "It is no line: a title, a header or an empty row."
    assert said(2, "p.csv") == "It is no line: the file holds rows of partner, which carry no amount."
    with pytest.raises(TraceError, match="has no row 11"):
        trace(snapshot.connection, house, "row", "march.csv", read, row=11)


def test_a_line_that_earned_nothing(snapshot: Marts, house: Settings) -> None:
    snapshot.line("erp|300|10", file_sequence=2, row_number=9, file_hash=HASH[2])
    found = trace(snapshot.connection, house, "line", "erp|300|10", read)
    assert found.about[1] == "It earned nothing in any program: `rebates explain line 'erp|300|10'` says why."
    assert [each.name for each in found.steps] == ["rows", "files"]
    assert failed(found) == []


@pytest.mark.parametrize(
    ("change", "ties"),
    [
        ("update fct_payment set amount = 5", ["payment = its payment lines", "payment = what the journal credits"]),
        (
            "update fct_payment_line set amount = 3",
            ["payment = its payment lines", "payment line = what the journal", "settled = all payment lines"],
        ),
        ("update fct_posting set credit = 3 where posting_id = '1-2'", ["liability of the program", "entry: debit"]),
        ("delete from fct_posting where posting_id = '1-1'", ["entry: debit"]),
        ("update fct_liability set closing = 1", ["liability of the program"]),
        ("update fct_qualification set payout = 9", ["payout = the payees' parts"]),
        ("update fct_tier_application set amount = 9", ["payout before gates and bounds"]),
        ("delete from fct_tier_application", ["payout before gates and bounds"]),
        ("update fct_line_rebate set amount = 1.01 where amount = 1", ["payee's part = its lines' parts"]),
        ("delete from fct_line_rebate", ["payee's part = its lines' parts"]),
        ("delete from rpt_file where file_sequence = 1", ["each line with its file"]),
        ("update fct_line set row_number = 7", ["each line with its file"]),
        ("update rpt_file set file_hash = 'other'", ["each line with its file"]),
    ],
)
def test_a_trail_that_does_not_tie_says_where(snapshot: Marts, house: Settings, change: str, ties: list[str]) -> None:
    snapshot.connection.execute(change)
    found = trace(snapshot.connection, house, "payment", PAYMENT, read)
    broken = failed(found)
    assert len(broken) == len(ties), broken
    assert all(what.startswith(begins) for what, begins in zip(broken, ties, strict=True)), broken
    assert all(tie.example for tie in found.broken)


def test_differences_that_cancel_each_other_out_are_seen(snapshot: Marts, house: Settings) -> None:
    snapshot.connection.execute(f"update fct_payout set amount = amount + if(payout_id = '{PAYOUT}', 1, -1)")
    found = trace(snapshot.connection, house, "payment", PAYMENT, read)
    [tie] = [tie for tie in found.broken if tie.step == "line_sums"]
    assert (tie.above, tie.parts, tie.broken, tie.count) == (Decimal(4), Decimal(4), 2, 2)


def test_a_row_that_its_file_does_not_have(snapshot: Marts, house: Settings) -> None:
    snapshot.connection.execute("update fct_line set row_number = 99 where row_number = 3")
    snapshot.connection.execute("update fct_line_rebate set row_number = 99 where row_number = 3")
    [tie] = trace(snapshot.connection, house, "payout", PAYOUT, read).broken
    assert (tie.what, tie.example) == ("rows are in their files", "march.csv row 99")


def test_every_copy_is_checked_also_where_no_row_of_it_is_shown(snapshot: Marts, house: Settings) -> None:
    asked: dict[int, list[int]] = {}

    def noted(sequence: int, rows: Collection[int]) -> Mapping[int, str]:
        asked[sequence] = sorted(rows)
        return read(sequence, rows)

    found = trace(snapshot.connection, house, "payment", PAYMENT, noted, shown=1)
    assert asked == {1: [2], 2: []}
    assert step(found, "rows").notes == ("The first 1 of 3 rows; file and row number lead to the others.",)


def test_names_that_are_not_known(snapshot: Marts, house: Settings) -> None:
    for kind, key, near in (
        ("payment", "P-2017-04-D-1", PAYMENT),
        ("journal", "1-9", "1-1"),
        ("payout", "A@1:R-9:2017-Q1", PAYOUT),
        ("line", "erp|100|99", LINES[0]),
    ):
        with pytest.raises(TraceError) as caught:
            trace(snapshot.connection, house, kind, key, read)
        assert near in caught.value.near
    with pytest.raises(TraceError, match="no file may"):
        trace(snapshot.connection, house, "row", "may.csv", read, row=1)
    snapshot.add("rpt_file", file_sequence=3, source="pos", file_name="march.csv", file_hash="c" * 64)
    with pytest.raises(TraceError, match="2 files are meant by march") as caught:
        trace(snapshot.connection, house, "row", "march.csv", read, row=1)
    assert [name.split(":")[0] for name in caught.value.near] == ["1", "3"]
    with pytest.raises(TraceError, match="expected one of payment, journal, payout, line, row"):
        trace(snapshot.connection, house, "invoice", "1", read)


def test_a_batch_that_the_ledger_does_not_have(snapshot: Marts, house: Settings) -> None:
    (house.ledger / "000002_settlement_2017-04" / "manifest.json").unlink()
    with pytest.raises(TraceError, match="journal lines of batch 2"):
        trace(snapshot.connection, house, "payment", PAYMENT, read)


def test_all_rows_as_excel_and_csv(snapshot: Marts, house: Settings, tmp_path: Path) -> None:
    snapshot.connection.execute("update fct_line set product_id = '=1+1'")
    found = trace(snapshot.connection, house, "payment", PAYMENT, read)
    paths = [tmp_path / "a.xlsx", tmp_path / "b.xlsx"]
    for path in paths:
        write_xlsx(snapshot.connection, found, path)
    first, second = (hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    assert first == second
    book = openpyxl.load_workbook(paths[0])
    assert book.sheetnames == ["trace", *(each.name for each in found.steps)]
    cover = [[cell.value for cell in row] for row in book["trace"].iter_rows()]
    assert cover[0][0] == f"Trace of payment {PAYMENT}"
    assert ["payment = its payment lines", "USD", 1, 4, 4, 0, "yes"] in cover
    sheet = book["line_parts"]
    header = next(row for row in sheet.iter_rows() if row[0].value == "payout")
    places = {cell.value: cell.column for cell in header}
    [product, amount] = [sheet.cell(header[0].row + 1, places[name]) for name in ("product", "amount")]
    assert (product.value, product.data_type) == ("=1+1", "s"), "no text becomes a formula"
    assert amount.value == 1
    assert sheet.max_row == header[0].row + 3
    assert not list(tmp_path.glob("*.part"))

    written = write_csv(snapshot.connection, found, tmp_path / "csv")
    assert [path.stem for path in written] == [*(each.name for each in found.steps), "ties"]
    with (tmp_path / "csv" / "line_parts.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["line"] for row in rows] == list(LINES)
    assert rows[0]["product"] == "'=1+1"
    assert rows[0]["file's SHA-256"] == HASH[1]
