"""Exact arithmetic: rounding once, and sharing to the last unit.

What belongs here: semantics 9. What does not: anything that knows what a program is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Any)

EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, Overflow])
"""Decimal context in which a result that is not exact raises, instead of being rounded."""


def fraction(value: Decimal | int | str | Fraction | None) -> Fraction:
    """Return the value as an exact fraction; nothing counts as zero. Floats raise TypeError."""
    if isinstance(value, float):
        raise TypeError(f"{value!r}: money and figures are never floats")
    return Fraction(0) if value is None else Fraction(value)


def round_half_away(value: Fraction, digits: int) -> int:
    """Return the value in units of 10**-digits, rounded half away from zero (semantics 9)."""
    scaled = abs(value) * 10**digits
    units = math.floor(scaled + Fraction(1, 2))
    return units if value >= 0 else -units


def cut(value: Fraction, digits: int) -> int:
    """Return the value in units of 10**-digits, what is beyond cut off (towards zero)."""
    return math.trunc(value * 10**digits)


def money(units: int, digits: int) -> Decimal:
    """Return so many minor units as an amount."""
    return EXACT.scaleb(Decimal(units), -digits)


def largest_remainder(total: int, weights: Mapping[Key, Fraction]) -> dict[Key, int]:
    """Share ``total`` units in proportion to the weights; the shares add up to the total.

    Each key gets the floor of its ideal share; the units that are missing go to the largest
    fractional parts, ties by key ascending. Weights that add up to zero count as one each.
    Raises ValueError when there is nobody to share with and something to share.
    """
    if not weights:
        if total:
            raise ValueError(f"{total} units and nobody to share them with")
        return {}
    whole = sum(weights.values(), Fraction(0))
    if whole == 0:
        weights, whole = dict.fromkeys(weights, Fraction(1)), Fraction(len(weights))
    ideal = {key: total * weight / whole for key, weight in weights.items()}
    shares = {key: math.floor(value) for key, value in ideal.items()}
    missing = total - sum(shares.values())
    by_remainder = sorted(ideal, key=lambda key: (shares[key] - ideal[key], key))
    for key in by_remainder[:missing]:
        shares[key] += 1
    return shares
