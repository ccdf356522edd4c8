"""From programs to the program tables that dbt reads (docs/architecture.md, Program tables).

What belongs here: one row per rule, exact types, sorted by key. What does not: judging documents.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.programs.load import LoadedProgram, LoadResult, ProgramError, load
from orchestration.programs.schema import LineNames, Lines, ParticipantNames, Participants, Program
from orchestration.settings import Settings

Row = dict[str, Any]

_TEXT, _DATE, _INTEGER, _FLAG = pa.string(), pa.date32(), pa.int32(), pa.bool_()
_MONEY, _MEASURE = pa.decimal128(18, 4), pa.decimal128(38, 12)

SCHEMAS: Mapping[str, pa.Schema] = {
    "program": pa.schema(
        [
            ("program_key", _TEXT),
            ("program_id", _TEXT),
            ("version", _INTEGER),
            ("name", _TEXT),
            ("description", _TEXT),
            ("owner", _TEXT),
            ("currency", _TEXT),
            ("legal_entity", _TEXT),
            ("valid_from", _DATE),
            ("valid_to", _DATE),
            ("measurement", _TEXT),
            ("status", _TEXT),
            ("submitted_by", _TEXT),
            ("submitted_on", _DATE),
            ("approved_by", _TEXT),
            ("approved_on", _DATE),
            ("calculated", _FLAG),
            ("participant_role", _TEXT),
            ("aggregate", _TEXT),
            ("enrolment", _TEXT),
            ("earning_scope", _TEXT),
            ("target_scope", _TEXT),
            ("basis", _TEXT),
            ("growth_payout", _TEXT),
            ("boundary", _TEXT),
            ("method", _TEXT),
            ("rate_kind", _TEXT),
            ("lump_sum", _TEXT),
            ("increment", _MEASURE),
            ("participant_cap", _MONEY),
            ("accrual_method", _TEXT),
            ("settlement_lag_days", _INTEGER),
            ("minimum_payment", _MONEY),
            ("instrument", _TEXT),
            ("document_hash", _TEXT),
            ("terms_hash", _TEXT),
            ("file_name", _TEXT),
        ]
    ),
    "program_tier": pa.schema(
        [
            ("program_key", _TEXT),
            ("tier_number", _INTEGER),
            ("threshold", _MEASURE),
            ("next_threshold", _MEASURE),
            ("rate", pa.decimal128(18, 8)),
            ("flat_amount", _MONEY),
        ]
    ),
    "program_participant_rule": pa.schema([("program_key", _TEXT), ("rule", _TEXT), ("kind", _TEXT), ("value", _TEXT)]),
    "program_enrolment": pa.schema([("program_key", _TEXT), ("participant_id", _TEXT), ("accepted_on", _DATE)]),
    "program_scope": pa.schema(
        [
            ("scope_key", _TEXT),
            ("program_key", _TEXT),
            ("stream", _TEXT),
            ("min_price", _MONEY),
            ("max_price", _MONEY),
            ("min_quantity", _MONEY),
            ("max_quantity", _MONEY),
            ("min_amount", _MONEY),
            ("max_amount", _MONEY),
        ]
    ),
    "program_scope_rule": pa.schema([("scope_key", _TEXT), ("rule", _TEXT), ("dimension", _TEXT), ("value", _TEXT)]),
    "program_figure": pa.schema(
        [
            ("program_key", _TEXT),
            ("participant_id", _TEXT),
            ("period_id", _TEXT),
            ("kind", _TEXT),
            ("figure", _MEASURE),
        ]
    ),
    "program_payee": pa.schema(
        [
            ("program_key", _TEXT),
            ("payee_number", _INTEGER),
            ("role", _TEXT),
            ("share", pa.decimal128(9, 6)),
            ("fallback_partner_id", _TEXT),
        ]
    ),
    "program_error": pa.schema([("file_name", _TEXT), ("field", _TEXT), ("reason", _TEXT)]),
}
"""Every program table with its columns and types."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "program": ("program_key",),
    "program_tier": ("program_key", "tier_number"),
    "program_participant_rule": ("program_key", "rule", "kind", "value"),
    "program_enrolment": ("program_key", "participant_id"),
    "program_scope": ("scope_key",),
    "program_scope_rule": ("scope_key", "rule", "dimension", "value"),
    "program_figure": ("program_key", "participant_id", "period_id", "kind"),
    "program_payee": ("program_key", "payee_number"),
    "program_error": ("file_name", "field", "reason"),
}
"""The columns that name a row of each table; rows are sorted by them."""


def flatten(programs: Sequence[LoadedProgram], errors: Sequence[ProgramError] = ()) -> dict[str, pa.Table]:
    """The program tables: every table of SCHEMAS, with its exact types, sorted by KEYS.

    ``valid_to`` of a version that a later one supersedes is the day before that one begins. ``rate``
    is a fraction for percent (2.5 % is 0.025) and money per base unit for per_unit. Raises
    pyarrow.ArrowInvalid when a decimal does not fit.
    """
    makers: Mapping[str, Callable[[LoadedProgram], Iterable[Row]]] = {
        "program": _program,
        "program_tier": _tiers,
        "program_participant_rule": _participant_rules,
        "program_enrolment": _enrolments,
        "program_scope": _scopes,
        "program_scope_rule": _scope_rules,
        "program_figure": _figures,
        "program_payee": _payees,
    }
    rows: dict[str, list[Row]] = {
        table: [row for loaded in programs for row in maker(loaded)] for table, maker in makers.items()
    }
    rows["program_error"] = [
        {"file_name": error.file_name, "field": error.field, "reason": error.reason} for error in errors
    ]
    return {
        table: pa.Table.from_pylist(sorted(rows[table], key=lambda row: _sort_key(table, row)), schema=schema)
        for table, schema in SCHEMAS.items()
    }


def _sort_key(table: str, row: Row) -> tuple[Any, ...]:
    return tuple("" if row[name] is None else row[name] for name in KEYS[table])


def write_tables(settings: Settings) -> LoadResult:
    """Load the documents of ``settings.programs`` and write programs/<table>.parquet, each in one step.

    All tables are written, also when they have no rows. Raises as ``load`` does.
    """
    result = load(settings.programs, settings.reference)
    settings.program_tables.mkdir(parents=True, exist_ok=True)
    for table, data in flatten(result.programs, result.errors).items():
        path = settings.program_tables / f"{table}.parquet"
        part = path.with_name(f".{path.name}.part")
        pq.write_table(data, part, compression="zstd")
        os.replace(part, path)  # noqa: PTH105 - one step, also over an existing file
    return result


def earning_scope(program: Program) -> str:
    """Key of the scope of lines that are paid on."""
    return f"{program.key}:earning"


def target_scope(program: Program) -> str:
    """Key of the scope of lines that count towards the tiers; the earning scope unless given apart."""
    return earning_scope(program) if program.target_lines is None else f"{program.key}:target"


def _program(loaded: LoadedProgram) -> Iterator[Row]:
    program = loaded.program
    basis, tiers = program.rated()
    superseded_from_start = loaded.last_day < program.valid_from
    submitted, approved = program.step("submitted"), program.step("approved")
    yield {
        "program_key": program.key,
        "program_id": program.id,
        "version": program.version,
        "name": program.name,
        "description": program.description,
        "owner": program.owner,
        "currency": program.currency,
        "legal_entity": program.legal_entity,
        "valid_from": program.valid_from,
        "valid_to": program.valid_to if superseded_from_start else loaded.last_day,
        "measurement": program.measurement,
        "status": program.status,
        "submitted_by": submitted and submitted.who,
        "submitted_on": submitted and submitted.when,
        "approved_by": approved and approved.who,
        "approved_on": approved and approved.when,
        "calculated": loaded.calculated,
        "participant_role": program.participants.role,
        "aggregate": program.aggregate,
        "enrolment": program.participants.enrolment,
        "earning_scope": earning_scope(program),
        "target_scope": target_scope(program),
        "basis": basis.kind,
        "growth_payout": program.growth_payout,
        "boundary": tiers.boundary,
        "method": tiers.method,
        "rate_kind": tiers.rate_kind,
        "lump_sum": tiers.lump_sum if tiers.method == "lump_sum" else None,
        "increment": tiers.increment,
        "participant_cap": program.cap.participant,
        "accrual_method": program.accrual.method,
        "settlement_lag_days": program.settlement.lag_days,
        "minimum_payment": program.settlement.minimum_payment,
        "instrument": program.settlement.instrument,
        "document_hash": loaded.document_hash,
        "terms_hash": loaded.terms_hash,
        "file_name": loaded.file_name,
    }


def _tiers(loaded: LoadedProgram) -> Iterator[Row]:
    _, tiers = loaded.program.rated()
    bounds: list[Decimal | None] = [level.from_ for level in tiers.levels]
    for number, (level, end) in enumerate(zip(tiers.levels, [*bounds[1:], None], strict=True), start=1):
        percent = tiers.rate_kind == "percent" and level.rate is not None
        yield {
            "program_key": loaded.program.key,
            "tier_number": number,
            "threshold": level.from_,
            "next_threshold": end,
            "rate": level.rate.scaleb(-2) if percent and level.rate is not None else level.rate,
            "flat_amount": level.flat,
        }


def _participant_rules(loaded: LoadedProgram) -> Iterator[Row]:
    key, who = loaded.program.key, loaded.program.participants
    if who.all:
        yield {"program_key": key, "rule": "include", "kind": "all", "value": None}
    both: tuple[tuple[str, Participants | ParticipantNames], ...] = (("include", who), ("exclude", who.exclude))
    for rule, names in both:
        for kind, values in (("segment", names.segments), ("partner", names.partners), ("group", names.groups)):
            for value in values:
                yield {"program_key": key, "rule": rule, "kind": kind, "value": value}


def _enrolments(loaded: LoadedProgram) -> Iterator[Row]:
    for acceptance in loaded.program.participants.acceptances:
        yield {
            "program_key": loaded.program.key,
            "participant_id": acceptance.participant,
            "accepted_on": acceptance.accepted_on,
        }


def _scope_lines(program: Program) -> Iterator[tuple[str, Lines]]:
    yield earning_scope(program), program.lines
    if program.target_lines is not None:
        yield target_scope(program), program.target_lines


def _scopes(loaded: LoadedProgram) -> Iterator[Row]:
    for scope_key, lines in _scope_lines(loaded.program):
        limits = lines.limits
        yield {
            "scope_key": scope_key,
            "program_key": loaded.program.key,
            "stream": lines.stream,
            "min_price": limits.price.min,
            "max_price": limits.price.max,
            "min_quantity": limits.quantity.min,
            "max_quantity": limits.quantity.max,
            "min_amount": limits.amount.min,
            "max_amount": limits.amount.max,
        }


def _scope_rules(loaded: LoadedProgram) -> Iterator[Row]:
    for scope_key, lines in _scope_lines(loaded.program):
        both: tuple[tuple[str, Any, LineNames], ...] = (
            ("include", lines.products, lines),
            ("exclude", lines.products.exclude, lines.exclude),
        )
        for rule, products, names in both:
            dimensions: Mapping[str, Sequence[str]] = {
                "sku": products.skus,
                "family": products.families,
                "brand": products.brands,
                "category": products.categories,
                "product_segment": products.segments,
                "end_customer_segment": names.end_customer_segments,
                "channel": names.channels,
                "region": names.regions,
                "document_type": names.document_types,
            }
            for dimension, values in dimensions.items():
                for value in values:
                    yield {"scope_key": scope_key, "rule": rule, "dimension": dimension, "value": value}


def _figures(loaded: LoadedProgram) -> Iterator[Row]:
    basis, _ = loaded.program.rated()
    for participant, by_period in basis.figures.items():
        for period, figure in by_period.items():
            yield {
                "program_key": loaded.program.key,
                "participant_id": participant,
                "period_id": period,
                "kind": "target" if basis.kind == "attainment" else "baseline",
                "figure": figure,
            }


def _payees(loaded: LoadedProgram) -> Iterator[Row]:
    for number, payee in enumerate(loaded.program.payees, start=1):
        yield {
            "program_key": loaded.program.key,
            "payee_number": number,
            "role": payee.role,
            "share": payee.share,
            "fallback_partner_id": None if payee.fallback == "unpaid" else payee.fallback,
        }
