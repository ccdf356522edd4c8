"""From a folder of documents to programs and errors: ``load``.

What belongs here: reading files, turning what is wrong into plain words, and what documents owe each
other and the reference files (versions, segments, legal entities, calendars). What does not: rules
within one document (rules.py), stacking groups (stacking.py).

A bad document is refused whole, with every error named; the others load. The result depends on the
files alone, never on their order.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from orchestration.programs import calculated, rules, stacking
from orchestration.programs.fiscal_calendar import Calendar
from orchestration.programs.loaded import LoadedProgram, LoadResult, ProgramError
from orchestration.programs.reader import Problem, Tree, join, read
from orchestration.programs.reference import Reference
from orchestration.programs.reference import read as read_reference
from orchestration.programs.schema import Lines, ParticipantNames, Participants, ProductNames, Program
from orchestration.settings import REPOSITORY

SUFFIXES = (".yml", ".yaml")
REFERENCE = REPOSITORY / "seeds" / "reference"


def load(folder: Path, reference: Path = REFERENCE) -> LoadResult:
    """Read every document (``*.yml``, ``*.yaml``, also in sub-folders) of the folder.

    ``reference``: the folder of legal_entity.csv, fiscal_month.csv, segment.csv and segment_rule.csv.
    Bad documents come back as errors. Raises FileNotFoundError when the folder or a reference file is
    missing and BadReferenceError when a reference file is bad.
    """
    return _judged(_contents(folder), read_reference(reference))


def check(file: Path, folder: Path, reference: Path = REFERENCE) -> LoadResult:
    """Judge one document as if it lay in the folder, in the place of the same id and version there.

    Gives its program, its errors, and those that it would bring to other documents. Raises as ``load``.
    """
    names = read_reference(reference)
    key = _claimed(read(file.read_bytes())[0])
    others = {
        file_name: content
        for file_name, content in _contents(folder).items()
        if (folder / file_name).resolve() != file.resolve() and (key is None or _claimed(read(content)[0]) != key)
    }
    own = file.name if file.name not in others else str(file)
    alone = set(_judged(others, names).errors)
    result = _judged({**others, own: file.read_bytes()}, names)
    return LoadResult(
        tuple(each for each in result.programs if each.file_name == own),
        tuple(each for each in result.errors if each.file_name == own or each not in alone),
    )


def _judged(contents: Mapping[str, bytes], names: Reference) -> LoadResult:
    """The programs and errors of documents given by file name."""
    loaded: list[LoadedProgram] = []
    errors: list[ProgramError] = []
    claims: defaultdict[str, list[str]] = defaultdict(list)
    for file_name, content in sorted(contents.items()):
        tree, problems = read(content)
        if tree is not None:
            key = _claimed(tree)
            if key is not None:
                claims[key].append(file_name)
            program, problems = _program(tree, names)
            if program is not None:
                loaded.append(_loaded(program, file_name, hashlib.sha256(content).hexdigest(), names))
        errors.extend(ProgramError(file_name, problem.field, problem.reason) for problem in problems)
    errors.extend(_claim_errors(claims, loaded))
    loaded = _without(loaded, errors)
    # one at a time: what is refused neither overlaps nor misfits any more
    while found := _overlap_errors(loaded) or stacking.errors(loaded):
        errors.extend(error for error in found if error.file_name == found[0].file_name)
        loaded = _without(loaded, errors)
    return LoadResult(tuple(_in_order(_superseded(loaded))), tuple(sorted(set(errors))))


def _claimed(tree: dict[str, Tree] | None) -> str | None:
    """The program key that a document claims; None if it names none."""
    if tree is None:
        return None
    program_id, version = tree.get("id"), tree.get("version")
    if isinstance(program_id, str) and isinstance(version, str) and version.isdecimal():
        return f"{program_id}@{int(version)}"
    return None


def _contents(folder: Path) -> dict[str, bytes]:
    """The documents of a folder by path below it; FileNotFoundError if there is no folder."""
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of program documents: {folder}")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _documents(folder)}


def _documents(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )


def _in_order(loaded: Sequence[LoadedProgram]) -> list[LoadedProgram]:
    return sorted(loaded, key=lambda each: (each.program.id, each.program.version))


def _without(loaded: Sequence[LoadedProgram], errors: Sequence[ProgramError]) -> list[LoadedProgram]:
    refused = {error.file_name for error in errors}
    return [each for each in loaded if each.file_name not in refused]


# --- one document ------------------------------------------------------------------------------
def _program(tree: dict[str, Tree], names: Reference) -> tuple[Program | None, list[Problem]]:
    """The program, or what is wrong: shape first, then what the fields owe each other."""
    try:
        program = Program.model_validate(tree)
    except ValidationError as error:
        return None, [_explained(dict(each)) for each in error.errors(include_url=False)]
    problems = rules.problems(program) + list(_unknown_names(program, names)) + list(_outside_calendar(program, names))
    problems += calculated.problems(program, names.currencies.get(program.legal_entity))
    return (None, problems) if problems else (program, [])


def _loaded(program: Program, file_name: str, document_hash: str, names: Reference) -> LoadedProgram:
    """The program with its calendar and first day; its last day is that of its validity."""
    calendar = program.calendar or names.entity_calendars[program.legal_entity]
    first_day = program.valid_from
    if program.replaces == "period_start":
        first_day = names.calendars[calendar].period_start(first_day, program.measurement)
    return LoadedProgram(program, file_name, document_hash, calendar, first_day, program.valid_to)


def _explained(error: dict[str, Any]) -> Problem:
    """A validation error in plain words."""
    steps = [step for step in error["loc"] if step != "[key]"]
    path = ""
    for step in steps:
        path = join(path, step)
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "missing":
        return Problem(path, "is required")
    if kind == "extra_forbidden":
        known = _known_fields(steps[:-1])
        return Problem(path, f"unknown field{_hint(str(steps[-1]), known)}; known fields: {', '.join(known)}")
    if kind == "literal_error":
        options = str(context["expected"]).replace("'", "")
        return Problem(path, f"expected {options}, got {_got(value)}{_hint(str(value), options.split(', '))}")
    if kind == "tuple_type":
        return Problem(path, f"expected a list, got {_got(value)}")
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return Problem(path, f"expected a group of fields, got {_got(value)}")
    return Problem(path, str(error["msg"]))


def _got(value: object) -> str:
    if isinstance(value, dict):
        return "a group of fields"
    return "a list" if isinstance(value, list) else f"'{value}'"


def _hint(name: str, known: Sequence[str]) -> str:
    nearest = get_close_matches(name, known, n=1)
    return f" (did you mean {nearest[0]}?)" if nearest else ""


def _known_fields(steps: Sequence[str | int]) -> list[str]:
    """The fields of the part of a document at that place."""
    part: Any = Program
    for step in steps:
        if isinstance(step, int):
            continue
        fields = {info.alias or name: info.annotation for name, info in part.model_fields.items()}
        part = _part(fields[step])
    return [info.alias or name for name, info in part.model_fields.items()]


def _part(annotation: Any) -> type[BaseModel]:
    """The model inside an annotation such as ``tuple[Level, ...]`` or ``Lines | None``."""
    if get_origin(annotation) in (tuple, Union, UnionType):
        for inner in get_args(annotation):
            if inner is not type(None) and inner is not Ellipsis:
                return _part(inner)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    raise TypeError(f"no part of a document: {annotation}")


# --- names that are defined elsewhere ------------------------------------------------------------
def _unknown_names(program: Program, names: Reference) -> Iterator[Problem]:
    if program.legal_entity not in names.currencies:
        known = ", ".join(sorted(names.currencies))
        yield Problem("legal_entity", f"unknown legal entity {program.legal_entity}; known: {known}")
    if program.calendar is not None and program.calendar not in names.calendars:
        calendars = sorted(names.calendars)
        hint = _hint(program.calendar, calendars)
        yield Problem("calendar", f"unknown calendar {program.calendar}{hint}; known: {', '.join(calendars)}")
    for path, segment, entity in _segments(program):
        if names.segments.get(segment) != entity:
            known_segments = sorted(name for name, of in names.segments.items() if of == entity)
            yield Problem(
                path,
                f"unknown {entity} segment {segment}{_hint(segment, known_segments)}; "
                f"known: {', '.join(known_segments) or 'none'}",
            )


def _segments(program: Program) -> Iterator[tuple[str, str, str]]:
    """Every segment that the document names: path, segment id, entity."""
    yield from _partner_segments("participants", program.participants)
    yield from _partner_segments("participants.exclude", program.participants.exclude)
    scopes: list[tuple[str, Lines | None]] = [("lines", program.lines), ("target_lines", program.target_lines)]
    scopes += [(f"gates[{position}].lines", gate.lines) for position, gate in enumerate(program.gates)]
    for path, lines in scopes:
        if lines is None:
            continue
        for where, names in ((path, lines), (f"{path}.exclude", lines.exclude)):
            for position, segment in enumerate(names.end_customer_segments):
                yield f"{where}.end_customer_segments[{position}]", segment, "end_customer"
        yield from _product_segments(f"{path}.products", lines.products)
        yield from _product_segments(f"{path}.products.exclude", lines.products.exclude)
    for path, basis in rules.bases(program):
        if basis.subset is not None:
            yield from _product_segments(f"{path}.subset", basis.subset)
            yield from _product_segments(f"{path}.subset.exclude", basis.subset.exclude)


def _partner_segments(path: str, names: Participants | ParticipantNames) -> Iterator[tuple[str, str, str]]:
    for position, segment in enumerate(names.segments):
        yield f"{path}.segments[{position}]", segment, "partner"


def _product_segments(path: str, names: ProductNames) -> Iterator[tuple[str, str, str]]:
    for position, segment in enumerate(names.segments):
        yield f"{path}.segments[{position}]", segment, "product"


# --- the fiscal calendar ---------------------------------------------------------------------------
def _outside_calendar(program: Program, names: Reference) -> Iterator[Problem]:
    """Days and periods that the program's calendar does not have in its validity."""
    calendar = names.calendars.get(program.calendar or names.entity_calendars.get(program.legal_entity, ""))
    if calendar is None or program.valid_to < program.valid_from:  # named elsewhere
        return
    known = f"calendar {calendar.name}, which has {calendar.first_day} to {calendar.last_day}"
    days = {"valid_from": program.valid_from, "valid_to": program.valid_to}
    outside = [field for field, day in days.items() if not calendar.first_day <= day <= calendar.last_day]
    for field in outside:
        yield Problem(field, f"{days[field]} is not in {known}")
    if not outside:
        yield from _strange_years(program, calendar)


def _strange_years(program: Program, calendar: Calendar) -> Iterator[Problem]:
    if program.measurement == "program":
        return
    years = calendar.years(program.valid_from, program.valid_to)
    for path, figures in rules.figures(program):
        for participant, by_period in figures.items():
            for period in by_period:
                if rules.is_period(period, program.measurement) and period[:4] not in years:
                    yield Problem(
                        f"{path}.{participant}.{period}",
                        f"lies outside {program.valid_from} to {program.valid_to}, when the program is valid "
                        f"({_years(years)} of calendar {calendar.name})",
                    )


def _years(years: Sequence[str]) -> str:
    return f"year {years[0]}" if len(years) == 1 else f"years {years[0]} to {years[-1]}"


# --- versions ------------------------------------------------------------------------------------
def _claim_errors(claims: Mapping[str, Sequence[str]], loaded: Sequence[LoadedProgram]) -> Iterator[ProgramError]:
    """The same id and version twice refuses both: nothing says which one is meant."""
    for key, file_names in claims.items():
        for file_name in file_names if len(file_names) > 1 else ():
            others = ", ".join(name for name in file_names if name != file_name)
            yield ProgramError(file_name, "version", f"{key} is given twice, also in {others}")
    for each in loaded:
        if each.program.supersedes is not None and each.program.supersedes not in claims:
            yield ProgramError(each.file_name, "supersedes", f"there is no document {each.program.supersedes}")


def _superseded(loaded: Sequence[LoadedProgram]) -> list[LoadedProgram]:
    """The programs with the last day that later approved versions leave to them.

    A version that supersedes another also supersedes what that one superseded. Suspending or closing
    a version does not bring the earlier one back.
    """
    by_key = {each.program.key: each for each in loaded}
    last_day = {key: _own_last_day(each.program) for key, each in by_key.items()}
    for each in loaded:
        earlier = each.program.supersedes
        while each.approved and earlier in by_key:
            last_day[earlier] = min(last_day[earlier], each.first_day - timedelta(days=1))
            earlier = by_key[earlier].program.supersedes
    return [replace(each, last_day=last_day[each.program.key]) for each in loaded]


def _own_last_day(program: Program) -> date:
    """The last day that the version itself leaves: its validity's, or that of its suspension or closing."""
    if program.status in ("suspended", "closed"):
        return min(program.valid_to, program.lifecycle[-1].when)
    return program.valid_to


def _overlap_errors(loaded: Sequence[LoadedProgram]) -> list[ProgramError]:
    """Calculated versions of one program whose lines count on the same day; the later one is refused."""
    in_force = [each for each in _in_order(_superseded(loaded)) if each.calculated]
    return [
        ProgramError(
            later.file_name,
            "valid_from",
            f"{later.program.key} and {earlier.program.key} are both valid on "
            f"{max(later.first_day, earlier.first_day)}: "
            f"supersedes: {earlier.program.key} would end the earlier one",
        )
        for position, later in enumerate(in_force)
        for earlier in in_force[:position]
        if later.program.id == earlier.program.id
        and later.first_day <= earlier.last_day
        and earlier.first_day <= later.last_day
    ]
