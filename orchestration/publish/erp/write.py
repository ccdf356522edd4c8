"""From a batch to the files of each legal entity's ERP.

What belongs here: which rows a file has, documents and parts within the importer's limits, CSV and zip
bytes. What does not: the checks (checks.py) and the columns (formats/).

Equal batches give equal bytes: zips hold no time of writing.
"""

from __future__ import annotations

import bisect
import io
import itertools
import re
import zipfile
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.publish.erp import checks
from orchestration.publish.erp.checks import Refusal, Text
from orchestration.publish.erp.model import Batch, ErpFormat, Layout, erp_formats
from orchestration.publish.erp.rows import NEUTRAL
from orchestration.publish.erp.seeds import Enabled
from orchestration.publish.format import PublishError

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def write_erp_files(batch: Batch, enabled: Enabled) -> list[str]:
    """Write every file that the legal entities of the batch get; returns their names, sorted.

    Everything is checked before the first file is written. Raises PublishError, naming batch, format,
    legal entity, line, field and reason, for what an importer would refuse.
    """
    formats = erp_formats()
    files: dict[str, bytes] = {}
    for entity in sorted(enabled):
        if not _FILE_NAME.fullmatch(entity):
            raise PublishError(f"legal entity {entity!r} cannot stand in the name of a file")
        posted = {formats[name].instrument for name in enabled[entity] if formats[name].posts}
        for name in sorted(enabled[entity]):
            one = formats[name]
            if batch.facts["kind"] not in one.kinds:
                continue
            parts = _files(batch, one, entity, enabled[entity][name], posted)
            for number, content in enumerate(parts, start=1):
                part = f"_{number}" if len(parts) > 1 else ""
                files[f"{one.name}_{entity}_{batch.facts['accounting_month']}{part}.{one.suffix}"] = content
    for file, content in files.items():
        (batch.erp / file).write_bytes(content)
    return sorted(files)


def _files(batch: Batch, one: ErpFormat, entity: str, settings: Mapping[str, str], posted: set[str]) -> list[bytes]:
    """The contents of the format's files for one legal entity: none when it has no rows."""
    tables = [_rows(batch, one, layout, entity, posted) for layout in one.layouts]
    if not tables[0].num_rows:
        return []
    if one.document_lines:
        tables = [_with_documents(batch, one, entity, rows) for rows in tables]
    else:
        number = pa.scalar(f"{batch.facts['batch_number']:06}", pa.string())
        tables = [rows.append_column("document_id", pa.repeat(number, rows.num_rows)) for rows in tables]
    tables = [one.derive(_with_facts(batch, entity, rows), settings) for rows in tables]
    written: list[Text] = []
    for layout, rows in zip(one.layouts, tables, strict=True):
        fields = checks.texts(batch, one, layout, rows, settings)
        checks.refuse(batch, one, entity, list(checks.refusals(batch, one, layout, rows, fields)))
        checks.check_sums(batch, one, entity, layout, rows, fields)
        if layout.rows == "journal":
            checks.check_balance(batch, one, entity, rows)
        written.append(fields)
    if one.write:
        return one.write(batch, entity, settings, tables[0])
    if one.suffix == "zip":
        return [zipped({layout.file: _csv(one, text) for layout, text in zip(one.layouts, written, strict=True)})]
    (rows,), (text,) = tables, written
    slices = _parts(batch, one, entity, rows)
    make = one.blocks or _block
    return [
        make(one, rows.slice(*part), {name: _slice(values, part) for name, values in text.items()}) for part in slices
    ]


def _slice(values: pa.ChunkedArray | str, part: tuple[int, int]) -> pa.ChunkedArray | str:
    return values if isinstance(values, str) else values.slice(*part)


def _rows(batch: Batch, one: ErpFormat, layout: Layout, entity: str, posted: set[str]) -> pa.Table:
    """The legal entity's neutral rows; of a journal without the payments that another format posts."""
    if layout.rows not in batch.neutral:
        batch.neutral[layout.rows] = NEUTRAL[layout.rows](batch.tables)
    rows = batch.neutral[layout.rows]
    rows = rows.filter(pc.equal(rows["legal_entity"], entity))
    if one.instrument:
        return rows.filter(pc.equal(rows["instrument"], one.instrument))
    elsewhere = pc.is_in(pc.fill_null(rows["instrument"], ""), pa.array(sorted(posted), pa.string()))
    return rows.filter(pc.invert(elsewhere))


def _with_facts(batch: Batch, entity: str, rows: pa.Table) -> pa.Table:
    """Adds ``as_of`` and ``foreign``: whether the row is in another currency than the legal entity's."""
    as_of = pa.scalar(batch.facts["as_of"], pa.string()).cast(pa.date32())
    rows = rows.append_column("as_of", pa.repeat(as_of, rows.num_rows))
    return rows.append_column("foreign", pc.not_equal(rows["currency"], batch.entity_currency[entity]))


def _with_documents(batch: Batch, one: ErpFormat, entity: str, rows: pa.Table) -> pa.Table:
    """Journal lines by currency and number, with the document that each entry goes into.

    A document has one currency and whole entries, and no more lines than the importer takes.
    ``document_id``: ``<batch>-<document>``. PublishError for an entry that alone has too many lines.
    """
    rows = rows.sort_by([("currency", "ascending"), ("journal_line", "ascending")])
    runs = rows.select(["currency", "entry_id"]).group_by(["currency", "entry_id"], use_threads=False)
    entries = runs.aggregate([([], "count_all")])
    counts, most = entries["count_all"], one.most_document_lines
    large = entries.filter(pc.greater(counts, most)).to_pylist()
    reason = "an entry has {} lines, the importer takes at most {} in a document"
    refusals = [Refusal(r["entry_id"], "entry", reason.format(r["count_all"], most)) for r in large]
    checks.refuse(batch, one, entity, refusals)
    sizes: list[int] = []
    for _, group in itertools.groupby(
        zip(entries["currency"].to_pylist(), counts.to_pylist(), strict=True), key=lambda entry: entry[0]
    ):
        sizes += pack([count for _, count in group], one.document_lines)
    names = [f"{batch.facts['batch_number']:06}-{number:04}" for number in range(1, len(sizes) + 1)]
    documents = [pa.repeat(pa.scalar(name, pa.string()), size) for name, size in zip(names, sizes, strict=True)]
    return rows.append_column("document_id", pa.chunked_array(documents, pa.string()))


def pack(counts: Sequence[int], limit: int) -> list[int]:
    """Sizes of packets that hold the counts whole and in order, each at most ``limit`` (or one larger count alone)."""
    ends = list(itertools.accumulate(counts))
    sizes, done = [], 0
    while done < len(ends):
        before = ends[done - 1] if done else 0
        fits = bisect.bisect_right(ends, before + limit, lo=done)
        done = max(fits, done + 1)
        sizes.append(ends[done - 1] - before)
    return sizes


def _parts(batch: Batch, one: ErpFormat, entity: str, rows: pa.Table) -> list[tuple[int, int]]:
    """Offset and length of the rows of each file; a document is never split over files."""
    if not one.file_lines:
        return [(0, rows.num_rows)]
    key = "document_id" if one.document_lines else "entry_id"
    counts = rows.group_by(key, use_threads=False).aggregate([([], "count_all")])["count_all"].to_pylist()
    sizes = pack(counts, one.file_lines)
    return list(zip(itertools.accumulate([0, *sizes[:-1]]), sizes, strict=True))


def records(one: ErpFormat, text: Text) -> pa.ChunkedArray:
    """One delimited record for each row; a field is quoted where it holds the delimiter or a quote.

    At least one field differs by row.
    """
    special = f'[{re.escape(one.delimiter)}"\r\n]'
    quoted = []
    for values in text.values():
        if isinstance(values, str):
            inside = values.replace('"', '""')
            quoted.append(f'"{inside}"' if re.search(special, values) else values)
            continue
        inside = pc.binary_join_element_wise('"', pc.replace_substring(values, '"', '""'), '"', "")
        quoted.append(pc.if_else(pc.match_substring_regex(values, special), inside, values))
    return pc.binary_join_element_wise(*quoted, one.delimiter)


def _csv(one: ErpFormat, text: Text) -> bytes:
    lines = [one.delimiter.join(text)] if one.header else []
    lines += records(one, text).to_pylist()
    return "".join(f"{line}{one.line_end}" for line in lines).encode()


def _block(one: ErpFormat, rows: pa.Table, text: Text) -> bytes:
    return _csv(one, text)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of the files in their order; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
