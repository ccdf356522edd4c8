"""From basis and payout base to the unrounded payout.

What belongs here: semantics 5, one function for each method. What does not: lines, partners, rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Tier:
    """One tier: from its threshold to the next one (None: open). Rate as a fraction or per base unit."""

    number: int
    threshold: Fraction
    next_threshold: Fraction | None
    rate: Fraction
    flat: Fraction

    def part(self, basis: Fraction) -> Fraction:
        """Return the part of the basis that lies inside this tier."""
        return max(Fraction(0), self._end(basis) - self.threshold)

    def _end(self, basis: Fraction) -> Fraction:
        return basis if self.next_threshold is None else min(basis, self.next_threshold)


@dataclass(frozen=True)
class Applied:
    """What one tier pays: rate times base, plus the flat amount. Not rounded."""

    tier_number: int
    rate: Fraction
    base: Fraction
    rate_amount: Fraction
    flat_amount: Fraction

    @property
    def amount(self) -> Fraction:
        """Both together."""
        return self.rate_amount + self.flat_amount


def reached(tiers: Sequence[Tier], basis: Fraction, boundary: str) -> list[Tier]:
    """Return the tiers that the basis has reached, lowest first. A basis of zero or less reaches none."""
    if basis <= 0:
        return []
    if boundary == "inclusive":
        return [tier for tier in tiers if basis >= tier.threshold]
    if boundary == "exclusive":
        return [tier for tier in tiers if basis > tier.threshold]
    raise ValueError(f"boundary {boundary}: expected inclusive or exclusive")


def apply(
    method: str,
    tiers: Sequence[Tier],
    have: Sequence[Tier],
    basis: Fraction,
    payout_base: Fraction,
    *,
    lump_sum: str = "highest",
    increment: Fraction | None = None,
    growth_of: Fraction | None = None,
) -> list[Applied]:
    """Return what each of the tiers that are reached (``have``) pays, lowest first.

    ``growth_of``: the baseline; then (``marginal_growth``) each tier pays its rate on baseline x its
    band, whatever the method and the payout base. Otherwise a payout base of zero or less: only
    flats are paid.
    Raises ValueError for an unknown method.
    """
    if not have:
        return []
    top = have[-1]
    share = Fraction(0) if payout_base <= 0 else payout_base / basis
    none = Fraction(0)
    if growth_of is not None:
        return [_row(tier, tier.part(basis) * growth_of / 100, tier.flat) for tier in have]
    if method == "retrospective":
        return [_row(top, basis * share, top.flat)]
    if method == "incremental":
        return [_row(tier, tier.part(basis) * share, tier.flat) for tier in have]
    if method == "rolling":
        return [_row(tier, (tier.threshold + tier.part(basis)) * share, none) for tier in have]
    if method == "total":
        return [_row(tier, basis * share, tier.flat) for tier in have]
    if method == "linear":
        return [_linear(top, tiers, basis, share)]
    if method == "whole_increment":
        if increment is None or increment <= 0:
            raise ValueError(f"increment {increment}: expected more than zero")
        whole = math.floor((basis - top.threshold) / increment) * increment
        return [_row(top, whole * share, none)]
    if method == "lump_sum":
        if lump_sum not in ("highest", "each"):
            raise ValueError(f"lump_sum {lump_sum}: expected highest or each")
        paid = have if lump_sum == "each" else [top]
        return [Applied(tier.number, none, none, none, tier.flat) for tier in paid]
    raise ValueError(f"method {method}: not one of those that are calculated")


def _row(tier: Tier, base: Fraction, flat: Fraction) -> Applied:
    return Applied(tier.number, tier.rate, base, tier.rate * base, flat)


def _linear(top: Tier, tiers: Sequence[Tier], basis: Fraction, share: Fraction) -> Applied:
    """Between two points (f, r x f) the payout runs straight; above the last, its rate on all."""
    value = top.rate * basis
    after = [tier for tier in tiers if tier.number == top.number + 1]
    if after:
        low, high = top.rate * top.threshold, after[0].rate * after[0].threshold
        value = low + (high - low) * (basis - top.threshold) / (after[0].threshold - top.threshold)
    amount = value * share
    return Applied(top.number, Fraction(0) if share == 0 else value / basis, basis * share, amount, Fraction(0))
