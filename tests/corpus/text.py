"""Kinds of delimited text files: bytes, line ends, quotes, rows, headers."""

from __future__ import annotations

from tests.corpus.kind import CSV, GOOD, HEADER, Kind, accepted, line, quarantined, text

NAMED = ",".join(GOOD.values())
MISREAD = "not readable as utf-8 text"
SHORT = [name for name in HEADER if name not in ("line", "ref", "name")]
SHIFTED = [name for name in HEADER if name != "name"] + ["name"]

BYTES = (
    Kind("utf8", "UTF-8 without a byte order mark", text(line()), (accepted(end_customer_name="Müller"),)),
    Kind("utf8_bom", "UTF-8 with a byte order mark", b"\xef\xbb\xbf" + text(line()), (accepted(document_number="D1"),)),
    Kind(
        "utf16",
        "UTF-16",
        text(line(), encoding="utf-16"),
        (accepted(end_customer_name="Müller"),),
        format={**CSV, "encoding": "utf-16"},
        declared="encoding: utf-16",
    ),
    Kind(
        "utf16_undeclared",
        "UTF-16, declared as UTF-8",
        text(line(), encoding="utf-16"),
        error="starts with the byte order mark of utf-16, declared is utf-8",
    ),
    Kind(
        "utf16_no_mark",
        "UTF-16 without its mark, declared as UTF-8",
        text(line(), encoding="utf-16-le"),
        error="a NUL byte at byte 2: damaged, or not utf-8 text",
    ),
    Kind("cp1252_undeclared", "Windows text, declared as UTF-8", text(line(), encoding="cp1252"), error=MISREAD),
    Kind(
        "cp850",
        "text of an old DOS program",
        text(line(), encoding="cp850"),
        (accepted(end_customer_name="Müller"),),
        format={**CSV, "encoding": "cp850"},
        declared="encoding: cp850",
    ),
    Kind(
        "utf8_mark_as_cp1252",
        "UTF-8 with a mark, declared as Windows text",
        b"\xef\xbb\xbf" + text(line()),
        error="starts with the byte order mark of utf-8, declared is cp1252",
        format={**CSV, "encoding": "cp1252"},
        declared="encoding: cp1252",
    ),
    Kind(
        "utf8_as_cp1252",
        "UTF-8 without a mark, declared as Windows text: nobody can tell, the name is spelt wrong",
        text(line()),
        (accepted(end_customer_name="MÃ¼ller"),),
        format={**CSV, "encoding": "cp1252"},
        declared="encoding: cp1252",
    ),
    Kind(
        "cp1252_hole",
        "a byte that Windows text does not have",
        text(line(name="x"), encoding="cp1252").replace(b",x,", b",\x81,"),
        error="not readable as cp1252 text",
        format={**CSV, "encoding": "cp1252"},
        declared="encoding: cp1252",
    ),
    Kind(
        "nul_bytes", "a hole of NUL bytes, as a broken transfer leaves it", text(line()) + b"\0" * 512, error="NUL byte"
    ),
    Kind("cut_character", "the file ends within a character", text(line(1), line(2))[:-1] + b"\xc3", error=MISREAD),
    Kind(
        "cut_character_far_down",
        "a broken character in a short row, far down",
        text(*(line(n) for n in range(500))) + b"D500,\xc3\n" + text(line(501)),
        error=MISREAD,
    ),
    Kind(
        "control_z",
        "an end mark of DOS after the last row",
        text(line()) + b"\x1a",
        (accepted(), quarantined("row: has 1 fields, expected 13", 3)),
    ),
    Kind("binary", "a picture under the name of a report", bytes(range(256)) * 8, error="a NUL byte at byte 1"),
)

LINE_ENDS = (
    Kind("crlf", "line ends of Windows", text(line(1), line(2), end="\r\n"), (accepted(2), accepted(3))),
    Kind("cr", "line ends of an old Macintosh", text(line(1), line(2), end="\r"), (accepted(2), accepted(3))),
    Kind(
        "mixed_ends",
        "mixed line ends",
        text(line(1)) + NAMED.replace("D1", "D2").encode() + b"\r" + NAMED.replace("D1", "D3").encode() + b"\r\n",
        (accepted(2), accepted(3), accepted(4)),
    ),
    Kind("no_last_end", "no line end after the last row", text(line())[:-1], (accepted(),)),
    Kind(
        "blank_lines",
        "blank lines between rows count, and are no rows",
        text("", line(1), "", "", line(2), ""),
        (accepted(3), accepted(6)),
    ),
    Kind(
        "break_in_value",
        "a line break within a quoted value",
        text(line(1, name='"Mül\nler"'), line(2)),
        (accepted(2, end_customer_name="Mül\nler"), accepted(3)),
    ),
    Kind(
        "cr_in_value",
        "a bare carriage return within an unquoted value",
        text(line(1, name="Mül\rler"), line(2)),
        (quarantined("row: has 8 fields", 2), quarantined("row: has 6 fields", 3), accepted(4)),
    ),
    Kind(
        "long_line",
        "one line of 100 MB",
        lambda: text(line(name="x" * 100_000_000)),
        slow=True,
        error="line 2 is longer than 4,194,304 characters",
    ),
    Kind(
        "long_header",
        "a first line of 100 MB, without any line end",
        lambda: b"x," * 50_000_000,
        slow=True,
        error="line 1 is longer than 4,194,304 characters",
    ),
    Kind("long_text", "a text of 100,000 characters", text(line(name="x" * 100_000)), (accepted(),)),
)

QUOTES = (
    Kind(
        "doubled_quotes",
        "quotes in quotes, doubled",
        text(line(name='"5"" pipe, ""new"""')),
        (accepted(end_customer_name='5" pipe, "new"'),),
    ),
    Kind(
        "escaped_quotes",
        "quotes in quotes after a backslash",
        text(line(name='"5\\" pipe, \\"new\\""')),
        (accepted(end_customer_name='5" pipe, "new"'),),
        format={**CSV, "escape": "\\"},
        declared='escape: "\\"',
    ),
    Kind(
        "escaped_undeclared",
        "quotes after a backslash, declared as doubled",
        text(line(name='"5\\" pipe"'), line(2)),
        rows=(quarantined("row: text after a closing quote", 2), accepted(3)),
    ),
    Kind(
        "quotes_not_doubled",
        "quotes in quotes, neither doubled nor escaped",
        text(line(name='"5" pipe"'), line(2, name='"x"')),
        (quarantined("row: text after a closing quote", 2), accepted(3)),
    ),
    Kind(
        "single_quotes",
        "single quotes around values",
        text(line(name="'Müller, Söhne'")),
        (accepted(end_customer_name="Müller, Söhne"),),
        format={**CSV, "quote": "'"},
        declared='quote: "\'"',
    ),
    Kind(
        "quotes_are_text",
        "quotes that mean nothing",
        text(line(name='"5" pipe')),
        (accepted(end_customer_name='"5" pipe'),),
        format={**CSV, "quote": ""},
        declared='quote: ""',
    ),
    Kind(
        "inch_mark",
        "a quote within an unquoted value is text",
        text(line(name='5" pipe')),
        (accepted(end_customer_name='5" pipe'),),
    ),
    Kind(
        "open_quote",
        "a quote that is never closed",
        text(line(name='"Müller'), line(2), line(3)),
        error="a quote is not closed properly",
    ),
    Kind(
        "two_open_quotes",
        "two stray quotes that would swallow the rows between them",
        text(line(1, name='"5 inch'), line(2), line(3, name='"6 inch'), line(4)),
        error="a quote is not closed properly",
    ),
    Kind(
        "separator_in_value",
        "a separator in an unquoted value",
        text(line(name="Müller, Söhne")),
        (quarantined("row: has 14 fields, expected 13 (not read: USD)"),),
    ),
)

ROWS = (
    Kind("empty", "an empty file", b"", error="file is empty"),
    Kind("only_mark", "nothing but a byte order mark", b"\xef\xbb\xbf", error="file is empty"),
    Kind("only_blanks", "nothing but blank lines", b"\r\n \r\n\t\n", error="file is empty"),
    Kind("header_only", "a header and no rows: a report that says that nothing was sold", text()),
    Kind(
        "short_row",
        "a row with too few fields",
        text(line(1), "D2,1,invoice", line(3)),
        (accepted(2), quarantined("row: has 3 fields, expected 13", 3), accepted(4)),
    ),
    Kind(
        "long_row",
        "a row with too many fields",
        text(line(1), NAMED.replace("D1", "D2") + ",more,yet"),
        (accepted(2), quarantined("row: has 15 fields, expected 13 (not read: more | yet)", 3)),
    ),
    Kind(
        "cut_row",
        "the file ends within a row",
        text(line(1), line(2))[:-20],
        (accepted(2), quarantined("row: has 8 fields, expected 13", 3)),
    ),
    Kind(
        "trailing_separator",
        "a separator at the end of every row",
        text(",".join(HEADER) + ",", NAMED + ",", header="").lstrip(b"\n"),
        (accepted(2),),
    ),
    Kind(
        "unnamed_value",
        "a value in a column without a name",
        text(NAMED + ",", NAMED.replace("D1", "D2") + ",lost", header=[*HEADER, ""]),
        (accepted(2), quarantined("row: a value in column 14, which has no name", 3)),
    ),
    Kind(
        "total_row",
        "a total below the rows",
        text(line(1), "Total,,,,,,,,,2,,5.58,"),
        (accepted(2), quarantined("missing_document_date", 3)),
    ),
    Kind(
        "total_ignored",
        "a total below the rows, also one with too few fields",
        text(line(1), "Total,,,,,,,,,2,,5.58,", "Grand total,,5.58"),
        (accepted(2),),
        mapping={"ignored_rows": {"doc": ["Total", "Grand total"]}},
        declared="ignored_rows: {doc: [Total, Grand total]}",
    ),
    Kind(
        "no_line_numbers",
        "no line numbers: lines are named by document and item",
        text("D1,invoice,2017-03-31,original,R-1,0077,2,EA,5.58,USD", header=SHORT),
        (accepted(2, line_number="0077/EA"),),
        mapping={
            "columns": {
                "line_number": {"column": "product", "joined_with": ["unit"], "join": "/"},
                "reference_document_number": "doc",
                "end_customer_name": "doc",
            }
        },
        declared="columns.line_number: {column: product, joined_with: [unit], join: /}",
    ),
    Kind(
        "header_again",
        "two reports put one after the other: a second header",
        text(line(1), ",".join(HEADER), line(2)),
        (accepted(2), quarantined("document_date: 'date' is not a date", 3), accepted(4)),
    ),
    Kind(
        "same_row_twice", "the same row twice", text(line(1), line(1)), (accepted(2), quarantined("duplicate_row", 3))
    ),
    Kind(
        "conflicting_rows",
        "two rows with one key that differ",
        text(line(1), line(1, qty="3")),
        (quarantined("conflicting_rows", 2), quarantined("conflicting_rows", 3)),
    ),
    Kind(
        "all_empty_row",
        "a row of separators only is no row",
        text(line(1), "," * 12, line(2)),
        (accepted(2), accepted(4)),
    ),
)

HEADERS = (
    Kind(
        "wrong_separator",
        "another separator than declared",
        text(line(), separator=";"),
        error="missing column 'doc', 'line'",
    ),
    Kind(
        "tabs",
        "tabs as separators",
        text(line(name="Müller, Söhne"), separator="\t"),
        (accepted(end_customer_name="Müller, Söhne"),),
        format={**CSV, "separator": "\t"},
        declared='separator: "\\t"',
    ),
    Kind(
        "column_twice",
        "a column name that comes twice",
        text(line(), header=[*HEADER[:-1], "qty"]),
        error="missing column 'currency'; column given twice 'qty'",
    ),
    Kind(
        "renamed_column",
        "a renamed column",
        text(line(), header=",".join(HEADER).replace("amount", "net")),
        error="header in row 1: missing column 'amount'; extra column 'net'",
    ),
    Kind(
        "extra_column",
        "a column that nobody declared",
        text(NAMED + ",5", header=[*HEADER, "discount"]),
        error="header in row 1: extra column 'discount'",
    ),
    Kind(
        "ignored_column",
        "a column that is knowingly not read",
        text(NAMED + ",5", header=[*HEADER, "discount"]),
        (accepted(),),
        mapping={"ignored_columns": ["discount"]},
        declared="ignored_columns: [discount]",
    ),
    Kind(
        "missing_column",
        "a column less",
        text(NAMED.removesuffix(",USD"), header=HEADER[:-1]),
        error="header in row 1: missing column 'currency'",
    ),
    Kind("spaced_header", "blanks around column names", text(line(), header=" , ".join(HEADER) + " "), (accepted(),)),
    Kind(
        "other_order",
        "columns in another order",
        text(",".join(GOOD[name] for name in SHIFTED), header=SHIFTED),
        (accepted(end_customer_name="Müller", net_amount="5.58"),),
    ),
    Kind(
        "other_case",
        "column names in capitals",
        text(line(), header=",".join(HEADER).upper()),
        error="missing column 'doc'",
    ),
    Kind(
        "no_header", "rows without a header", text(line(2), header=NAMED), error="header in row 1: missing column 'doc'"
    ),
    Kind(
        "named_by_mapping",
        "rows without a header, their names in the mapping",
        text(line(2), header=NAMED),
        (accepted(1), accepted(2)),
        format={**CSV, "column_names": HEADER},
        declared="column_names: [doc, line, …]",
    ),
    Kind(
        "title_block",
        "lines of a title above the header",
        text(",".join(HEADER), line(), header="Report\nMarch 2017\n"),
        (accepted(5),),
        format={**CSV, "header_row": 4},
        declared="header_row: 4",
    ),
    Kind(
        "title_block_found",
        "a title of whatever length above the header",
        text(",".join(HEADER), line(), header='Report,"March\n2017"\n\nAll stores'),
        (accepted(5),),
        format={**CSV, "header_row": "find"},
        declared="header_row: find",
    ),
    Kind(
        "title_undeclared",
        "a title above the header that was not there before",
        text(",".join(HEADER), line(), header="Report of March"),
        error="header in row 1: missing column 'doc'",
    ),
    Kind(
        "no_header_found",
        "no row that has all names",
        text(line(), header=",".join(HEADER).replace("amount", "net")),
        error="no header: row 1 is nearest, missing column 'amount'",
        format={**CSV, "header_row": "find"},
        declared="header_row: find",
    ),
)
