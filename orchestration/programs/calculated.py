"""What the warehouse calculates today: the one table of it.

What belongs here: fields with the values that are calculated, where not all are. A well-formed
document that asks for anything else is refused with `not calculated yet`, never calculated in part.
A new kind is calculated by adding its value here together with the model that does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydantic import BaseModel

from orchestration.programs.reader import Problem
from orchestration.programs.schema import Program

LEFT_OUT = None
"""The field must be left out."""

CALCULATED: Mapping[str, tuple[object, ...]] = {
    "settlement.instrument": ("credit_memo", "supplier_invoice"),
}
"""Field to the values that are calculated; of all other fields every value is."""


def problems(program: Program, entity_currency: str | None) -> list[Problem]:
    """What the document asks for that is not calculated yet; empty when all of it is.

    ``entity_currency``: currency of the program's legal entity; None if the entity is unknown.
    """
    found = [
        _not_yet(path, value, allowed)
        for path, allowed in CALCULATED.items()
        if (value := _value(program, path)) not in allowed
    ]
    if entity_currency is not None and program.currency != entity_currency:
        found.append(_not_yet("currency", program.currency, (entity_currency,)))
    return found


def _value(program: Program, path: str) -> object:
    """The value at a path of CALCULATED."""
    value: object = program
    for name in path.split("."):
        value = getattr(value, name)
    return value


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
