"""What the warehouse calculates today: the one table of it.

What belongs here: fields with the values that are calculated. A well-formed document that asks for
anything else is refused with `not calculated yet`, never calculated in part. A new kind is
calculated by adding its value here together with the model that does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from pydantic import BaseModel

from orchestration.programs.reader import Problem, join
from orchestration.programs.schema import Program

LEFT_OUT = None
"""The field must be left out."""

CALCULATED: Mapping[str, tuple[object, ...]] = {
    "lines.stream": ("sell_in", "sell_through"),
    "lines.returns": ("by_return_date",),
    "target_lines.stream": ("sell_in", "sell_through"),
    "target_lines.returns": ("by_return_date",),
    "basis.kind": ("amount", "quantity", "growth", "attainment"),
    "basis.of": ("amount",),
    "basis.baseline": ("given", LEFT_OUT),
    "basis.new_partner.treat_as": (LEFT_OUT,),
    "basis.new_partner.baseline": (LEFT_OUT,),
    "cumulation": ("reset",),
    "tiers.method": ("retrospective", "incremental", "rolling", "total", "linear", "whole_increment", "lump_sum"),
    "tiers.rate_kind": ("percent", "per_unit", "flat"),
    "growth_payout": ("all", "on_growth", "marginal_growth"),
    "gates[]": (LEFT_OUT,),
    "cap.program": (LEFT_OUT,),
    "floor.participant": (LEFT_OUT,),
    "floor.program": (LEFT_OUT,),
    "budget": (LEFT_OUT,),
    "aggregate": ("participant", "group"),
    "payees[].role": ("participant", "sold_to", "ship_to", "distributor", "reseller", "group_head"),
    "stacking.rule": ("stack",),
    "price_difference": (LEFT_OUT,),
    "fund": (LEFT_OUT,),
    "accrual.method": ("earned",),
    "accrual.threshold": (Decimal(0),),
    "settlement.instrument": ("credit_memo", "supplier_invoice"),
    "settlement.negative": ("carry",),
    "settlement.claim_required": (False,),
    "settlement.advances": (LEFT_OUT,),
    "fx_max_age_days": (10,),
}
"""Field to the values that are calculated. `name[]` is each element of a list."""


def _one_stream(program: Program) -> Iterator[Problem]:
    """Target and earning scope read the same stream."""
    target, stream = program.target_lines, program.lines.stream
    if target is not None and "both" not in (target.stream, stream) and target.stream != stream:
        yield _not_yet("target_lines.stream", target.stream, (stream,))


def _per_unit_growth(program: Program) -> Iterator[Problem]:
    """Growth and attainment are in amounts, so their rates are percent or flat."""
    if program.basis is None or program.tiers is None or program.basis.kind not in ("growth", "attainment"):
        return
    if program.tiers.rate_kind == "per_unit":
        yield _not_yet("tiers.rate_kind", "per_unit", ("percent", "flat"))


def _group_enrolment(program: Program) -> Iterator[Problem]:
    """Whether a group accepts for its members, or each for itself, is not settled yet."""
    if program.aggregate == "group" and program.participants.enrolment == "by_acceptance":
        yield _not_yet("participants.enrolment", "by_acceptance", ("automatic",))


def _linear_on_its_own_basis(program: Program) -> Iterator[Problem]:
    """A straight line runs over its own basis: the same lines and unit for tiers and payout."""
    if program.basis is None or program.tiers is None or program.tiers.method != "linear":
        return
    if program.target_lines is not None:
        yield Problem("target_lines", "not calculated yet: method linear with target lines of their own")
    kind = {"amount": "percent", "quantity": "per_unit"}.get(program.basis.kind, "percent")
    if program.tiers.rate_kind != kind:
        yield _not_yet("tiers.rate_kind", program.tiers.rate_kind, (kind,))


COMBINATIONS = (_one_stream, _per_unit_growth, _group_enrolment, _linear_on_its_own_basis)
"""Values that are calculated each, but not yet together."""


def problems(program: Program, entity_currency: str | None) -> list[Problem]:
    """What the document asks for that is not calculated yet; empty when all of it is.

    ``entity_currency``: currency of the program's legal entity; None if the entity is unknown.
    """
    found = [
        _not_yet(field, value, allowed)
        for path, allowed in CALCULATED.items()
        for field, value in _values(program, path.split("."))
        if value not in allowed
    ]
    found.extend(problem for combination in COMBINATIONS for problem in combination(program))
    if entity_currency is not None and program.currency != entity_currency:
        found.append(_not_yet("currency", program.currency, (entity_currency,)))
    return found


def _values(part: BaseModel, names: list[str], path: str = "") -> Iterator[tuple[str, object]]:
    """The values at a path of CALCULATED, each with its field path; nothing below what is left out."""
    name, rest = names[0], names[1:]
    value = getattr(part, name.removesuffix("[]"))
    here = join(path, name.removesuffix("[]"))
    elements = enumerate(value) if name.endswith("[]") else [(None, value)]
    for position, element in elements:
        field = here if position is None else join(here, position)
        if not rest:
            yield field, element
        elif isinstance(element, BaseModel):
            yield from _values(element, rest, field)


def _not_yet(field: str, value: object, allowed: tuple[object, ...]) -> Problem:
    text = shown(value)
    text = text if len(text) <= 80 else f"{text[:79]}…"
    names = ", ".join("left out" if value is LEFT_OUT else shown(value) for value in allowed)
    return Problem(field, f"not calculated yet: {field} = {text} (calculated: {names})")


def shown(value: object) -> str:
    """A value as a document would write it, on one line."""
    if isinstance(value, BaseModel):
        given = value.model_dump(by_alias=True, exclude_unset=True)
        return shown(given)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {shown(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)
