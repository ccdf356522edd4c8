"""The marts of the warehouse against the results of the calculator.

What belongs here: bringing both to the same keys, and listing what differs. What does not: figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.reference.calculate import Results
from tests.warehouse import Built


def differences(built: Built, results: Results) -> dict[str, list[str]]:
    """Return by mart what differs: one text per key, empty lists when all is equal."""
    return {
        "fct_qualification": _differ(_qualification(built), _expected_qualification(results, _percentages(built))),
        "fct_payout": _differ(_payout(built), _expected_payout(results)),
        "fct_line_rebate": _differ(_line_rebate(built), _expected_line_rebate(results)),
        "fct_tier_application": _tier_application(built),
        "int_payee_period": _differ(_earned(built), _expected_earned(results)),
        "parts": _parts(built),
    }


def _differ(actual: Mapping[Any, Any], expected: Mapping[Any, Any]) -> list[str]:
    return [
        f"{key}: warehouse {actual.get(key)}, calculator {expected.get(key)}"
        for key in sorted(actual.keys() | expected.keys(), key=str)
        if actual.get(key) != expected.get(key)
    ]


def _exact(value: Decimal | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def _qualification(built: Built) -> dict[Any, Any]:
    return {
        (row["program_key"], row["participant_id"], row["period_id"]): {
            "basis": _exact(row["basis"]),
            "payout_base": _exact(row["payout_base"]),
            "tier": row["tier_number"],
            "next_tier": row["next_tier_number"],
            "gap": _exact(row["gap_to_next_tier"]),
            "payout": row["payout"],
        }
        for row in built.rows("fct_qualification")
    }


def _percentages(built: Built) -> set[str]:
    """Program versions whose basis is a percentage."""
    return {row["program_key"] for row in built.rows("stg_program") if row["basis"] in ("growth", "attainment")}


def _expected_qualification(results: Results, percentages: set[str]) -> dict[Any, Any]:
    expected = {}
    for key, each in results.qualification.items():
        basis, gap = each.basis, each.gap
        if basis is not None and key[0] in percentages:  # the mart shows six places; the tiers compare exactly
            shown = _six_places(basis)
            basis, gap = shown, None if gap is None else gap + basis - shown
        expected[key] = {
            "basis": basis,
            "payout_base": each.payout_base,
            "tier": each.tier_number or 0,
            "next_tier": each.next_tier_number if basis is not None else None,
            "gap": gap,
            "payout": each.payout,
        }
    return expected


def _six_places(value: Fraction) -> Fraction:
    units = (abs(value) * 10**6 + Fraction(1, 2)).__floor__()
    return Fraction(units if value >= 0 else -units, 10**6)


def _payout(built: Built) -> dict[Any, Decimal]:
    return {
        (row["program_key"], row["participant_id"], row["period_id"], row["payee_id"]): row["amount"]
        for row in built.rows("fct_payout")
    }


def _expected_payout(results: Results) -> dict[Any, Decimal]:
    return {
        (key, who, period, payee or ""): amount
        for (key, who, period, payee), amount in results.payees().items()
        if results.payouts[key, who, period]
    }


def _line_rebate(built: Built) -> dict[Any, Decimal]:
    return {
        (
            row["program_key"],
            row["participant_id"],
            row["period_id"],
            row["member_id"],
            row["payee_id"],
            row["line_key"],
        ): row["amount"]
        for row in built.rows("fct_line_rebate")
    }


def _expected_line_rebate(results: Results) -> dict[Any, Decimal]:
    return {
        (s.program_key, s.participant_id, s.period_id, s.member_id, s.payee_id or "", s.line_key): s.amount
        for s in results.shares
        if results.payouts[s.program_key, s.participant_id, s.period_id]
    }


def _earned(built: Built) -> dict[Any, Decimal]:
    return {
        (row["program_key"], row["payee_id"], row["period_id"]): row["earned"]
        for row in built.rows("int_payee_period")
        if row["earned"]
    }


def _expected_earned(results: Results) -> dict[Any, Decimal]:
    return {key: amount for key, amount in results.liability().items() if amount}


def _tier_application(built: Built) -> list[str]:
    """Tiers must add up to the payout before its cap."""
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in built.rows("fct_tier_application"):
        total[row["payout_id"]] += row["amount"]
    return [
        f"{row['payout_id']}: tiers {total[row['payout_id']]}, payout before its cap {row['uncapped_payout']}"
        for row in built.rows("fct_qualification")
        if total[row["payout_id"]] != row["uncapped_payout"]
    ]


def _parts(built: Built) -> list[str]:
    """Lines must add up to payees, payees to payouts."""
    lines: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in built.rows("fct_line_rebate"):
        lines[row["payout_id"], row["payee_id"]] += row["amount"]
    payees: defaultdict[str, Decimal] = defaultdict(Decimal)
    found = []
    for row in built.rows("fct_payout"):
        payees[row["payout_id"]] += row["amount"]
        at = (row["payout_id"], row["payee_id"])
        if lines[at] != row["amount"]:
            found.append(f"{at}: lines {lines[at]}, payee {row['amount']}")
    found += [
        f"{row['payout_id']}: payees {payees[row['payout_id']]}, payout {row['payout']}"
        for row in built.rows("fct_qualification")
        if payees[row["payout_id"]] != row["payout"]
    ]
    return found
