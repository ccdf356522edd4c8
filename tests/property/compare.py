"""The marts of the warehouse against the results of the calculator.

What belongs here: bringing both to the same keys, and listing what differs. What does not: figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.reference.calculate import Results
from tests.reference.eligibility import UNREPORTED
from tests.warehouse import Built, program_tables

PERCENT = Fraction(1, 10**6)
"""Percentages are shown with so many places, and compared exactly."""

PRICE = Fraction(1, 10**9)
"""Price differences are cut at 12 places line by line."""

MARTS = (
    "fct_qualification",
    "fct_qualification_rule",
    "fct_tier_application",
    "fct_payout",
    "fct_line_rebate",
    "rpt_excluded_line",
    "rpt_authorization",
    "fct_fund",
    "int_payee_period",
    "fct_accrual_estimate",
    "int_accrual_share",
    "parts",
)
"""What is compared; ``parts``: lines add up to payees, payees to payouts."""


@dataclass(frozen=True)
class Near:
    """A number that may be shown a little off; equal to any that is near enough."""

    value: Fraction | None
    by: Fraction

    def __eq__(self, other: object) -> bool:
        """Say whether both are nothing, or near enough."""
        if not isinstance(other, Near) or self.value is None or other.value is None:
            return isinstance(other, Near) and self.value is other.value
        return abs(self.value - other.value) <= max(self.by, other.by)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the number as a decimal, for messages."""
        return "none" if self.value is None else f"{float(self.value):.12g}"


def differences(built: Built, results: Results) -> dict[str, list[str]]:
    """Return by mart (MARTS) what differs: one text per key, empty lists when all is equal."""
    programs = {row["program_key"]: row for row in program_tables(built.settings)["program"]}
    pairs: dict[str, tuple[Mapping[Any, Any], Mapping[Any, Any]]] = {
        "fct_qualification": (_qualification(built), _expected_qualification(results, programs)),
        "fct_qualification_rule": (_gates(built), _expected_gates(results)),
        "fct_payout": (_payout(built), _expected_payout(results)),
        "fct_line_rebate": (_line_rebate(built), _expected_line_rebate(results)),
        "rpt_excluded_line": (_excluded(built), _expected_excluded(results)),
        "rpt_authorization": (_authorizations(built), _expected_authorizations(results)),
        "fct_fund": (_funds(built), _expected_funds(results)),
        "int_payee_period": (_earned(built), _expected_earned(results)),
        "fct_accrual_estimate": (_estimates(built), _expected_estimates(results, programs)),
        "int_accrual_share": (_accruals(built), _expected_accruals(results)),
    }
    found = {mart: _differ(actual, expected) for mart, (actual, expected) in pairs.items()}
    return {**found, "fct_tier_application": _tier_application(built, results), "parts": _parts(built)}


def _differ(actual: Mapping[Any, Any], expected: Mapping[Any, Any]) -> list[str]:
    return [
        f"{key}: warehouse {_only(actual.get(key), expected.get(key))}, "
        f"calculator {_only(expected.get(key), actual.get(key))}"
        for key in sorted(actual.keys() | expected.keys(), key=str)
        if actual.get(key) != expected.get(key)
    ]


def _only(this: Any, other: Any) -> Any:
    """Of a row, the fields in which it differs from the other."""
    if isinstance(this, dict) and isinstance(other, dict):
        return {name: value for name, value in this.items() if other.get(name) != value}
    return this


def _near(value: Decimal | Fraction | None, by: Fraction = Fraction(0)) -> Near:
    return Near(None if value is None else Fraction(value), by)


def _at(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["program_key"], row["participant_id"], row["period_id"]


def _qualification(built: Built) -> dict[Any, Any]:
    return {
        _at(row): {
            "basis": _near(row["basis"]),
            "actual": _near(row["actual"]),
            "figure": _near(row["figure"] or Decimal(0)),
            "payout_base": _near(row["payout_base"]),
            "tier": row["tier_number"],
            "next_tier": row["next_tier_number"],
            "gap": _near(row["gap_to_next_tier"]),
            "gates_hold": row["gates_hold"],
            "uncapped_payout": row["uncapped_payout"],
            "limited_by": row["limited_by"] or "",
            "shortfall": row["shortfall"],
            "payout": row["payout"],
            "next_payout": row["next_payout"],
        }
        for row in built.rows("fct_qualification")
    }


def _expected_qualification(results: Results, programs: Mapping[str, Mapping[str, Any]]) -> dict[Any, Any]:
    expected = {}
    for key, each in results.qualification.items():
        program = programs[key[0]]
        price = PRICE if program["kind"] == "price_difference" else Fraction(0)
        shown = PERCENT if program["basis"] in ("growth", "attainment", "share") else price
        expected[key] = {
            "basis": _near(each.basis, shown),
            "actual": _near(each.actual, price),
            "figure": _near(each.figure or Fraction(0)),
            "payout_base": _near(each.payout_base, price),
            "tier": each.tier_number or 0,
            "next_tier": each.next_tier_number,
            "gap": _near(each.gap, shown),
            "gates_hold": each.gates_hold,
            "uncapped_payout": each.uncapped_payout,
            "limited_by": ";".join(each.limited_by),
            "shortfall": each.shortfall,
            "payout": each.payout,
            "next_payout": each.next_payout,
        }
    return expected


def _gates(built: Built) -> dict[Any, Any]:
    payout = {row["payout_id"]: _at(row) for row in built.rows("fct_qualification")}
    return {
        (*payout[row["payout_id"]], row["rule"]): {
            "actual": _near(row["actual"]),
            "required": _near(row["required"]),
            "holds": row["holds"],
        }
        for row in built.rows("fct_qualification_rule")
        if row["rule"].startswith("gate_")
    }


def _expected_gates(results: Results) -> dict[Any, Any]:
    """What a gate measures may be a percentage, or the sum of price differences."""
    return {
        (*key, f"gate_{gate.number}"): {
            "actual": _near(gate.actual, PERCENT),
            "required": _near(gate.required),
            "holds": gate.holds,
        }
        for key, gates in results.gates.items()
        for gate in gates
    }


def _payout(built: Built) -> dict[Any, Decimal]:
    return {(*_at(row), row["payee_id"]): row["amount"] for row in built.rows("fct_payout") if row["amount"]}


def _expected_payout(results: Results) -> dict[Any, Decimal]:
    return {
        (key, who, period, payee or ""): amount
        for (key, who, period, payee), amount in results.payees().items()
        if amount
    }


def _line_rebate(built: Built) -> dict[Any, Decimal]:
    return {
        (*_at(row), row["member_id"], row["payee_id"], row["line_key"]): row["amount"]
        for row in built.rows("fct_line_rebate")
        if row["amount"]
    }


def _expected_line_rebate(results: Results) -> dict[Any, Decimal]:
    return {
        (s.program_key, s.participant_id, s.period_id, s.member_id, s.payee_id or "", s.line_key): s.amount
        for s in results.shares
    }


def _excluded(built: Built) -> dict[Any, str]:
    return {(row["scope_key"], row["line_key"]): row["reason"] for row in built.rows("rpt_excluded_line")}


def _expected_excluded(results: Results) -> dict[Any, str]:
    return {key: reason for key, reason in results.excluded.items() if reason not in UNREPORTED}


def _authorizations(built: Built) -> dict[Any, Any]:
    return {
        row["authorization_id"]: (
            _near(row["authorized_quantity"]),
            _near(row["paid_quantity"]),
            _near(row["exceeded_quantity"]),
        )
        for row in built.rows("rpt_authorization")
    }


def _expected_authorizations(results: Results) -> dict[Any, Any]:
    return {
        key: (_near(use.authorized), _near(use.paid), _near(use.exceeded))
        for key, use in results.authorizations.items()
    }


def _funds(built: Built) -> dict[Any, Any]:
    """Funds that something was built in: those of partners without lines may be left out."""
    columns = ("built_amount", "drawn_amount", "open_amount", "expired_amount")
    return {
        (row["program_key"], row["partner_id"]): tuple(row[column] for column in columns)
        for row in built.rows("fct_fund")
        if row["built_amount"]
    }


def _expected_funds(results: Results) -> dict[Any, Any]:
    return {key: (f.built, f.drawn, f.open, f.expired) for key, f in results.funds.items() if f.built}


def _earned(built: Built) -> dict[Any, Decimal]:
    return {
        (row["program_key"], row["payee_id"], row["period_id"]): row["earned"]
        for row in built.rows("int_payee_period")
        if row["earned"]
    }


def _expected_earned(results: Results) -> dict[Any, Decimal]:
    return {key: amount for key, amount in results.liability().items() if amount}


def _estimates(built: Built) -> dict[Any, Any]:
    return {
        _at(row): (row["liability"], row["forecast_source"], row["limited_by"] or "")
        for row in built.rows("fct_accrual_estimate")
        if row["is_running"]
    }


def _expected_estimates(results: Results, programs: Mapping[str, Mapping[str, Any]]) -> dict[Any, Any]:
    """Programs that accrue what was earned, and only take part in a best_of group, are no part of the mart."""
    digits = {key: -int(each.payout.as_tuple().exponent) for key, each in results.qualification.items()}
    return {
        key: (Decimal(each.liability).scaleb(-digits[key]), each.source, ";".join(each.limited_by))
        for key, each in results.estimates.items()
        if programs[key[0]]["accrual_method"] != "earned"
    }


def _accruals(built: Built) -> dict[Any, int]:
    participant = {row["payout_id"]: _at(row) for row in built.rows("fct_qualification")}
    return {
        (*participant[row["payout_id"]], row["payee_id"]): int(row["estimate_minor"])
        for row in built.rows("int_accrual_share")
        if row["estimate_minor"]
    }


def _expected_accruals(results: Results) -> dict[Any, int]:
    return {
        (*key, payee): units for key, each in results.estimates.items() for payee, units in each.payees.items() if units
    }


def _tier_application(built: Built, results: Results) -> list[str]:
    """Tiers must add up to the payout before its limits; each is rounded, and one takes what is left over."""
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    shown: dict[tuple[Any, ...], Decimal] = {}
    for row in built.rows("fct_tier_application"):
        total[row["payout_id"]] += row["amount"]
        shown[(*_at(row), row["tier_number"])] = row["amount"]
    found = [
        f"{_at(row)}: tiers {total[row['payout_id']]}, payout before its limits {row['uncapped_payout']}"
        for row in built.rows("fct_qualification")
        if total[row["payout_id"]] != row["uncapped_payout"]
    ]
    exact = {(*key, tier.tier_number): tier.amount for key, tiers in results.tiers.items() for tier in tiers}
    rounding = {
        key: Fraction(len(results.tiers[key]) + 1, 2) * Fraction(1, 10 ** -int(each.payout.as_tuple().exponent))
        for key, each in results.qualification.items()
    }
    for at in sorted(exact.keys() | shown.keys()):
        if abs(Fraction(shown.get(at, 0)) - exact.get(at, 0)) > rounding.get(at[:3], 0):
            found.append(f"{at}: warehouse {shown.get(at)}, calculator {float(exact.get(at, 0))}")
    return found


def _parts(built: Built) -> list[str]:
    """Lines must add up to payees, payees to payouts."""
    lines = _totals((row["payout_id"], row["payee_id"], row["amount"]) for row in built.rows("fct_line_rebate"))
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


def _totals(rows: Iterable[tuple[str, str, Decimal]]) -> defaultdict[tuple[str, str], Decimal]:
    total: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for payout_id, payee_id, amount in rows:
        total[payout_id, payee_id] += amount
    return total
