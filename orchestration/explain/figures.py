"""Figures and names as people write them.

What belongs here: one figure or one list of names at a time. What does not: whole sentences (the other modules).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

PERCENTAGES = ("growth", "attainment", "share")
"""Bases that are measured in percent."""

SHOWN = 8
"""How many names of a list are shown."""


def number(value: Decimal | int | None) -> str:
    """A figure, exact, without zeros at its end; nothing for null."""
    if value is None:
        return ""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: Decimal | None, currency: str = "") -> str:
    """An amount with two decimals at least and no more zeros than needed; nothing for null."""
    if value is None:
        return ""
    whole, point, fraction = f"{value:,f}".partition(".")
    fraction = fraction.rstrip("0").ljust(2, "0") if point else "00"
    return f"{whole}.{fraction} {currency}".rstrip()


def cell(value: Decimal) -> Decimal:
    """An amount for a table: two decimals where it has no more (amounts are whole minor units)."""
    two = value.quantize(Decimal("0.01"))
    return two if two == value else value.normalize()


def rate(value: Decimal | None, kind: str) -> str:
    """A rate as the program states it: 0.02 as 2 %, or money per unit; nothing for null."""
    if value is None:
        return ""
    return f"{number(value * 100)} %" if kind == "percent" else number(value)


def measured(value: Decimal | None, kind: str, currency: str) -> str:
    """A value of a basis with its unit."""
    if value is None:
        return "not known"
    if kind == "amount":
        return money(value, currency)
    if kind in PERCENTAGES:
        return f"{number(value)} %"
    return f"{number(value)} units" if kind == "quantity" else number(value)


def divided(dividend: Decimal, divisor: Decimal) -> str:
    """A quotient for reading, four places after the point at most; `about` where it has more."""
    quotient = dividend / divisor
    short = quotient.quantize(Decimal("0.0001"))
    return money(short) if short * divisor == dividend else f"about {money(short)}"


def names(values: Iterable[str]) -> str:
    """Names in order, joined by commas; of a long list the first ones and how many more there are."""
    ordered = sorted(values)
    more = len(ordered) - SHOWN
    return ", ".join(ordered[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def counted_name(one: str, many: str, count: int) -> str:
    """The name of one thing, or of many."""
    return one if count == 1 else many


def counted(value: int, one: str, many: str | None = None) -> str:
    """A number of things: 1 line, 2 lines."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"
