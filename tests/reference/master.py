"""What is known about partners, end customers and products, and the segments that they belong to.

What belongs here: dated tiers and groups, rules on attributes and on trailing purchases (semantics 1).
What does not: programs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.reference.lines import Line, Rates, Row, newest

PURCHASES_FX_MAX_AGE_DAYS = 10
"""How old an exchange rate may be for trailing purchases, which belong to no program."""


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

    def changes(self, partner_id: str) -> set[date]:
        """Return the days on which something dated about the partner changes."""
        days = set()
        for row in (*self._tiers[partner_id], *self._groups[partner_id]):
            days.add(row["valid_from"])
            if row["valid_to"] is not None:
                days.add(row["valid_to"] + timedelta(days=1))
        return days


def _by_partner(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    by_partner: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_partner[row["partner_id"]].append(row)
    return by_partner


def _valid(row: Row, day: date) -> bool:
    return row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"])


class Segments:
    """Named sets of partners, end customers and products, by rules on attributes and trailing purchases."""

    def __init__(
        self, segments: Iterable[Row], rules: Iterable[Row], master: Master, lines: Sequence[Line], rates: Rates
    ) -> None:
        self._entity = {row["segment_id"]: row["entity"] for row in segments}
        self._rules: defaultdict[str, list[Row]] = defaultdict(list)
        for rule in rules:
            self._rules[rule["segment_id"]].append(rule)
        self._master, self._lines, self._rates = master, lines, rates
        self._known: dict[tuple[str, str, date], bool] = {}
        self._bought: dict[int, dict[tuple[str, int], Decimal]] = {}

    def holds(self, segment_id: str, member_id: str | None, day: date) -> bool:
        """Say whether every rule of the segment holds for this partner, end customer or product.

        Raises KeyError for an unknown segment. Nobody (None) is in no segment, and nobody is in a
        segment without rules.
        """
        entity = self._entity[segment_id]
        if member_id is None:
            return False
        when = day if entity == "partner" else day.replace(day=1)  # nothing else is dated by less than months
        at = (segment_id, member_id, when)
        if at not in self._known:
            self._known[at] = self._judge(entity, segment_id, member_id, when)
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
        if attribute == "purchases":
            bought = self._purchases(rule, entity, member_id, day)
            return {">=": bought >= Decimal(rule["value"]), "<": bought < Decimal(rule["value"])}[rule["operator"]]
        if entity == "partner" and attribute == "tier":
            tier = self._master.tier(member_id, day)
            actual = set() if tier is None else {tier}
        elif entity == "partner" and attribute == "group_id":
            actual = self._master.groups(member_id, day)
        else:
            actual = set() if member[attribute] is None else {member[attribute]}
        return OPERATORS[rule["operator"]](actual, rule["value"])

    def _purchases(self, rule: Row, entity: str, member_id: str, day: date) -> Decimal:
        """Return what the member bought in the calendar months before that of the day."""
        if id(rule) not in self._bought:
            self._bought[id(rule)] = self._by_month(rule, entity)
        bought, this_month = self._bought[id(rule)], _month_number(day)
        months = range(this_month - int(rule["months"]), this_month)
        return sum((bought.get((member_id, month), Decimal(0)) for month in months), Decimal(0))

    def _by_month(self, rule: Row, entity: str) -> dict[tuple[str, int], Decimal]:
        """Return what each member bought in each calendar month, over the lines that the rule looks at."""
        bought: defaultdict[tuple[str, int], Decimal] = defaultdict(Decimal)
        for line in self._lines:
            row = line.row
            member = {
                "partner": row["reseller_id"] or row["sold_to_id"],
                "end_customer": row["end_customer_id"],
                "product": row["product_id"],
            }[entity]
            if member is None or (rule["stream"] and rule["stream"] != row["stream"]):
                continue
            if rule["product_segment"] and not self.holds(rule["product_segment"], row["product_id"], line.day):
                continue
            value = line.quantity if rule["of"] == "quantity" else self._amount(line, rule["currency"])
            if value is not None:
                bought[member, _month_number(line.day)] += value
        return dict(bought)

    def _amount(self, line: Line, currency: str) -> Decimal | None:
        rate = self._rates.rate(line.row["currency"], currency, line.day, PURCHASES_FX_MAX_AGE_DAYS)
        return None if rate is None else Decimal(line.row["net_amount"]) * rate


def _month_number(day: date) -> int:
    return day.year * 12 + day.month


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
