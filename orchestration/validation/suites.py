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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.contract import ENTITIES, Entity, raw_columns
from orchestration.settings import Settings
from orchestration.strict_yaml import UniqueKeys
from orchestration.validation.arguments import ARGUMENTS, KINDS, fits, kind_of, problems
from orchestration.validation.lookups import HELPERS
from orchestration.validation.table_rules import TableRule

Severity = Literal["reject", "hold", "warn"]
Scalar = bool | int | float | datetime.date | str

NEVER_RELEASED = (
    "parse_errors", "duplicate_of_row", "conflicting_rows", "unknown_product", "unknown_partner",
    "unit_without_factor", "currency_without_rate",
)  # fmt: skip
"""Columns whose reject rules nobody can release: what they found missing, the calculation needs."""


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
    owner: whom to ask; the suite's where none is given. repair: what a person can do about a failing row.
    releasable: a person may release rows that a reject rule failed (held ones always).
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: str
    kwargs: dict[str, Any]
    severity: Severity
    reason: str = Field(min_length=1)
    owner: str = ""
    repair: str = ""
    releasable: bool = False

    @model_validator(mode="after")
    def _is_a_row_rule(self) -> Rule:
        if self.type not in ARGUMENTS:
            raise ValueError(f"type: unknown type {self.type!r}; expected one of {', '.join(ARGUMENTS)}")
        if "row_condition" in self.kwargs:
            raise ValueError("kwargs.row_condition: not used here; say which rows are meant in applies_to.when")
        if "mostly" in self.kwargs and self.severity != "warn":
            raise ValueError("kwargs.mostly: a tolerated share is for severity warn only; a row has one verdict")
        share = self.kwargs.get("mostly", 1)
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise ValueError(f"kwargs.mostly: {share!r}: expected a share above 0 and up to 1")
        if self.releasable and self.severity != "reject":
            raise ValueError("releasable: for severity reject; held rows can always be released, warnings hold nothing")
        return self

    @property
    def columns(self) -> list[str]:
        """The columns that the rule looks at."""
        names: list[str] = []
        for argument, holds in ARGUMENTS[self.type].items():
            if holds in ("column", "columns"):
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
    expectations: tuple[Rule, ...] = ()
    table_expectations: tuple[TableRule, ...] = ()

    @model_validator(mode="after")
    def _asks_for_something(self) -> _Document:
        if not self.expectations and not self.table_expectations:
            raise ValueError("expectations: expected at least one entry here or in table_expectations")
        return self


@dataclass(frozen=True)
class Suite:
    """One suite file. ``name``: its path under expectations/ without the extension."""

    name: str
    owner: str
    description: str
    applies_to: AppliesTo
    rules: tuple[Rule, ...]
    table_rules: tuple[TableRule, ...] = ()

    @property
    def every_rule(self) -> tuple[Rule | TableRule, ...]:
        """Rules on rows, then rules about whole files."""
        return (*self.rules, *self.table_rules)

    def owner_of(self, rule: Rule | TableRule) -> str:
        """Whom to ask about a rule."""
        return rule.owner or self.owner

    def concerns(self, entity: str, source: str) -> bool:
        """Whether the suite judges rows of that entity from that source."""
        return self.applies_to.entity == entity and source in (self.applies_to.sources or (source,))

    def with_rules(self, rules: tuple[Rule, ...]) -> Suite:
        """The suite with these rules on rows alone."""
        return replace(self, rules=rules, table_rules=())

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
        """What decides verdicts and results, as plain data; owners, repairs and descriptions do not."""
        words = {"owner", "repair"}
        rules = [rule.model_dump(mode="json", exclude=words) for rule in self.every_rule]
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
        for rule in suite.every_rule:
            key = (suite.applies_to.entity, rule.id)
            if key in owners:
                raise RuleError(f"{suite.name}.yml: {rule.id}: this id is already used in {owners[key]}.yml")
            owners[key] = suite.name
    return suites


def load_file(path: Path, settings: Settings) -> Suite:
    """One suite file, wherever it stands; in a folder ``sources/<source>/`` one of that source. Raises RuleError."""
    try:
        path = path.resolve(strict=True)
    except FileNotFoundError:
        raise RuleError(f"{path}: there is no such file") from None
    kind = "sources" if path.parent.parent.name == "sources" else "segments"
    known = sorted(source.stem for source in settings.sources.glob("*.yml"))
    return _load(path, "/".join([kind, path.parent.name, path.name]), kind, known)


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
    suite = Suite(stem, parsed.owner, parsed.description, applies_to, parsed.expectations, parsed.table_expectations)
    if suite.table_rules and (applies_to.entity != "line" or applies_to.when):
        raise RuleError(
            f"{name}: table_expectations: they judge whole files of lines; expected entity line and no when"
        )
    if suite.segments and applies_to.entity != "line":
        raise RuleError(f"{name}: applies_to.when ({suite.segments[0]}): segments are for lines; use a column instead")
    entity = ENTITIES[applies_to.entity]
    types = {column.name: column.type for column in (*raw_columns(entity), *HELPERS[entity.name])}
    wrong = [f"applies_to.when ({c.column}): {text}" for c in applies_to.when for text in _wrong_condition(c, types)]
    for rule in parsed.expectations:
        found = [f"kwargs{text}" for text in problems(rule.type, rule.kwargs, types)]
        if not found and rule.releasable and _needed(rule, entity):
            found = [f"releasable: {', '.join(rule.columns)}: the calculation needs what this rule asks for"]
        wrong += [f"expectations ({rule.id}): {text}" for text in found]
    ids = [rule.id for rule in suite.every_rule]
    wrong += [f"{double}: this id is given twice" for double in sorted({i for i in ids if ids.count(i) > 1})]
    if wrong:
        raise RuleError("; ".join(f"{name}: {text}" for text in wrong))
    return suite


def _wrong_condition(condition: Condition, types: Mapping[str, str]) -> list[str]:
    """What is wrong with the column of a condition, or with what it is compared with."""
    if condition.segment is not None:
        return []
    if condition.column not in types:
        expected = ", ".join(types)
        return [f"unknown column {condition.column!r}; expected one of {expected}"]
    if condition.is_null is not None:
        return []
    kind = kind_of(types[condition.column])
    given = [condition.equals, condition.not_equals, condition.at_least, condition.below]
    values = [value for value in given if value is not None]
    for several in (condition.in_, condition.not_in):
        if several is not None and not several:
            return ["expected a list with at least one entry"]
        values += several or ()
    return [f"{value!r}: expected {KINDS[kind]}, as the column holds" for value in values if not fits(value, kind)]


def _needed(rule: Rule, entity: Entity) -> bool:
    """Whether the calculation cannot do without what a rule asks for."""
    required = {column.name for column in entity.columns if column.required} | {"partner_product_id"}
    return any(
        column in NEVER_RELEASED
        or (
            column in required
            and rule.type in ("expect_column_values_to_not_be_null", "expect_column_values_to_be_in_set")
        )
        for column in rule.columns
    )


def _reason(item: Mapping[str, Any], document: dict[str, Any]) -> str:
    """One error of a suite file, with the id of the expectation that it is in."""
    parts = [str(part) for part in item["loc"]]
    if len(parts) > 1 and parts[0] in ("expectations", "table_expectations"):
        entry = document[parts[0]][int(parts[1])]
        if isinstance(entry, dict) and "id" in entry:
            parts[:2] = [f"{parts[0]} ({entry['id']})"]
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
