"""Memberships of segments by attributes and trailing purchases: the models against the calculator, on random rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from orchestration import books, matching
from orchestration.runs import RunContext, month_of, write_run_context
from orchestration.settings import Settings
from orchestration.transform import dbt_arguments
from orchestration.transform.dbt import run_dbt
from tests.reference.build import line, membership, partner, product, segment_rule, tier_of
from tests.reference.lines import Rates, Units, current_lines
from tests.reference.master import Master, Segments
from tests.warehouse import Built, Dict, Seeds, draft_programs, write_rows

AS_OF = date(2017, 6, 20)
PARTNERS, CUSTOMERS, PRODUCTS = ([f"{letter}-{number}" for number in range(1, 9)] for letter in ("R", "H", "P"))
MEMBERS = {"partner": [*PARTNERS, "D-1"], "end_customer": CUSTOMERS, "product": PRODUCTS}


def of_amount(value: str, months: int, currency: str = "USD", **columns: str) -> Dict:
    """Columns of a rule on the amount of purchases."""
    return {"value": value, "months": str(months), "of": "amount", "currency": currency, **columns}


def of_quantity(value: str, months: int, **columns: str) -> Dict:
    """Columns of a rule on the quantity of purchases."""
    return {"value": value, "months": str(months), "of": "quantity", **columns}


RULES: dict[str, tuple[str, list[Dict]]] = {
    "gold": ("partner", [segment_rule("gold", "tier", "=", "gold")]),
    "big": ("partner", [segment_rule("big", "purchases", ">=", **of_amount("40", 3))]),
    "big_gold": (
        "partner",
        [
            segment_rule("big_gold", "tier", "!=", "silver"),
            segment_rule("big_gold", "group_id", "=", "G-1"),
            segment_rule("big_gold", "purchases", ">=", **of_amount("15.5", 1, "CAD")),
        ],
    ),
    "between": (
        "partner",
        [
            segment_rule("between", "purchases", ">=", **of_quantity("2", 2, stream="sell_through")),
            segment_rule("between", "purchases", "<", **of_quantity("9", 12, product_segment="food")),
        ],
    ),
    "few_returns": ("partner", [segment_rule("few_returns", "purchases", "<", **of_amount("-1", 36))]),
    "homes": ("end_customer", [segment_rule("homes", "end_customer_type", "=", "household")]),
    "idle": (
        "end_customer",
        [
            segment_rule("idle", "purchases", "<", **of_amount("0.01", 2)),
            segment_rule("idle", "size_band", ">=", "3"),
        ],
    ),
    "food": ("product", [segment_rule("food", "family", "in", "F-1|F-2")]),
    "sellers": ("product", [segment_rule("sellers", "purchases", ">=", **of_quantity("5", 1))]),
}


def rows(random: Random) -> dict[str, list[Dict]]:
    """Master data with dated tiers and groups, rates with gaps, and lines of a year and a half."""
    day = date(2016, 1, 1)
    return {
        "partner": [partner(name) for name in MEMBERS["partner"]] + [partner("G-1"), partner("G-2")],
        "partner_tier": [
            tier_of(name, random.choice(["gold", "silver"]), day + timedelta(days=random.randrange(500)))
            for name in PARTNERS
            for _ in range(2)
        ],
        "partner_group": [
            membership(name, random.choice(["G-1", "G-2"]), date(2017, 1, 1) + timedelta(days=random.randrange(100)))
            for name in PARTNERS
        ],
        "end_customer": [
            {
                "end_customer_id": name,
                "end_customer_name": name,
                "end_customer_type": "household",
                "size_band": random.choice(["2", "3", "5+", None]),
            }
            for name in CUSTOMERS
        ],
        "product": [product(name, family=random.choice(["F-1", "F-2", "F-3"])) for name in PRODUCTS],
        "product_unit": [{"product_id": name, "unit": "CS", "factor": Decimal(6)} for name in PRODUCTS],
        "fx_rate": [
            {"from_currency": a, "to_currency": b, "rate_date": day + timedelta(days=n), "rate": Decimal(rate)}
            for n in range(0, 560, 9)
            for a, b, rate in (("CAD", "USD", "0.75"), ("USD", "CAD", f"1.{30 + n % 7}"))
            if random.random() < 0.8
        ],
        "line": [
            line(
                str(number),
                str(random.choice([1, -1, 2, 3]) * random.choice([Decimal("5.25"), Decimal(10), Decimal("7.75")])),
                quantity=str(random.choice([1, -1, 2])),
                row_number=number + 1,
                day=day + timedelta(days=random.randrange(560)),
                stream=(stream := random.choice(["sell_in", "sell_through"])),
                partner=random.choice(PARTNERS) if stream == "sell_in" else None,
                reseller_id=random.choice([*PARTNERS, None]) if stream == "sell_through" else None,
                distributor_id="D-1" if stream == "sell_through" else None,
                end_customer_id=random.choice([*CUSTOMERS, None, "H-unknown"]),
                product=random.choice(PRODUCTS),
                unit=random.choice(["EA", "EA", "CS"]),
                currency=random.choice(["USD", "CAD"]),
            )
            for number in range(300)
        ],
    }


def built(settings: Settings, entities: dict[str, list[Dict]], seeds: Seeds) -> Built:
    """Build what memberships need, and its tests; nothing after it."""
    settings = draft_programs(settings, [], seeds)
    write_rows(settings, entities)
    books.prepare(settings)
    matching.prepare(settings)
    write_run_context(settings, RunContext(AS_OF, month_of(AS_OF), "0" * 64, 0))
    arguments = dbt_arguments("build", select="+dim_segment_member +int_entity_segment +int_scope_product")
    run_dbt(settings, [*arguments, "--indirect-selection", "cautious"])
    return Built(settings)


def days() -> Iterator[date]:
    """The days around which something may change."""
    for month in range(24):
        first = date(2016 + month // 12, month % 12 + 1, 1)
        yield from (first - timedelta(days=1), first, first + timedelta(days=13))


def test_memberships_are_those_of_the_calculator(settings: Settings) -> None:
    entities = rows(Random(1))
    segments = [{"segment_id": name, "entity": entity} for name, (entity, _) in RULES.items()]
    rules = [rule for _, of_segment in RULES.values() for rule in of_segment]
    warehouse = built(settings, entities, Seeds(segments, rules))

    master = Master(entities)
    lines = current_lines(entities["line"], AS_OF, Units(entities["product"], entities["product_unit"]))
    expected = Segments(segments, rules, master, lines, Rates(entities["fx_rate"]))
    stays: defaultdict[tuple[str, str], list[tuple[date, date]]] = defaultdict(list)
    for row in warehouse.rows("int_segment_member"):
        stays[row["segment_id"], row["entity_id"]].append((row["valid_from"], row["valid_to"]))
    changing = set()
    for name, (entity, _) in RULES.items():
        for member in MEMBERS[entity]:
            held = {day: expected.holds(name, member, day) for day in days()}
            found = {day: sum(first <= day <= last for first, last in stays[name, member]) for day in days()}
            assert found == held, (name, member)
            if len(set(held.values())) == 2:
                changing.add(name)
    assert changing >= set(RULES) - {"homes", "food", "few_returns"}, "the rows try too little"

    known = date(2017, 6, 30)  # of the month after the as-of date nothing is known yet
    shown = {
        (r["segment_id"], r["entity_id"], r["valid_from"]): r["valid_to"] for r in warehouse.rows("dim_segment_member")
    }
    for (name, member, first), last in shown.items():
        by_purchases = any(rule["attribute"] == "purchases" for rule in RULES[name][1])
        assert last <= known or not by_purchases
        assert (name, member, last + timedelta(days=1) if last < date.max else last) not in shown, "stays that touch"
        assert all(expected.holds(name, member, day) for day in days() if first <= day <= last)
