"""Which line counts for which program, for whom, and if not, why not.

What belongs here: segments, admission of participants, scopes (semantics 2 and 3). What does not:
sums over lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.reference.lines import Rates, Row, Units, line_key, newest, period_id

PRODUCT_DIMENSIONS = ("sku", "family", "brand", "category", "product_segment")
"""Alternatives: a product is in when any include names it and no exclude does."""

LINE_DIMENSIONS = ("end_customer_segment", "channel", "region", "document_type")
"""Must hold one beside the other; without an include there is no limit."""


@dataclass(frozen=True)
class Eligible:
    """One line that counts for one program. Amount in the program's currency, quantity in base units."""

    program_key: str
    line_key: str
    period_id: str
    participant_id: str
    member_id: str
    amount: Decimal
    quantity: Decimal
    in_target: bool
    in_earning: bool
    line: Row


class Master:
    """Partners, end customers and products, with what is dated about them."""

    def __init__(self, entities: Mapping[str, Iterable[Row]]) -> None:
        self.partners = {r["partner_id"]: r for r in newest(entities.get("partner", ()), ("partner_id",))}
        self.end_customers = {
            r["end_customer_id"]: r for r in newest(entities.get("end_customer", ()), ("end_customer_id",))
        }
        self.products = {r["product_id"]: r for r in newest(entities.get("product", ()), ("product_id",))}
        self._tiers = _by_partner(newest(entities.get("partner_tier", ()), ("partner_id", "valid_from")))
        self._groups = _by_partner(newest(entities.get("partner_group", ()), ("partner_id", "group_id", "valid_from")))

    def tier(self, partner_id: str, day: date) -> str | None:
        """Return the partner's tier on the day: of several that are valid the one that began last."""
        valid = [row for row in self._tiers[partner_id] if _valid(row, day)]
        return max(valid, key=lambda row: row["valid_from"])["tier"] if valid else None

    def groups(self, partner_id: str, day: date) -> set[str]:
        """Return the groups that the partner is a member of on the day."""
        return {row["group_id"] for row in self._groups[partner_id] if _valid(row, day)}

    def group(self, partner_id: str, day: date) -> str | None:
        """Return the one group that the partner counts for on the day: the smallest id."""
        return min(self.groups(partner_id, day), default=None)


def _by_partner(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    by_partner: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_partner[row["partner_id"]].append(row)
    return by_partner


def _valid(row: Row, day: date) -> bool:
    return row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"])


class Segments:
    """Named sets of partners, end customers and products, by rules on their attributes."""

    def __init__(self, segments: Iterable[Row], rules: Iterable[Row], master: Master) -> None:
        self._entity = {row["segment_id"]: row["entity"] for row in segments}
        self._rules: defaultdict[str, list[Row]] = defaultdict(list)
        for rule in rules:
            self._rules[rule["segment_id"]].append(rule)
        self._master = master
        self._known: dict[tuple[str, str, date], bool] = {}

    def holds(self, segment_id: str, member_id: str | None, day: date) -> bool:
        """Say whether every rule of the segment holds for this partner, end customer or product.

        Raises KeyError for an unknown segment. Nobody (None) is in no segment, and nobody is in a
        segment without rules.
        """
        entity = self._entity[segment_id]
        if member_id is None:
            return False
        at = (segment_id, member_id, day)
        if at not in self._known:
            self._known[at] = self._judge(entity, segment_id, member_id, day)
        return self._known[at]

    def _judge(self, entity: str, segment_id: str, member_id: str, day: date) -> bool:
        member = {
            "partner": self._master.partners,
            "end_customer": self._master.end_customers,
            "product": self._master.products,
        }[entity].get(member_id)
        if member is None:
            return False
        rules = self._rules[segment_id]
        return bool(rules) and all(self._rule(rule, entity, member_id, member, day) for rule in rules)

    def _rule(self, rule: Row, entity: str, member_id: str, member: Row, day: date) -> bool:
        attribute = rule["attribute"]
        if entity == "partner" and attribute == "tier":
            tier = self._master.tier(member_id, day)
            actual = set() if tier is None else {tier}
        elif entity == "partner" and attribute == "group_id":
            actual = self._master.groups(member_id, day)
        else:
            actual = set() if member[attribute] is None else {member[attribute]}
        return OPERATORS[rule["operator"]](actual, rule["value"])


def _numbers(actual: set[Any]) -> list[Decimal]:
    """Return those of the texts that are numbers."""
    numbers = []
    for text in actual:
        with suppress(InvalidOperation):
            numbers.append(Decimal(text))
    return numbers


OPERATORS: dict[str, Callable[[set[Any], str], bool]] = {
    "=": lambda actual, value: value in actual,
    "!=": lambda actual, value: value not in actual,
    "in": lambda actual, value: bool(actual & set(value.split("|"))),
    ">=": lambda actual, value: any(number >= Decimal(value) for number in _numbers(actual)),
    "<": lambda actual, value: any(number < Decimal(value) for number in _numbers(actual)),
}
"""Operators of segment rules on the values of an attribute (none, one, or the groups of a partner)."""


class Program:
    """One program version with the rows of its tables."""

    def __init__(self, row: Row, tables: Mapping[str, Sequence[Row]]) -> None:
        self.row = row
        self.key: str = row["program_key"]
        self.participant_rules = [r for r in tables["program_participant_rule"] if r["program_key"] == self.key]
        self.enrolled = [r for r in tables.get("program_enrolment", ()) if r["program_key"] == self.key]
        self.scopes = {r["scope_key"]: r for r in tables["program_scope"] if r["program_key"] == self.key}
        self.streams = {scope["stream"] for scope in self.scopes.values()}
        self.scope_rules = {
            key: [r for r in tables.get("program_scope_rule", ()) if r["scope_key"] == key] for key in self.scopes
        }

    def covers(self, day: date) -> bool:
        """Say whether the program is valid on the day."""
        last = self.row["valid_to"]
        return self.row["valid_from"] <= day and (last is None or day <= last)

    def enrolled_on(self, participant_id: str, day: date) -> bool:
        """Say whether the participant takes part on the day.

        A program with acceptances is one with enrolment by acceptance (without any it is not
        calculated); the participant takes part from the day of acceptance on.
        """
        if not self.enrolled:
            return True
        return any(r["participant_id"] == participant_id and r["accepted_on"] <= day for r in self.enrolled)


class Judge:
    """Decides on lines, one program at a time."""

    def __init__(self, master: Master, segments: Segments, units: Units, rates: Rates) -> None:
        self._master, self._segments, self._units, self._rates = master, segments, units, rates
        self._products: dict[tuple[str, str, date], bool] = {}
        self._admitted: dict[tuple[str, str, date], str | None] = {}

    def line(self, program: Program, line: Row) -> Eligible | str:
        """Return what the line counts as for the program, or the reason why it does not count."""
        day: date = line["document_date"]
        if line["stream"] not in program.streams:
            return "stream"
        if not program.covers(day):
            return "outside_validity"
        partner_id = line[f"{program.row['participant_role']}_id"]
        if partner_id is None:
            return "no_participant"
        refused = self._refused(program, partner_id, day)
        if refused:
            return refused
        by_group = program.row["aggregate"] == "group"
        participant_id = self._master.group(partner_id, day) if by_group else partner_id
        if participant_id is None:
            return "no_group"
        if not program.enrolled_on(participant_id, day):
            return "not_enrolled"
        quantity = self._units.base_quantity(line)
        if quantity is None:
            return "no_unit"
        rate = self._rates.rate(line["currency"], program.row["currency"], day)
        if rate is None:
            return "no_fx_rate"
        amount = Decimal(line["net_amount"]) * rate
        outside = {
            use: self._outside(program, program.row[f"{use}_scope"], line, partner_id, amount, quantity)
            for use in ("target", "earning")
        }
        if all(outside.values()):
            return outside["earning"] or ""
        return Eligible(
            program_key=program.key,
            line_key=line_key(line),
            period_id=period_id(program.row["measurement"], day),
            participant_id=participant_id,
            member_id=partner_id,
            amount=amount,
            quantity=quantity,
            in_target=outside["target"] is None,
            in_earning=outside["earning"] is None,
            line=line,
        )

    def _refused(self, program: Program, partner_id: str, day: date) -> str | None:
        if partner_id not in self._master.partners:
            return "not_admitted"
        at = (program.key, partner_id, day)
        if at not in self._admitted:
            names = {
                rule: [
                    r
                    for r in program.participant_rules
                    if r["rule"] == rule and self._names(r["kind"], r["value"], partner_id, day)
                ]
                for rule in ("include", "exclude")
            }
            reason = "excluded" if names["exclude"] else None if names["include"] else "not_admitted"
            self._admitted[at] = reason
        return self._admitted[at]

    def _names(self, kind: str, value: str | None, partner_id: str, day: date) -> bool:
        if kind == "all":
            return True
        if kind == "partner":
            return value == partner_id
        if kind == "group":
            return value in self._master.groups(partner_id, day)
        if kind == "segment":
            return self._segments.holds(value or "", partner_id, day)
        raise ValueError(f"participant rule of kind {kind}: expected all, segment, partner or group")

    def _outside(
        self, program: Program, scope_key: str, line: Row, partner_id: str, amount: Decimal, quantity: Decimal
    ) -> str | None:
        """Return the first limit of the scope that the line fails; None when it is inside."""
        scope, rules = program.scopes[scope_key], program.scope_rules[scope_key]
        if line["stream"] != scope["stream"]:
            return "stream"
        if not self._product_in(scope_key, rules, line):
            return "product"
        for dimension in LINE_DIMENSIONS:
            mine = [rule for rule in rules if rule["dimension"] == dimension]
            hits = {rule["rule"] for rule in mine if self._dimension(rule, line, partner_id)}
            if "exclude" in hits or ("include" not in hits and any(rule["rule"] == "include" for rule in mine)):
                return dimension
        for name, value, per in (
            ("price", abs(amount), abs(quantity)),
            ("quantity", abs(quantity), Decimal(1)),
            ("amount", abs(amount), Decimal(1)),
        ):
            low, high = scope[f"min_{name}"], scope[f"max_{name}"]
            if (low is not None and value < low * per) or (high is not None and value > high * per):
                return f"{name}_limit"
        return None

    def _product_in(self, scope_key: str, rules: Sequence[Row], line: Row) -> bool:
        product_id, day = line["product_id"], line["document_date"]
        at = (scope_key, product_id, day)
        if at not in self._products:
            mine = [rule for rule in rules if rule["dimension"] in PRODUCT_DIMENSIONS]
            hits = {rule["rule"] for rule in mine if self._product(rule, product_id, day)}
            limited = any(rule["rule"] == "include" for rule in mine)
            self._products[at] = "exclude" not in hits and ("include" in hits or not limited)
        return self._products[at]

    def _product(self, rule: Row, product_id: str, day: date) -> bool:
        if rule["dimension"] == "product_segment":
            return self._segments.holds(rule["value"], product_id, day)
        column = "product_id" if rule["dimension"] == "sku" else rule["dimension"]
        return bool(self._master.products[product_id][column] == rule["value"])

    def _dimension(self, rule: Row, line: Row, partner_id: str) -> bool:
        dimension, value = rule["dimension"], rule["value"]
        if dimension == "end_customer_segment":
            return self._segments.holds(value, line["end_customer_id"], line["document_date"])
        if dimension == "document_type":
            return bool(line["document_type"] == value)
        partner = self._master.partners.get(partner_id, {})
        if dimension == "channel":
            return bool(partner.get("channel") == value)
        return bool((line["region"] or partner.get("region")) == value)
