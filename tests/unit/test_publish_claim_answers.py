"""What partners are told about their claims: from rows of the marts to files, read back."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from orchestration import claims_commands, cli, intake
from orchestration.intake import take_in
from orchestration.intake.formats import X12Format
from orchestration.intake.mapping import Mapping
from orchestration.intake.x12.records import open_x12
from orchestration.publish import ANSWERED, PublishError, write_claim_answers
from orchestration.settings import REPOSITORY, Settings
from orchestration.x12 import Parties, check

ON = date(2017, 5, 4)
UNITS = {"USD": 2, "JPY": 0}
COASTAL = Parties(("ZZ", "COASTALDIST"), ("ZZ", "NORTHWINDMFG"), "004010", test=False)
PARTIES = {7: COASTAL}
MONEY, QUANTITY = pa.decimal128(18, 4), pa.decimal128(18, 4)

CLAIM = pa.schema(
    [(name, pa.string()) for name in ("claim_key", "partner_id", "claim_number", "currency", "status", "reason")]
    + [("decided_by", pa.string()), ("decided_on", pa.date32()), ("claim_date", pa.date32())]
    + [("claimed_amount", MONEY), ("approved_amount", MONEY)]
)
LINE = pa.schema(
    [(name, pa.string()) for name in ("claim_key", "claim_line_number", "claim_kind", "matched_program_id")]
    + [(name, pa.string()) for name in ("matched_period_id", "document_number", "line_number", "product_id", "unit")]
    + [("authorization_number", pa.string()), ("quantity", QUANTITY), ("file_sequence", pa.int32())]
    + [("claimed_amount", MONEY), ("earned_amount", MONEY)]
)
DIFFERENCE = pa.schema(
    [("claim_key", pa.string()), ("claim_line_number", pa.string()), ("reason", pa.string()), ("amount", MONEY)]
)


def claim(key: str, status: str, claimed: str, approved: str, **columns: Any) -> dict[str, Any]:
    partner, number = key.split("|")[:2]
    given = {"claim_key": key, "partner_id": partner, "claim_number": number, "status": status, "currency": "USD"}
    amounts = {"claimed_amount": Decimal(claimed), "approved_amount": Decimal(approved)}
    return {**given, **amounts, "claim_date": date(2017, 4, 10), "decided_by": "rule", **columns}


def line(key: str, number: str, claimed: str, earned: str = "0", **columns: Any) -> dict[str, Any]:
    amounts = {"claimed_amount": Decimal(claimed), "earned_amount": Decimal(earned)}
    given = {"claim_key": key, "claim_line_number": number, "claim_kind": "line", "file_sequence": 8}
    return {**given, **amounts, "matched_program_id": "P", **columns}


def why(key: str, number: str, reason: str, amount: str) -> dict[str, Any]:
    return {"claim_key": key, "claim_line_number": number, "reason": reason, "amount": Decimal(amount)}


D1, D2, D3, WAITS, WAITS_TOO = "D-1|A-1|P|Q1|SP", "D-1|A-2|P|Q1|", "D-1|A-3|P|Q1", "D-1|A-4|P|Q1", "D-1|A-4|X|Q1"
R1, R2 = "R-1|A-1|P|Q1", "R-1|B-1|P|Q1"
EDI = {"file_sequence": 7}
ITEM = {**EDI, "product_id": "P-1", "unit": "EA", "quantity": Decimal(4), "authorization_number": "SP"}
MARIA = {"decided_by": "Maria Keller", "decided_on": date(2017, 5, 2)}

CLAIMS = [
    claim(D1, "approved", "10.50", "7.20"),
    claim(D2, "rejected", "5", "0", reason="02", **MARIA),
    claim(D3, "paid", "6", "6"),
    claim(WAITS, "approved", "9", "9"),
    claim(WAITS_TOO, "in_review", "9", "0"),
    claim(R1, "approved", "50.20", "50", reason="within_tolerance"),
    claim(R2, "disputed", "9", "0", **MARIA),
]
LINES = [
    line(D1, "1", "4", "4", **ITEM),
    line(D1, "2", "6", "3.20", **ITEM),
    line(D1, "10", "0.50", "0", **ITEM),
    line(D2, "1", "5", "5", **ITEM),
    line(D3, "1", "8", "3", **EDI),
    line(D3, "2", "-2", "3", **EDI),
    line(WAITS, "1", "9", "9", **EDI),
    line(WAITS_TOO, "2", "9", "9", **EDI),
    line(R1, "1", "50.20", "0", claim_kind="period", matched_period_id="Q1"),
    line(R2, "1", "9", "9"),
]
WHY = [
    why(D1, "2", "authorization_exceeded", "1"),
    why(D1, "2", "price_differs", "1.80"),
    why(D1, "10", "no_such_line", "0.50"),
    why(R1, "", "more_than_earned", "0.20"),
]


def answered(
    claims: list[dict[str, Any]] = CLAIMS, lines: list[dict[str, Any]] = LINES, reasons: list[dict[str, Any]] = WHY
) -> pa.Table:
    """The rows that the statement gives on small marts."""
    with duckdb.connect() as connection:
        for name, rows, schema in (
            ("fct_claim", claims, CLAIM),
            ("fct_claim_line", lines, LINE),
            ("rpt_claim_difference", reasons, DIFFERENCE),
        ):
            whole = [{column: row.get(column) for column in schema.names} for row in rows]
            connection.register(name, pa.Table.from_pylist(whole, schema=schema))
        return connection.sql(ANSWERED.format(day=ON)).to_arrow_table()


def write(folder: Path, rows: pa.Table | None = None, on: date = ON) -> Any:
    return write_claim_answers(answered() if rows is None else rows, folder, on=on, parties=PARTIES, units=UNITS)


def replies(path: Path) -> dict[tuple[str, str], tuple[str, Decimal, str | None, str | None, str | None]]:
    """What an 849 says of each claim line, by our own reader: state, allowed, claimed, reject reason, words."""
    with path.open("rb") as stream:
        assert check(stream, "849").wrong == {}
    columns = {
        "claim_number": "BRC04", "claim_line_number": "PAD01", "claim_date": "BRC02", "partner_id": "N104[N101=DS]",
        "claimed_amount": "AMT02[AMT01=A]", "currency": "CUR02", "product_id": "AMT02[AMT01=S]",
        "end_customer_id": "PAD03", "claim_reason": "AAA03", "document_number": "REF03[REF01=ZZ]",
    }  # fmt: skip
    mapping = Mapping.model_validate(
        {
            "source": "replies", "description": "what we wrote", "owner": "finance", "entity": "claim",
            "file_pattern": "*.edi", "format": {"type": "x12", "set": "849"}, "columns": columns,
        }
    )  # fmt: skip
    assert isinstance(mapping.format, X12Format)
    place = {column: f"c{number}" for number, column in enumerate(columns)}
    rows = [row for batch in open_x12(path, mapping.format, mapping).batches for row in batch.to_pylist()]
    said = ("end_customer_id", "claimed_amount", "product_id", "claim_reason", "document_number")
    return {
        (row[place["claim_number"]], row[place["claim_line_number"]]): tuple(
            Decimal(row[place[name]]) if name == "claimed_amount" else row[place[name]] for name in said
        )  # type: ignore[misc]
        for row in rows
    }


def test_an_849_for_what_came_as_844_and_a_csv_for_all_else(tmp_path: Path) -> None:
    made = write(tmp_path)
    assert (made.answered, made.known, made.waiting, made.refused) == (4, 0, 2, ())
    edi, table = made.written
    assert replies(edi) == {
        ("A-1", "1"): ("NC", Decimal(4), "4", None, None),
        ("A-1", "2"): ("RZ", Decimal("3.2"), "6", "06", "the price difference per unit is another one"),
        ("A-1", "10"): ("RC", Decimal(0), "0.5", "ZZ", "no sale of that number, line and product is on record"),
        ("A-2", "1"): ("RC", Decimal(0), "5", "02", "the claim was rejected"),
        ("A-3", "1"): ("NC", Decimal(8), "8", None, None),
        ("A-3", "2"): ("NC", Decimal(-2), "-2", None, None),
    }
    heading = edi.read_text().splitlines()[0]
    assert "*ZZ*NORTHWINDMFG   *ZZ*COASTALDIST    *170504*0000*" in heading, "to whom the claims came from"
    assert edi.name == f"claim_answer_D-1_2017-05-04_{heading.split('*')[13]}.edi"
    assert table.name.startswith("claim_answer_R-1_2017-05-04_")
    [row] = csv.DictReader(io.StringIO(table.read_text()))
    assert {name: text for name, text in row.items() if text} == {
        "claim_number": "A-1", "claim_line_number": "1", "claim_date": "2017-04-10", "partner_id": "R-1",
        "program_id": "P", "period_id": "Q1", "status": "adjusted", "claimed_amount": "50.20",
        "approved_amount": "50.00", "currency": "USD", "reason_code": "ZZ",
        "reason": "more is claimed than was earned in the period",
    }  # fmt: skip


def test_what_was_answered_is_not_answered_again(tmp_path: Path) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    made = write(first)
    assert [path.read_bytes() for path in made.written] == [path.read_bytes() for path in write(other).written]
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    again = write(first, on=date(2017, 6, 1))
    assert (again.written, again.answered, again.known) == ((), 0, 4)
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    # the files are there, and what says so is lost: the same names, the same bytes
    (first / "answered.csv").unlink()
    write(first)
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    # only the claim that is decided otherwise is answered again
    changed = [row | {"approved_amount": Decimal(7)} if row["claim_key"] == D1 else row for row in CLAIMS]
    made = write(first, answered(changed))
    assert (made.answered, made.known, len(made.written)) == (1, 3, 1)
    assert {number for number, _ in replies(made.written[0])} == {"A-1"}


@pytest.mark.parametrize(
    ("approved", "shares"),
    [("3", "3 0 0"), ("5", "4 1 0"), ("8", "4 4 0"), ("10", "4 6 0"), ("10.20", "4 6 0.2"), ("10.50", "4 6 0.5")],
)
def test_what_is_approved_is_shared_among_the_lines(approved: str, shares: str) -> None:
    rows = answered([claim(D1, "approved", "10.50", approved)])
    got = {row["claim_line_number"]: row["approved_amount"] for row in rows.to_pylist()}
    assert got == dict(zip(("1", "2", "10"), map(Decimal, shares.split()), strict=True))


@pytest.mark.parametrize(
    ("claims", "lines", "said"),
    [
        ([claim(D1, "approved", "10.50", "11")], LINES, "its lines are approved 10.5000, fct_claim says 11.0000"),
        ([claim(D1, "approved", "10", "7")], LINES, "its lines are claimed 10.5000, fct_claim says 10.0000"),
        ([claim(D1, "rejected", "10.50", "7")], LINES, "its lines are approved 0.0000, fct_claim says 7.0000"),
        ([claim(D1, "approved", "10.50", "7")], LINES[3:], "fct_claim_line has no line of it"),
    ],
)
def test_nothing_is_written_that_does_not_tie(
    tmp_path: Path, claims: list[dict[str, Any]], lines: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(PublishError) as refused:
        write(tmp_path, answered(claims, lines))
    assert said in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_what_x12_cannot_say_is_refused_and_the_rest_is_written(tmp_path: Path) -> None:
    wrong = [row | {"reason": "WRONG"} if row["claim_key"] == D2 else row for row in CLAIMS]
    made = write(tmp_path, answered(wrong))
    assert made.refused == (
        "D-1: claim A-2/1: reason 'WRONG', expected two characters of the partner's list; decide it again with"
        " --reason",
    )
    assert made.answered == 3
    assert ("A-2", "1") not in replies(made.written[0])


def test_an_answer_is_never_overwritten(tmp_path: Path) -> None:
    made = write(tmp_path)
    (tmp_path / "answered.csv").unlink()
    made.written[1].write_text("changed")
    with pytest.raises(PublishError, match="is there with another content"):
        write(tmp_path)


def test_what_was_decided_after_the_day_waits() -> None:
    later = [row | {"decided_on": date(2017, 5, 5)} if row["claim_key"] == D2 else row for row in CLAIMS]
    rows = answered(later).to_pylist()
    assert {row["claim_number"] for row in rows if not row["is_decided"]} == {"A-2", "A-4", "B-1"}


@pytest.fixture
def landed(tmp_path: Path) -> Settings:
    """The 844 of the examples, taken in as the first file."""
    settings = Settings(data=tmp_path / "data", sources=tmp_path / "sources")
    examples = REPOSITORY / "tests" / "edi"
    settings.sources.mkdir()
    (settings.sources / "coastal_claims.yml").write_text((examples / "coastal_claims.yml").read_text())
    (settings.landing / "coastal_claims").mkdir(parents=True)
    (settings.landing / "coastal_claims" / "a.edi").write_text((examples / "coastal_claims.edi").read_text())
    assert [report.status for report in take_in(settings).files] == ["new"]
    return settings


def test_the_envelope_of_a_file_that_landed(landed: Settings) -> None:
    assert intake.x12_parties(landed, {1}) == {1: COASTAL}
    with pytest.raises(intake.LandingError, match=r"landing/\.receipts has no receipt 000009"):
        intake.x12_parties(landed, {9})


def test_the_command(landed: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [row | {"file_sequence": 1} for row in LINES]
    monkeypatch.setattr(claims_commands, "settings_of_environment", lambda: landed)
    monkeypatch.setattr(claims_commands, "_table", lambda _settings, _sql: answered(lines=lines))

    def rebates(*words: str) -> Result:
        return CliRunner().invoke(cli.main, ["claims", "answer", "--output", str(tmp_path / "out"), *words])

    said = rebates("--partner", "D-1", "--on", "2017-05-04")
    assert (said.exit_code, "3 claims answered in 1 files" in said.output) == (0, True), said.output
    [path] = (tmp_path / "out").glob("*.edi")
    assert len(replies(path)) == 6
    said = rebates("--on", "2017-05-04")
    assert "1 claims answered in 1 files; 3 were answered so before, 2 are not wholly decided." in said.output
    for words, message in (
        (("--partner", "D-9", "--on", "2017-05-04"), "--partner D-9: no claim of that partner"),
        (("--on", "May"), "--on 'May': expected YYYY-MM-DD"),
    ):
        refused = rebates(*words)
        assert (refused.exit_code, message in refused.output) == (2, True), refused.output
