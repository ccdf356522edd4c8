"""From a folder of documents to programs and errors: ``load``.

What belongs here: reading files, turning what is wrong into plain words, and what documents owe each
other (versions, segments, legal entities). What does not: rules within one document (rules.py).

A bad document is refused whole, with every error named; the others load. The result depends on the
files alone, never on their order.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from orchestration.programs import calculated, rules
from orchestration.programs.reader import Problem, Tree, join, read
from orchestration.programs.reference import Reference
from orchestration.programs.reference import read as read_reference
from orchestration.programs.schema import Lines, ParticipantNames, Participants, ProductNames, Program
from orchestration.settings import REPOSITORY

SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True, order=True)
class ProgramError:
    """Why a document was refused: file, path of the field, reason in plain words."""

    file_name: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file_name}: {self.field}: {self.reason}"


@dataclass(frozen=True)
class LoadedProgram:
    """One well-formed document of a kind that is calculated.

    ``last_day``: the last day whose lines count: ``valid_to``, or the day before a later version that
    supersedes this one, or the day on which it was suspended or closed; before ``valid_from`` when it
    was superseded from the start.
    """

    program: Program
    file_name: str
    document_hash: str
    last_day: date

    @property
    def approved(self) -> bool:
        """It was approved since it was last a draft; it may be suspended or closed by now."""
        return self.program.step("approved") is not None

    @property
    def terms_hash(self) -> str:
        """SHA-256 of what an approved version may never change: all but lifecycle and acceptances.

        Notation does not count: comments, order of fields, and defaults that are written out.
        """
        facts: dict[str, Any] = {"lifecycle": True, "participants": {"acceptances"}}
        terms = self.program.model_dump(mode="json", exclude=facts, exclude_defaults=True)
        return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()

    @property
    def calculated(self) -> bool:
        """Whether the warehouse calculates it: approved, and not superseded from its first day.

        A suspended or closed version keeps what was earned up to that day (decision 0033).
        """
        return self.approved and self.last_day >= self.program.valid_from


@dataclass(frozen=True)
class LoadResult:
    """Programs sorted by id and version; errors sorted by file and field."""

    programs: tuple[LoadedProgram, ...]
    errors: tuple[ProgramError, ...]


def load(folder: Path, reference: Path = REPOSITORY / "seeds" / "reference") -> LoadResult:
    """Read every document (``*.yml``, ``*.yaml``, also in sub-folders) of the folder.

    ``reference``: the folder of legal_entity.csv, segment.csv and segment_rule.csv. Bad documents
    come back as errors. Raises FileNotFoundError when the folder or a reference file is missing and
    BadReferenceError when a reference file is bad.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of program documents: {folder}")
    names = read_reference(reference)
    loaded: list[LoadedProgram] = []
    errors: list[ProgramError] = []
    claims: defaultdict[str, list[str]] = defaultdict(list)
    for path in _documents(folder):
        file_name = path.relative_to(folder).as_posix()
        content = path.read_bytes()
        tree, problems = read(content)
        if tree is not None:
            program_id, version = tree.get("id"), tree.get("version")
            if isinstance(program_id, str) and isinstance(version, str) and version.isdecimal():
                claims[f"{program_id}@{int(version)}"].append(file_name)
            program, problems = _program(tree, names)
            if program is not None:
                document_hash = hashlib.sha256(content).hexdigest()
                loaded.append(LoadedProgram(program, file_name, document_hash, program.valid_to))
        errors.extend(ProgramError(file_name, problem.field, problem.reason) for problem in problems)
    errors.extend(_claim_errors(claims, loaded))
    loaded = _without(loaded, errors)
    while overlaps := _overlap_errors(loaded):
        errors.append(overlaps[0])
        loaded = _without(loaded, errors)
    return LoadResult(tuple(_in_order(_superseded(loaded))), tuple(sorted(set(errors))))


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
    problems = rules.problems(program) + list(_unknown_names(program, names))
    problems += calculated.problems(program, names.currencies.get(program.legal_entity))
    return (None, problems) if problems else (program, [])


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
    if program.basis is not None and program.basis.subset is not None:
        yield from _product_segments("basis.subset", program.basis.subset)
        yield from _product_segments("basis.subset.exclude", program.basis.subset.exclude)


def _partner_segments(path: str, names: Participants | ParticipantNames) -> Iterator[tuple[str, str, str]]:
    for position, segment in enumerate(names.segments):
        yield f"{path}.segments[{position}]", segment, "partner"


def _product_segments(path: str, names: ProductNames) -> Iterator[tuple[str, str, str]]:
    for position, segment in enumerate(names.segments):
        yield f"{path}.segments[{position}]", segment, "product"


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
            last_day[earlier] = min(last_day[earlier], each.program.valid_from - timedelta(days=1))
            earlier = by_key[earlier].program.supersedes
    return [replace(each, last_day=last_day[each.program.key]) for each in loaded]


def _own_last_day(program: Program) -> date:
    """The last day that the version itself leaves: its validity's, or that of its suspension or closing."""
    if program.status in ("suspended", "closed"):
        return min(program.valid_to, program.lifecycle[-1].when)
    return program.valid_to


def _overlap_errors(loaded: Sequence[LoadedProgram]) -> list[ProgramError]:
    """Calculated versions of one program that are valid on the same day; the later one is refused."""
    in_force = [each for each in _in_order(_superseded(loaded)) if each.calculated]
    return [
        ProgramError(
            later.file_name,
            "valid_from",
            f"{later.program.key} and {earlier.program.key} are both valid on "
            f"{max(later.program.valid_from, earlier.program.valid_from)}: "
            f"supersedes: {earlier.program.key} would end the earlier one",
        )
        for position, later in enumerate(in_force)
        for earlier in in_force[:position]
        if later.program.id == earlier.program.id
        and later.program.valid_from <= earlier.last_day
        and earlier.program.valid_from <= later.last_day
    ]
