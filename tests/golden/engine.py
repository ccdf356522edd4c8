"""The cases of engine_cases.json in our words: figures of the test suites and pages of other engines.

What belongs here: their translation. What does not: the published figures (engine_cases.json).

What is booked step by step is a program by month with ``cumulation: to_date``, one purchase a month. Where
a cap or a minimum counts once for all steps, the steps stand in one period, and each state is a partner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate
from typing import Any

from tests.golden.case import CONTRADICTS, DAY, OTHER_RULE, SPELLED_OUT, Case, Draft, Term, published
from tests.golden.document import level

FILE = "engine_cases"
ONE_YEAR = ("2022-01-01", "2022-12-31")
STARTED_MOST = 10
"""How many started packages a document spells out where no cap ends them."""

NO_TIERS = "a program without tiers, which ours refuses (tested): here one of 0 %"
OCA = "a passed section is paid on its upper bound instead of its width; the marginal answer is ours"
AT_ZERO = (
    "tiers pay nothing at a quantity of zero; the source's first flat amount there is a second program: "
    "gate quantity <= 0, floor"
)
STARTED = "a started package counts whole: one flat tier for each, up to {most} of them"
CONVERTED = "a started thousand counts whole: one flat tier for each, up to {most} of them"
FREE = (
    "the free quantity is a tier of nothing; the rate that falls away above 20 is a second program with a gate "
    "quantity <= 20"
)
CAPPED = "the cap counts once for all steps: they lie in one period, and each state is a partner"
AT_CLOSE = "the source's minimum counts from the close on, ours from the first line on"


def engine_cases() -> Iterator[Case]:
    """Yield every case of the file, in its order."""
    for case in published(FILE):
        draft = Draft(case)
        if "free_qty" in case and "qty_convert" not in case:
            _free_quantity(draft)
        else:
            _case(draft)
        yield draft.done(FILE)


@dataclass(frozen=True)
class _Steps:
    """How the transactions are laid out: ``by_month`` in one state, or a state for each of them."""

    case: Mapping[str, Any]
    customers: Sequence[str]
    by_month: bool

    @property
    def count(self) -> int:
        return len(self.case["transactions"])

    @property
    def states(self) -> range:
        """After how many transactions each state stands."""
        one = self.by_month or "delta_each" not in self.case["expected"]
        return range(self.count if one else 1, self.count + 1)

    @property
    def partners(self) -> list[str]:
        return [_state(customer, state) for customer in self.customers for state in self.states]

    @property
    def fields(self) -> dict[str, Any]:
        return {"measurement": "month", "cumulation": "to_date", "valid": ONE_YEAR} if self.by_month else {}

    def buy(self, draft: Draft) -> None:
        """Add the lines of every state. What has a negative quantity is a return."""
        for state in self.states:
            for number, row in enumerate(self.case["transactions"][:state], start=1):
                back = Decimal(row["qty"] or "1") < 0
                draft.buy(
                    _state(row["customer"], state),
                    row["amount"],
                    row["qty"],
                    product=row["product"],
                    document_type="return" if back else "invoice",
                    reference_document_number=draft.lines[-1]["document_number"] if back and draft.lines else None,
                    document_date=date(2022, number, 15) if self.by_month else DAY,
                )

    def total(self, draft: Draft, keys: Sequence[str], what: str = "payout") -> list[Term]:
        """Terms of the figure after all transactions."""
        return [draft.term(key, _state(customer, self.count), what=what) for key in keys for customer in self.customers]

    def step(self, draft: Draft, keys: Sequence[str], number: int) -> list[Term]:
        """Terms of what transaction ``number``, from 1, adds."""
        terms = []
        for key in keys:
            for customer in self.customers:
                if self.by_month:
                    terms.append(draft.term(key, _state(customer, self.count), period=f"2022-{number:02}"))
                    continue
                terms.append(draft.term(key, _state(customer, number)))
                if number > 1:
                    terms.append(draft.term(key, _state(customer, number - 1), weight=-1))
        return terms


def _state(customer: str, state: int) -> str:
    return f"{customer}:{state}"


def _steps(case: Mapping[str, Any], by_month: bool) -> _Steps:
    customers = case["filters"].get("customers") or sorted({row["customer"] for row in case["transactions"]})
    return _Steps(case, customers, by_month)


def _case(draft: Draft) -> None:
    case = draft.published
    at_zero = _flat_at_zero(case)
    steps = _steps(case, "delta_each" in case["expected"] and not at_zero and not {"cap", "minimum"} & set(case))
    tiers = _tiers(draft)
    fields: dict[str, Any] = {
        **tiers,
        **steps.fields,
        "basis": case["tier_basis"],
        "rate_kind": tiers.get("rate_kind", case["payout"]),
        "partners": [draft.partner(state) for state in steps.partners],
        "lines": _lines(draft),
    }
    if "cap" in case:
        fields["cap"] = {"participant": case["cap"]}
    steps.buy(draft)

    def program(suffix: str = "", **more: Any) -> str:
        return draft.program(suffix=suffix, **fields, **more)

    def paid_at_zero() -> list[str]:
        if not at_zero:
            return []
        draft.status, draft.reason = SPELLED_OUT, AT_ZERO
        return [
            draft.program(
                [level("0", "0")],
                suffix="-AT-ZERO",
                basis="quantity",
                rate_kind="per_unit",
                partners=fields["partners"],
                floor={"participant": case["tiers"][0]["flat"]},
                gates=[{"basis": {"kind": "quantity"}, "operator": "<=", "figure": "0"}],
            )
        ]

    if "delta_each" in case["expected"] and "cap" in case:
        draft.reason = "; ".join(filter(None, (draft.reason, CAPPED)))
    minimum: dict[str, Any] = {"floor": {"participant": case["minimum"]}} if "minimum" in case else {}
    keys = [program(**minimum), *([] if minimum else paid_at_zero())]
    ours: dict[str, str] = {}
    if not case["tiers"]:
        draft.status, draft.reason = SPELLED_OUT, NO_TIERS
    elif "textbook_expected" in case:
        draft.status, draft.reason = CONTRADICTS, OCA
        ours["rebate"] = case["textbook_expected"]
    elif "minimum" in case and "delta_each" in case["expected"]:
        draft.status, draft.reason = OTHER_RULE, AT_CLOSE
        ours = {"delta_each[0]": case["minimum"], "delta_each[1]": "0"}
    draft.expect("rebate", *steps.total(draft, keys), ours=ours.get("rebate"))
    for number in range(1, len(case["expected"].get("delta_each", ())) + 1):
        name = f"delta_each[{number - 1}]"
        draft.expect(name, *steps.step(draft, keys, number), ours=ours.get(name))
    _more_figures(draft, steps, keys, lambda: [program("-NO-MINIMUM"), *paid_at_zero()])


def _more_figures(draft: Draft, steps: _Steps, keys: Sequence[str], without_minimum: Callable[[], list[str]]) -> None:
    """The other figures that a case states: base, by_tier, top_up, net_rate, free_qty."""
    case = draft.published
    if "base" in case["expected"]:
        draft.expect("base", *steps.total(draft, keys, "payout_base"))
    if "net_rate" in case["expected"]:  # the price less the rebate
        (base,), (rebate,) = steps.total(draft, keys, "payout_base"), steps.total(draft, keys)
        draft.expect("net_rate", base, Term(rebate.program_key, rebate.participant_id, Decimal(-1)))
    if "free_qty" in case["expected"]:
        draft.expect("free_qty", *steps.total(draft, keys))
    if "top_up" in case["expected"]:
        bare = [
            Term(each.program_key, each.participant_id, Decimal(-1)) for each in steps.total(draft, without_minimum())
        ]
        draft.expect("top_up", *steps.total(draft, keys), *bare)
    if "by_tier" in case["expected"]:
        for position, numbers in enumerate(_tier_numbers(case)):
            terms = [term for number in numbers for term in steps.total(draft, keys, f"tier_{number}")]
            draft.expect(f"by_tier[{position}]", *terms)


def _flat_at_zero(case: Mapping[str, Any]) -> bool:
    """Whether the quantity is zero after some transaction, and the first tier has a flat amount."""
    if case["tier_basis"] != "quantity" or not case["tiers"] or case["tiers"][0]["flat"] is None:
        return False
    return Decimal(0) in set(accumulate(Decimal(row["qty"]) for row in case["transactions"]))


# --- tiers ----------------------------------------------------------------------------------------------
def _tiers(draft: Draft) -> dict[str, Any]:
    """Levels, method and boundary of a case."""
    case = draft.published
    rows = case["tiers"]
    if not rows:
        return {"levels": [level("0", "0")]}
    boundary = {"boundary": "inclusive" if case["boundary"] == "lower_inclusive" else "exclusive"}
    if case.get("block", {}).get("round") == "down":  # free goods: so much for each whole block, from zero
        size = Decimal(case["block"]["size"])
        rate = format(Decimal(rows[0]["rate"]) / size, "f")
        tiers = {**boundary, "increment": case["block"]["size"]}
        return {"levels": [level("0", rate)], "method": "whole_increment", "tiers": tiers}
    if "block" in case or "qty_convert" in case:
        return _started(draft, boundary)
    method = {"fixed": "retrospective", "per_unit": "retrospective"}.get(case["method"], case["method"])
    if _closed_range(case):
        return {"levels": [level("0", rows[0]["rate"])], "method": method, "tiers": boundary}
    # a section ends where the next begins: above 100, not from 100.01 (no gap, whatever the decimals)
    levels = [level(start, row["rate"] or "0", row["flat"]) for start, row in zip(_starts(rows), rows, strict=True)]
    return {"levels": levels, "method": case.get("variant", method), "tiers": boundary}


def _starts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [rows[0]["from"], *(row["to"] for row in rows[:-1])]


def _started(draft: Draft, boundary: Mapping[str, Any]) -> dict[str, Any]:
    """One flat tier for each started package: what is above 0 pays one, what is above one package two."""
    case = draft.published
    size = Decimal(case["block"]["size"] if "block" in case else case["qty_convert"]["divide_by"])
    most = STARTED_MOST
    if "cap" in case:
        most = int((Decimal(case["cap"]) / Decimal(case["tiers"][0]["rate"])).to_integral_value(ROUND_CEILING))
    free = Decimal(case.get("free_qty", 0))
    levels = []
    for number in range(most):
        rate = Decimal(case["tiers"][_tier_of(case, number)]["rate"])
        part = min(Decimal(1), max(Decimal(0), number + 1 - free))
        levels.append(level(format(size * number, "f"), flat=format(rate * part, "f")))
    draft.status, draft.reason = SPELLED_OUT, (STARTED if "block" in case else CONVERTED).format(most=most)
    if free:
        draft.reason += f"; the first of them pays for {1 - free} of it"
    tiers = {**boundary, "lump_sum": "each"}
    return {"levels": levels, "method": "lump_sum", "rate_kind": "flat", "tiers": tiers}


def _tier_of(case: Mapping[str, Any], started: int) -> int:
    """Position of the published tier in which the unit after so many started ones lies."""
    return max(n for n, start in enumerate(_starts(case["tiers"])) if started >= Decimal(start))


def _tier_numbers(case: Mapping[str, Any]) -> list[list[int]]:
    """The numbers of our tiers that make up each published one, as far as they are reached."""
    if "qty_convert" not in case:
        return [[number] for number in range(1, len(case["tiers"]) + 1)]
    quantity = sum(Decimal(row["qty"]) for row in case["transactions"]) / Decimal(case["qty_convert"]["divide_by"])
    numbers: list[list[int]] = [[] for _ in case["tiers"]]
    for started in range(int(quantity.to_integral_value(ROUND_CEILING))):
        numbers[_tier_of(case, started)].append(started + 1)
    return numbers


def _free_quantity(draft: Draft) -> None:
    """Volume tiers after a free quantity: the lower rate on all above it, and what the higher one adds below."""
    case, steps = draft.published, _steps(draft.published, by_month=True)
    (first, second), free = case["tiers"], case["free_qty"]
    more = Decimal(first["rate"]) - Decimal(second["rate"])
    fields: dict[str, Any] = {
        **steps.fields,
        "method": "incremental",
        "basis": "quantity",
        "rate_kind": "per_unit",
        "tiers": {"boundary": "exclusive"},
        "partners": [draft.partner(state) for state in steps.partners],
    }
    end = format(Decimal(first["to"]) + Decimal(free), "f")
    gate = {"basis": {"kind": "quantity"}, "operator": "<=", "figure": end}
    keys = [
        draft.program([level("0", "0"), level(free, second["rate"])], **fields),
        draft.program([level("0", "0"), level(free, str(more))], suffix="-MORE", gates=[gate], **fields),
    ]
    steps.buy(draft)
    draft.status, draft.reason = SPELLED_OUT, FREE
    draft.expect("rebate", *steps.total(draft, keys))
    for number in range(1, steps.count + 1):
        draft.expect(f"delta_each[{number - 1}]", *steps.step(draft, keys, number))


# --- lines ----------------------------------------------------------------------------------------------
def _closed_range(case: Mapping[str, Any]) -> bool:
    """Say whether the case is one rule for lines whose quantity lies in a closed range."""
    rows = case["tiers"]
    return len(rows) == 1 and rows[0]["from"] != "0" and rows[0]["to"] is not None


def _lines(draft: Draft) -> dict[str, Any]:
    case = draft.published
    lines: dict[str, Any] = {}
    if "products" in case["filters"]:
        lines["products"] = {"skus": [draft.product(name) for name in case["filters"]["products"]]}
    if case["filters"].get("exclude_returns"):
        lines["exclude"] = {"document_types": ["return"]}
    if _closed_range(case):
        lines["limits"] = {"quantity": {"min": case["tiers"][0]["from"], "max": case["tiers"][0]["to"]}}
    return lines
