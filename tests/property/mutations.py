"""Seeded damage to files: the fuzzing of intake.

What belongs here: good files of each format and what is done to their bytes. What does not: assertions.
"""

from __future__ import annotations

import io
import random
import zipfile

from tests.corpus import edi
from tests.corpus.kind import CSV, Kind, line, text
from tests.corpus.others import GZIP, JSON, MANY, PARQUET, archive, gz, lines, parquet, record
from tests.corpus.values import SEMICOLON
from tests.corpus.workbooks import EXCEL, SHEETS, book, cells, pos

NUMBERS = ["5.58", "0.01", "-1.25", "1234.5", "x"]
LINES = [line(n, amount=NUMBERS[n % 5], name=f'"Müller ""{n}"", Söhne"' if n % 3 == 0 else "Meier") for n in range(12)]
STYLED = {
    **SEMICOLON,
    "thousands": ".",
    "negatives": ["leading", "trailing", "parentheses"],
    "currency_signs": ["€", "$"],
}
STYLED_LINES = [line(n, amount=("1.234,50", "(5,58)", "5,58-", "€ 3,00", "3 $")[n % 5]) for n in range(12)]
WIDE = {**CSV, "encoding": "utf-16"}
HEADER = list(line())

GOOD_FILES: dict[str, tuple[Kind, bytes]] = {
    kind.name: (kind, content)
    for kind, content in (
        (Kind("fuzz_csv", "CSV", b""), text(*LINES)),
        (
            Kind("fuzz_plain", "CSV without quotes", b"", format={**CSV, "quote": ""}),
            text(*(line(n) for n in range(12))),
        ),
        (Kind("fuzz_styled", "CSV with much declared", b"", format=STYLED), text(*STYLED_LINES, separator=";")),
        (
            Kind("fuzz_found", "CSV, header found", b"", format={**CSV, "header_row": "find"}),
            b"Report\n\n" + text(*LINES),
        ),
        (Kind("fuzz_wide", "UTF-16", b"", format=WIDE), text(*LINES, encoding="utf-16")),
        (Kind("fuzz_json", "JSON lines", b"", format=dict(JSON)), lines(*(record(n) for n in range(12)))),
        (Kind("fuzz_parquet", "Parquet", b"", format=dict(PARQUET)), parquet()),
        (Kind("fuzz_excel", "workbook", b"", format=dict(EXCEL)), pos(*(cells(n) for n in range(6)))),
        (
            Kind("fuzz_sheets", "workbook of sheets", b"", format={**SHEETS, "fill_merged": True}),
            book(("POS 1", [HEADER, cells(1)]), ("POS 2", [HEADER, cells(2)])),
        ),
        (
            Kind("fuzz_x12", "X12", b"", format=dict(edi.X12), mapping={"columns": edi.PATHS}),
            (edi.GOOD + edi.GOOD.replace("*", "|")).encode(),
        ),
        (Kind("fuzz_gzip", "gzip", b"", format=dict(GZIP)), gz(text(*LINES))),
        (
            Kind("fuzz_zip", "zip", b"", format=dict(MANY)),
            archive(("a.csv", text(*LINES)), ("b.csv", text(*LINES[:3]))),
        ),
    )
}
TOKENS = [
    *(
        b'"',
        b",",
        b";",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\xff",
        b"\\",
        b"'",
        b"-",
        b"(",
        b")",
        b"$",
        b"%",
        b"\xef\xbb\xbf",
    ),
    *(
        b"1e999999",
        b"NaN",
        b"=1+1",
        b"31.02.2017",
        b"{",
        b"}",
        b"[",
        b'"qty"',
        b"\xf0\x9f\x8f\xa5",
        b"<",
        b">",
        b"</row>",
    ),
    *(b't="e"', b'r="XFD1048576"', b"9" * 40, b" " * 200, b"\xc2\xa0", b"PK\x03\x04", b"\x1f\x8b", b"\t"),
]


def mutated(random_of: random.Random, content: bytes) -> bytes:
    """The content with one to four changes, the inside of a package changed in every other case."""
    if content.startswith(b"PK") and random_of.random() < 0.6:
        return _inside(random_of, content)
    for _ in range(random_of.randint(1, 4)):
        content = _changed(random_of, content)
    return content


def _changed(random_of: random.Random, content: bytes) -> bytes:
    first, last = sorted((random_of.randint(0, len(content)), random_of.randint(0, len(content))))
    last = min(last, first + random_of.choice((1, 4, 40, 400)))
    part = content[first:last]
    return random_of.choice(
        (
            lambda: content[:first] + random_of.choice(TOKENS) + content[first:],
            lambda: content[:first] + random_of.choice(TOKENS) + content[last:],
            lambda: content[:first] + content[last:],
            lambda: content[:last] + part + content[last:],
            lambda: content[:first],
            lambda: content[first:],
            lambda: content[:first] + random_of.randbytes(len(part)) + content[last:],
            lambda: (
                content[:first]
                + bytes(byte ^ (1 << random_of.randint(0, 7)) for byte in part[:1])
                + content[first + 1 :]
            ),
        )
    )()


def _inside(random_of: random.Random, content: bytes) -> bytes:
    """A package whose members were changed and packed again, so that damage reaches their readers."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as package, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        names = package.namelist()
        chosen = random_of.choice(names)
        for name in names:
            data = package.read(name)
            copy.writestr(zipfile.ZipInfo(name), _changed(random_of, data) if name == chosen else data)
    return target.getvalue()
