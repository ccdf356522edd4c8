"""CSV files for the ERP: UTF-8 without byte order mark, comma, CRLF, header row (RFC 4180).

Dates are ISO, amounts have a decimal point and their currency's decimals, empty is null. A field is
quoted only where it holds a comma, a quote or a line break. Identifiers are written exactly as they
are, because the ERP matches them with its master data. Words for people (kind ``text``) that begin
with = + - @ or a control character get an apostrophe before them, so that no spreadsheet takes them
for a formula. People open the workbook beside the CSV, where every text is text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.format import Column, Format
from orchestration.publish.money import amount_text

_SLICE = 65_536  # rows that are turned into text at a time, to bound memory


def write_csv(path: Path, one: Format, table: pa.Table, units: Mapping[str, int]) -> None:
    """Write the format's table. PublishError for an amount or currency that cannot be shown."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        handle.write(",".join(column.name for column in one.columns) + "\r\n")
        for start in range(0, table.num_rows, _SLICE):
            part = table.slice(start, _SLICE)
            fields = [_field(one, column, part, units) for column in one.columns]
            handle.write("\r\n".join(pc.binary_join_element_wise(*fields, ",").to_pylist()) + "\r\n")


def _field(one: Format, column: Column, part: pa.Table, units: Mapping[str, int]) -> pa.ChunkedArray:
    """One column as CSV fields; no nulls."""
    values = part[column.name]
    if column.kind == "amount":
        return pc.fill_null(amount_text(values, part["currency"], units, f"{one.name}.{column.name}"), "")
    values = pc.fill_null(values.cast(pa.string()), "")
    if column.kind == "text":
        dangerous = pc.match_substring_regex(values, r"^[=+\-@\x00-\x1f]")
        values = pc.if_else(dangerous, pc.binary_join_element_wise("'", values, ""), values)
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(values, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(values, r'[",\r\n]'), quoted, values)
