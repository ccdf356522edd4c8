"""Kinds of Parquet files, of JSON lines, and of archives."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import struct
import warnings
import zipfile
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.corpus.kind import CSV, GOOD, Kind, accepted, line, quarantined, text
from tests.corpus.workbooks import EXCEL, cells, pos

PARQUET = {"type": "parquet"}
JSON = {"type": "json_lines", "date_format": "%Y-%m-%d"}
GZIP = {**CSV, "compression": "gzip"}
ZIP = {**CSV, "compression": "zip"}
MANY = {**ZIP, "members": "*.csv"}
BUYER = {"reseller_id": "buyer.store", "end_customer_name": "buyer.customer.name"}


def parquet(**changes: Any) -> bytes:
    """Two good lines in typed columns, with other columns; None removes one."""
    columns: dict[str, Any] = {name: [value or None] * 2 for name, value in GOOD.items()}
    columns |= {
        "doc": ["D1", "D2"],
        "date": [datetime.date(2017, 3, 31)] * 2,
        "qty": pa.array([Decimal("2.0000")] * 2, pa.decimal128(18, 4)),
        "amount": pa.array([Decimal("5.5800")] * 2, pa.decimal128(18, 4)),
        "ref": pa.array([None, None], pa.string()),
    }
    table = pa.table({name: value for name, value in (columns | changes).items() if value is not None})
    target = io.BytesIO()
    pq.write_table(table, target)
    return target.getvalue()


def typed(name: str, title: str, content: Any, *rows: Any, **more: Any) -> Kind:
    return Kind(name, title, content, rows, format={**PARQUET, **more.pop("format", {})}, **more)


BOTH = (accepted(1), accepted(2))
PARQUET_FILES = (
    typed("parquet", "typed columns", parquet, accepted(1, net_amount="5.58", document_date="2017-03-31"), accepted(2)),
    typed(
        "parquet_dictionary",
        "columns encoded by dictionary",
        lambda: parquet(unit=pa.array(["EA", "EA"]).dictionary_encode()),
        *BOTH,
    ),
    typed(
        "parquet_text",
        "text in a declared notation beside typed numbers",
        lambda: parquet(amount=["1.234,50", "5,58"], qty=[2.5, 2.0], date=["31.03.2017"] * 2),
        accepted(1, net_amount="1234.5", quantity="2.5"),
        accepted(2),
        format={"decimal": ",", "thousands": ".", "date_format": "%d.%m.%Y"},
        declared='decimal: ",", thousands: ".", date_format: "%d.%m.%Y"',
    ),
    typed(
        "parquet_float",
        "amounts as binary floats that are no money",
        lambda: parquet(amount=[0.1 + 0.2, 0.3]),
        quarantined("net_amount: '0.30000000000000004' has more than 4 decimals", 1),
        accepted(2, net_amount="0.3"),
    ),
    typed(
        "parquet_exponent",
        "small and large floats, which have exponents as text",
        lambda: parquet(qty=[1e-7, 1e21]),
        quarantined("quantity: '0.0000001' has more than 4 decimals", 1),
        quarantined("quantity: '1000000000000000000000' has more than 14 digits", 2),
    ),
    typed(
        "parquet_nan",
        "NaN in a column of numbers",
        lambda: parquet(amount=[float("nan"), 5.58]),
        quarantined("net_amount: 'nan' is not a number", 1),
        accepted(2),
    ),
    typed(
        "parquet_time",
        "a time of day",
        lambda: parquet(date=pa.array([17256 * 86400, 17256 * 86400 + 36300], pa.timestamp("s"))),
        accepted(1, document_date="2017-03-31"),
        quarantined("document_date: '2017-03-31 10:05:00.000' is not a date", 2),
    ),
    typed(
        "parquet_nested", "a column of lists", lambda: parquet(name=[["a"], ["b"]]), error="column 'name' holds list"
    ),
    typed(
        "parquet_bytes",
        "bytes that are no text",
        lambda: parquet(name=pa.array([b"\xff\xfe", b"x"], pa.binary())),
        error="not readable as Parquet",
    ),
    typed(
        "parquet_nul",
        "a NUL character in a code",
        lambda: parquet(product=["0077\0", "0077"]),
        quarantined("holds a NUL character", 1),
        accepted(2),
    ),
    typed("parquet_missing", "a column less", lambda: parquet(amount=None), error="missing column 'amount'"),
    typed("parquet_extra", "a column more", lambda: parquet(discount=[1, 2]), error="extra column 'discount'"),
    typed(
        "parquet_ignored_nested",
        "a nested column that is not read",
        lambda: parquet(meta=[{"a": 1}, {"a": 2}]),
        *BOTH,
        mapping={"ignored_columns": ["meta"]},
        declared="ignored_columns: [meta]",
    ),
    typed("parquet_empty", "no rows", lambda: _no_rows()),
    typed("parquet_cut", "a file that was cut off", lambda: parquet()[:-100], error="not readable as Parquet"),
    typed(
        "parquet_half", "a file whose first half is missing", lambda: parquet()[1000:], error="not readable as Parquet"
    ),
    typed("parquet_damaged", "a file with damaged pages", lambda: _damaged(), error="not readable as Parquet"),
    typed("text_as_parquet", "a text file under another name", text(line()), error="not readable as Parquet"),
)


def _no_rows() -> bytes:
    target = io.BytesIO()
    pq.write_table(pq.read_table(io.BytesIO(parquet())).slice(0, 0), target)
    return target.getvalue()


def _damaged() -> bytes:
    content = bytearray(parquet())
    content[4:400] = b"\xff" * 396
    return bytes(content)


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {**GOOD, "doc": f"D{number}", "qty": 2, **changes}


def lines(*records: dict[str, Any] | str) -> bytes:
    return "".join((r if isinstance(r, str) else json.dumps(r, ensure_ascii=False)) + "\n" for r in records).encode()


def raw_amount(number: int, written: str) -> str:
    return json.dumps(record(number)).replace('"5.58"', written)


def nested() -> bytes:
    flat = record()
    flat["buyer"] = {"store": flat.pop("store"), "customer": {"name": flat.pop("name")}}
    return lines(flat)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in record().items() if key != name}


def js(name: str, title: str, content: Any, *rows: Any, **more: Any) -> Kind:
    return Kind(name, title, content, rows, format=dict(JSON), **more)


JSON_LINES = (
    js("json_lines", "one object per line", lines(record(1), record(2)), accepted(1), accepted(2)),
    js(
        "json_nested",
        "nested fields",
        nested,
        accepted(1, reseller_id="R-1", end_customer_name="Müller"),
        mapping={"columns": BUYER},
        declared="columns: buyer.store",
    ),
    js(
        "json_exact",
        "numbers with exponents and many digits, exactly as written",
        lines(raw_amount(1, "5.5800"), raw_amount(2, "558e-2"), raw_amount(3, "5.5812")),
        accepted(1, net_amount="5.58"),
        accepted(2, net_amount="5.58"),
        accepted(3, net_amount="5.5812"),
    ),
    js(
        "json_huge_exponent",
        "an exponent beyond all bounds",
        lines(raw_amount(1, "1e999999999"), raw_amount(2, "1e-999999999999")),
        quarantined("'1e999999999' is not a number", 1),
        quarantined("'1e-999999999999' is not a number", 2),
    ),
    js("json_mark", "a byte order mark", b"\xef\xbb\xbf" + lines(record()), accepted(1)),
    js(
        "json_blank_lines",
        "blank lines count, and are no rows",
        lines("", record(1), "  ", record(2)),
        accepted(2),
        accepted(4),
    ),
    js(
        "json_missing_field",
        "a field that some objects do not have",
        lines(record(1), {**without("amount"), "doc": "D2"}),
        accepted(1),
        quarantined("missing_net_amount", 2),
    ),
    js(
        "json_broken_line",
        "a line that is no JSON",
        lines(record(1), '{"doc": "D2",', record(3)),
        accepted(1),
        quarantined("row: not JSON", 2),
        accepted(3),
    ),
    js(
        "json_cut",
        "the file ends within a line",
        lines(record(1), record(2))[:-30],
        accepted(1),
        quarantined("row: not JSON", 2),
    ),
    js(
        "json_key_twice",
        "a key that comes twice",
        lines(json.dumps(record())[:-1] + ', "qty": 3}'),
        error="no line is a JSON object: line 1 is not clear: field 'qty' is given twice",
    ),
    js(
        "json_some_key_twice",
        "a key that comes twice in one line",
        lines(json.dumps(record(1))[:-1] + ', "qty": 3}', record(2)),
        quarantined("row: not clear: field 'qty' is given twice", 1),
        accepted(2),
    ),
    js(
        "json_nan",
        "NaN, which is no JSON",
        lines(raw_amount(1, "NaN"), record(2)),
        quarantined("row: not JSON: NaN is no JSON number", 1),
        accepted(2),
    ),
    js(
        "json_new_field",
        "a field that nobody declared",
        lines(record(1), record(2, discount=1)),
        error="line 2: unexpected field 'discount'",
    ),
    js(
        "json_never_field",
        "a declared field that never comes",
        lines(without("amount")),
        error="no line has field 'amount'",
    ),
    js(
        "json_list",
        "a list where a value is expected",
        lines(record(1, qty=[1, 2]), record(2)),
        quarantined("row: field 'qty' holds a list", 1),
        accepted(2),
    ),
    js(
        "json_array",
        "one big array instead of lines",
        json.dumps([record(1), record(2)]).encode(),
        error="no line is a JSON object: line 1 is not a JSON object",
    ),
    js(
        "json_pretty",
        "an object spread over lines",
        json.dumps(record(), indent=2).encode(),
        error="no line is a JSON object",
    ),
    js(
        "json_bytes",
        "bytes that are no UTF-8",
        lines(record(1)) + b'{"doc": "\xff"}\n',
        error="line 2 is not readable as utf-8 text",
    ),
    js(
        "json_half_character",
        "half of a character as an escape",
        lines(json.dumps(record(1)).replace("D1", "D\\ud800"), record(2)),
        quarantined("row: field 'doc' holds a character that is no text", 1),
        accepted(2),
    ),
    js(
        "json_deep",
        "a line nested 100,000 deep",
        lines(record(1), "[" * 100_000),
        accepted(1),
        quarantined("row: not JSON", 2),
    ),
    js("json_empty", "blank lines only", b"\n\n", error="file is empty"),
    js(
        "text_as_json",
        "a text file under another name",
        text(line()),
        error="no line is a JSON object: line 1 is not JSON",
    ),
)


def gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def archive(*members: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in members:
            package.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def locked() -> bytes:
    """An archive that says that its member is encrypted."""
    content = bytearray(archive(("a.csv", text(line()))))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        offset = content.index(mark) + place
        content[offset : offset + 2] = struct.pack("<H", 1)
    return bytes(content)


def bad_sum() -> bytes:
    content = bytearray(gz(text(line())))
    content[-8] ^= 0xFF
    return bytes(content)


def packed(name: str, title: str, content: Any, *rows: Any, **more: Any) -> Kind:
    fmt = more.pop("format", ZIP)
    declared = more.pop(
        "declared", f"compression: {fmt['compression']}" + (', members: "*.csv"' if fmt is MANY else "")
    )
    return Kind(name, title, content, rows, format=fmt, declared=declared, **more)


ARCHIVES = (
    packed("gz", "gzip", gz(text(line())), accepted(), format=GZIP),
    packed(
        "gz_two",
        "two gzip files put one after the other",
        gz(text(line(1))) + gz(b",".join(v.encode() for v in line(2).values())),
        accepted(2),
        accepted(3),
        format=GZIP,
    ),
    packed(
        "gz_cut",
        "gzip that was cut off",
        gz(text(line()))[:-20],
        error="not readable as gzip: Compressed file ended",
        format=GZIP,
    ),
    packed(
        "gz_garbage",
        "gzip with something behind it",
        gz(text(line())) + b"garbage",
        error="not readable as gzip",
        format=GZIP,
    ),
    packed(
        "gz_sum", "gzip with a wrong check sum", bad_sum(), error="not readable as gzip: CRC check failed", format=GZIP
    ),
    packed(
        "gz_plain",
        "plain text, declared as gzip",
        text(line()),
        error="not readable as gzip: Not a gzipped file",
        format=GZIP,
    ),
    packed("gz_twice", "gzip in gzip", gz(gz(text(line()))), error="is itself compressed", format=GZIP),
    packed("gz_empty", "gzip of nothing", gz(b""), error="file is empty", format=GZIP),
    packed(
        "gz_bomb",
        "gzip that unpacks to far more than it is",
        lambda: gz(b" " * (80 << 20)),
        error="over 200 times its size, not read",
        format=GZIP,
    ),
    Kind("gz_undeclared", "gzip, undeclared", gz(text(line())), error="a NUL byte at byte"),
    packed("zip", "a zip archive with one file", archive(("a.csv", text(line()))), accepted()),
    packed(
        "zip_two",
        "a zip archive with two files where one is expected",
        archive(("a.csv", text(line(1))), ("b.csv", text(line(2)))),
        error="expected an archive with one file, it has 2: 'a.csv', 'b.csv'",
    ),
    packed(
        "zip_many",
        "every member that fits, others left out, row numbers running on",
        archive(("b/2.csv", text(line(3))), ("b/1.csv", text(line(1), line(2))), ("readme.txt", b"x"), ("empty/", b"")),
        accepted(2, document_number="D1"),
        accepted(3, document_number="D2"),
        accepted(5, document_number="D3"),
        format=MANY,
    ),
    packed(
        "zip_one_bad",
        "two members, one of them empty",
        archive(("1.csv", text(line(1))), ("2.csv", b"")),
        error="2.csv: file is empty",
        format=MANY,
    ),
    packed(
        "zip_none_fits",
        "no member fits",
        archive(("a.txt", b"x")),
        error="no member fits '*.csv'; the archive has 'a.txt'",
        format=MANY,
    ),
    packed("zip_empty", "an archive without members", archive(), error="expected an archive with one file, it has 0"),
    packed(
        "zip_cut", "an archive that was cut off", archive(("a.csv", text(line())))[:-30], error="not readable as zip"
    ),
    packed(
        "zip_damaged",
        "an archive with a damaged member",
        lambda: _damaged_member(),
        error="member 'a.csv' is not readable",
    ),
    packed(
        "zip_traversal",
        "a member whose name leads out of the archive",
        archive(("../../a.csv", text(line()))),
        error="member '../../a.csv' has a name that leads out of the archive",
    ),
    packed(
        "zip_absolute",
        "a member with an absolute name",
        archive(("/etc/a.csv", text(line()))),
        error="leads out of the archive",
    ),
    packed(
        "zip_in_zip",
        "an archive in an archive",
        archive(("a.zip", archive(("a.csv", text(line()))))),
        error="member 'a.zip' is itself compressed",
    ),
    packed(
        "zip_twice",
        "two members with one name",
        archive(("a.csv", text(line(1))), ("a.csv", text(line(2)))),
        error="the archive has member 'a.csv' more than once",
    ),
    packed("zip_locked", "an archive under a password", locked(), error="member 'a.csv' is protected by a password"),
    packed(
        "zip_bomb",
        "an archive that unpacks to far more than it is",
        lambda: archive(("a.csv", b" " * (80 << 20))),
        error="over 200 times its size, not read",
    ),
    packed(
        "zip_workbook",
        "a workbook in an archive",
        lambda: archive(("a.xlsx", pos(cells()))),
        accepted(),
        format={**EXCEL, "compression": "zip"},
    ),
    packed(
        "zip_plain", "a text file, declared as zip", text(line()), error="not readable as zip: File is not a zip file"
    ),
)


def _damaged_member() -> bytes:
    content = bytearray(archive(("a.csv", text(*(line(n) for n in range(50))))))
    content[60:80] = b"\x55" * 20
    return bytes(content)
