"""The field reference in docs/programs.md, written from the schema, and the errors, made by loading.

What belongs here: turning schema.py into tables, and a bad document for every kind of error. The
command ``python -m orchestration.programs.document_reference`` brings the page up to date; a test
fails when it is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from orchestration.programs.calculated import CALCULATED, LEFT_OUT, shown
from orchestration.programs.load import load
from orchestration.programs.schema import Program
from orchestration.settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "programs.md"
BEGIN = "<!-- fields: begin (written by orchestration.programs.document_reference) -->"
END = "<!-- fields: end -->"


Edit = tuple[str, str]
"""Text of a document, and what stands in its place."""

GROUP = "\nstacking: {group: g, rule: best_of}\n"

ERRORS: Mapping[str, tuple[tuple[Edit, ...], ...]] = {
    "not YAML, or not UTF-8": ((("participants:", "participants: ["),),),
    "a key given twice": ((("currency: USD", "currency: USD\ncurrency: USD"),),),
    "an empty value": ((("owner: channel-sales", "owner:"),),),
    "an alias or a tag": ((("name: Volume rebate", "name: !text Volume rebate"),),),
    "a required field left out": ((("owner: channel-sales\n", ""),),),
    "a field that does not exist": ((("rate_kind:", "ratekind:"),),),
    "a value that is none of the choices": ((("method: retrospective", "method: retro"),),),
    "a number with separators, or text": ((("from: 20000", "from: '20,000'"),),),
    "a number out of range, or too fine": ((("lag_days: 30", "lag_days: 30\n  minimum_payment: 0.00001"),),),
    "a date that does not exist": ((("valid_to: 2017-12-31", "valid_to: 2017-11-31"),),),
    "a value where fields are expected": ((("basis: {kind: amount}", "basis: amount"),),),
    "a name given twice in a list": ((("[gold_resellers]", "[gold_resellers, gold_resellers]"),),),
    "fields that contradict each other": ((("from: 20000", "from: 9000"),),),
    "a field without meaning here": ((("rate_kind: percent", "rate_kind: percent\n  increment: 10"),),),
    "a field that another one needs": ((("basis: {kind: amount}", "basis: {kind: growth}"),),),
    "a lifecycle that cannot be": ((("who: maria.keller", "who: anna.lindqvist"),),),
    "a segment, legal entity or calendar that does not exist": ((("legal_entity: US01", "legal_entity: US99"),),),
    "days that the fiscal calendar does not have": ((("valid_to: 2017-12-31", "valid_to: 2117-12-31"),),),
    "a figure outside the validity": (
        (("basis: {kind: amount}", "basis: {kind: attainment, figures: {R-367: {2018-Q1: 5000}}}"),),
    ),
    "the same id and version in two files": ((), ()),
    "versions that overlap": ((), (("version: 1", "version: 2"), ("valid_from: 2017-01-01", "valid_from: 2017-07-01"))),
    "a superseded version that is not there": (
        (("version: 1", "version: 2"), ("valid_to: 2017-12-31", "valid_to: 2017-12-31\nsupersedes: VOLUME-EXAMPLE@1")),
    ),
    "a stacking group whose programs do not fit": (
        (("\nsettlement:", f"{GROUP}settlement:"),),
        (
            ("id: VOLUME-EXAMPLE", "id: VOLUME-OTHER"),
            ("measurement: quarter", "measurement: month"),
            ("\nsettlement:", f"{GROUP}settlement:"),
        ),
    ),
    "what is not calculated yet": ((("instrument: credit_memo", "instrument: deduction_match"),),),
}
"""Kinds of error, each with documents that show it: edits of the page's example; the last document is the bad one."""


def example(page: str) -> str:
    """The whole document that the page begins with; ValueError if there is none."""
    found = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    if found is None:
        raise ValueError("expected a whole document in a block of YAML")
    return found[1]


def render(document: str) -> str:
    """The reference as Markdown: a table for each part of a document, what is calculated, and the errors.

    ``document``: a good document, which the errors are shown on.
    """
    places: dict[type[BaseModel], list[str]] = {}
    _parts(Program, "", places)
    blocks = [f"### The document\n\n{_table(Program)}"]
    for part, paths in places.items():
        title = ", ".join(f"`{path}`" for path in paths)
        blocks.append(f"### {title}\n\n{_table(part)}")
    blocks.append(f"### Calculated in this version\n\n{_calculated()}")
    blocks.append(f"### What goes wrong\n\n{_errors(document)}")
    return "\n\n".join(blocks)


def updated(page: str) -> str:
    """The page with the reference between its two markers; ValueError if a marker or the example is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{render(example(page))}\n\n{END}{after}"


def errors_of(document: str, kind: str) -> list[str]:
    """What loading says of the bad document of that kind, without the file's name.

    Raises ValueError when an edit does not fit the document.
    """
    with TemporaryDirectory() as folder:
        file_name = ""
        for position, edits in enumerate(ERRORS[kind]):
            text = document
            for old, new in edits:
                if old not in text:
                    raise ValueError(f"{kind}: the example has no {old!r}")
                text = text.replace(old, new)
            file_name = f"{position}.yml"
            (Path(folder) / file_name).write_text(text, encoding="utf-8")
        errors = load(Path(folder)).errors
    return [f"{error.field}: {error.reason}" for error in errors if error.file_name == file_name]


def _errors(document: str) -> str:
    head = (
        "Every error names file, field and reason; all errors of a document are named at once. "
        "Here the file's name is left out.\n\n| what | example |\n|---|---|\n"
    )
    rows = []
    for kind in ERRORS:
        texts = (error.replace("|", "\\|").replace("`", "'") for error in errors_of(document, kind))
        rows.append(f"| {kind} | {'<br>'.join(f'`{text}`' for text in texts)} |")
    return head + "\n".join(rows)


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
    rows = [
        "All values of all fields, but for these; `currency` is that of the legal entity.\n",
        "| field | calculated today |",
        "|---|---|",
    ]
    for field, values in CALCULATED.items():
        names = ", ".join("left out" if value is LEFT_OUT else f"`{shown(value)}`" for value in values)
        rows.append(f"| `{field}` | {names} |")
    return "\n".join(rows)


def main(page: Path = PAGE) -> None:
    """Write the reference into the page."""
    page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
