"""Mapping files: what a source delivers and how its columns become ours (seeds/sources/<source>.yml).

What belongs here: the schema of a mapping file, its checks and its hash. What does not: reading
delivered files. A new source is one new mapping file and no code.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from orchestration.contract import DATE, ENTITIES, FILE, LINE, NOT_SCORED, TEXT, Entity, raw_columns
from orchestration.intake.agreement import Delivery, Tolerance
from orchestration.intake.formats import (
    CsvFormat,
    DateFormat,
    ExcelFormat,
    JsonLinesFormat,
    ParquetFormat,
    Strict,
    X12Format,
)
from orchestration.intake.x12.paths import PathError, parse
from orchestration.strict_yaml import UniqueKeys
from orchestration.x12.grammar import fingerprint, load

RECIPE_VERSION = 3
"""Raised when the readers change what they make of the same bytes; all raw files are then rebuilt."""


class MappingError(ValueError):
    """A mapping file cannot be used. The message names the file, the field and the reason."""


class SourceColumn(Strict):
    """How one of our columns is made from one of theirs: values first, then the template."""

    column: str
    template: str | None = Field(None, description="text around the value, e.g. R-{value}; an empty value stays empty")
    values: dict[str, str] | None = Field(None, description="theirs: ours; a value that is not listed is a parse error")
    default: str | None = Field(None, description="our value where theirs is empty")
    joined_with: tuple[str, ...] = Field((), description="further columns of theirs whose texts are put behind it")
    join: str = Field("-", description="text between the parts of joined_with")
    zero_pad: int | None = Field(None, ge=2, le=50, description="digits of a code that lost its leading zeros")
    date_format: DateFormat | None = Field(None, description="format of this date, where it differs from the file's")
    percent: bool = Field(False, description="the number is a percentage, with or without its sign: 2,5 % is 0.025")

    @field_validator("template")
    @classmethod
    def _holds_value(cls, value: str | None) -> str | None:
        if value is not None and (value.count("{value}") != 1 or re.search(r"[{}]", value.replace("{value}", ""))):
            raise ValueError(f"{value!r}: expected text with exactly one {{value}}")
        return value


class Mapping(Strict):
    """One source: who delivers what, in which format, and which column means what."""

    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    owner: str
    entity: str
    file_pattern: str
    format: CsvFormat | ExcelFormat | ParquetFormat | JsonLinesFormat | X12Format = Field(discriminator="type")
    columns: dict[str, str | SourceColumn]
    constants: dict[str, str] = Field(default_factory=dict)
    ignored_columns: tuple[str, ...] = Field((), description="their columns that we knowingly do not read")
    ignored_rows: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="by a column of theirs, values that say that a row is none: a total"
    )
    product_codes: Literal["own", "cross_reference"] = "own"
    signs: dict[str, Literal["as_reported", "reversed"]] = Field(
        default_factory=dict,
        description="by document type, whether quantity and net_amount come with the opposite of our sign",
    )
    delivery: Delivery | None = Field(None, description="what is expected of the source: months, days, columns")
    tolerance: Tolerance | None = Field(None, description="of a source of stock reports: tolerated differences")
    complete_when: str = Field("", description="name of a file that says that a delivery is whole: {file_name}.done")

    @field_validator("complete_when")
    @classmethod
    def _names_the_file(cls, value: str) -> str:
        around = value.split("{file_name}")
        if value and (len(around) != 2 or not "".join(around) or re.search(r"[{}/]", "".join(around))):
            raise ValueError(f"{value!r}: expected a name made from {{file_name}}, e.g. {{file_name}}.done")
        return value

    @model_validator(mode="after")
    def _fits_the_contract(self) -> Mapping:
        if self.entity not in ENTITIES:
            raise ValueError(f"entity: unknown entity {self.entity!r}; expected one of {', '.join(ENTITIES)}")
        contract = ENTITIES[self.entity]
        ours = [column.name for column in contract.columns]
        for field, names in (("columns", list(self.columns)), ("constants", list(self.constants))):
            for name in names:
                if name not in ours:
                    raise ValueError(
                        f"{field}.{name}: {self.entity} has no such column; expected one of {', '.join(ours)}"
                    )
        for name in self.constants:
            if name in self.columns:
                raise ValueError(f"constants.{name}: the column is also mapped; give one of the two")
        for column in contract.columns:
            if column.required and column.name not in self.columns and column.name not in self.constants:
                raise ValueError(f"columns.{column.name}: required column is neither mapped nor a constant")
        for name in self.columns:
            given = self.column(name)
            if contract.column(name).type != TEXT and (given.values or given.template or given.default is not None):
                raise ValueError(f"columns.{name}: values, template and default are for text columns only")
            if given.values and not given.template:
                self._in_domain(contract, f"columns.{name}.values", name, list(given.values.values()))
            if contract.column(name).type != TEXT and (given.zero_pad or given.joined_with):
                raise ValueError(f"columns.{name}: zero_pad and joined_with are for text columns only")
            if contract.column(name).type != DATE and given.date_format:
                raise ValueError(f"columns.{name}: date_format is for dates only")
            if contract.column(name).type in (TEXT, DATE) and given.percent:
                raise ValueError(f"columns.{name}: percent is for numbers only")
            if given.percent and isinstance(self.format, ExcelFormat):
                raise ValueError(f"columns.{name}: percent is not for workbooks, whose cells hold 2,5 % as 0.025")
            if given.default is not None:
                self._in_domain(contract, f"columns.{name}.default", name, [given.default])
            for theirs in (given.column, *given.joined_with):
                if theirs in self.ignored_columns:
                    raise ValueError(f"ignored_columns: {theirs!r} is mapped to {name}")
        for theirs in self.ignored_rows:
            if theirs not in self.staged_columns:
                raise ValueError(f"ignored_rows.{theirs}: expected a column that is mapped or in ignored_columns")
        self._has_paths()
        for name, value in self.constants.items():
            if contract.column(name).type != TEXT:
                raise ValueError(f"constants.{name}: a constant can be given for a text column only")
            self._in_domain(contract, f"constants.{name}", name, [value])
        if self.product_codes == "cross_reference" and self.entity != "line":
            raise ValueError("product_codes: cross_reference is for lines only")
        if self.signs and contract is not LINE:
            raise ValueError("signs: only lines have document types")
        if self.signs:
            self._in_domain(contract, "signs", "document_type", list(self.signs))
        if self.delivery and self.entity != "line":
            raise ValueError("delivery: what is expected is said of sources of lines only")
        for name in self.delivery.fields if self.delivery else ():
            if name not in ours:
                raise ValueError(f"delivery.fields: line has no column {name!r}; expected some of {', '.join(ours)}")
            if name in NOT_SCORED:
                raise ValueError(f"delivery.fields: {name!r} is not scored; of end customers agree on end_customer_id")
        if self.tolerance and self.entity != "stock_report":
            raise ValueError("tolerance: is for sources of stock reports only")
        return self

    def _has_paths(self) -> None:
        """Columns of an X12 set are paths of it."""
        if isinstance(self.format, X12Format):
            grammar = load(self.format.set)
            for name in self.columns:
                given = self.column(name)
                try:
                    for path in (given.column, *given.joined_with):
                        parse(path, grammar, self.format.detail)
                except PathError as error:
                    raise ValueError(f"columns.{name}: {error}") from error

    @staticmethod
    def _in_domain(contract: Entity, field: str, name: str, values: list[str]) -> None:
        domain = contract.column(name).domain
        for value in values:
            if domain and value not in domain:
                raise ValueError(f"{field}: {value!r} is not one of {', '.join(domain)}")

    def column(self, name: str) -> SourceColumn:
        """How our column ``name`` is made from theirs; KeyError if it is not mapped."""
        spec = self.columns[name]
        return SourceColumn.model_validate({"column": spec}) if isinstance(spec, str) else spec

    @cached_property
    def source_columns(self) -> list[str]:
        """Their columns that a file must have, in the order of the mapping, each once."""
        specs = [self.column(name) for name in self.columns]
        return list(dict.fromkeys(theirs for spec in specs for theirs in (spec.column, *spec.joined_with)))

    @cached_property
    def staged_columns(self) -> list[str]:
        """Their columns that intake stages: those that a file must have, then those that it may have."""
        return [*self.source_columns, *self.ignored_columns]

    def marker(self, file_name: str) -> str:
        """Name of the file that says that this one is whole; empty: none is needed."""
        return self.complete_when.replace("{file_name}", file_name)

    def is_marker(self, file_name: str) -> bool:
        """Whether a file of this name only says that another one is whole."""
        before, _, after = self.complete_when.partition("{file_name}")
        named = file_name.removeprefix(before).removesuffix(after)
        return bool(self.complete_when) and self.marker(named) == file_name

    def fits(self, file_name: str) -> bool:
        """Whether a file of this name belongs to the source's deliveries."""
        return fnmatch.fnmatchcase(file_name, self.file_pattern)

    @cached_property
    def recipe(self) -> str:
        """Hash of all that decides what the readers make of a file's bytes.

        Descriptions, owners and what is expected do not count. A raw file whose recipe differs is rebuilt from
        the store.
        """
        contract = ENTITIES[self.entity]
        document = {
            "version": RECIPE_VERSION,
            "mapping": self.model_dump(
                mode="json", exclude={"description", "owner", "complete_when", "delivery", "tolerance"}
            ),
            "columns": [(column.name, column.type) for column in raw_columns(contract)],
            "register": [(column.name, column.type) for column in FILE.columns],
        }
        if isinstance(self.format, X12Format):
            document["grammar"] = fingerprint(self.format.set)
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


def load_mapping(path: Path) -> Mapping:
    """The mapping in a file. Raises MappingError naming the file, the field and the reason."""
    try:
        # a subclass of SafeLoader: no objects are built from tags
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=UniqueKeys)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path.name}: not readable as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise MappingError(f"{path.name}: expected fields such as source, entity, format, columns")
    try:
        mapping = Mapping.model_validate(document)
    except ValidationError as error:
        raise MappingError("; ".join(f"{path.name}: {_reason(item)}" for item in error.errors())) from error
    if mapping.source != path.stem:
        raise MappingError(f"{path.name}: source: {mapping.source!r} differs from the file's name")
    return mapping


def _reason(item: Any) -> str:
    field = ".".join(str(part) for part in item["loc"])
    message = "unknown field" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


@dataclass(frozen=True)
class Mappings:
    """All mapping files of a folder: the usable ones, and for the others why they are not."""

    usable: dict[str, Mapping]
    refused: dict[str, str]

    def find(self, source: str, file_name: str) -> tuple[Mapping | None, str]:
        """The mapping for a delivered file, or None and the reason why there is none."""
        if source in self.refused:
            return None, f"the mapping of source {source!r} was refused: {self.refused[source]}"
        if source not in self.usable:
            known = ", ".join(sorted(self.usable)) or "none"
            return (
                None,
                f"no mapping for source {source!r}: expected seeds/sources/{source}.yml; known sources: {known}",
            )
        mapping = self.usable[source]
        if not mapping.fits(file_name):
            return None, f"{file_name!r} does not match the file pattern {mapping.file_pattern!r} of source {source!r}"
        return mapping, ""


def load_mappings(folder: Path) -> Mappings:
    """Every mapping file of a folder. A bad one is refused with its reason; the others can be used."""
    usable: dict[str, Mapping] = {}
    refused: dict[str, str] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            usable[path.stem] = load_mapping(path)
        except MappingError as error:
            refused[path.stem] = str(error)
    return Mappings(usable, refused)
