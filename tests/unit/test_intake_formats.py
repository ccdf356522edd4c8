"""What a format may declare, parts of a file, deliveries that are not whole, and contents that are parsed together."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.intake import MappingError, build, landing, load_mapping, parse, take_in
from orchestration.settings import Settings
from tests.corpus.kind import CSV, Kind, line, text
from tests.corpus.others import MANY, archive

PLAIN = Kind("plain", "plain lines", b"")


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "sources").mkdir()
    return dataclasses.replace(settings, sources=tmp_path / "sources")


def declare(settings: Settings, kind: Kind = PLAIN, **changes: Any) -> None:
    path = settings.sources / f"{kind.name}.yml"
    path.write_text(yaml.safe_dump({**kind.document, **changes}, allow_unicode=True))


def deliver(settings: Settings, name: str, content: bytes, source: str = "plain") -> Path:
    path = settings.landing / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def query(settings: Settings, columns: str, entity: str = "line") -> list[tuple[Any, ...]]:
    rows = f"read_parquet('{settings.raw}/{entity}/*.parquet')"
    order = "file_sequence" if entity == "file" else "file_sequence, row_number"
    return duckdb.connect().execute(f"SELECT {columns} FROM {rows} ORDER BY {order}").fetchall()


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": {**CSV, "separator": "¦"}}, "'¦' cannot be used; expected an ASCII character"),
        ({"format": {**CSV, "quote": ","}}, "separator, quote and escape must be different characters"),
        ({"format": {**CSV, "quote": "", "escape": "\\"}}, "escape: without a quote there is nothing to escape"),
        ({"format": {**CSV, "encoding": "hex"}}, "encoding: unknown encoding 'hex'"),
        ({"format": {**CSV, "negatives": "red"}}, "Input should be 'leading', 'trailing' or 'parentheses'"),
        ({"format": {**CSV, "negatives": []}}, "negatives: expected leading, trailing or parentheses"),
        ({"format": {**CSV, "currency_signs": ["1$"]}}, "'1$': expected a sign without digits"),
        ({"format": {**CSV, "members": "*"}}, "members: only a zip archive has members"),
        ({"format": {**CSV, "header_row": "search"}}, "header_row"),
        ({"format": {**CSV, "column_names": ["a"], "header_row": 2}}, "a file without a header row has no header_row"),
        ({"format": {**CSV, "date_format": "%d.%m.%Y %d"}}, "expected a day (%d), a month"),
        ({"format": {**CSV, "date_format": "serial"}}, "or one of excel_serial_1900, excel_serial_1904"),
        ({"format": {"type": "excel"}}, "give either sheet (a name) or sheets (a pattern)"),
        ({"format": {"type": "excel", "sheet": "a", "sheets": "b*"}}, "give either sheet"),
        ({"format": {"type": "excel", "sheet": "a", "header_row": "find", "header_rows": 2}}, "needs the number"),
        ({"signs": {"refund": "reversed"}}, "signs: 'refund' is not one of invoice"),
        ({"signs": {"return": "positive"}}, "Input should be 'as_reported' or 'reversed'"),
        ({"ignored_rows": {"Total": ["x"]}}, "ignored_rows.Total: expected a column that is mapped"),
        ({"complete_when": "done"}, "expected a name made from {file_name}"),
        ({"complete_when": "{file_name}"}, "expected a name made from {file_name}"),
        (
            {"columns": {**PLAIN.document["columns"], "quantity": {"column": "qty", "zero_pad": 3}}},
            "zero_pad and joined_with are for text",
        ),
        (
            {"columns": {**PLAIN.document["columns"], "unit": {"column": "unit", "percent": True}}},
            "percent is for numbers",
        ),
        (
            {"columns": {**PLAIN.document["columns"], "unit": {"column": "unit", "date_format": "%d.%m.%Y"}}},
            "date_format is for dates",
        ),
    ],
)
def test_what_a_mapping_may_not_say(own: Settings, changes: dict[str, Any], message: str) -> None:
    declare(own, **changes)
    with pytest.raises(MappingError) as caught:
        load_mapping(own.sources / "plain.yml")
    assert message in str(caught.value)


def test_percentages(own: Settings) -> None:
    columns = {"from_currency": "a", "to_currency": "b", "rate_date": "d", "rate": {"column": "r", "percent": True}}
    declare(own, entity="fx_rate", columns=columns, constants={}, format={**CSV, "separator": ";", "decimal": ","})
    values = ["2,5 %", "2,5", "-0,25%", "100%", "%", "2,5 % %", "1,1234567"]
    deliver(own, "a", "\n".join(["a;b;d;r", *(f"A;B;2017-01-01;{value}" for value in values)]).encode())
    take_in(own)
    rows = query(own, "rate, parse_errors", "fx_rate")
    exact = [Decimal(value) for value in ("0.025", "0.025", "-0.0025", "1")]
    assert [rate for rate, _ in rows] == [*exact, None, None, None]
    assert [error for _, error in rows[4:]] == [
        "rate: '%' is not a number",
        "rate: '2,5 % %' is not a number",
        "rate: '1,1234567' has more than 6 decimals",
    ]


def test_parts_are_registered_with_their_first_rows(own: Settings) -> None:
    declare(own, format=MANY)
    deliver(own, "a", archive(("x/1.csv", text(line(1), line(2))), ("x/2.csv", text()), ("x/3.csv", text(line(3)))))
    take_in(own)
    [(rows, parts)] = query(own, "rows_in, parts", "file")
    assert [(part["name"], part["first_row"]) for part in json.loads(parts)] == [
        ("x/1.csv", 1),
        ("x/2.csv", 4),
        ("x/3.csv", 5),
    ]
    assert rows == 3
    # D3 stands in row 2 of the third member, whose first row is row 5 of the file
    assert query(own, "document_number, row_number") == [("D1", 2), ("D2", 3), ("D3", 6)]


def test_a_delivery_waits_for_its_marker(own: Settings) -> None:
    declare(own, complete_when="{file_name}.done")
    deliver(own, "a.csv", text(line()))
    [report] = take_in(own).files
    assert (report.status, report.file_sequence) == ("waiting", None)
    assert report.message == "not whole yet: a.csv.done has not come; it is taken in when it has"
    deliver(own, "a.csv.done", b"")
    [report] = take_in(own).files
    assert (report.file_name, report.status, report.rows) == ("a.csv", "new", 1)
    assert take_in(own).count("known") == 1


def test_a_delivery_that_grows_while_it_is_copied_waits(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(own)
    path = deliver(own, "a.csv", text(line(1)))
    fingerprint = landing.fingerprint

    def written_meanwhile(of: Path) -> str:
        found = fingerprint(of)
        if of == path:
            with path.open("ab") as stream:
                stream.write(b"D2,")
        return found

    monkeypatch.setattr(landing, "fingerprint", written_meanwhile)
    [report] = take_in(own).files
    assert (report.status, report.message) == ("waiting", "changed while it was read; it is taken in next time")
    assert list((own.landing / ".store").iterdir()) == []
    monkeypatch.undo()
    path.write_bytes(text(line(1), line(2)))
    assert [(r.status, r.rows) for r in take_in(own).files] == [("new", 2)]


def test_a_delivery_with_the_same_bytes_written_again_waits(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy fits the fingerprint, but somebody is writing."""
    declare(own)
    path = deliver(own, "a.csv", text(line(1)))
    fingerprint = landing.fingerprint

    def touched(of: Path) -> str:
        found = fingerprint(of)
        if of == path:
            os.utime(path, ns=(1, 1))
        return found

    monkeypatch.setattr(landing, "fingerprint", touched)
    assert take_in(own).count("waiting") == 1


def test_a_name_that_is_used_again_is_a_new_file(own: Settings) -> None:
    declare(own)
    for number in (1, 2, 1):
        deliver(own, "daily.csv", text(line(number)))
        take_in(own)
    assert query(own, "file_sequence, document_number") == [(1, "D1"), (2, "D2")]


def test_bytes_do_not_depend_on_what_is_parsed_together(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(own)
    declare(own, Kind("other", "other", b""))
    for number in range(12):
        lines = [line(100 * number + n, amount="x" if n == 2 else "5.58") for n in range(number)]
        deliver(own, f"{number:02}.csv", text(*lines), "other" if number % 3 == 0 else "plain")
    deliver(own, "bad.csv", b"no header")
    deliver(own, "large.csv", text(*(line(n) for n in range(400))))
    monkeypatch.setattr(build, "SMALL_ROWS", 300)
    said: list[str] = []
    take_in(own, said.append)
    assert len(said) == 14
    together = tree(own.raw)
    for files in (1, 5):
        monkeypatch.setattr(build, "TOGETHER_FILES", files)
        shutil.rmtree(own.raw)
        take_in(own)
        assert tree(own.raw) == together
    assert [row for (row,) in query(own, "rows_in", "file")][-2:] == [0, 400]
    assert not list((own.scratch / "intake").iterdir())


def test_many_files_are_parsed_by_one_statement_and_told_of_in_a_line(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(own)
    for number in range(60):
        deliver(own, f"{number}.csv", text(line(number)) if number else b"")
    said: list[str] = []
    statement, made = parse.statement, []
    monkeypatch.setattr(parse, "statement", lambda mapping: made.append(mapping) or statement(mapping))
    take_in(own, said.append)
    assert said == ["plain: 60 files, 59 rows, 1 unreadable"]
    assert len(made) == 1  # what a statement costs is shared by all files


def test_columns_of_one_mapping_may_stand_in_any_order(own: Settings) -> None:
    declare(own, ignored_columns=["note"])
    shuffled = [*reversed(line())]
    deliver(own, "a.csv", text(line(1)))
    deliver(own, "b.csv", text(",".join([*(line(2)[name] for name in shuffled), "x"]), header=[*shuffled, "note"]))
    take_in(own)
    first, second = query(own, "* EXCLUDE (document_number, file_sequence, file_hash)")
    assert first == second


def test_a_row_with_a_value_in_an_ignored_column_alone_is_a_row(own: Settings) -> None:
    declare(own, ignored_columns=["note"])
    deliver(own, "a.csv", text("," * 13, "," * 13 + "x", header=[*line(), "note"]))
    assert take_in(own).new_rows == 1
