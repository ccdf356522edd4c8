"""Why a scope leaves a line out that it looks at: each reason of rpt_excluded_line in words, with its figures.

What belongs here: one wording per reason. What does not: deciding whether a line counts (dbt does).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orchestration.explain.figures import divided, money, names, number
from orchestration.explain.snapshot import Row


@dataclass(frozen=True)
class Left:
    """A line that a scope leaves out, and what is needed to say why.

    ``row``: of rpt_excluded_line. ``admission``: of fct_program_participant, on the line's effective date. ``rules``:
    of dim_program_rule, of the scope. ``authorizations``: of rpt_authorization, of the number that the line quotes.
    ``claimed_by``: the program of the stacking group that the line counts for.
    """

    row: Row
    line: Row
    product: Row
    program: Row
    scope: Row
    admission: Row
    rules: Sequence[Row]
    authorizations: Sequence[Row]
    claimed_by: str | None


def words(left: Left) -> str:
    """The reason in words. KeyError for a reason that has none: every reason of the models stands in WORDS."""
    return WORDS[left.row["reason"]](left)


def short(reason: str) -> str:
    """The name of a reason as people read it."""
    return reason.replace("_", " ")


def _no_group(left: Left) -> str:
    return f"{left.row['member_id']} was in no buying group on the line's date, and the program measures groups"


def _no_fx_rate(left: Left) -> str:
    days = left.program["fx_max_age_days"]
    return (
        f"no rate from {left.line['currency']} to {left.program['currency']} on {left.line['document_date']} or in the"
        f" {days} days before it"
    )


def _rule(dimension: str, label: str, value_of: Callable[[Left], str | None]) -> Callable[[Left], str]:
    """The wording for a dimension with includes and excludes: what the line has, what the program names."""

    def say(left: Left) -> str:
        value = value_of(left)
        named = {
            rule: [row["value"] for row in left.rules if row["rule"] == rule and row["dimension"] == dimension]
            for rule in ("include", "exclude")
        }
        has = f"{label} {value}" if value else f"{label} not known"
        if value in named["exclude"]:
            return f"{has} is excluded"
        return f"{has} does not count; {names(named['include'])} would"

    return say


def _end_customer_unknown(left: Left) -> str:
    return f"the line names no end customer, and only {_segments(left, 'include')} count"


def _end_customer_segment(left: Left) -> str:
    segments = set((left.line["end_customer_segments"] or "").split(";")) - {""}
    customer = left.line["end_customer_id"]
    excluded = segments & {row["value"] for row in left.rules if row["rule"] == "exclude"}
    if excluded:
        return f"end customer {customer} is in {names(excluded)}, which is excluded"
    belongs = f"in {names(segments)}" if segments else "in no segment"
    return f"end customer {customer} is {belongs}; only {_segments(left, 'include')} count"


def _segments(left: Left, rule: str) -> str:
    found = [row["value"] for row in left.rules if row["rule"] == rule and row["dimension"] == "end_customer_segment"]
    return f"end customers of {names(found)}"


def _bounds(left: Left, name: str, shown: Callable[[Decimal], str]) -> str:
    """The limits of the scope, and which one the value breaks is for the reader to see."""
    low, high = left.scope[f"min_{name}"], left.scope[f"max_{name}"]
    parts = [] if low is None else [f"at least {shown(low)}"]
    return " and ".join(parts if high is None else [*parts, f"at most {shown(high)}"])


def _price_limit(left: Left) -> str:
    currency, unit = left.program["currency"], left.product["base_unit"]
    amount, quantity = abs(left.row["amount"]), abs(left.line["base_quantity"])
    price = f"{divided(amount, quantity)} {currency}" if quantity else f"{money(amount, currency)} for nothing"
    return (
        f"price {price} per {unit} ({money(amount, currency)} for {number(quantity)}); the program takes"
        f" {_bounds(left, 'price', lambda value: money(value, currency))}"
    )


def _quantity_limit(left: Left) -> str:
    unit = left.product["base_unit"]
    return (
        f"quantity {number(abs(left.line['base_quantity']))} {unit}; the program takes"
        f" {_bounds(left, 'quantity', lambda value: f'{number(value)} {unit}')}"
    )


def _amount_limit(left: Left) -> str:
    currency = left.program["currency"]
    return (
        f"amount {money(abs(left.row['amount']), currency)}; the program takes"
        f" {_bounds(left, 'amount', lambda value: money(value, currency))}"
    )


def _double_counting(left: Left) -> str:
    preferred = str(left.scope["double_counting"]).removeprefix("prefer_").replace("_", "-")
    return (
        f"the program reads both streams and prefers {preferred}: {left.row['participant_id']} has {preferred} lines of"
        f" {left.line['product_id']} in the same fiscal month, which count instead"
    )


def _stacking_priority(left: Left) -> str:
    group = left.program["stacking_group"]
    return f"the line counts for {left.claimed_by} alone, which comes first in the stacking group {group} (priority)"


def _quotes(left: Left) -> str:
    return f"the line quotes authorisation {left.line['authorization_number']}"


def _no_authorization(left: Left) -> str:
    return "the line quotes no authorisation"


def _authorization_unknown(left: Left) -> str:
    return f"{_quotes(left)}, which the program does not have"


def _authorization(column: str, label: str, has: Callable[[Left], str | None]) -> Callable[[Left], str]:
    def say(left: Left) -> str:
        authorized = names({row[column] for row in left.authorizations})
        own = f"not for {has(left)}" if has(left) else "and the line names none"
        return f"{_quotes(left)}, which is for {label} {authorized}, {own}"

    return say


def _authorization_date(left: Left) -> str:
    days = " or ".join(sorted({f"{row['valid_from']} to {row['valid_to']}" for row in left.authorizations}))
    return f"{_quotes(left)}, which is valid {days}; the line is dated {left.line['document_date']}"


def _authorization_exceeded(left: Left) -> str:
    quantities = " or ".join(
        f"{number(row['authorized_quantity'])} authorised, {number(row['claimed_quantity'])} claimed"
        for row in left.authorizations
        if row["partner_id"] == left.row["member_id"]
        and row["end_customer_id"] == left.line["end_customer_id"]
        and row["product_id"] == left.line["product_id"]
        and row["valid_from"] <= left.line["document_date"] <= row["valid_to"]
    )
    return f"{_quotes(left)}, whose quantity earlier lines have used up ({quantities})"


WORDS: Mapping[str, Callable[[Left], str]] = {
    "no_group": _no_group,
    "no_fx_rate": _no_fx_rate,
    "document_type": _rule("document_type", "document type", lambda left: left.line["document_type"]),
    "channel": _rule("channel", "channel", lambda left: left.admission["channel"]),
    "region": _rule("region", "region", lambda left: left.line["region"] or left.admission["region"]),
    "end_customer_unknown": _end_customer_unknown,
    "end_customer_segment": _end_customer_segment,
    "price_limit": _price_limit,
    "quantity_limit": _quantity_limit,
    "amount_limit": _amount_limit,
    "double_counting": _double_counting,
    "stacking_priority": _stacking_priority,
    "no_authorization": _no_authorization,
    "authorization_unknown": _authorization_unknown,
    "authorization_partner": _authorization("partner_id", "partner", lambda left: left.row["member_id"]),
    "authorization_end_customer": _authorization(
        "end_customer_id", "end customer", lambda left: left.line["end_customer_id"]
    ),
    "authorization_product": _authorization("product_id", "product", lambda left: left.line["product_id"]),
    "authorization_date": _authorization_date,
    "authorization_exceeded": _authorization_exceeded,
}
