"""The ends of a trail: rows of files, as delivered, and what became of them; the ledger's batches.

What belongs here: finding a file, its row's fate, the original text (by a function that is handed in), manifests.
What does not: reading received files (intake/).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

import duckdb

from orchestration.settings import Settings
from orchestration.trace.report import Rows, Step, Tie, TraceError
from orchestration.trace.start import LIKE, rows, table

Originals = Callable[[int, Collection[int]], Mapping[int, str]]
"""Rows of a received file as delivered: (receipt number, row numbers) → text by row number. It checks that the stored
copy has the bytes that were received, and raises where it has not."""

ORIGINALS = 10_000
"""Rows that are shown as delivered at most; file, receipt and row number lead to every other."""

OTHERS: dict[str, tuple[str, str]] = {
    "claim": (
        "fct_claim_line",
        "claim_number || ' line ' || claim_line_number || ' of ' || partner_id || ': ' || claimed_amount || ' '"
        " || currency || ', ' || verdict",
    ),
    "fund_claim": (
        "rpt_fund_claim",
        "claim_id || ' of ' || partner_id || ': ' || amount || ' ' || currency || ', ' || status",
    ),
}  # fmt: skip
"""Marts that hold rows of other entities than lines, and what is said of such a row."""


def read_batches(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """``traced_batch`` and ``traced_terms``: what the ledger's manifests say, one row per batch (and program version).

    Raises TraceError when a batch that the snapshot's journal names has no manifest.
    """
    manifests: list[dict[str, Any]] = []
    for path in sorted(settings.ledger.glob("[0-9]*/manifest.json")):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        manifests.append({**json.loads(content), "batch": path.parent.name, "manifest_hash": digest})
    columns = {
        "batch_number": "integer", "batch": "varchar", "as_of": "varchar", "run_id": "varchar",
        "calculation_id": "varchar", "file_sequence": "integer", "manifest_hash": "varchar",
    }  # fmt: skip
    _fill(connection, "batch", columns, [[each[name] for name in columns] for each in manifests])
    terms = [
        [each["batch_number"], key, value] for each in manifests for key, value in sorted(each.get("terms", {}).items())
    ]
    _fill(connection, "terms", {"batch_number": "integer", "program_key": "varchar", "terms": "varchar"}, terms)
    missing = rows(
        connection,
        "select distinct batch_number from fct_posting anti join traced_batch using (batch_number) order by 1 limit 1",
    )
    if missing:
        raise TraceError(
            f"the snapshot has journal lines of batch {missing[0][0]}, and {settings.ledger} no such batch"
        )


def _fill(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], values: list[list[Any]]
) -> None:
    declared = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    connection.execute(f"create or replace temp table traced_{name} ({declared})")
    if values:
        connection.executemany(f"insert into traced_{name} values ({', '.join('?' * len(columns))})", values)


def find_file(connection: duckdb.DuckDBPyConnection, named: str) -> tuple[int, str]:
    """(receipt number, entity) of a file by its name, hash (16 digits of it at least) or receipt number.

    Raises TraceError for a file that is not known, and for a name that several files came with.
    """
    found = rows(
        connection,
        """select file_sequence, entity,
                  source || '/' || file_name || ' received ' || coalesce(received_on::varchar, '')
           from rpt_file
           where file_name = $1 or source || '/' || file_name = $1 or file_sequence::varchar = ltrim($1, '0')
              or (length($1) >= 16 and starts_with(file_hash, lower($1)))
           order by file_sequence""",
        named,
    )
    if not found:
        near = rows(
            connection,
            """select source || '/' || file_name from rpt_file
               order by jaro_winkler_similarity(file_name, ?) desc, file_sequence limit ?""",
            named,
            LIKE,
        )
        raise TraceError(f"no file {named} was received", [name for (name,) in near])
    if len(found) > 1:
        raise TraceError(
            f"{len(found)} files are meant by {named}; name one by its receipt number:",
            [f"{sequence}: {text}" for sequence, _, text in found],
        )
    return found[0][0], found[0][1]


def fate(connection: duckdb.DuckDBPyConnection, sequence: int, row: int, entity: str) -> tuple[str, str | None]:
    """What became of a row of a file, in words, and the key of the line that it is (None: of no line that counts)."""
    where = "where file_sequence = ? and row_number = ?"
    current = rows(connection, f"select line_key, verdict from fct_line {where}", sequence, row)
    if current:
        [(key, verdict)] = current
        return f"It is line {key}: {verdict}.", key
    older = rows(
        connection,
        f"select line_key, line_status, document_date from rpt_superseded_line {where}",
        sequence,
        row,
    )
    if older:
        [(key, status, day)] = older
        newer = rows(connection, "select file_name, row_number from fct_line where line_key = ?", key)
        instead = f"; what counts instead is {newer[0][0]} row {newer[0][1]}" if newer else ""
        said = {
            "corrected": "corrected by a newer row",
            "replaced": "replaced by a newer replacement report",
            "cancelled": "a cancellation: it removes the line",
            "after_as_of": f"dated {day}, after the as-of date: it does not count yet",
        }
        return f"It is a version of line {key} that does not count: {said.get(status, status)}{instead}.", None
    held = rows(connection, f"select rules_failed, parse_errors from rpt_quarantined_line {where}", sequence, row)
    if held:
        [(rules, errors)] = held
        reasons = ", ".join(part for part in (rules, errors) if part)
        return f"It is quarantined and counts nowhere: {reasons}.", None
    if entity in OTHERS:
        mart, words = OTHERS[entity]
        other = rows(connection, f"select {words} from {mart} {where}", sequence, row)
        if other:
            return f"It is a {entity.replace('_', ' ')}: {other[0][0]}.", None
    if entity != "line":
        return f"It is no line: the file holds rows of {entity.replace('_', ' ')}, which carry no amount.", None
    return "It is no line: a title, a header or an empty row.", None


def originals(connection: duckdb.DuckDBPyConnection, read: Originals, limit: int) -> tuple[Step, list[Tie]]:
    """The rows of ``traced_origin`` as delivered, the first ``limit`` of them; each file's copy is checked."""
    wanted: dict[int, set[int]] = {}
    listed: Rows = rows(
        connection,
        """select o.file_sequence, f.file_name, o.row_number
           from traced_origin as o inner join rpt_file as f using (file_sequence)
           order by o.place, o.file_sequence, o.row_number limit ?""",
        limit,
    )
    for sequence, _, number in listed:
        wanted.setdefault(sequence, set()).add(number)
    [(total, files)] = rows(
        connection,
        "select count(*), count(distinct file_sequence) from traced_origin",
    )
    texts = {sequence: read(sequence, numbers) for sequence, numbers in wanted.items()}
    for (sequence,) in rows(connection, "select distinct file_sequence from traced_origin order by 1"):
        if sequence not in texts:
            texts[sequence] = read(sequence, ())
    shown = [(sequence, name, number, texts[sequence].get(number)) for sequence, name, number in listed]
    missing = [f"{name} row {number}" for _, name, number, text in shown if text is None]
    ties = []
    if total:
        ties.append(Tie("files", "stored copies have the bytes that were received", "files", files, Decimal(files),
                        Decimal(len(texts)), 0))  # fmt: skip
        ties.append(
            Tie("rows", "rows are in their files", "rows", len(shown), Decimal(len(shown)),
                Decimal(len(shown) - len(missing)), len(missing), missing[0] if missing else None)
        )  # fmt: skip
    note = (f"The first {len(shown):,} of {total:,} rows; file and row number lead to the others.",)
    columns = ("receipt", "file", "row", "as delivered")
    return Step(
        "rows", "Rows as delivered", columns, len(shown), given=shown, notes=note if len(shown) < total else ()
    ), ties


def origin_of_lines(connection: duckdb.DuckDBPyConnection) -> None:
    """``traced_origin``: file and row of the lines that are selected; ``place``: in the order of their parts."""
    table(
        connection,
        "origin",
        """with placed as (
               select line_key, row_number() over (order by min(payout_id), min(payee_id), line_key) as place
               from traced_rebate group by line_key)
           select n.line_key, l.file_sequence, l.row_number, p.place
           from traced_line as n
           inner join fct_line as l on n.line_key = l.line_key
           left join placed as p on n.line_key = p.line_key""",
    )
