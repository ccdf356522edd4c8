"""Names that documents refer to: legal entities and segments (seeds/reference/).

What belongs here: reading and checking those files. What does not: the rules of a document.

A bad reference file stops the run (BadReferenceError with every problem): no document could be judged.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

OPERATORS = ("=", "!=", "in", ">=", "<")

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "partner": ("partner_type", "channel", "region", "country", "tier", "group_id", "partner_id", "parent_partner_id"),
    "end_customer": (
        "end_customer_type",
        "income_band",
        "age_band",
        "size_band",
        "composition",
        "industry",
        "region",
    ),
    "product": ("family", "brand", "category", "product_id"),
}
"""What the rules of a segment may look at, for each entity."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "segment": ("segment_id", "entity", "name", "description", "owner"),
    "segment_rule": ("segment_id", "attribute", "operator", "value"),
}


class BadReferenceError(ValueError):
    """segment.csv, segment_rule.csv or legal_entity.csv cannot be used; the message names every problem."""


@dataclass(frozen=True)
class Reference:
    """``currencies``: legal entity to currency. ``segments``: segment id to its entity."""

    currencies: Mapping[str, str]
    segments: Mapping[str, str]


def read(folder: Path) -> Reference:
    """The names in legal_entity.csv, segment.csv and segment_rule.csv of the folder.

    Raises FileNotFoundError for a missing file and BadReferenceError for a bad one.
    """
    entities = _rows(folder / "legal_entity.csv", ("legal_entity", "currency"))
    segments = _rows(folder / "segment.csv", COLUMNS["segment"])
    rules = _rows(folder / "segment_rule.csv", COLUMNS["segment_rule"])
    problems = list(_segment_problems(segments, rules))
    if problems:
        raise BadReferenceError("\n".join(problems))
    return Reference(
        currencies={row["legal_entity"]: row["currency"] for row in entities},
        segments={row["segment_id"]: row["entity"] for row in segments},
    )


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restval="")
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise BadReferenceError(f"{path.name}: no column {', '.join(missing)}")
        return list(reader)


def _segment_problems(segments: list[dict[str, str]], rules: list[dict[str, str]]) -> Iterator[str]:
    entity = {row["segment_id"]: row["entity"] for row in segments}
    for segment_id, count in Counter(row["segment_id"] for row in segments).items():
        if count > 1:
            yield f"segment.csv: {segment_id} is given {count} times"
    for segment_id, name in entity.items():
        if name not in ATTRIBUTES:
            yield f"segment.csv: {segment_id} is of entity {name}; expected {', '.join(ATTRIBUTES)}"
        if not any(rule["segment_id"] == segment_id for rule in rules):
            yield f"segment.csv: {segment_id} has no rule in segment_rule.csv"
    for number, rule in enumerate(rules, start=2):
        where = f"segment_rule.csv row {number} ({rule['segment_id']})"
        known = ATTRIBUTES.get(entity.get(rule["segment_id"], ""), ())
        if rule["segment_id"] not in entity:
            yield f"{where}: no such segment in segment.csv"
        elif known and rule["attribute"] not in known:
            yield f"{where}: attribute {rule['attribute']}; expected {', '.join(known)}"
        if rule["operator"] not in OPERATORS:
            yield f"{where}: operator {rule['operator']}; expected {' '.join(OPERATORS)}"
        if not rule["value"] or (rule["operator"] == "in" and not all(rule["value"].split("|"))):
            yield f"{where}: empty value"
