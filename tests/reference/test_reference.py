"""The calculator against figures worked out by hand: the examples of docs/semantics.md and its rules one by one."""

from __future__ import annotations

import ast
from datetime import date
from decimal import Decimal, Inexact, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.reference import exact
from tests.reference.build import (
    inputs,
    line,
    membership,
    partner,
    product,
    program,
    scope_rule,
    tier_of,
    together,
)
from tests.reference.calculate import Results, calculate
from tests.reference.periods import Calendar, calendar_months

D = Decimal
TWO_TIERS: Any = (("0", "0.10"), ("1000", "0.25"))


def pay(lines: list[dict[str, Any]], more: dict[str, Any] | None = None, **columns: Any) -> Results:
    return calculate(inputs(program(**columns), lines, **(more or {})))


def one(results: Results) -> Decimal:
    """Return the one payout of R-1, which the shares of all add up to."""
    (payout,) = (payout for (_, who, _), payout in results.payouts.items() if who == "R-1")
    assert sum(share.amount for share in results.shares) == sum(results.payouts.values())
    return payout


# --- semantics 5: the examples of the table ------------------------------------------------------
@pytest.mark.parametrize(
    ("method", "payout"), [("retrospective", "500"), ("incremental", "350"), ("rolling", "600"), ("total", "700")]
)
def test_the_table_of_methods(method: str, payout: str) -> None:
    assert one(pay([line("1", "2000")], tiers=TWO_TIERS, method=method)) == D(payout)


def test_linear_example() -> None:
    points: Any = (("100000", "0.01"), ("200000", "0.03"))
    for amount, payout in (
        ("150000", "3500"),
        ("99999", "0"),
        ("100000", "1000"),
        ("200000", "6000"),
        ("300000", "9000"),
    ):
        assert one(pay([line("1", amount)], tiers=points, method="linear")) == D(payout)


def test_whole_increment_example() -> None:
    tiers: Any = (("100000", "0.02"),)
    for amount, payout in (("135000", "600"), ("100000", "0"), ("109999.99", "0"), ("110000", "200")):
        results = pay([line("1", amount)], tiers=tiers, method="whole_increment", increment=D(10000))
        assert one(results) == D(payout)


def test_lump_sum() -> None:
    tiers: Any = (("100", None, "5"), ("1000", None, "40"), ("5000", None, "300"))
    lump = {"tiers": tiers, "method": "lump_sum", "rate_kind": "flat"}
    assert one(pay([line("1", "1000")], lump_sum="highest", **lump)) == D(40)
    assert one(pay([line("1", "1000")], lump_sum="each", **lump)) == D(45)
    assert one(pay([line("1", "99")], lump_sum="each", **lump)) == 0


@pytest.mark.parametrize(
    ("growth_payout", "payout"), [("all", "70500"), ("on_growth", "10500"), ("marginal_growth", "3500")]
)
def test_growth_example(growth_payout: str, payout: str) -> None:
    results = pay(
        [line("1", "2350000")],
        basis="growth",
        growth_payout=growth_payout,
        tiers=(("110", "0.02"), ("115", "0.03"), ("120", "0.04")),
        figures=[("R-1", "2017", "2000000")],
    )
    assert one(results) == D(payout)
    assert results.qualification["P@1", "R-1", "2017"].basis == Fraction("117.5")
    assert results.qualification["P@1", "R-1", "2017"].gap == Fraction("2.5")


def test_rate_per_unit_on_tiers_by_amount() -> None:
    tiers: Any = (("0", "5"), ("100", "10"))
    results = pay([line("1", "200")], tiers=tiers, method="incremental", rate_kind="per_unit")
    assert one(results) == D("7.50")


def test_rate_and_flat_together() -> None:
    tiers: Any = (("0", "0.10", "7"), ("1000", "0.25", "30"))
    assert one(pay([line("1", "2000")], tiers=tiers, method="retrospective")) == D(530)
    assert one(pay([line("1", "2000")], tiers=tiers, method="incremental")) == D(387)
    assert one(pay([line("1", "2000")], tiers=tiers, method="total")) == D(737)
    assert one(pay([line("1", "2000")], tiers=tiers, method="rolling")) == D(600)


def test_boundaries() -> None:
    for boundary, payout in (("inclusive", "250"), ("exclusive", "100")):
        assert one(pay([line("1", "1000")], tiers=TWO_TIERS, boundary=boundary)) == D(payout)


def test_nothing_is_paid_at_zero_or_below() -> None:
    for amount in ("0", "-10"):
        results = pay([line("1", amount)], tiers=(("0", "0.10", "50"),))
        assert one(results) == 0
        assert results.qualification["P@1", "R-1", "2017"].tier_number is None


def test_payout_base_of_zero_pays_the_flat_part_only() -> None:
    """Target above zero, earning base at zero: the rate pays nothing, the flat amount stands."""
    lines = [line("1", "500", product="A"), line("2", "20", product="B"), line("3", "-20", product="B")]
    results = pay(
        lines,
        tiers=(("100", "0.10", "9"),),
        earning_rules=[scope_rule("sku", "B")],
        target_rules=[],
    )
    assert one(results) == D(9)
    assert {share.line_key: share.amount for share in results.shares} == {"erp|2|1": D("4.50"), "erp|3|1": D("4.50")}


def test_a_flat_amount_without_earning_lines_is_carried_by_the_target_lines() -> None:
    lines = [line("1", "500"), line("2", "250", partner="R-1")]
    results = pay(lines, tiers=(("100", "0.10", "9"),), earning_rules=[scope_rule("sku", "B")], target_rules=[])
    assert one(results) == D(9)
    assert {share.line_key: share.amount for share in results.shares} == {"erp|1|1": D(6), "erp|2|1": D(3)}


def test_growth_without_a_baseline_pays_nothing() -> None:
    for figures in ([], [("R-1", "2017", "0")], [("R-2", "2017", "10")]):
        results = pay([line("1", "100")], basis="growth", growth_payout="all", tiers=(("50", "1"),), figures=figures)
        assert one(results) == 0
        assert results.qualification["P@1", "R-1", "2017"].basis is None


def test_attainment() -> None:
    results = pay(
        [line("1", "90")],
        basis="attainment",
        tiers=(("90", "0.10"), ("100", "0.2")),
        figures=[("R-1", "2017", "100")],
    )
    assert one(results) == D(9)


def test_target_scope_apart_from_earning_scope() -> None:
    lines = [line("1", "210000", product="A"), line("2", "40000", product="B")]
    results = pay(
        lines,
        tiers=(("100000", "0.01"), ("200000", "0.02")),
        method="incremental",
        earning_rules=[scope_rule("sku", "B")],
        target_rules=[],
    )
    assert one(results) == D(320)


def test_cap_comes_after_rounding() -> None:
    assert one(pay([line("1", "1000")], participant_cap=D("99.99"))) == D("99.99")
    assert one(pay([line("1", "1000")], participant_cap=D("100"))) == D(100)


def test_rounding_once_half_away_from_zero() -> None:
    assert one(pay([line("1", "0.10"), line("2", "0.15")], tiers=(("0", "0.10"),))) == D("0.03")
    assert one(pay([line("1", "1005")], tiers=(("0", "0.1"),), more={"minor_units": {"USD": 0}})) == D(101)
    assert exact.round_half_away(Fraction(-1, 2), 0) == -1
    assert exact.round_half_away(Fraction(1005, 1000), 2) == 101


# --- semantics 3: lines ---------------------------------------------------------------------------
def test_the_newest_row_of_a_key_counts() -> None:
    rows = [line("1", "100"), line("1", "300", file_sequence=2), line("1", "200", file_sequence=2, row_number=0)]
    assert one(pay(rows)) == D(30)


def test_a_cancellation_removes_the_line() -> None:
    rows = [line("1", "100"), line("2", "50"), line("1", "100", record_intent="cancellation", file_sequence=2)]
    assert one(pay(rows)) == D(5)
    back = [*rows, line("1", "70", file_sequence=3)]
    assert one(pay(back)) == D(12)


def test_a_replacement_report_replaces_partner_and_month() -> None:
    pos: dict[str, Any] = {"source": "pos", "distributor_id": "D-1", "reseller_id": "R-1", "file_sequence": 1}
    march, april = date(2017, 3, 31), date(2017, 4, 1)
    rows = [
        line("1", "1", day=march, **pos),
        line("2", "10", day=april, **pos),
        line("3", "100", day=march, **{**pos, "reseller_id": "R-2"}),
        line("4", "1000", day=march, **{**pos, "source": "other"}),
        line("5", "10000", day=date(2017, 3, 1), record_intent="replacement", **{**pos, "file_sequence": 2}),
        line("6", "100000", day=march, **{**pos, "file_sequence": 2}),
    ]
    assert one(pay(rows, tiers=(("0", "1"),))) == D(111110)


def test_no_older_row_comes_back_when_the_newest_was_replaced() -> None:
    rows = [
        line("1", "1", day=date(2017, 2, 1)),
        line("1", "1", day=date(2017, 3, 1), file_sequence=2),
        line("2", "5", day=date(2017, 3, 1), file_sequence=3, record_intent="replacement"),
    ]
    assert one(pay(rows, tiers=(("0", "1"),))) == D(5)


def test_lines_after_the_as_of_date_do_not_count() -> None:
    rows = [line("1", "100", day=date(2017, 6, 30)), line("2", "100", day=date(2017, 7, 1))]
    assert one(pay(rows, {"as_of": date(2017, 6, 30)})) == D(10)


def test_units() -> None:
    units = {"entities": {"product_unit": [{"product_id": "P-1", "unit": "CS", "factor": D("12")}]}}
    rows = [line("1", "1", quantity="2", unit="CS"), line("2", "1", quantity="3"), line("3", "1", unit="PAL")]
    results = pay(rows, units, tiers=(("0", "1"),), basis="quantity", rate_kind="per_unit")
    assert one(results) == D(27)
    assert results.excluded == {("P@1:earning", "erp|3|1"): "no_unit"}


def test_currency_rate_of_the_day_at_most_ten_days_old() -> None:
    rates = [
        {"from_currency": "CAD", "to_currency": "USD", "rate_date": date(2017, 3, 1), "rate": D("0.75")},
        {"from_currency": "CAD", "to_currency": "USD", "rate_date": date(2017, 3, 5), "rate": D("0.5")},
        {
            "from_currency": "CAD",
            "to_currency": "USD",
            "rate_date": date(2017, 3, 1),
            "rate": D("0.7"),
            "file_sequence": 0,
        },
    ]
    paid = {
        day: pay(
            [line("1", "100", day=date(2017, *day), currency="CAD")],
            {"entities": {"fx_rate": rates}},
            tiers=(("0", "1"),),
        )
        for day in ((2, 28), (3, 1), (3, 4), (3, 5), (3, 15), (3, 16))
    }
    assert {day: sum(r.payouts.values()) for day, r in paid.items()} == {
        (2, 28): 0,
        (3, 1): D(75),
        (3, 4): D(75),
        (3, 5): D(50),
        (3, 15): D(50),
        (3, 16): 0,
    }
    assert list(paid[3, 16].excluded.values()) == ["no_fx_rate"]


def test_conversion_is_not_rounded() -> None:
    rate = {"from_currency": "CAD", "to_currency": "USD", "rate_date": date(2017, 3, 1), "rate": D("0.33333333")}
    rows = [line(str(n), "0.0100", currency="CAD") for n in range(300)]
    assert one(pay(rows, {"entities": {"fx_rate": [rate]}}, tiers=(("0", "1"),))) == D("1.00")


@pytest.mark.parametrize(
    ("measurement", "day", "period"),
    [
        ("month", date(2017, 12, 31), "2017-12"),
        ("quarter", date(2017, 3, 31), "2017-Q1"),
        ("quarter", date(2017, 4, 1), "2017-Q2"),
        ("quarter", date(2017, 12, 1), "2017-Q4"),
        ("half_year", date(2017, 6, 30), "2017-H1"),
        ("half_year", date(2017, 7, 1), "2017-H2"),
        ("year", date(2017, 7, 1), "2017"),
        ("program", date(2017, 7, 1), "program"),
    ],
)
def test_periods(measurement: str, day: date, period: str) -> None:
    assert Calendar(calendar_months()).period(measurement, day) == period


# --- semantics 2: who takes part, which lines -----------------------------------------------------
def test_missing_role_is_no_participant() -> None:
    results = pay([line("1", "100", partner=None), line("2", "100")])
    assert one(results) == D(10)
    assert results.excluded == {("P@1:earning", "erp|1|1"): "no_participant"}


def test_include_and_exclude() -> None:
    rows = [line("1", "100"), line("2", "100", partner="R-2"), line("3", "100", partner="R-3")]
    results = pay(rows, participants=[("include", "all", None), ("exclude", "partner", "R-2")])
    assert set(results.payouts) == {("P@1", "R-1", "2017"), ("P@1", "R-3", "2017")}
    results = pay(rows, participants=[("include", "partner", "R-2"), ("include", "partner", "R-3")])
    assert set(results.payouts) == {("P@1", "R-2", "2017"), ("P@1", "R-3", "2017")}
    assert results.excluded == {("P@1:earning", "erp|1|1"): "not_admitted"}


def test_groups_and_tiers_are_taken_on_the_day_of_the_line() -> None:
    rows = [line("1", "100", day=date(2017, 3, 31)), line("2", "1000", day=date(2017, 4, 1))]
    entities = {
        "partner_group": [membership("R-1", "G-1", valid_to=date(2017, 3, 31))],
        "partner_tier": [tier_of("R-1", "silver"), tier_of("R-1", "gold", date(2017, 4, 1))],
    }
    assert one(pay(rows, {"entities": entities}, participants=[("include", "group", "G-1")])) == D(10)
    segments = {
        "entities": entities,
        "segments": [{"segment_id": "gold", "entity": "partner"}],
        "segment_rules": [{"segment_id": "gold", "attribute": "tier", "operator": "=", "value": "gold"}],
    }
    assert one(pay(rows, segments, participants=[("include", "segment", "gold")])) == D(100)


def test_segment_rules_must_all_hold() -> None:
    rows = [line(str(n), "100", partner=f"R-{n}") for n in range(1, 5)]
    entities = {
        "partner": [
            partner("R-1", channel="a", region="N"),
            partner("R-2", channel="a", region="S"),
            partner("R-3", channel="b", region="N"),
            partner("R-4", channel="a", region=None),
        ]
    }
    rules = [("channel", "in", "a|c"), ("region", "!=", "S")]
    more = {
        "entities": entities,
        "segments": [{"segment_id": "s", "entity": "partner"}],
        "segment_rules": [{"segment_id": "s", "attribute": a, "operator": o, "value": v} for a, o, v in rules],
    }
    results = pay(rows, more, participants=[("include", "segment", "s")])
    assert {who for _, who, _ in results.payouts} == {"R-1", "R-4"}


def test_not_in_a_group_means_in_none_of_that_name() -> None:
    """A member of G-1 and G-2 is not outside G-1, whatever else it belongs to."""
    rows = [line(str(n), "100", partner=f"R-{n}") for n in range(1, 4)]
    more = {
        "entities": {"partner_group": [membership("R-1", "G-1"), membership("R-1", "G-2"), membership("R-2", "G-2")]},
        "segments": [{"segment_id": "outside", "entity": "partner"}],
        "segment_rules": [{"segment_id": "outside", "attribute": "group_id", "operator": "!=", "value": "G-1"}],
    }
    results = pay(rows, more, participants=[("include", "segment", "outside")])
    assert {who for _, who, _ in results.payouts} == {"R-2", "R-3"}


def test_numbers_in_segment_rules() -> None:
    rows = [line(str(n), "100", end_customer_id=f"H-{n}") for n in range(1, 5)]
    customers = [
        {"end_customer_id": f"H-{n}", "size_band": band, "end_customer_type": "household"}
        for n, band in ((1, "2"), (2, "10"), (3, "5+"), (4, None))
    ]
    more = {
        "entities": {"end_customer": customers},
        "segments": [{"segment_id": "large", "entity": "end_customer"}],
        "segment_rules": [{"segment_id": "large", "attribute": "size_band", "operator": ">=", "value": "3"}],
    }
    inside = pay(rows, more, earning_rules=[scope_rule("end_customer_segment", "large")])
    assert {line.line_key for line in inside.counted["P@1:earning"]} == {"erp|2|1"}
    outside = pay(rows, more, earning_rules=[scope_rule("end_customer_segment", "large", "exclude")])
    assert {line.line_key for line in outside.counted["P@1:earning"]} == {"erp|1|1", "erp|3|1", "erp|4|1"}


def test_enrolment_by_acceptance() -> None:
    rows = [
        line("1", "100", day=date(2017, 3, 1)),
        line("2", "100", day=date(2017, 3, 2)),
        line("3", "1", partner="R-2"),
    ]
    results = pay(rows, accepted=[("R-1", date(2017, 3, 2))])
    assert one(results) == D(10)
    assert results.excluded == {("P@1:earning", "erp|1|1"): "not_enrolled", ("P@1:earning", "erp|3|1"): "not_enrolled"}


def test_product_dimensions_are_alternatives_and_others_limits() -> None:
    entities = {
        "product": [
            product("A", family="f", brand="x"),
            product("B", family="g", brand="y"),
            product("C", family="g", brand="x"),
            product("D", family="h", brand="z"),
        ]
    }
    rows = [line(name, "100", product=name) for name in "ABCD"]
    rules = [
        scope_rule("family", "f"),
        scope_rule("brand", "y"),
        scope_rule("sku", "C"),
        scope_rule("brand", "x", "exclude"),
    ]
    results = pay(rows, {"entities": entities}, earning_rules=rules)
    assert [line.line_key for line in results.counted["P@1:earning"]] == ["erp|B|1"]
    results = pay(rows, {"entities": entities}, earning_rules=[scope_rule("brand", "x", "exclude")])
    assert [line.line_key for line in results.counted["P@1:earning"]] == ["erp|B|1", "erp|D|1"]
    both = [
        scope_rule("channel", "grocery"),
        scope_rule("region", "SOUTH"),
        scope_rule("document_type", "return", "exclude"),
    ]
    rows = [
        line("1", "100", region="SOUTH"),
        line("2", "100"),
        line("3", "-100", region="SOUTH", document_type="return"),
        line("4", "100", region="SOUTH", partner="R-2"),
    ]
    results = pay(rows, {"entities": {"partner": [partner("R-2", channel="drug")]}}, earning_rules=both)
    assert [line.line_key for line in results.counted["P@1:earning"]] == ["erp|1|1"]
    assert list(results.excluded.values()) == ["region", "document_type", "channel"]


def test_limits_are_inclusive_and_compare_absolute_values() -> None:
    def kept(*rows: dict[str, Any], **limits: Any) -> list[str]:
        return [
            eligible.line.row["document_number"] for eligible in pay(list(rows), earning=limits).counted["P@1:earning"]
        ]

    rows = [
        line("1", "10", quantity="5"),
        line("2", "-10", quantity="-5"),
        line("3", "9.99", quantity="5"),
        line("4", "0", quantity="0"),
        line("5", "3", quantity="0"),
    ]
    assert kept(*rows, min_price=D(2)) == ["1", "2", "4", "5"]
    assert kept(*rows, max_price=D("1.998")) == ["3", "4"]
    assert kept(*rows, min_quantity=D(5)) == ["1", "2", "3"]
    assert kept(*rows, max_amount=D("9.99")) == ["3", "4", "5"]


def test_validity_and_stream() -> None:
    rows = [
        line("1", "100", day=date(2017, 6, 30)),
        line("2", "100", day=date(2017, 7, 1)),
        line("3", "1", stream="sell_through"),
    ]
    results = pay(rows, valid_to=date(2017, 6, 30))
    assert one(results) == D(10)
    assert results.excluded == {}


# --- semantics 7 and 9: groups, payees, shares ----------------------------------------------------
def test_a_group_reaches_tiers_together_and_shares_by_payout_base() -> None:
    rows = [
        line("1", "400", partner="R-1"),
        line("2", "500", partner="R-2"),
        line("3", "100", partner="R-3"),
        line("4", "100", partner="R-4"),
    ]
    groups = [membership("R-1", "G-1"), membership("R-2", "G-1"), membership("R-3", "G-1"), membership("R-3", "G-0")]
    results = pay(rows, {"entities": {"partner_group": groups}}, tiers=(("500", "0.10"),), aggregate="group")
    assert results.payouts == {("P@1", "G-1", "2017"): D(90), ("P@1", "G-0", "2017"): 0}
    assert results.payees()["P@1", "G-1", "2017", "R-1"] == D(40)
    assert results.payees()["P@1", "G-1", "2017", "R-2"] == D(50)
    assert results.excluded == {("P@1:earning", "erp|4|1"): "no_group"}
    head = pay(
        rows,
        {"entities": {"partner_group": groups}},
        tiers=(("500", "0.10"),),
        aggregate="group",
        payees=[{"role": "group_head"}],
    )
    assert head.liability() == {("P@1", "G-1", "2017"): D(90)}


def test_group_head_is_resolved_on_each_line() -> None:
    """Also where tiers look at the participant alone: the group that the partner is in on the line's date."""
    rows = [line("1", "300", day=date(2017, 3, 31)), line("2", "100", day=date(2017, 4, 1))]
    groups = [membership("R-1", "G-1", valid_to=date(2017, 3, 31))]
    results = pay(rows, {"entities": {"partner_group": groups}}, payees=[{"role": "group_head"}])
    assert results.payees() == {("P@1", "R-1", "2017", "G-1"): D(30), ("P@1", "R-1", "2017", None): D(10)}


def test_payees_by_role_fallback_and_unpaid() -> None:
    rows = [
        line("1", "600", distributor_id="D-1", reseller_id="R-9"),
        line("2", "300", distributor_id="D-2"),
        line("3", "100"),
    ]
    results = pay(
        rows,
        payees=[
            {"role": "distributor", "share": D(60), "fallback_partner_id": "D-0"},
            {"role": "reseller", "share": D(40)},
        ],
    )
    assert results.payees() == {
        ("P@1", "R-1", "2017", "D-1"): D(36),
        ("P@1", "R-1", "2017", "D-2"): D(18),
        ("P@1", "R-1", "2017", "D-0"): D(6),
        ("P@1", "R-1", "2017", "R-9"): D(24),
        ("P@1", "R-1", "2017", None): D(16),
    }
    assert sum(results.liability().values()) == D(84)


def test_one_payee_through_two_roles() -> None:
    rows = [line("1", "100", ship_to_id="R-1"), line("2", "100", ship_to_id="R-2")]
    results = pay(rows, payees=[{"role": "sold_to", "share": D(50)}, {"role": "ship_to", "share": D(50)}])
    assert results.line_rebates() == {
        ("P@1", "erp|1|1", "R-1"): D(10),
        ("P@1", "erp|2|1", "R-1"): D(5),
        ("P@1", "erp|2|1", "R-2"): D(5),
    }


def test_largest_remainder() -> None:
    third = dict.fromkeys("abc", Fraction(1))
    assert exact.largest_remainder(100, third) == {"a": 34, "b": 33, "c": 33}
    assert exact.largest_remainder(101, third) == {"a": 34, "b": 34, "c": 33}
    assert exact.largest_remainder(10, {"a": Fraction(1), "b": Fraction(2)}) == {"a": 3, "b": 7}
    assert exact.largest_remainder(5, {"b": Fraction(0), "a": Fraction(0)}) == {"a": 3, "b": 2}
    assert exact.largest_remainder(10, {"a": Fraction(6), "b": Fraction(-1)}) == {"a": 12, "b": -2}
    assert exact.largest_remainder(0, {}) == {}
    with pytest.raises(ValueError, match="nobody"):
        exact.largest_remainder(1, {})


def test_the_sum_of_the_lines_is_the_payout_to_the_cent() -> None:
    rows = [line(str(n), "10") for n in range(7)]
    results = pay(rows, tiers=(("0", "0.00714285"),))
    assert one(results) == D("0.50")
    assert [share.amount for share in results.shares] == [D("0.08")] + [D("0.07")] * 6


def test_several_programs_stand_alone() -> None:
    results = calculate(inputs(together(program("A@1"), program("B@1", tiers=(("0", "0.01"),))), [line("1", "150")]))
    assert results.payouts == {("A@1", "R-1", "2017"): D(15), ("B@1", "R-1", "2017"): D("1.50")}


def test_programs_that_are_not_calculated_are_left_out() -> None:
    assert pay([line("1", "100")], calculated=False).payouts == {}


# --- the calculator itself ------------------------------------------------------------------------
def test_inexact_decimals_raise() -> None:
    with localcontext(exact.EXACT), pytest.raises(Inexact):
        D(1) / D(3)
    with pytest.raises(TypeError, match="never floats"):
        exact.fraction(0.1)  # type: ignore[arg-type]


def test_it_shares_no_code_with_the_product() -> None:
    """Only the standard library and itself."""
    allowed = {
        "tests",
        "__future__",
        "bisect",
        "collections",
        "contextlib",
        "dataclasses",
        "datetime",
        "decimal",
        "fractions",
        "math",
        "operator",
        "typing",
    }
    for path in Path(__file__).parent.glob("*.py"):
        if path.name.startswith("test_"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert {name.split(".")[0] for name in names} <= allowed, path.name
            assert all(name.startswith("tests.reference") for name in names if name.startswith("tests"))
