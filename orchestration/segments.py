"""Segments as an analyst writes them: seeds/reference/segment.csv and segment_rule.csv (docs/segments.md).

What belongs here: reading and checking the two files, for every room that names segments. What does
not: who belongs to a segment (the dbt models; for validation, by attributes, orchestration/validation/members.py).
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OPERATORS = ("=", "!=", "in", ">=", "<")

NUMERIC = (">=", "<")
"""Operators that compare numbers."""

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
        "end_customer_id",
    ),
    "product": ("family", "brand", "category", "product_id"),
}
"""What the rules of a segment may look at, for each entity. A partner's tier and group_id are dated."""

PURCHASES = "purchases"
"""Attribute of every entity: what it bought (a product: what was bought of it) in the months before (semantics 1)."""

PURCHASE_COLUMNS = ("months", "of", "currency", "stream", "product_segment")
"""Columns of segment_rule.csv that say which purchases; empty with every other attribute."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "segment": ("segment_id", "entity", "name", "description", "owner"),
    "segment_rule": ("segment_id", "attribute", "operator", "value", *PURCHASE_COLUMNS),
}
"""Columns of the two files, all of them needed."""

Row = Mapping[str, str]


class SegmentError(ValueError):
    """The files cannot be used. ``problems``: every one of them, with file, row, column and reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Rule:
    """One rule: an attribute compared with a value; ``in``: values joined by a bar.

    With attribute ``purchases``: the sum over so many complete calendar ``months`` before the month in
    question, ``of`` amount (in ``currency``) or quantity (base units), of a ``stream`` or ('') both, of the
    products of a ``product_segment`` or ('') all. Otherwise these are None or ''.
    """

    attribute: str
    operator: str
    value: str
    months: int | None = None
    of: str = ""
    currency: str = ""
    stream: str = ""
    product_segment: str = ""


@dataclass(frozen=True)
class Segment:
    """A named set of partners, end customers or products; all of its rules must hold."""

    segment_id: str
    entity: str
    name: str
    rules: tuple[Rule, ...]

    @property
    def by_purchases(self) -> bool:
        """Whether a rule asks what was bought."""
        return any(rule.attribute == PURCHASES for rule in self.rules)


def read(folder: Path) -> dict[str, Segment]:
    """Every segment of the folder by its id.

    ``folder``: holds segment.csv, segment_rule.csv and legal_entity.csv (for the currencies). Raises
    FileNotFoundError for a missing file and SegmentError with every problem of the others.
    """
    problems: list[str] = []
    segments, rules = (_rows(folder / f"{table}.csv", columns, problems) for table, columns in COLUMNS.items())
    with (folder / "legal_entity.csv").open(encoding="utf-8", newline="") as file:
        currencies = sorted({row.get("currency") or "" for row in csv.DictReader(file)} - {""})
    if not problems:  # without its columns a file says nothing
        problems += [*_segment_problems(segments, rules), *_rule_problems(segments, rules, currencies)]
    if problems:
        raise SegmentError(problems)
    return {
        row["segment_id"]: Segment(
            row["segment_id"],
            row["entity"],
            row["name"],
            tuple(_rule(rule) for rule in rules if rule["segment_id"] == row["segment_id"]),
        )
        for row in segments
    }


def _rule(row: Row) -> Rule:
    months = int(row["months"]) if row["months"] else None
    texts = (row[name] for name in ("of", "currency", "stream", "product_segment"))
    return Rule(row["attribute"], row["operator"], row["value"], months, *texts)


def _rows(path: Path, columns: tuple[str, ...], problems: list[str]) -> list[Row]:
    """The rows of a file; what is wrong with its shape is added to ``problems``."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restkey="", restval=None)
        found = list(reader.fieldnames or ())
        rows = list(reader)
    missing, unknown = ([n for n in a if n not in b] for a, b in ((columns, found), (found, columns)))
    twice = [name for name, count in Counter(found).items() if count > 1]
    for names, what in ((missing, "no column"), (unknown, "unknown column"), (twice, "twice the column")):
        if names:
            problems.append(f"{path.name}: {what} {', '.join(names)}; expected {', '.join(columns)}")
    for number, row in enumerate(rows, start=2):
        fields = len(found) - sum(value is None for value in row.values()) + len(row.get("") or ())
        if fields != len(found):
            problems.append(f"{path.name} row {number}: {fields} fields; expected {len(found)}, as the header has")
        for name, value in row.items():
            if name and value and value != value.strip():
                problems.append(f"{path.name} row {number}: {name} {value!r}; has blanks around it")
    return [{name: row.get(name) or "" for name in columns} for row in rows]


def _segment_problems(segments: Sequence[Row], rules: Sequence[Row]) -> Iterator[str]:
    counts = Counter(row["segment_id"] for row in segments)
    with_rules = {rule["segment_id"] for rule in rules}
    for number, row in enumerate(segments, start=2):
        segment_id = row["segment_id"]
        where = f"segment.csv row {number} ({segment_id})"
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", segment_id):
            yield f"{where}: segment_id {segment_id or 'empty'}; expected letters, digits, _ and -, like gold_resellers"
        if counts[segment_id] > 1:
            yield f"{where}: segment_id {segment_id} is given {counts[segment_id]} times"
        if row["entity"] not in ATTRIBUTES:
            yield f"{where}: entity {row['entity'] or 'empty'}; expected {', '.join(ATTRIBUTES)}"
        for name in ("name", "owner"):
            if not row[name]:
                yield f"{where}: {name} empty; expected a text"
        if segment_id not in with_rules:
            yield f"{where}: there is no rule in segment_rule.csv"


def _rule_problems(segments: Sequence[Row], rules: Sequence[Row], currencies: Sequence[str]) -> Iterator[str]:
    entity = {row["segment_id"]: row["entity"] for row in segments}
    by_purchases = {rule["segment_id"] for rule in rules if rule["attribute"] == PURCHASES}
    first: dict[tuple[str, ...], int] = {}
    for number, rule in enumerate(rules, start=2):
        where = f"segment_rule.csv row {number} ({rule['segment_id']})"
        same = first.setdefault(tuple(rule.values()), number)
        if same != number:
            yield f"{where}: the same rule as in row {same}"
        if rule["segment_id"] not in entity:
            yield f"{where}: segment_id {rule['segment_id'] or 'empty'}; there is no such segment in segment.csv"
        elif entity[rule["segment_id"]] in ATTRIBUTES:
            known = (*ATTRIBUTES[entity[rule["segment_id"]]], PURCHASES)
            if rule["attribute"] not in known:
                yield f"{where}: attribute {rule['attribute'] or 'empty'}; expected {', '.join(known)}"
        if rule["operator"] not in OPERATORS:
            yield f"{where}: operator {rule['operator'] or 'empty'}; expected {' '.join(OPERATORS)}"
        if rule["attribute"] == PURCHASES:
            yield from _purchase_problems(where, rule, entity, by_purchases, currencies)
        else:
            yield from _value_problems(where, rule)
            given = [name for name in PURCHASE_COLUMNS if rule[name]]
            if given:
                yield f"{where}: {', '.join(given)}: only with attribute {PURCHASES}"


def _value_problems(where: str, rule: Row) -> Iterator[str]:
    """What is wrong with the value that an attribute is compared with."""
    value = rule["value"]
    listed = value.split("|") if rule["operator"] == "in" else [value]
    if not all(listed):
        yield f"{where}: value {value or 'empty'}; empty value{' between bars' if len(listed) > 1 else ''}"
    for name, count in Counter(listed).items():
        if count > 1:
            yield f"{where}: value {value}; {name} is named {count} times"
    if value and rule["operator"] in NUMERIC and not re.fullmatch(r"-?\d{1,14}(\.\d{1,12})?", value):
        yield f"{where}: value {value}; expected a number with operator {rule['operator']}"


def _purchase_problems(
    where: str, rule: Row, entity: Mapping[str, str], by_purchases: set[str], currencies: Sequence[str]
) -> Iterator[str]:
    """What is wrong with a rule on trailing purchases."""
    months, of, currency, stream, segment = (rule[name] for name in PURCHASE_COLUMNS)
    if rule["operator"] in OPERATORS and rule["operator"] not in NUMERIC:
        yield f"{where}: operator {rule['operator']}; expected {' or '.join(NUMERIC)} with {PURCHASES}"
    if not re.fullmatch(r"-?\d{1,14}(\.\d{1,4})?", rule["value"]):
        yield f"{where}: value {rule['value'] or 'empty'}; expected a number with at most 4 decimals"
    if not re.fullmatch(r"[1-9]|[12]\d|3[0-6]", months):
        yield f"{where}: months {months or 'empty'}; expected 1 to 36 complete months"
    if of not in ("amount", "quantity"):
        yield f"{where}: of {of or 'empty'}; expected amount or quantity"
    if of == "amount" and not re.fullmatch(r"[A-Z]{3}", currency):
        yield f"{where}: currency {currency or 'empty'}; expected an ISO 4217 code with of amount"
    elif of == "amount" and currency not in currencies:
        yield f"{where}: currency {currency}; expected one of legal_entity.csv: {', '.join(currencies)}"
    if of == "quantity" and currency:
        yield f"{where}: currency {currency}; has no meaning with of quantity"
    if stream not in ("", "sell_in", "sell_through"):
        yield f"{where}: stream {stream}; expected sell_in, sell_through or nothing (both)"
    if segment and entity.get(segment) != "product":
        known = sorted(name for name, of_entity in entity.items() if of_entity == "product")
        yield (
            f"{where}: product_segment {segment}; there is no such product segment; known: {', '.join(known) or 'none'}"
        )
    elif segment in by_purchases:
        yield f"{where}: product_segment {segment} has a rule on purchases itself; expected one of attributes only"
