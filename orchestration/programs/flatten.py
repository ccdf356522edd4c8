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

from orchestration.programs import stacking
from orchestration.programs.load import load
from orchestration.programs.loaded import LoadedProgram, LoadResult, ProgramError
from orchestration.programs.rules import PERCENT_BASES
from orchestration.programs.schema import (
    Accrual,
    Authorization,
    Basis,
    LineNames,
    Lines,
    ParticipantNames,
    Participants,
    PriceDifference,
    ProductNames,
    Products,
    Program,
)
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
            ("calendar", _TEXT),
            ("kind", _TEXT),
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
            ("basis_measure", _TEXT),
            ("basis", _TEXT),
            ("cumulation", _TEXT),
            ("growth_payout", _TEXT),
            ("boundary", _TEXT),
            ("method", _TEXT),
            ("rate_kind", _TEXT),
            ("lump_sum", _TEXT),
            ("increment", _MEASURE),
            ("participant_cap", _MONEY),
            ("participant_floor", _MONEY),
            ("program_cap", _MONEY),
            ("program_floor", _MONEY),
            ("budget", _MONEY),
            ("stacking_group", _TEXT),
            ("stacking_rule", _TEXT),
            ("stacking_rank", _INTEGER),
            ("reduced_by_earlier", _FLAG),
            ("reduces_later", _FLAG),
            ("net_of_wave", _INTEGER),
            ("fx_max_age_days", _INTEGER),
            ("fund_expires_on", _DATE),
            ("price_method", _TEXT),
            ("accrual_method", _TEXT),
            ("accrual_forecast", _TEXT),
            ("accrual_rate_kind", _TEXT),
            ("accrual_rate", pa.decimal128(18, 8)),
            ("accrual_threshold", _MONEY),
            ("settlement_lag_days", _INTEGER),
            ("minimum_payment", _MONEY),
            ("instrument", _TEXT),
            ("claim_required", _FLAG),
            ("negative", _TEXT),
            ("advance_every", _TEXT),
            ("advance_percent", pa.decimal128(18, 8)),
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
            ("double_counting", _TEXT),
            ("returns", _TEXT),
            ("min_price", _MONEY),
            ("max_price", _MONEY),
            ("min_quantity", _MONEY),
            ("max_quantity", _MONEY),
            ("min_amount", _MONEY),
            ("max_amount", _MONEY),
        ]
    ),
    "program_scope_rule": pa.schema([("scope_key", _TEXT), ("rule", _TEXT), ("dimension", _TEXT), ("value", _TEXT)]),
    "program_measure": pa.schema(
        [
            ("measure_key", _TEXT),
            ("program_key", _TEXT),
            ("gate_number", _INTEGER),
            ("name", _TEXT),
            ("scope_key", _TEXT),
            ("kind", _TEXT),
            ("of", _TEXT),
            ("baseline", _TEXT),
            ("treat_as", _MEASURE),
            ("new_partner_baseline", _MEASURE),
            ("counted", _TEXT),
            ("operator", _TEXT),
            ("required", _MEASURE),
        ]
    ),
    "program_measure_product": pa.schema(
        [("measure_key", _TEXT), ("rule", _TEXT), ("dimension", _TEXT), ("value", _TEXT)]
    ),
    "program_figure": pa.schema(
        [
            ("measure_key", _TEXT),
            ("participant_id", _TEXT),
            ("period_id", _TEXT),
            ("figure", _MEASURE),
        ]
    ),
    "program_authorization": pa.schema(
        [
            ("program_key", _TEXT),
            ("authorization_id", _TEXT),
            ("authorization_number", _TEXT),
            ("partner_id", _TEXT),
            ("end_customer_id", _TEXT),
            ("product_id", _TEXT),
            ("valid_from", _DATE),
            ("valid_to", _DATE),
            ("quantity", _MONEY),
            ("reference_cost", _MONEY),
            ("unit_amount", _MEASURE),
            ("protected_margin", pa.decimal128(9, 8)),
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
    "program_measure": ("measure_key",),
    "program_measure_product": ("measure_key", "rule", "dimension", "value"),
    "program_figure": ("measure_key", "participant_id", "period_id"),
    "program_authorization": ("authorization_id",),
    "program_payee": ("program_key", "payee_number"),
    "program_error": ("file_name", "field", "reason"),
}
"""The columns that name a row of each table; rows are sorted by them."""


def flatten(programs: Sequence[LoadedProgram], errors: Sequence[ProgramError] = ()) -> dict[str, pa.Table]:
    """The program tables: every table of SCHEMAS, with its exact types, sorted by KEYS.

    ``valid_from`` and ``valid_to`` are the first and last day whose lines count: a version that a later
    one supersedes ends the day before that one begins. ``rate`` is a fraction for percent (2.5 % is
    0.025) and money per base unit for per_unit. Places in stacking groups are those among ``programs``.
    Raises pyarrow.ArrowInvalid when a decimal does not fit.
    """
    places = stacking.places(programs)
    makers: Mapping[str, Callable[[LoadedProgram], Iterable[Row]]] = {
        "program": lambda loaded: _program(loaded, places.get(loaded.program.key)),
        "program_tier": _tiers,
        "program_participant_rule": _participant_rules,
        "program_enrolment": _enrolments,
        "program_scope": _scopes,
        "program_scope_rule": _scope_rules,
        "program_measure": _measures,
        "program_measure_product": _measure_products,
        "program_figure": _figures,
        "program_authorization": _authorizations,
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


def basis_measure(program: Program) -> str:
    """Key of the measure that the tiers look at."""
    return f"{program.key}:basis"


def accrual_measure(program: Program) -> str:
    """Key of the forecasts that the document gives."""
    return f"{program.key}:accrual"


def _program(loaded: LoadedProgram, place: stacking.Place | None) -> Iterator[Row]:
    program = loaded.program
    basis, tiers = program.rated()
    superseded_from_start = loaded.last_day < loaded.first_day
    group = program.stacking
    nets = group is not None and group.rule == "net_of"
    submitted, approved = program.step("submitted"), program.step("approved")
    advances = program.settlement.advances
    yield {
        "program_key": program.key,
        "program_id": program.id,
        "version": program.version,
        "name": program.name,
        "description": program.description,
        "owner": program.owner,
        "currency": program.currency,
        "legal_entity": program.legal_entity,
        "valid_from": loaded.first_day,
        "valid_to": program.valid_to if superseded_from_start else loaded.last_day,
        "measurement": program.measurement,
        "calendar": loaded.calendar,
        "kind": program.kind,
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
        "basis_measure": basis_measure(program),
        "basis": basis.kind,
        "cumulation": program.cumulation,
        "growth_payout": program.growth_payout,
        "boundary": tiers.boundary,
        "method": tiers.method,
        "rate_kind": tiers.rate_kind,
        "lump_sum": tiers.lump_sum if tiers.method == "lump_sum" else None,
        "increment": tiers.increment,
        "participant_cap": program.cap.participant,
        "participant_floor": program.floor.participant,
        "program_cap": program.cap.program,
        "program_floor": program.floor.program,
        "budget": program.budget,
        "stacking_group": group and group.group,
        "stacking_rule": group and group.rule,
        "stacking_rank": place and place.rank,
        "reduced_by_earlier": group is not None and nets and group.reduced_by_earlier,
        "reduces_later": group is not None and nets and group.reduces_later,
        "net_of_wave": 1 if place is None else place.wave,
        "fx_max_age_days": program.fx_max_age_days,
        "fund_expires_on": program.fund and program.fund.expires_on,
        "price_method": program.price_difference and program.price_difference.method,
        "accrual_method": program.accrual.method,
        "accrual_forecast": program.accrual.forecast,
        **_accrual_rate(program.accrual),
        "accrual_threshold": program.accrual.threshold,
        "settlement_lag_days": program.settlement.lag_days,
        "minimum_payment": program.settlement.minimum_payment,
        "instrument": program.settlement.instrument,
        "claim_required": program.settlement.claim_required,
        "negative": program.settlement.negative,
        "advance_every": advances and advances.every,
        "advance_percent": advances and advances.percent.scaleb(-2),
        "document_hash": loaded.document_hash,
        "terms_hash": loaded.terms_hash,
        "file_name": loaded.file_name,
    }


def _accrual_rate(accrual: Accrual) -> Row:
    """The rate of method fixed_rate: a fraction, or money per base unit."""
    if accrual.percent is not None:
        return {"accrual_rate_kind": "percent", "accrual_rate": accrual.percent.scaleb(-2)}
    return {"accrual_rate_kind": None if accrual.per_unit is None else "per_unit", "accrual_rate": accrual.per_unit}


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
    for number, gate in enumerate(program.gates, start=1):
        if gate.lines is not None:
            yield f"{program.key}:gate_{number}", gate.lines


def _scopes(loaded: LoadedProgram) -> Iterator[Row]:
    for scope_key, lines in _scope_lines(loaded.program):
        limits = lines.limits
        yield {
            "scope_key": scope_key,
            "program_key": loaded.program.key,
            "stream": lines.stream,
            "double_counting": lines.double_counting,
            "returns": lines.returns,
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
                **_product_dimensions(products),
                "end_customer_segment": names.end_customer_segments,
                "channel": names.channels,
                "region": names.regions,
                "document_type": names.document_types,
            }
            for dimension, values in dimensions.items():
                for value in values:
                    yield {"scope_key": scope_key, "rule": rule, "dimension": dimension, "value": value}


def _product_dimensions(names: ProductNames) -> Mapping[str, Sequence[str]]:
    return {
        "sku": names.skus,
        "family": names.families,
        "brand": names.brands,
        "category": names.categories,
        "product_segment": names.segments,
    }


def _program_measures(program: Program) -> Iterator[tuple[str, int, Basis]]:
    """Key, number (0: what the tiers look at) and basis of each measure."""
    yield basis_measure(program), 0, program.rated()[0]
    for number, gate in enumerate(program.gates, start=1):
        yield f"{program.key}:gate_{number}", number, gate.basis


def _measures(loaded: LoadedProgram) -> Iterator[Row]:
    program = loaded.program
    for measure_key, number, basis in _program_measures(program):
        gate = program.gates[number - 1] if number else None
        yield {
            "measure_key": measure_key,
            "program_key": program.key,
            "gate_number": number,
            "name": gate and gate.name,
            "scope_key": target_scope(program) if gate is None or gate.lines is None else measure_key,
            "kind": basis.kind,
            "of": basis.of if basis.kind in PERCENT_BASES else None,
            "baseline": basis.baseline,
            "treat_as": basis.new_partner.treat_as,
            "new_partner_baseline": basis.new_partner.baseline,
            "counted": basis.counted,
            "operator": gate and gate.operator,
            "required": gate and gate.figure,
        }


def _measure_products(loaded: LoadedProgram) -> Iterator[Row]:
    for measure_key, _, basis in _program_measures(loaded.program):
        subset = Products() if basis.subset is None else basis.subset
        both: tuple[tuple[str, ProductNames], ...] = (("include", subset), ("exclude", subset.exclude))
        for rule, names in both:
            for dimension, values in _product_dimensions(names).items():
                for value in values:
                    yield {"measure_key": measure_key, "rule": rule, "dimension": dimension, "value": value}


def _figures(loaded: LoadedProgram) -> Iterator[Row]:
    program = loaded.program
    given = [(measure_key, basis.figures) for measure_key, _, basis in _program_measures(program)]
    for measure_key, figures in [*given, (accrual_measure(program), program.accrual.figures)]:
        for participant, by_period in figures.items():
            for period, figure in by_period.items():
                yield {
                    "measure_key": measure_key,
                    "participant_id": participant,
                    "period_id": period,
                    "figure": figure,
                }


def _authorizations(loaded: LoadedProgram) -> Iterator[Row]:
    key, price = loaded.program.key, loaded.program.price_difference
    for position, row in enumerate(price.authorizations if price else (), start=1):
        yield {
            "program_key": key,
            "authorization_id": f"{key}:{position}",
            "authorization_number": row.number,
            "partner_id": row.partner,
            "end_customer_id": row.end_customer,
            "product_id": row.product,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
            "quantity": row.quantity,
            "reference_cost": row.reference_cost,
            "unit_amount": price and _unit_amount(price, row),
            "protected_margin": price and price.protected_margin and price.protected_margin.scaleb(-2),
        }


def _unit_amount(price: PriceDifference, row: Authorization) -> Decimal | None:
    """What a base unit is paid; None where it depends on the resale price. Exact: 4 + 8 places at most."""
    if price.method == "contract_price" and row.reference_cost is not None and row.contract_price is not None:
        return row.reference_cost - row.contract_price
    if price.method == "percent" and price.percent is not None and row.reference_cost is not None:
        return price.percent.scaleb(-2) * row.reference_cost
    return price.amount


def _payees(loaded: LoadedProgram) -> Iterator[Row]:
    for number, payee in enumerate(loaded.program.payees, start=1):
        yield {
            "program_key": loaded.program.key,
            "payee_number": number,
            "role": payee.role,
            "share": payee.share,
            "fallback_partner_id": None if payee.fallback == "unpaid" else payee.fallback,
        }
