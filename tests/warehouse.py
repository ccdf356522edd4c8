"""The real models over rows that a test makes up: ``build(settings, …) -> Built``.

What belongs here: writing what validation, programs, books and the run would leave behind, calling
dbt, and reading the marts back. What does not: figures, and the rooms before dbt.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from orchestration import books, claims, contract, matching, programs
from orchestration.runs import RunContext, month_of, write_run_context
from orchestration.settings import Settings
from orchestration.transform import BOOKS_TAG, dbt_arguments
from orchestration.transform.dbt import run_dbt
from orchestration.transform.net_of import find_reductions
from orchestration.warehouse import connect
from tests.reference.calculate import Inputs

Dict = dict[str, Any]

RULE_RESULT = pa.schema(
    [
        ("source", pa.string()),
        ("entity", pa.string()),
        ("file_sequence", pa.int32()),
        ("file_hash", pa.string()),
        ("suite", pa.string()),
        ("rule_id", pa.string()),
        ("severity", pa.string()),
        ("status", pa.string()),
        ("rows_evaluated", pa.int64()),
        ("rows_failed", pa.int64()),
        ("message", pa.string()),
        ("samples", pa.string()),
    ]
)
"""validation/<entity>/ (docs/architecture.md)."""

FILES_PER_ENTITY = 1000
"""Receipt numbers are unique over all entities: those of the n-th entity begin at n times this."""

ORIGIN: Dict = {
    "source": "test",
    "file_sequence": 1,
    "file_hash": "0" * 64,
    "row_number": 1,
    "verdict": "accepted",
    "rules_failed": None,
}
"""Where a row comes from when a test does not say."""


@dataclass(frozen=True)
class Seeds:
    """Segments of a test, instead of those of seeds/reference, and legal entities beside those there."""

    segments: Sequence[Dict]
    segment_rules: Sequence[Dict]
    legal_entities: Sequence[Dict] = ()


@dataclass(frozen=True)
class Built:
    """A warehouse that was built. ``settings``: those that it was built with."""

    settings: Settings

    def rows(self, table: str) -> list[Dict]:
        """Return every row of a table or view of the warehouse, in no particular order."""
        with connect(self.settings, read_only=True) as connection:
            return _dicts(connection.execute(f'select * from "{table}"'))


def _dicts(cursor: duckdb.DuckDBPyConnection) -> list[Dict]:
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def build(
    settings: Settings,
    documents: Sequence[Mapping[str, Any]],
    entities: Mapping[str, Sequence[Dict]],
    as_of: date,
    seeds: Seeds | None = None,
    *,
    select: str | None = None,
    sources: Sequence[Dict] = (),
    quarantined: Mapping[str, Sequence[Dict]] | None = None,
    received: Mapping[int, date] | None = None,
) -> Built:
    """Build all models that do not depend on the books (or those that ``select`` names), with their tests.

    ``documents``: program documents as dictionaries; a refused one raises AssertionError with the
    reason. ``entities``: accepted rows by entity; columns of where a row comes from may be left out.
    ``seeds``: instead of those of seeds/reference, in a copy of the project. ``sources``: rows of raw/source/.
    ``quarantined``, ``received``: as ``write_rows`` takes them. Raises
    orchestration.transform.DbtError when a model or a test fails.
    """
    settings = draft_programs(settings, documents, seeds)
    write_rows(settings, entities, sources, quarantined=quarantined, received=received)
    books.prepare(settings)
    matching.prepare(settings)
    claims.write_table(settings)
    write_run_context(settings, RunContext(as_of, month_of(as_of), "0" * 64, 0))
    find_reductions(settings)
    run_dbt(settings, dbt_arguments("build", select=select, exclude=f"tag:{BOOKS_TAG}"))
    return Built(settings)


def write_programs(settings: Settings, documents: Sequence[Mapping[str, Any]]) -> Settings:
    """Write the documents as YAML below ``data/documents`` and flatten them into the program tables."""
    settings = replace(settings, programs=documents_folder(settings))
    shutil.rmtree(settings.programs, ignore_errors=True)
    settings.programs.mkdir(parents=True)
    for document in documents:
        path = settings.programs / f"{document['id']}@{document['version']}.yml"
        path.write_text(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True), encoding="utf-8")
    result = programs.write_tables(settings)
    assert not result.errors, "\n".join(str(error) for error in result.errors)
    assert len(result.programs) == len(documents)
    return settings


def draft_programs(settings: Settings, documents: Sequence[Mapping[str, Any]], seeds: Seeds | None = None) -> Settings:
    """Flatten the documents as ``build`` would, without building anything; returns the settings to read them with."""
    return write_programs(_project(settings, seeds), documents)


def documents_folder(settings: Settings) -> Path:
    """Return the folder of the documents of a test."""
    return settings.data / "documents"


def program_tables(settings: Settings) -> dict[str, list[Dict]]:
    """Return the flattened program tables as lists of dictionaries: what the calculator takes."""
    return {name: pq.read_table(settings.program_tables / f"{name}.parquet").to_pylist() for name in programs.SCHEMAS}


LINE_COLUMNS = (
    "stream",
    "document_number",
    "line_number",
    "document_type",
    "document_date",
    "reference_document_number",
    "record_intent",
    "sold_to_id",
    "ship_to_id",
    "distributor_id",
    "reseller_id",
    "end_customer_id",
    "product_id",
    "quantity",
    "unit",
    "net_amount",
    "currency",
    "authorization_number",
    "region",
    "source",
    "file_sequence",
    "row_number",
)
"""Columns of a line that the calculator looks at."""


def inputs_of(settings: Settings) -> Inputs:
    """Return what a run left behind (accepted rows, program tables, context, seeds) as the calculator's inputs.

    Every line is a dictionary: some 2 kB of memory each.
    """
    entities = {
        name: [
            row
            for path in sorted((settings.accepted / name).glob("*.parquet"))
            for row in pq.read_table(path, columns=list(LINE_COLUMNS) if name == "line" else None).to_pylist()
        ]
        for name in contract.ENTITIES
    }
    [context] = pq.read_table(settings.run_context).to_pylist()
    return Inputs(
        programs=program_tables(settings),
        entities=entities,
        as_of=context["as_of"],
        segments=_seed(settings, "segment"),
        segment_rules=_seed(settings, "segment_rule"),
        minor_units={row["currency"]: int(row["minor_unit"]) for row in _seed(settings, "currency")},
        fiscal_months=_seed(settings, "fiscal_month"),
    )


def _seed(settings: Settings, name: str) -> list[Dict]:
    with (settings.reference / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(
    settings: Settings,
    entities: Mapping[str, Sequence[Dict]],
    sources: Sequence[Dict] = (),
    *,
    quarantined: Mapping[str, Sequence[Dict]] | None = None,
    received: Mapping[int, date] | None = None,
) -> None:
    """Write accepted rows, one Parquet per file, the registers of files and sources, and every schema that dbt reads.

    ``quarantined``: rows by entity that were. ``received``: day of receipt by file of lines. Raises ValueError for an
    entity or a column that the contract does not know.
    """
    unknown = set(entities) - set(contract.ENTITIES)
    if unknown:
        raise ValueError(f"entities {sorted(unknown)}: expected some of {sorted(contract.ENTITIES)}")
    register: dict[int, Dict] = {}
    for position, (name, entity) in enumerate(contract.ENTITIES.items()):
        _write(settings.validation_results / name / "_schema.parquet", [], RULE_RESULT)
        for folder, columns, given in (
            (settings.accepted / name, contract.accepted_columns(entity), entities),
            (settings.quarantine / name, contract.quarantine_columns(entity), quarantined or {}),
        ):
            schema = _schema(columns)
            _write(folder / "_schema.parquet", [], schema)
            files: dict[int, list[Dict]] = {}
            for number, row in enumerate(given.get(name, ()), start=1):
                full = {**ORIGIN, "row_number": number, **row}
                full["file_sequence"] += position * FILES_PER_ENTITY
                surplus = set(full) - set(schema.names)
                if surplus:
                    raise ValueError(f"{name}: columns {sorted(surplus)} are not in the contract")
                files.setdefault(full["file_sequence"], []).append({each: full.get(each) for each in schema.names})
            for sequence, rows in files.items():
                _write(folder / f"{sequence:06}_{'0' * 16}.parquet", rows, schema)
                file = _file(name, sequence, rows)
                file["rows_in"] += register.get(sequence, {"rows_in": 0})["rows_in"]
                register[sequence] = file | {"received_on": (received or {}).get(sequence)}
    _write(settings.raw / "source" / "source.parquet", list(sources), _schema(contract.SOURCE.columns))
    files_schema = _schema(contract.FILE.columns)
    _write(settings.raw / "file" / "_schema.parquet", [], files_schema)
    for sequence, file in register.items():
        _write(settings.raw / "file" / f"{sequence:06}_{'0' * 16}.parquet", [file], files_schema)


def _file(entity: str, sequence: int, rows: Sequence[Dict]) -> Dict:
    """Return what the register of files says of a file; ValueError when its rows are of several sources."""
    (source, *others) = sorted({row["source"] for row in rows})
    if others:
        raise ValueError(
            f"file {sequence} of {entity}: rows of {source} and {', '.join(others)}; a file has one source"
        )
    return {
        "source": source,
        "entity": entity,
        "file_sequence": sequence,
        "file_name": f"{sequence:06}.csv",
        "file_hash": "0" * 64,
        "file_bytes": 1,
        "rows_in": len(rows),
        "status": "read",
        "error": None,
        "received_on": None,
    }


def _write(path: Path, rows: Sequence[Dict], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)


def _schema(columns: Iterable[contract.Column]) -> pa.Schema:
    return pa.schema([(column.name, _type(column.type)) for column in columns])


def _type(name: str) -> pa.DataType:
    if name.startswith("DECIMAL("):
        width, scale = name.removeprefix("DECIMAL(").removesuffix(")").split(",")
        return pa.decimal128(int(width), int(scale))
    return {"VARCHAR": pa.string(), "DATE": pa.date32(), "INTEGER": pa.int32(), "BIGINT": pa.int64()}[name]


def _project(settings: Settings, seeds: Seeds | None) -> Settings:
    """Return the settings; with seeds of the test in a copy of the project."""
    if seeds is None:
        return settings
    root = settings.data / "project"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(
        settings.dbt_project,
        root / settings.dbt_project.name,
        ignore=shutil.ignore_patterns("target", "logs", "dbt_packages", ".*"),
    )
    reference = root / "seeds" / settings.reference.name
    shutil.copytree(settings.reference, reference)
    _csv(reference / "segment.csv", seeds.segments)
    _csv(reference / "segment_rule.csv", seeds.segment_rules, restval="")
    path = reference / "legal_entity.csv"
    with path.open(encoding="utf-8", newline="") as file:
        known: list[Dict] = list(csv.DictReader(file))
    _csv(path, [*known, *seeds.legal_entities])
    return replace(settings, dbt_project=root / settings.dbt_project.name, reference=reference)


def _csv(path: Path, rows: Sequence[Dict], restval: str = "test") -> None:
    """Replace the rows of a seed, keeping its columns; ``restval``: what stands in columns that a row leaves out."""
    with path.open(encoding="utf-8", newline="") as file:
        names = list(csv.DictReader(file).fieldnames or ())
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval=restval, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
