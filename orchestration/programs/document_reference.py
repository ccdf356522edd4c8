"""The field reference in docs/programs.md, written from the schema.

What belongs here: turning schema.py into tables. ``python -m orchestration.programs.document_reference``
brings the page up to date; a test fails when it is not.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from orchestration.programs.calculated import CALCULATED, LEFT_OUT, shown
from orchestration.programs.schema import Program
from orchestration.settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "programs.md"
BEGIN = "<!-- fields: begin (written by orchestration.programs.document_reference) -->"
END = "<!-- fields: end -->"


def render() -> str:
    """The reference as Markdown: a table for each part of a document, and what is calculated."""
    places: dict[type[BaseModel], list[str]] = {}
    _parts(Program, "", places)
    blocks = [f"### The document\n\n{_table(Program)}"]
    for part, paths in places.items():
        title = ", ".join(f"`{path}`" for path in paths)
        blocks.append(f"### {title}\n\n{_table(part)}")
    return "\n\n".join([*blocks, f"### Calculated in this version\n\n{_calculated()}"])


def updated(page: str) -> str:
    """The page with the reference between its two markers; ValueError if a marker is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{render()}\n\n{END}{after}"


def _parts(part: type[BaseModel], path: str, places: dict[type[BaseModel], list[str]]) -> None:
    """Collect where each part stands, in the order of the document; its own parts where it first stands."""
    for name, info in part.model_fields.items():
        inner, many = _inner(info.annotation)
        if inner is None:
            continue
        here = f"{path}.{info.alias or name}" if path else info.alias or name
        first = inner not in places
        places.setdefault(inner, []).append(f"{here}[]" if many else here)
        if first:
            _parts(inner, places[inner][0], places)


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The part inside an annotation, and whether it is a list of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) is tuple:
        return _inner(get_args(annotation)[0])[0], True
    if get_origin(annotation) in (Union, UnionType):
        return _inner(next(inner for inner in get_args(annotation) if inner is not type(None)))
    return None, False


def _table(part: type[BaseModel]) -> str:
    rows = ["| field | value | default | meaning |", "|---|---|---|---|"]
    for name, info in part.model_fields.items():
        rows.append(f"| `{info.alias or name}` | {_value(info)} | {_default(info)} | {info.description} |")
    return "\n".join(rows)


def _value(info: FieldInfo) -> str:
    kind = info.json_schema_extra.get("kind") if isinstance(info.json_schema_extra, dict) else None
    return str(kind) if kind else _annotation(info.annotation)


def _annotation(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (Union, UnionType):
        return _annotation(next(each for each in inner if each is not type(None)))
    if origin is tuple:
        what = _annotation(inner[0])
        return "list" if what == "fields" else f"list of {what}"
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, FieldInfo) and isinstance(extra.json_schema_extra, dict):
            return str(extra.json_schema_extra["kind"])
    return "fields"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if isinstance(value, bool | int | str | Decimal) and value != "":
        return f"`{shown(value)}`"
    return "—"


def _calculated() -> str:
    rows = ["| field | calculated today |", "|---|---|"]
    for field, values in CALCULATED.items():
        names = ", ".join("left out" if value is LEFT_OUT else f"`{shown(value)}`" for value in values)
        rows.append(f"| `{field}` | {names} |")
    return "\n".join(rows)


def main(page: Path = PAGE) -> None:
    """Write the reference into the page."""
    page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
