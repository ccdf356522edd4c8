"""A small channel with everything in it that can go wrong, and programs of every kind over it.

What belongs here: master rows (dated tiers and groups, overlapping and ending), lines of two years in
several currencies, units and files, claims, program documents. What does not: figures.

The world stands still; lines and documents are drawn, each from whole numbers alone: by Hypothesis
(``lines``, ``documents``), which shrinks, or many at once by a seeded generator (``many``), so that
one build of the warehouse serves hundreds of programs that are the same on every machine. ``a_document``
draws one program; ``a_family`` one, or several that belong together: versions, or a stacking group.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.golden.document import Document, document, level
from tests.reference.build import fund_claim, line, membership, partner, product, segment_rule, tier_of

T = TypeVar("T")
Dict = dict[str, Any]
D = Decimal

AS_OF = date(2023, 12, 15)
FIRST, LAST = date(2021, 12, 1), date(2024, 1, 20)
VALID = ("2023-01-01", "2023-12-31")

PARTNERS = [f"R-{number}" for number in range(1, 9)]
DISTRIBUTORS = ["D-1", "D-2"]
GROUPS = ["G-1", "G-2", "G-3"]
PRODUCTS = [f"P-{number}" for number in range(1, 11)]
END_CUSTOMERS = [f"H-{number}" for number in range(1, 7)]
CHANNELS = ["grocery", "drug", "club"]
REGIONS = ["NORTH", "SOUTH", "WEST"]
CALENDARS = ["months", "retail_445"]
FAMILIES, BRANDS, CATEGORIES = ["milk", "bread", "soap"], ["B-1", "B-2", "B-3", "B-4"], ["food", "care"]

SEGMENTS: list[Dict] = [
    {"segment_id": "gold_partners", "entity": "partner"},
    {"segment_id": "not_gold", "entity": "partner"},
    {"segment_id": "north_or_west", "entity": "partner"},
    {"segment_id": "club_g1", "entity": "partner"},
    {"segment_id": "outside_g1", "entity": "partner"},
    {"segment_id": "families_with_children", "entity": "end_customer"},
    {"segment_id": "large", "entity": "end_customer"},
    {"segment_id": "small", "entity": "end_customer"},
    {"segment_id": "food_of_b1", "entity": "product"},
    {"segment_id": "not_soap", "entity": "product"},
    {"segment_id": "buyers", "entity": "partner"},
    {"segment_id": "buyers_of_food", "entity": "partner"},
    {"segment_id": "small_buyers", "entity": "partner"},
    {"segment_id": "regulars", "entity": "end_customer"},
    {"segment_id": "fast_movers", "entity": "product"},
]
SEGMENT_RULES: list[Dict] = [
    segment_rule(segment, attribute, operator, value)
    for segment, attribute, operator, value in (
        ("gold_partners", "tier", "=", "gold"),
        ("not_gold", "tier", "!=", "gold"),
        ("not_gold", "partner_type", "=", "reseller"),
        ("north_or_west", "region", "in", "NORTH|WEST"),
        ("club_g1", "group_id", "=", "G-1"),
        ("club_g1", "channel", "!=", "drug"),
        ("outside_g1", "group_id", "!=", "G-1"),
        ("families_with_children", "composition", "in", "2 Adults Kids|1 Adult Kids"),
        ("large", "size_band", ">=", "3"),
        ("small", "size_band", "<", "3"),
        ("food_of_b1", "category", "=", "food"),
        ("food_of_b1", "brand", "in", "B-1|B-2"),
        ("not_soap", "family", "!=", "soap"),
        ("small_buyers", "partner_type", "=", "reseller"),
    )
]
SEGMENT_RULES += [
    segment_rule(segment, "purchases", operator, value, months=months, of=of, **more)
    for segment, operator, value, months, of, more in (
        ("buyers", ">=", "1500", "3", "amount", {"currency": "USD"}),
        ("buyers_of_food", ">=", "500", "2", "amount", {"currency": "CAD", "product_segment": "food_of_b1"}),
        ("small_buyers", "<", "60", "6", "quantity", {"stream": "sell_in"}),
        ("regulars", ">=", "40", "12", "quantity", {}),
        ("fast_movers", ">=", "800", "1", "amount", {"currency": "USD", "stream": "sell_through"}),
    )
]
LEGAL_ENTITIES: list[Dict] = [
    {"legal_entity": "JP01", "name": "Consumer Brands K.K.", "country": "JP", "currency": "JPY", "calendar": "months"},
    {
        "legal_entity": "KW01",
        "name": "Consumer Brands W.L.L.",
        "country": "KW",
        "currency": "KWD",
        "calendar": "retail_445",
    },
]
MINOR_UNITS = {"USD": 2, "CAD": 2, "JPY": 0, "KWD": 3}
ENTITY_OF = {"USD": "US01", "CAD": "CA01", "JPY": "JP01", "KWD": "KW01"}

DEALS: list[tuple[str, str, str, str, str]] = [
    ("SP-1", "R-1", "D-1", "H-1", "P-1"),
    ("SP-1", "R-1", "D-1", "H-1", "P-2"),
    ("SP-2", "R-2", "D-1", "H-2", "P-3"),
    ("SP-3", "R-4", "D-2", "H-3", "P-4"),
    ("SP-3", "R-5", "D-2", "H-3", "P-4"),
    ("SP-4", "R-1", "D-2", "H-4", "P-6"),
]
"""Special prices: authorisation number, reseller, distributor, end customer, product."""


def master() -> dict[str, list[Dict]]:
    """Return the accepted rows of every entity but lines. Two versions of some; the newer file wins."""
    partners = [
        partner(name, channel=CHANNELS[n % 3], region=[*REGIONS, None][n % 4], country="US" if n % 2 else "CA")
        for n, name in enumerate(PARTNERS)
    ]
    partners += [partner(name, partner_type="distributor", region="WEST") for name in DISTRIBUTORS]
    partners += [partner(name, partner_type="buying_group", channel="club") for name in GROUPS]
    partners.append(partner("R-1", channel="club", region="SOUTH", file_sequence=2))
    tiers = [
        tier_of("R-1", "gold", date(2022, 1, 1)),
        tier_of("R-2", "silver", date(2023, 1, 1), date(2023, 6, 30)),
        tier_of("R-2", "gold", date(2023, 7, 1)),
        tier_of("R-3", "gold", date(2023, 1, 1), date(2023, 3, 15)),
        tier_of("R-4", "silver", date(2023, 2, 1)),
        tier_of("R-5", "gold", date(2022, 1, 1)),
        tier_of("R-5", "silver", date(2023, 9, 1)),
        {**tier_of("R-4", "gold", date(2023, 2, 1)), "file_sequence": 2},
    ]
    groups = [
        membership("R-1", "G-1", date(2022, 1, 1)),
        membership("R-2", "G-1", date(2023, 1, 1), date(2023, 5, 31)),
        membership("R-2", "G-2", date(2023, 6, 1)),
        membership("R-3", "G-2", date(2022, 1, 1), date(2023, 9, 30)),
        membership("R-4", "G-2", date(2023, 1, 1)),
        membership("R-4", "G-1", date(2023, 4, 1), date(2023, 8, 31)),
        membership("R-5", "G-3", date(2022, 1, 1)),
        membership("R-6", "G-1", date(2023, 10, 1)),
        membership("D-1", "G-3", date(2022, 1, 1)),
    ]
    products = [
        product(
            name,
            family=FAMILIES[n % 3],
            brand=BRANDS[n % 4],
            category=CATEGORIES[(n // 2) % 2],
            base_unit="CS" if n == 9 else "EA",
        )
        for n, name in enumerate(PRODUCTS)
    ]
    units = [
        {"product_id": name, "unit": "CS", "factor": D(factor)}
        for name, factor in zip(PRODUCTS[:4], (12, 6, 24, 10), strict=True)
    ]
    units.append({"product_id": "P-5", "unit": "CS", "factor": D("0.333333")})
    units.append({"product_id": "P-10", "unit": "EA", "factor": D("0.125")})
    units.append({"product_id": "P-1", "unit": "CS", "factor": D(10), "file_sequence": 2})
    customers = [
        {
            "end_customer_id": name,
            "end_customer_name": name,
            "end_customer_type": "household",
            "size_band": ["1", "2", "3", "5+", None, "4"][n],
            "composition": ["2 Adults Kids", "1 Adult Kids", "2 Adults No Kids", None, "1 Adult Kids", "Single"][n],
        }
        for n, name in enumerate(END_CUSTOMERS)
    ]
    rates: list[Dict] = []
    for (base, quote), value in {
        ("CAD", "USD"): "0.7502",
        ("USD", "CAD"): "1.33297787",
        ("USD", "JPY"): "131.875",
        ("CAD", "JPY"): "98.5",
        ("USD", "KWD"): "0.3075",
        ("CAD", "KWD"): "0.2267",
    }.items():
        day = date(2021, 11, 25)
        while day < LAST:
            step = (day - FIRST).days
            rates.append(
                {
                    "from_currency": base,
                    "to_currency": quote,
                    "rate_date": day,
                    "rate": D(value) + D(step % 17) / D(10000),
                }
            )
            day += timedelta(days=14 if step % 5 == 0 else 7)
    rates.append({**rates[3], "rate": D("0.8"), "file_sequence": 2})
    return {
        "partner": partners,
        "partner_tier": tiers,
        "partner_group": groups,
        "product": products,
        "product_unit": units,
        "end_customer": customers,
        "fx_rate": rates,
    }


class Choice:
    """Everything that is drawn, from one source of whole numbers between two bounds (both included)."""

    def __init__(self, integer: Callable[[int, int], int]) -> None:
        self.integer = integer

    def one(self, *values: T) -> T:
        """Return one of the values."""
        return values[self.integer(0, len(values) - 1)]

    def once_in(self, times: int) -> bool:
        """Return True once in so many times."""
        return self.integer(1, times) == 1

    def some(self, values: Sequence[str], most: int = 3) -> list[str]:
        """Return one to so many of the values, each once."""
        left = list(values)
        return [left.pop(self.integer(0, len(left) - 1)) for _ in range(self.integer(1, min(most, len(left))))]

    def number(self, low: int, high: int, places: int) -> str:
        """Return a decimal with so many places, as it is written."""
        return format(D(self.integer(low * 10**places, high * 10**places)).scaleb(-places), "f")


def _by_hypothesis(make: Callable[[Choice], T]) -> st.SearchStrategy[T]:
    @st.composite
    def strategy(draw: st.DrawFn) -> T:
        return make(Choice(lambda low, high: draw(st.integers(low, high))))

    return strategy()


def many(make: Callable[[Choice], T], count: int, start: int) -> list[T]:
    """Return so many draws, the same for the same start."""
    choice = Choice(random.Random(start).randint)
    return [make(choice) for _ in range(count)]


# --- lines ------------------------------------------------------------------------------------------
FILES = {"erp": (1, 2, 3), "pos": (11, 12, 13)}
"""Receipt numbers of the files of each source; a later one is newer."""

ROUND_DAYS = (
    *(date(2023, 1, 1), date(2023, 1, 29), date(2023, 3, 31), date(2023, 4, 1), date(2023, 6, 30), date(2023, 12, 31)),
    *(date(2022, 2, 28), date(2022, 3, 31), date(2022, 12, 31), AS_OF),
)


def a_line(choice: Choice) -> Dict:
    """Draw one accepted row: sell-in of the ERP or sell-through of a distributor's report."""
    source = choice.one("erp", "pos")
    sell_in = source == "erp"
    amount = choice.one(
        choice.one("0", "100", "250", "500", "-100", "-250", "1000", "33.33", "0.01", "-0.01", "99.99"),
        choice.number(-300, 900, 4),
    )
    quantity = choice.one(choice.one("0", "1", "2", "5", "10", "-1", "-5", "100"), choice.number(-5, 20, 4))
    day = FIRST + timedelta(days=choice.integer(0, (LAST - FIRST).days))
    buyer = None if choice.once_in(10) else choice.one(*PARTNERS)
    distributor = None if choice.once_in(10) else choice.one(*DISTRIBUTORS)
    customer = choice.one(None, *END_CUSTOMERS)
    product_id = choice.one(*PRODUCTS)
    number: str | None = None
    if not sell_in and choice.once_in(2):
        deal = choice.one(*DEALS)
        number = choice.one(deal[0], deal[0], deal[0], deal[0], "SP-2", "SP-99")
        buyer, distributor, customer = (
            drawn if choice.once_in(12) else meant
            for drawn, meant in zip((buyer, distributor, customer), deal[1:4], strict=True)
        )
        product_id = product_id if choice.once_in(12) else deal[4]
    has_case = product_id in (*PRODUCTS[:5], "P-10")
    intents = ["original"] * 20 + ["addendum", "replacement", "cancellation"]
    backwards = amount.startswith("-") or choice.once_in(4)
    return line(
        f"{source}-{choice.integer(1, 600)}",
        amount,
        quantity=quantity,
        day=choice.one(*ROUND_DAYS) if choice.once_in(4) else day,
        partner=buyer if sell_in else distributor,
        product=product_id,
        line_number=choice.one("1", "1", "1", "2"),
        stream="sell_in" if sell_in else "sell_through",
        document_type=choice.one("return", "return", "credit_memo") if backwards else "invoice",
        reference_document_number=choice.one(None, f"{source}-{choice.integer(1, 600)}"),
        record_intent="original" if sell_in else choice.one(*intents),
        ship_to_id=choice.one(None, *PARTNERS) if sell_in else buyer,
        distributor_id=None if sell_in else distributor,
        reseller_id=None if sell_in else buyer,
        end_customer_id=customer,
        unit=choice.one("EA", "CS") if has_case else "EA",
        currency=choice.one("USD", "USD", "CAD"),
        authorization_number=number,
        region=choice.one(None, *REGIONS),
        source=source,
        file_sequence=choice.one(*FILES[source]),
        verdict=choice.one("accepted", "accepted", "accepted", "held"),
    )


def lines() -> st.SearchStrategy[Dict]:
    """Return the strategy of ``a_line``."""
    return _by_hypothesis(a_line)


def numbered(rows: Sequence[Dict]) -> list[Dict]:
    """Give every row the number of its place."""
    return [{**row, "row_number": number} for number, row in enumerate(rows, start=1)]


# --- documents --------------------------------------------------------------------------------------
def _segments(entity: str) -> list[str]:
    return [row["segment_id"] for row in SEGMENTS if row["entity"] == entity]


def _named(choice: Choice, dimensions: Mapping[str, Sequence[str]], includes: int, excludes: int) -> Dict:
    """Draw names per dimension, each once in so many times, and names to leave out; never both."""
    included: Dict = {name: choice.some(values) for name, values in dimensions.items() if choice.once_in(includes)}
    excluded = {
        name: left
        for name, values in dimensions.items()
        if choice.once_in(excludes)
        and (left := [value for value in choice.some(values, 2) if value not in included.get(name, ())])
    }
    return included | ({"exclude": excluded} if excluded else {})


def _limits(choice: Choice) -> Dict:
    limits: Dict = {}
    for name, high in (("price", 200), ("quantity", 30), ("amount", 600)):
        if choice.once_in(10):
            low, top = sorted((choice.number(0, high, 1), choice.number(0, high, 1)), key=D)
            limits[name] = choice.one({"min": low}, {"max": top}, {"min": low, "max": top})
    return limits


def _products(choice: Choice, once_in: int) -> Dict:
    """Draw names of products, each dimension once in so many times."""
    names = {
        "skus": PRODUCTS,
        "families": FAMILIES,
        "brands": BRANDS,
        "categories": CATEGORIES,
        "segments": _segments("product"),
    }
    return _named(choice, names, includes=once_in, excludes=2 * once_in)


def _scope(choice: Choice, stream: str) -> Dict:
    products = _products(choice, 7)
    names = _named(
        choice,
        {
            "end_customer_segments": _segments("end_customer"),
            "channels": CHANNELS,
            "regions": REGIONS,
            "document_types": ["invoice", "credit_memo", "return"],
        },
        includes=12,
        excludes=15,
    )
    limits = _limits(choice)
    fields: Dict = {"stream": stream} | names
    if stream == "both":
        fields["double_counting"] = choice.one("prefer_sell_in", "prefer_sell_through")
    if products:
        fields["products"] = products
    if limits:
        fields["limits"] = limits
    if choice.once_in(3):
        fields["returns"] = "by_original_document"
    return fields


ROLES = {
    "sell_in": ("sold_to", "ship_to"),
    "sell_through": ("distributor", "reseller", "ship_to"),
    "both": ("ship_to", "sold_to"),
}
"""Participant roles that lines of the stream have."""


def _participants(choice: Choice, role: str, by_group: bool, one_by_one: bool) -> Dict:
    """Draw who takes part; ``one_by_one``: names may be listed (no figures depend on it)."""
    who: Dict = {"role": role}
    if choice.once_in(2):
        who["all"] = True
    else:
        who["segments"] = choice.some(_segments("partner"), 2)
        if one_by_one and choice.once_in(2):
            who["partners"] = choice.some([*PARTNERS, *DISTRIBUTORS])
        if one_by_one and choice.once_in(2):
            who["groups"] = choice.some(GROUPS, 2)
    excluded = {
        name: left
        for name, values in (("partners", PARTNERS), ("groups", GROUPS), ("segments", _segments("partner")))
        if choice.once_in(10) and (left := [v for v in choice.some(values, 2) if v not in who.get(name, ())])
    }
    if excluded:
        who["exclude"] = excluded
    if choice.once_in(6):
        names = GROUPS if by_group else [*PARTNERS, *DISTRIBUTORS]
        who["enrolment"] = "by_acceptance"
        who["acceptances"] = [
            {"participant": name, "accepted_on": choice.one("2022-06-01", "2023-03-31", "2023-07-01")}
            for name in choice.some(names, 6)
        ]
    return who


_PERIODS = {
    "month": [f"2023-{month:02}" for month in range(1, 13)],
    "quarter": [f"2023-Q{quarter}" for quarter in range(1, 5)],
    "half_year": ["2023-H1", "2023-H2"],
    "year": ["2023"],
    "program": ["program"],
}

PERCENTAGES = ("growth", "attainment", "share")
KINDS = ("amount", "amount", "quantity", "growth", "growth", "attainment", "share", "count")


@dataclass(frozen=True)
class Frame:
    """What programs of one stacking group have in common."""

    currency: str
    measurement: str
    calendar: str | None
    role: str
    by_group: bool

    @property
    def names(self) -> list[str]:
        """Who may be a participant."""
        return GROUPS if self.by_group else [*PARTNERS, *DISTRIBUTORS]

    def stream(self, choice: Choice) -> str:
        """Draw a stream whose lines have the role."""
        return choice.one(*(stream for stream, roles in ROLES.items() if self.role in roles))


def a_frame(choice: Choice) -> Frame:
    """Draw what a program stands in."""
    return Frame(
        currency=choice.one("USD", "USD", "USD", "CAD", "JPY", "KWD"),
        measurement=choice.one(*_PERIODS),
        calendar=choice.one(None, None, *CALENDARS),
        role=choice.one("sold_to", "ship_to", "ship_to", "distributor", "reseller"),
        by_group=choice.once_in(4),
    )


def _basis(choice: Choice, kind: str, frame: Frame) -> Dict:
    """Draw a basis of that kind, of the program or of a gate."""
    basis: Dict = {"kind": kind}
    if kind in PERCENTAGES:
        basis["of"] = choice.one("amount", "amount", "quantity")
    if kind == "share":
        basis["subset"] = _products(choice, 2) or {"families": choice.some(FAMILIES, 2)}
    if kind == "count":
        basis["counted"] = choice.one("documents", "end_customers", "first_time_end_customers")
    if kind == "growth":
        basis["baseline"] = choice.one("lines", "lines", "given")
        if choice.once_in(2):
            basis["new_partner"] = choice.one(
                {"treat_as": choice.number(1, 200, 3)}, {"baseline": choice.number(1, 900, 2)}
            )
    if kind == "attainment" or basis.get("baseline") == "given":
        high = 3000 if basis["of"] == "amount" else 60
        periods = _PERIODS[frame.measurement]
        given = {
            participant: {
                period: choice.number(1, choice.one(high // 30, high), 2) for period in periods if not choice.once_in(6)
            }
            for participant in frame.names
        }
        basis["figures"] = {who: figures for who, figures in given.items() if figures and not choice.once_in(5)}
        basis["figures"] = basis["figures"] or {frame.names[0]: {periods[0]: "500"}}
        if kind == "growth" and choice.once_in(2):
            basis["figures"][frame.names[0]] = {periods[0]: "0"}
    return basis


def _gates(choice: Choice, frame: Frame, stream: str) -> list[Dict]:
    gates = []
    for _ in range(choice.one(1, 1, 2, 3)):
        kind = choice.one(*KINDS)
        low = choice.number(0, {"amount": 300, "quantity": 10, "count": 4}.get(kind, 100), 0)
        gate: Dict = {
            "basis": _basis(choice, kind, frame),
            "operator": choice.one(">=", ">=", ">=", ">", "<=", "<", "="),
            "figure": choice.one("0", low, low),
        }
        if choice.once_in(2):
            gate["lines"] = _scope(choice, stream)
        if choice.once_in(2):
            gate["name"] = "a gate"
        gates.append(gate)
    return gates


def _payees(choice: Choice) -> list[Dict]:
    every = ["participant", "sold_to", "ship_to", "distributor", "reseller", "group_head", "end_customer"]
    roles = choice.some(every, 7)
    shares = choice.one(("100",), ("60", "40"), ("50", "50"), ("33.33", "33.33", "33.34"), ("0.01", "99.99"))
    if len(roles) < len(shares):
        roles, shares = roles[:1], ("100",)
    return [
        {"role": role, "share": share}
        | ({"fallback": choice.one("R-8", "D-2")} if role != "participant" and choice.once_in(2) else {})
        for role, share in zip(roles, shares, strict=False)
    ]


def _levels(choice: Choice, kind: str, method: str, rate_kind: str) -> list[Dict]:
    top = {"amount": 1500, "quantity": 60, "count": 6, "share": 60}.get(kind, 180)
    places = 0 if kind == "count" else choice.one(0, 0, 2, 4)
    least, most = {"whole_increment": (1, 1), "linear": (2, 4)}.get(method, (1, 4))
    count = choice.integer(least, most)
    thresholds = sorted({D(choice.number(0, top, places)) for _ in range(count)})
    while len(thresholds) < least:
        thresholds.append(thresholds[-1] + 100)
    levels = []
    for threshold in thresholds:
        flat = choice.number(0, 40, 2) if method == "lump_sum" else None
        if method in ("retrospective", "incremental", "total") and choice.once_in(4):
            flat = choice.number(0, 20, 3)
        rate = choice.one("0", "1", "2.5", "10", "0.333333", choice.number(0, 30, 6))
        levels.append(level(format(threshold, "f"), None if rate_kind == "flat" else rate, flat))
    return levels


def _tiers(choice: Choice, kind: str, method: str, rate_kind: str) -> Dict:
    fields: Dict = {
        "method": method,
        "rate_kind": rate_kind,
        "boundary": choice.one("inclusive", "inclusive", "exclusive"),
        "levels": _levels(choice, kind, method, rate_kind),
    }
    if method == "whole_increment":
        fields["increment"] = choice.one("1", "10", "0.75", "100", "33.3333")
    if method == "lump_sum":
        fields["lump_sum"] = choice.one("highest", "each")
    return fields


def _body(choice: Choice, frame: Frame, stream: str) -> Dict:
    """Draw basis and tiers, or what stands in their place."""
    if stream == "sell_through" and choice.once_in(4):
        return {"price_difference": _price_difference(choice, frame)}
    if not frame.by_group and choice.once_in(10):
        return {"fund": {"percent": choice.number(1, 20, 2), "expires_on": choice.one("2023-09-30", "2024-01-31")}}
    kind = choice.one(*KINDS)
    basis = _basis(choice, kind, frame)
    methods = ["retrospective", "incremental", "rolling", "total", "lump_sum"]
    if kind in ("amount", "quantity"):
        methods += ["linear", "linear", "whole_increment", "whole_increment"]
    method = choice.one(*methods)
    rate_kind = "flat" if method == "lump_sum" else choice.one("percent", "per_unit")
    fields: Dict = {}
    if kind == "growth" and rate_kind == ("percent" if basis["of"] == "amount" else "per_unit"):
        fields["growth_payout"] = choice.one("all", "on_growth", "marginal_growth")
        if fields["growth_payout"] == "marginal_growth":
            method = "incremental"
        if fields["growth_payout"] != "all" and "treat_as" in basis.get("new_partner", {}):
            del basis["new_partner"]
    if choice.once_in(4) and fields.get("growth_payout", "all") == "all":
        fields["target_lines"] = _scope(choice, stream)
    return {**fields, "basis": basis, "tiers": _tiers(choice, kind, method, rate_kind)}


def _price_difference(choice: Choice, frame: Frame) -> Dict:
    """Draw the special prices of some deals, for the partner who has the program's role in each."""
    method = choice.one("contract_price", "amount", "percent", "margin_protection")
    prices: Dict = {"method": method}
    if method == "amount":
        prices["amount"] = choice.number(1, 30, 4)
    if method == "percent":
        prices["percent"] = choice.number(1, 40, 6)
    if method == "margin_protection":
        prices["protected_margin"] = choice.number(1, 60, 6)
    rows: list[Dict] = []
    halves = (("2023-01-15", "2023-06-30"), ("2023-07-01", "2023-12-31"))
    for number, reseller, distributor, customer, product_id in DEALS:
        for first, last in choice.one((("2022-01-01", "2023-12-31"),), halves, halves[1:]):
            row = {
                "number": number,
                "partner": distributor if frame.role in ("distributor", "sold_to") else reseller,
                "end_customer": customer,
                "product": product_id,
                "valid_from": first,
                "valid_to": last,
                "quantity": choice.one("12", "30.5", "150", choice.number(1, 60, 4)),
            }
            cost = choice.integer(10, 60)
            if method != "amount":
                row["reference_cost"] = f"{cost}.25"
            if method == "contract_price":
                row["contract_price"] = choice.number(0, cost, 4)
            if not any(_overlap(known, row) for known in rows):
                rows.append(row)
    return {**prices, "authorizations": rows}


def _overlap(known: Dict, row: Dict) -> bool:
    """Whether two authorisations would both fit a line."""
    same = all(known[name] == row[name] for name in ("number", "partner", "product", "end_customer"))
    return bool(same and known["valid_from"] <= row["valid_to"] and row["valid_from"] <= known["valid_to"])


def _bounds(choice: Choice) -> Dict:
    """Draw caps, floors and a budget: now and then one, sometimes several."""
    amounts = ("10", "0.5", "33.3333", "250", "5")
    fields: Dict = {"cap": {}, "floor": {}}
    for name in ("participant", "program"):
        if choice.once_in(6):
            fields["cap"][name] = choice.one(*amounts)
        if choice.once_in(8):
            fields["floor"][name] = choice.one("1", "0.3333", "7.5", "40")
        if name in fields["cap"] and name in fields["floor"]:
            fields["floor"][name] = min(fields["floor"][name], fields["cap"][name], key=D)
    if choice.once_in(6):
        fields["budget"] = choice.one("50", "12.3456", "300", "1")
    return {name: value for name, value in fields.items() if value}


def a_document(choice: Choice, frame: Frame | None = None) -> Document:
    """Draw one program of any kind; ids and stacking are given by ``named``."""
    frame = frame or a_frame(choice)
    stream = frame.stream(choice)
    body = _body(choice, frame, stream)
    fields: Dict = {**body, **_bounds(choice)}
    if choice.once_in(3):
        fields["gates"] = _gates(choice, frame, stream)
    if choice.once_in(2) and "fund" not in body:
        fields["payees"] = _payees(choice)
    if choice.once_in(3) and "fund" not in body:
        fields["cumulation"] = "to_date"
    if choice.once_in(8):
        fields["fx_max_age_days"] = choice.one("3", "7", "20")
    if frame.calendar is not None:
        fields["calendar"] = frame.calendar
    bases = [fields.get("basis", {}), *(gate["basis"] for gate in fields.get("gates", ()))]
    one_by_one = not any("figures" in basis for basis in bases)
    valid = choice.one(VALID, VALID, ("2023-02-10", "2023-11-20"))
    drawn = document(
        "DRAWN",
        (),
        lines=_scope(choice, stream),
        valid=valid,
        measurement=frame.measurement,
        currency=frame.currency,
        legal_entity=ENTITY_OF[frame.currency],
        aggregate="group" if frame.by_group else "participant",
        participants=_participants(choice, frame.role, frame.by_group, one_by_one),
        **fields,
    )
    return drawn if "tiers" in fields else {name: drawn[name] for name in drawn if name not in ("basis", "tiers")}


def a_family(choice: Choice) -> list[Document]:
    """Draw one program, or several that belong together: two versions of one, or a stacking group.

    Documents of one family with the same id are versions of one program.
    """
    if choice.once_in(3):
        return _group(choice)
    frame = a_frame(choice)
    first = a_document(choice, frame)
    return [first, _version(choice, first, frame)] if choice.once_in(8) else [first]


def _group(choice: Choice) -> list[Document]:
    """Draw a stacking group of two to five programs; now and then one of them has two versions."""
    rule = choice.one("stack", "best_of", "priority", "priority", "net_of", "net_of")
    shared = a_frame(choice)
    members = []
    for number in range(1, choice.integer(2, 4) + 1):
        frame = shared if rule == "best_of" else replace(a_frame(choice), currency=shared.currency)
        stacking: Dict = {"group": "g", "rule": rule}
        if rule in ("priority", "net_of"):
            stacking["order"] = choice.integer(1, 3)
        if rule == "net_of":
            stacking |= {name: False for name in ("reduced_by_earlier", "reduces_later") if choice.once_in(5)}
        member = {**a_document(choice, frame), "id": f"{number}", "stacking": stacking}
        members.append(member)
        if choice.once_in(8):
            members.append({**_version(choice, member, frame), "stacking": stacking})
    return members


def _version(choice: Choice, earlier: Document, frame: Frame) -> Document:
    """Draw a second version that takes over in the middle of the year."""
    later = {
        **a_document(choice, frame),
        "id": earlier["id"],
        "version": 2,
        "supersedes": earlier["id"],
        "valid_from": choice.one("2023-05-17", "2023-07-01", "2023-10-10"),
        "valid_to": "2023-12-31",
    }
    if frame.measurement != "program" and choice.once_in(2):
        later["replaces"] = "period_start"
    if "fund" in later:
        later["fund"] = {**later["fund"], "expires_on": "2023-12-10"}
    return later


def documents() -> st.SearchStrategy[Document]:
    """Return the strategy of ``a_document``."""
    return _by_hypothesis(a_document)


def families() -> st.SearchStrategy[list[Document]]:
    """Return the strategy of ``a_family``."""
    return _by_hypothesis(a_family)


def named(drawn: Sequence[Sequence[Document]]) -> list[Document]:
    """Give every program of the families an id of its own, and every stacking group a name."""
    found = []
    for number, family in enumerate(drawn, start=1):
        for each in family:
            program_id = f"DRAWN-{number}" + ("" if each["id"] == "DRAWN" else f"-{each['id']}")
            each = {**each, "id": program_id}
            if "supersedes" in each:
                each["supersedes"] = f"{program_id}@1"
            if "stacking" in each:
                each["stacking"] = {**each["stacking"], "group": f"group {number}"}
            found.append(each)
    return found


def claims(drawn: Sequence[Document], start: int) -> list[Dict]:
    """Draw claims on the funds among the documents, the same for the same start: rows of fund_claim."""
    choice = Choice(random.Random(start).randint)
    rows = []
    for each in drawn:
        for number in range(choice.integer(0, 20) if "fund" in each else 0):
            rows.append(
                fund_claim(
                    f"{each['id']}-{each['version']}-{number}",
                    choice.number(1, 60, 2),
                    program_id=each["id"],
                    partner_id=choice.one(*PARTNERS, *DISTRIBUTORS),
                    claim_date=choice.one(
                        date(2023, 2, 1), date(2023, 5, 17), date(2023, 9, 30), date(2023, 10, 1), AS_OF
                    ),
                    currency=choice.one(each["currency"], each["currency"], each["currency"], "CAD"),
                    approved_on=choice.one(date(2023, 3, 1), date(2023, 12, 1), LAST),
                    status=choice.one("approved", "approved", "approved", "submitted", "rejected"),
                )
            )
    return rows


def entities(drawn: Sequence[Document], lines: int, start: int) -> dict[str, list[Dict]]:
    """Return the accepted rows of every entity: master rows, so many lines, claims on the funds drawn."""
    return {**master(), "line": numbered(many(a_line, lines, start)), "fund_claim": claims(drawn, start)}


def sharpened(
    drawn: Sequence[Document],
    reached: Mapping[str, Sequence[Decimal]],
    measured: Mapping[tuple[str, int], Sequence[Decimal]],
) -> list[Document]:
    """Put a threshold of every second document, and every second gate, exactly on what a participant has.

    ``reached``: bases by program key; ``measured``: actuals of gates by program key and number; both in
    the order of preference. Those that a document cannot state (below zero, too many decimals) are
    passed over.
    """
    sharp = []
    for number, each in enumerate(drawn):
        key = f"{each['id']}@{each['version']}"
        if number % 2 and "tiers" in each:
            each = {**each, "tiers": _sharp_tiers(each["tiers"], _statable(each["basis"], reached.get(key, ())))}
        if "gates" in each:
            gates = []
            for position, gate in enumerate(each["gates"], start=1):
                exact = _statable(gate["basis"], measured.get((key, position), ()))
                sharpen = exact and (number + position) % 2
                gates.append({**gate, "figure": format(exact[0], "f")} if sharpen else gate)
            each = {**each, "gates": gates}
        sharp.append(each)
    return sharp


def _statable(basis: Mapping[str, Any], values: Sequence[Decimal]) -> list[Decimal]:
    """Those of the values that a document can state as a bound of the basis, but zero."""
    places = {"count": 0, **dict.fromkeys(PERCENTAGES, 4)}.get(basis["kind"], 12)
    return [value for value in values if value > 0 and value == round(value, places)]


def _sharp_tiers(tiers: Dict, usable: Sequence[Decimal]) -> Dict:
    levels = tiers["levels"]
    below = [D(one["from"]) for one in levels[:-1]]
    top = next((value for value in usable if all(value > bound for bound in below)), None)
    if top is None:
        return tiers
    return {**tiers, "levels": [*levels[:-1], {**levels[-1], "from": format(top, "f")}]}
