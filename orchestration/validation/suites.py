"""Expectation suites as data: expectations/sources/<source>/*.yml and expectations/segments/<segment>/*.yml.

What belongs here: the schema of a suite file, its checks and hashes. What does not: judging rows
(judge.py).

Only expectations that judge a row by itself are allowed: a verdict must not depend on which files
are judged together. What needs other rows or other tables (duplicates, unknown products, missing
rates) is looked up beforehand and stands in a helper column (lookups.py).
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.contract import ENTITIES
from orchestration.strict_yaml import UniqueKeys
from orchestration.validation.lookups import JUDGED_COLUMNS

Severity = Literal["reject", "hold", "warn"]
Scalar = bool | int | float | datetime.date | str

ROW_TYPES: dict[str, tuple[str, ...]] = {
    "expect_column_values_to_not_be_null": ("column",),
    "expect_column_values_to_be_null": ("column",),
    "expect_column_values_to_be_in_set": ("column",),
    "expect_column_values_to_not_be_in_set": ("column",),
    "expect_column_values_to_be_between": ("column",),
    "expect_column_values_to_match_regex": ("column",),
    "expect_column_values_to_not_match_regex": ("column",),
    "expect_column_values_to_match_regex_list": ("column",),
    "expect_column_values_to_not_match_regex_list": ("column",),
    "expect_column_value_lengths_to_be_between": ("column",),
    "expect_column_value_lengths_to_equal": ("column",),
    "expect_column_pair_values_a_to_be_greater_than_b": ("column_A", "column_B"),
    "expect_column_pair_values_to_be_equal": ("column_A", "column_B"),
    "expect_column_pair_values_to_be_in_set": ("column_A", "column_B"),
    "expect_select_column_values_to_be_unique_within_record": ("column_list",),
}
"""Expectation types that a suite may use, and which of their arguments name columns."""


class RuleError(ValueError):
    """A suite file cannot be used. The message names the file, the entry and what was expected."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_OPERATORS = ("equals", "not_equals", "in", "not_in", "is_null", "at_least", "below")


class Condition(_Strict):
    """One condition on a column, or membership of a segment by attributes (of lines, on their date).

    Rows where the column is empty meet only not_equals, not_in and is_null; a line that names nobody is in
    no segment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    segment: str | None = None
    column: str = ""
    equals: Scalar | None = None
    not_equals: Scalar | None = None
    in_: tuple[Scalar, ...] | None = Field(None, alias="in")
    not_in: tuple[Scalar, ...] | None = None
    is_null: bool | None = None
    at_least: int | float | datetime.date | None = None
    below: int | float | datetime.date | None = None

    @model_validator(mode="after")
    def _one_operator(self) -> Condition:
        given = self.model_fields_set
        if given != {"segment"} and ("column" not in given or "segment" in given or len(given) != 2):
            raise ValueError(f"expected a column and exactly one of {', '.join(_OPERATORS)}, or a segment alone")
        return self

    @property
    def sql(self) -> str:
        """The condition as SQL, never null."""
        name = self.column
        if self.segment is not None:
            return f"contains(segments, {_literal(f';{self.segment};')})"
        if self.equals is not None:
            return f"({name} IS NOT DISTINCT FROM {_literal(self.equals)})"
        if self.not_equals is not None:
            return f"({name} IS DISTINCT FROM {_literal(self.not_equals)})"
        if self.in_ is not None:
            return f"coalesce({name} IN ({', '.join(map(_literal, self.in_))}), false)"
        if self.not_in is not None:
            return f"coalesce({name} NOT IN ({', '.join(map(_literal, self.not_in))}), true)"
        if self.is_null is not None:
            return f"({name} IS {'' if self.is_null else 'NOT '}NULL)"
        if self.at_least is not None:
            return f"coalesce({name} >= {_literal(self.at_least)}, false)"
        return f"coalesce({name} < {_literal(self.below)}, false)"


def _literal(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, datetime.date):
        return f"DATE '{value.isoformat()}'"
    return "'" + str(value).replace("'", "''") + "'"


class AppliesTo(_Strict):
    """Which rows a suite judges: an entity, its sources (none given: all) and conditions, all of which must hold."""

    entity: str
    sources: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()


class Rule(_Strict):
    """One expectation. reject: the row is quarantined; hold: accrued, not settled; warn: counted only.

    ``mostly`` in kwargs (warn only) is the share of a file's rows that must hold for the file to pass.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: str
    kwargs: dict[str, Any]
    severity: Severity
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _is_a_row_rule(self) -> Rule:
        if self.type not in ROW_TYPES:
            raise ValueError(f"type: unknown type {self.type!r}; expected one of {', '.join(ROW_TYPES)}")
        for argument in ROW_TYPES[self.type]:
            if argument not in self.kwargs:
                raise ValueError(f"kwargs.{argument}: missing; {self.type} needs {', '.join(ROW_TYPES[self.type])}")
        if "row_condition" in self.kwargs:
            raise ValueError("kwargs.row_condition: not used here; say which rows are meant in applies_to.when")
        if "mostly" in self.kwargs and self.severity != "warn":
            raise ValueError("kwargs.mostly: a tolerated share is for severity warn only; a row has one verdict")
        if not 0 < self.mostly <= 1:
            raise ValueError(f"kwargs.mostly: {self.mostly}: expected a share above 0 and up to 1")
        return self

    @property
    def columns(self) -> list[str]:
        """The columns that the rule looks at."""
        names: list[str] = []
        for argument in ROW_TYPES[self.type]:
            value = self.kwargs[argument]
            names += value if isinstance(value, list) else [value]
        return names

    @property
    def mostly(self) -> float:
        """The share of a file's rows that must hold; 1: all."""
        return float(self.kwargs.get("mostly", 1))


class _Document(_Strict):
    owner: str
    description: str
    applies_to: AppliesTo
    expectations: tuple[Rule, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Suite:
    """One suite file. ``name``: its path under expectations/ without the extension."""

    name: str
    owner: str
    description: str
    applies_to: AppliesTo
    rules: tuple[Rule, ...]

    def concerns(self, entity: str, source: str) -> bool:
        """Whether the suite judges rows of that entity from that source."""
        return self.applies_to.entity == entity and source in (self.applies_to.sources or (source,))

    @property
    def segments(self) -> tuple[str, ...]:
        """Ids of the segments that its conditions name."""
        return tuple(condition.segment for condition in self.applies_to.when if condition.segment is not None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its scope looks at; ``segments`` where it names one."""
        names = [c.column if c.segment is None else "segments" for c in self.applies_to.when]
        return tuple(dict.fromkeys(names))

    @property
    def scope(self) -> str:
        """The rows that the suite judges, as SQL on the judged columns."""
        parts = [condition.sql for condition in self.applies_to.when]
        if self.applies_to.sources:
            parts.append(f"source IN ({', '.join(map(_literal, self.applies_to.sources))})")
        return " AND ".join(parts) or "true"

    @property
    def document(self) -> dict[str, Any]:
        """What decides verdicts and results, as plain data; owner and description do not."""
        rules = [rule.model_dump(mode="json") for rule in self.rules]
        return {"name": self.name, "applies_to": self.applies_to.model_dump(mode="json"), "rules": rules}


def load_suites(folder: Path, sources: Iterable[str]) -> list[Suite]:
    """Every suite of expectations/, in order of its name.

    ``sources``: the known sources (names of the mapping files). Raises RuleError for the first file
    that cannot be used, with every reason in it, and for a rule id that two suites of an entity share.
    """
    known = sorted(sources)
    suites = []
    for kind in ("segments", "sources"):
        for path in sorted((folder / kind).glob("*/*.yml")):
            suites.append(_load(path, path.relative_to(folder).as_posix(), kind, known))
    stray = [
        p
        for p in sorted(folder.rglob("*.y*ml"))
        if not re.fullmatch(r"(sources|segments)/[^/]+/[^/]+\.yml", p.relative_to(folder).as_posix())
    ]
    if stray:
        name = stray[0].relative_to(folder).as_posix()
        raise RuleError(f"{name}: expected sources/<source>/<suite>.yml or segments/<segment>/<suite>.yml")
    owners: dict[tuple[str, str], str] = {}
    for suite in suites:
        for rule in suite.rules:
            key = (suite.applies_to.entity, rule.id)
            if key in owners:
                raise RuleError(f"{suite.name}.yml: {rule.id}: this id is already used in {owners[key]}.yml")
            owners[key] = suite.name
    return suites


def _load(path: Path, name: str, kind: str, known_sources: list[str]) -> Suite:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=UniqueKeys)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RuleError(f"{name}: not readable as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise RuleError(f"{name}: expected owner, description, applies_to, expectations")
    try:
        parsed = _Document.model_validate(document)
    except ValidationError as error:
        raise RuleError("; ".join(f"{name}: {_reason(item, document)}" for item in error.errors())) from error
    applies_to = parsed.applies_to
    if kind == "sources":
        folder = path.parent.name
        if applies_to.sources not in ((), (folder,)):
            raise RuleError(f"{name}: applies_to.sources: expected [{folder}], the folder's source")
        applies_to = applies_to.model_copy(update={"sources": (folder,)})
    if applies_to.entity not in ENTITIES:
        expected = ", ".join(ENTITIES)
        raise RuleError(f"{name}: applies_to.entity: unknown {applies_to.entity!r}; expected one of {expected}")
    for source in applies_to.sources:
        if source not in known_sources:
            raise RuleError(
                f"{name}: applies_to.sources: unknown source {source!r}; expected one of {', '.join(known_sources)}"
            )
    stem = name.removesuffix(".yml")
    suite = Suite(stem, parsed.owner, parsed.description, applies_to, parsed.expectations)
    if suite.segments and applies_to.entity != "line":
        raise RuleError(f"{name}: applies_to.when ({suite.segments[0]}): segments are for lines; use a column instead")
    columns = JUDGED_COLUMNS[applies_to.entity]
    for entry, names in [
        *((f"applies_to.when ({c.column})", [c.column]) for c in applies_to.when if c.segment is None),
        *((f"expectations ({rule.id}): kwargs", rule.columns) for rule in parsed.expectations),
    ]:
        for column in names:
            if column not in columns:
                expected = ", ".join(columns)
                raise RuleError(f"{name}: {entry}: unknown column {column!r}; expected one of {expected}")
    return suite


def _reason(item: Mapping[str, Any], document: dict[str, Any]) -> str:
    """One error of a suite file, with the id of the expectation that it is in."""
    parts = [str(part) for part in item["loc"]]
    if len(parts) > 1 and parts[0] == "expectations":
        entry = document["expectations"][int(parts[1])]
        if isinstance(entry, dict) and "id" in entry:
            parts[:2] = [f"expectations ({entry['id']})"]
    if item["type"] == "extra_forbidden":
        message = "unknown field"
    elif item["type"] == "literal_error":
        message = f"{item['input']!r}: expected {item['ctx']['expected']}"
    else:
        message = item["msg"].removeprefix("Value error, ")
    return f"{'.'.join(parts)}: {message}"


def digest(document: Any) -> str:
    """Hash of plain data."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()[:32]
