"""Account strings: how an ERP writes an account with its dimensions, as a setting of the legal entity.

What belongs here: the template ``01|{account}|{cost_centre}|000``: segments joined by ``|``, each a
column of the rows in braces or a text as it is. What does not: which column of a file they go into.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.erp.model import Setting
from orchestration.publish.format import PublishError

COLUMNS = ("legal_entity", "account", "cost_centre", "tax_code", "payee_id", "program_id")
"""Columns of the rows that a segment may name."""

SEGMENTS = Setting(
    "segments",
    "segments of an account, joined by a vertical bar: a column in braces, or a text",
)

_COLUMN = re.compile(r"\{(\w+)\}")


def segments(rows: pa.Table, settings: Mapping[str, str]) -> list[pa.ChunkedArray]:
    """The segments of each row, as text without nulls. PublishError for a column that is not offered."""
    found = []
    for part in settings["segments"].split("|"):
        column = _COLUMN.fullmatch(part)
        if column and column[1] not in COLUMNS:
            raise PublishError(f"setting segments: {part}, expected one of {', '.join(COLUMNS)} in braces")
        if column:
            found.append(pc.fill_null(rows[column[1]], ""))
        else:
            found.append(pa.chunked_array([pa.repeat(pa.scalar(part, pa.string()), rows.num_rows)]))
    return found


def joined(rows: pa.Table, settings: Mapping[str, str], delimiter: str) -> pa.ChunkedArray:
    """The segments of each row in one text. PublishError where a segment holds the delimiter itself."""
    parts = segments(rows, settings)
    for values in parts:
        wrong = values.filter(pc.match_substring(values, delimiter))
        if len(wrong):
            raise PublishError(
                f"account segment {wrong[0].as_py()!r} holds the delimiter {delimiter!r}: the importer would read two"
                " segments; set another delimiter"
            )
    return pc.binary_join_element_wise(*parts, delimiter)
