"""A small channel with everything in it that can go wrong, and strategies for programs over it.

What belongs here: master rows (dated tiers and groups, overlapping and ending), lines in several
currencies, units and files, program documents of every kind that is calculated. What does not: figures.

The world stands still; lines and documents are drawn, each from whole numbers alone: by Hypothesis
(``lines``, ``documents``), which shrinks, or many at once by a seeded generator (``many``), so that
one build of the warehouse serves hundreds of programs that are the same on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.golden.document import Document, document, level
from tests.reference.build import line, membership, partner, product, tier_of

T = TypeVar("T")
Dict = dict[str, Any]
D = Decimal

AS_OF = date(2023, 12, 15)
FIRST, LAST = date(2022, 12, 1), date(2024, 1, 20)
VALID = ("2023-01-01", "2023-12-31")

PARTNERS = [f"R-{number}" for number in range(1, 9)]
DISTRIBUTORS = ["D-1", "D-2"]
GROUPS = ["G-1", "G-2", "G-3"]
PRODUCTS = [f"P-{number}" for number in range(1, 11)]
END_CUSTOMERS = [f"H-{number}" for number in range(1, 7)]
CHANNELS = ["grocery", "drug", "club"]
REGIONS = ["NORTH", "SOUTH", "WEST"]
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
]
SEGMENT_RULES: list[Dict] = [
    {"segment_id": segment, "attribute": attribute, "operator": operator, "value": value}
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
    )
]
LEGAL_ENTITIES: list[Dict] = [
    {"legal_entity": "JP01", "name": "Consumer Brands K.K.", "country": "JP", "currency": "JPY"},
    {"legal_entity": "KW01", "name": "Consumer Brands W.L.L.", "country": "KW", "currency": "KWD"},
]
MINOR_UNITS = {"USD": 2, "CAD": 2, "JPY": 0, "KWD": 3}
ENTITY_OF = {"USD": "US01", "CAD": "CA01", "JPY": "JP01", "KWD": "KW01"}


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
        day = date(2022, 11, 25)
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

ROUND_DAYS = (date(2023, 1, 1), date(2023, 3, 31), date(2023, 4, 1), date(2023, 6, 30), date(2023, 12, 31), AS_OF)


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
    product_id = choice.one(*PRODUCTS)
    has_case = product_id in (*PRODUCTS[:5], "P-10")
    buyer = None if choice.once_in(10) else choice.one(*PARTNERS)
    distributor = None if choice.once_in(10) else choice.one(*DISTRIBUTORS)
    intents = ["original"] * 20 + ["addendum", "replacement", "cancellation"]
    return line(
        f"{source}-{choice.integer(1, 400)}",
        amount,
        quantity=quantity,
        day=choice.one(*ROUND_DAYS) if choice.once_in(4) else day,
        partner=buyer if sell_in else distributor,
        product=product_id,
        line_number=choice.one("1", "1", "1", "2"),
        stream="sell_in" if sell_in else "sell_through",
        document_type="return" if amount.startswith("-") else choice.one("invoice", "invoice", "credit_memo"),
        record_intent="original" if sell_in else choice.one(*intents),
        ship_to_id=choice.one(None, *PARTNERS) if sell_in else buyer,
        distributor_id=None if sell_in else distributor,
        reseller_id=None if sell_in else buyer,
        end_customer_id=choice.one(None, *END_CUSTOMERS),
        unit=choice.one("EA", "CS") if has_case else "EA",
        currency=choice.one("USD", "USD", "CAD"),
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


def _scope(choice: Choice, stream: str) -> Dict:
    products = _named(
        choice,
        {
            "skus": PRODUCTS,
            "families": FAMILIES,
            "brands": BRANDS,
            "categories": CATEGORIES,
            "segments": _segments("product"),
        },
        includes=7,
        excludes=12,
    )
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
    return (
        {"stream": stream}
        | names
        | ({"products": products} if products else {})
        | ({"limits": limits} if limits else {})
    )


def _participants(choice: Choice, stream: str, by_group: bool, one_by_one: bool) -> Dict:
    """Draw who takes part; ``one_by_one``: names may be listed (no figures or acceptances depend on it)."""
    roles = ("sold_to", "ship_to") if stream == "sell_in" else ("distributor", "reseller", "ship_to")
    who: Dict = {"role": choice.one(*roles)}
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
    if choice.once_in(6) and not by_group and "partners" not in who and "groups" not in who:
        who["enrolment"] = "by_acceptance"
        who["acceptances"] = [
            {"participant": name, "accepted_on": choice.one("2022-06-01", "2023-03-31", "2023-07-01")}
            for name in choice.some([*PARTNERS, *DISTRIBUTORS], 6)
        ]
    return who


_PERIODS = {
    "month": [f"2023-{month:02}" for month in range(1, 13)],
    "quarter": [f"2023-Q{quarter}" for quarter in range(1, 5)],
    "half_year": ["2023-H1", "2023-H2"],
    "year": ["2023"],
    "program": ["program"],
}


def _basis(choice: Choice, kind: str, measurement: str, participants: Sequence[str]) -> Dict:
    if kind in ("amount", "quantity"):
        return {"kind": kind}
    periods = _PERIODS[measurement]
    figures = {
        participant: {period: choice.number(1, choice.one(100, 3000), 2) for period in periods}
        for participant in participants
        if not choice.once_in(5)
    } or {participants[0]: {periods[0]: "500"}}
    if kind == "growth" and choice.once_in(2):
        figures[next(iter(figures))][periods[0]] = "0"
    return {"kind": kind, "figures": figures} | ({"baseline": "given"} if kind == "growth" else {})


def _payees(choice: Choice) -> list[Dict]:
    roles = choice.some(["participant", "sold_to", "ship_to", "distributor", "reseller", "group_head"], 6)
    shares = choice.one(("100",), ("60", "40"), ("50", "50"), ("33.33", "33.33", "33.34"), ("0.01", "99.99"))
    if len(roles) < len(shares):
        roles, shares = roles[:1], ("100",)
    return [
        {"role": role, "share": share}
        | ({"fallback": choice.one("R-8", "D-2")} if role != "participant" and choice.once_in(2) else {})
        for role, share in zip(roles, shares, strict=False)
    ]


def _levels(choice: Choice, kind: str, method: str) -> list[Dict]:
    top = {"amount": 1500, "quantity": 60}.get(kind, 180)
    places = choice.one(0, 0, 2, 4)
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
        levels.append(level(format(threshold, "f"), None if method == "lump_sum" else rate, flat))
    return levels


def _tier_fields(choice: Choice, method: str) -> Dict:
    fields: Dict = {"boundary": choice.one("inclusive", "inclusive", "exclusive")}
    if method == "whole_increment":
        fields["increment"] = choice.one("1", "10", "0.75", "100", "33.3333")
    if method == "lump_sum":
        fields["lump_sum"] = choice.one("highest", "each")
    return fields


def a_document(choice: Choice) -> Document:
    """Draw one program of any kind that is calculated; its id is to be given by ``named``."""
    stream = choice.one("sell_in", "sell_through")
    by_group = choice.once_in(4)
    measurement = choice.one(*_PERIODS)
    kind = choice.one("amount", "amount", "quantity", "growth", "attainment")
    methods = ["retrospective", "incremental", "rolling", "total", "lump_sum"]
    rates = ["percent"]
    if kind in ("amount", "quantity"):
        methods += ["linear", "whole_increment"]
        rates += ["per_unit"]
    method = choice.one(*methods)
    if method == "linear":
        rates = ["percent" if kind == "amount" else "per_unit"]
    rate_kind = "flat" if method == "lump_sum" else choice.one(*rates)
    fields: Dict = {}
    if kind == "growth" and rate_kind == "percent":
        fields["growth_payout"] = choice.one("all", "on_growth", "marginal_growth")
        if fields["growth_payout"] == "marginal_growth":
            method = "incremental"
    if choice.once_in(4) and fields.get("growth_payout", "all") == "all" and method != "linear":
        fields["target_lines"] = _scope(choice, stream)
    if choice.once_in(5):
        fields["cap"] = {"participant": choice.one("10", "0.5", "33.3333", "250", "5")}
    if choice.once_in(2):
        fields["payees"] = _payees(choice)
    currency = choice.one("USD", "USD", "USD", "CAD", "JPY", "KWD")
    return document(
        "DRAWN",
        _levels(choice, kind, method),
        method=method,
        rate_kind=rate_kind,
        basis=_basis(choice, kind, measurement, GROUPS if by_group else [*PARTNERS, *DISTRIBUTORS]),
        lines=_scope(choice, stream),
        tiers=_tier_fields(choice, method),
        valid=choice.one(VALID, VALID, ("2023-02-10", "2023-11-20")),
        measurement=measurement,
        currency=currency,
        legal_entity=ENTITY_OF[currency],
        aggregate="group" if by_group else "participant",
        participants=_participants(choice, stream, by_group, kind in ("amount", "quantity")),
        **fields,
    )


def documents() -> st.SearchStrategy[Document]:
    """Return the strategy of ``a_document``."""
    return _by_hypothesis(a_document)


def named(drawn: Sequence[Document]) -> list[Document]:
    """Give every document an id of its own."""
    return [{**each, "id": f"DRAWN-{number}"} for number, each in enumerate(drawn, start=1)]


def sharpened(drawn: Sequence[Document], reached: Mapping[str, Sequence[Decimal]]) -> list[Document]:
    """Put a threshold of every second document exactly on a basis that one of its participants has.

    ``reached``: bases by program id, in the order of preference; those that a document cannot state
    (zero or less, more than 4 decimals for percentages or 12 otherwise) are passed over.
    """
    sharp = []
    for number, each in enumerate(drawn):
        places = 4 if each["basis"]["kind"] in ("growth", "attainment") else 12
        usable = [b for b in reached.get(each["id"], ()) if b > 0 and b == round(b, places)]
        tiers, levels = each["tiers"], each["tiers"]["levels"]
        if number % 2 and usable:
            bases = {D(one["from"]) for one in levels[:-1]}
            basis = next((b for b in usable if all(b > other for other in bases)), None)
            if basis is not None:
                exact = {**levels[-1], "from": format(basis, "f")}
                each = {**each, "tiers": {**tiers, "levels": [*levels[:-1], exact]}}
        sharp.append(each)
    return sharp
