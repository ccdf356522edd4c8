"""The calculator against figures worked out by hand: every kind of program, one rule at a time.

What belongs here: semantics 3 to 8 beyond tiers and shares (test_reference.py). Each docstring shows the sum.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.reference.build import (
    authorization,
    fund_claim,
    gate,
    inputs,
    line,
    membership,
    partner,
    product,
    program,
    scope_rule,
    segment_rule,
    together,
)
from tests.reference.calculate import Results, calculate
from tests.reference.limits import Fund
from tests.reference.periods import Calendar, calendar_months
from tests.reference.prices import Use

D = Decimal
Dict = dict[str, Any]
ALL: Any = (("0", "1"),)
"""100 % from 0: the payout is the basis."""


def pay(lines: list[Dict], more: Dict | None = None, **columns: Any) -> Results:
    return calculate(inputs(program(**columns), lines, **(more or {})))


def paid(results: Results, who: str = "R-1", key: str = "P@1") -> dict[str, Decimal]:
    """Return payouts by period."""
    return {
        period: payout for (program, whom, period), payout in results.payouts.items() if (program, whom) == (key, who)
    }


def lines_paid(results: Results, key: str = "P@1") -> dict[str, Decimal]:
    """Return what each document brings, over all payees and periods."""
    total: dict[str, Decimal] = {}
    for share in results.shares:
        if share.program_key == key:
            number = share.line_key.split("|")[1]
            total[number] = total.get(number, D(0)) + share.amount
    return total


def why(results: Results, scope: str = "P@1:earning") -> dict[str, str]:
    """Return the reasons by document."""
    return {key.split("|")[1]: reason for (where, key), reason in results.excluded.items() if where == scope}


# --- effective date -------------------------------------------------------------------------------
def a_return(number: str, amount: str, day: date, reference: str | None, **columns: Any) -> Dict:
    return line(
        number,
        amount,
        day=day,
        quantity="-1",
        **{"document_type": "return", "reference_document_number": reference, **columns},
    )


def test_returns_count_on_their_own_date_or_on_that_of_the_document() -> None:
    """500 in January, 100 of it back in July: 500 and -100 (pays nothing), or 400 in January alone."""
    rows = [line("1", "500", day=date(2017, 1, 10)), a_return("2", "-100", date(2017, 7, 1), "1")]
    assert paid(pay(rows, measurement="half_year", tiers=ALL)) == {"2017-H1": 500, "2017-H2": 0}
    original = pay(rows, measurement="half_year", tiers=ALL, earning={"returns": "by_original_document"})
    assert paid(original) == {"2017-H1": 400, "2017-H2": 0}


def test_only_returns_and_credit_memos_look_at_what_they_refer_to() -> None:
    """January: 500 - 7 (credit memo). The invoice 3 refers to it too, but is its own: July 50."""
    july = date(2017, 7, 1)
    rows = [
        line("1", "500", day=date(2017, 1, 10)),
        a_return("2", "-7", july, "1", document_type="credit_memo"),
        a_return("3", "50", july, "1", document_type="invoice"),
    ]
    results = pay(rows, measurement="half_year", tiers=ALL, earning={"returns": "by_original_document"})
    assert paid(results) == {"2017-H1": 493, "2017-H2": 50}


def test_the_document_that_a_return_refers_to() -> None:
    """Its earliest line that counts (January: -1), of the same source (not -10), and not a cancelled one (not -100)."""
    july, many = (
        date(2017, 7, 1),
        [line("1", "1000", day=date(2017, month, 1), line_number=str(month)) for month in (1, 7)],
    )
    rows = [
        *many,
        line("9", "1", day=date(2017, 1, 1)),
        line("9", "1", day=date(2017, 1, 1), record_intent="cancellation", file_sequence=2),
        a_return("2", "-1", july, "1"),
        a_return("3", "-10", july, "1", source="other"),
        a_return("4", "-100", july, "9"),
    ]
    results = pay(rows, measurement="half_year", tiers=ALL, earning={"returns": "by_original_document"})
    assert paid(results) == {"2017-H1": 999, "2017-H2": 890}


def test_validity_and_membership_go_by_the_effective_date_and_rates_by_the_own_date() -> None:
    """The return of August counts in March, when R-1 was in G-1 and the program valid: 100 USD - 10 CAD x 0.5 = 95."""
    rates = [
        {"from_currency": "CAD", "to_currency": "USD", "rate_date": date(2017, month, 1), "rate": D(rate)}
        for month, rate in ((3, "0.8"), (8, "0.5"))
    ]
    entities = {"partner_group": [membership("R-1", "G-1", valid_to=date(2017, 6, 30))], "fx_rate": rates}
    rows = [line("1", "100"), a_return("2", "-10", date(2017, 8, 1), "1", currency="CAD")]
    results = pay(
        rows,
        {"entities": entities},
        tiers=ALL,
        valid_to=date(2017, 6, 30),
        participants=[("include", "group", "G-1")],
        earning={"returns": "by_original_document"},
    )
    assert paid(results) == {"2017": 95}


# --- baselines from lines -------------------------------------------------------------------------
GROWTH: Dict = {"basis": "growth", "measure": {"baseline": "lines"}, "tiers": (("100", "0.10"),)}


def test_the_baseline_is_the_same_period_one_year_before() -> None:
    """February: 300 against 200 (28 and 29 February 2016) is 150 %. March: 100 against 400 is 25 %, no tier."""
    rows = [
        line("1", "150", day=date(2016, 2, 28)),
        line("2", "50", day=date(2016, 2, 29)),
        line("3", "400", day=date(2016, 3, 1)),
        line("4", "7", day=date(2015, 3, 1)),
        line("5", "300", day=date(2017, 2, 10)),
        line("6", "100", day=date(2017, 3, 31)),
    ]
    results = pay(rows, measurement="month", **GROWTH)
    assert {period: amount for period, amount in paid(results).items() if amount} == {"2017-02": 30}
    february = results.qualification["P@1", "R-1", "2017-02"]
    assert (february.basis, february.actual, february.figure) == (150, 300, 200)
    march = results.qualification["P@1", "R-1", "2017-03"]
    assert (march.basis, march.actual, march.figure, march.gap) == (25, 100, 400, 75)


def test_a_running_period_is_compared_with_the_whole_of_last_years() -> None:
    """As of 30 June: 120 so far against 100 in June and 100 in December 2016 is 60 %."""
    rows = [
        line("1", "100", day=date(2016, 6, 1)),
        line("2", "100", day=date(2016, 12, 31)),
        line("3", "120", day=date(2017, 6, 1)),
    ]
    results = pay(rows, {"as_of": date(2017, 6, 30)}, **GROWTH)
    assert results.qualification["P@1", "R-1", "2017"].basis == 60


def test_who_takes_part_in_a_baseline_is_who_takes_part_now() -> None:
    """R-2 was no member in 2016, but is in 2017: its 60 belong to the group's baseline. R-3 left: its 1000 do not."""
    groups = [
        membership("R-1", "G-1", date(2016, 1, 1)),
        membership("R-2", "G-1", date(2017, 1, 1)),
        membership("R-3", "G-1", date(2016, 1, 1), date(2016, 12, 31)),
    ]
    rows = [
        line(f"{n}", amount, day=date(2016, 5, 1), partner=f"R-{n}")
        for n, amount in ((1, "40"), (2, "60"), (3, "1000"))
    ]
    results = pay([*rows, line("4", "150")], {"entities": {"partner_group": groups}}, aggregate="group", **GROWTH)
    assert results.qualification["P@1", "G-1", "2017"].basis == 150


def test_a_baseline_starts_from_the_effective_date() -> None:
    """The return of January 2016 belongs to December 2015, which nobody asks for: baseline 100, not 60."""
    rows = [
        line("1", "40", day=date(2015, 12, 1)),
        a_return("2", "-40", date(2016, 1, 5), "1"),
        line("3", "100", day=date(2016, 6, 1)),
        line("4", "120"),
    ]
    results = pay(rows, earning={"returns": "by_original_document"}, **GROWTH)
    assert results.qualification["P@1", "R-1", "2017"].basis == 120


def test_growth_of_quantity() -> None:
    """20 units after 15: growth of 5 at 2 each is 10, whatever the amounts."""
    rows = [line("1", "999", day=date(2016, 5, 1), quantity="15"), line("2", "1", quantity="20")]
    measure = {"baseline": "lines", "of": "quantity"}
    fields: Dict = {"basis": "growth", "measure": measure, "tiers": (("110", "2"),), "rate_kind": "per_unit"}
    assert paid(pay(rows, growth_payout="on_growth", **fields)) == {"2017": 10}
    assert paid(pay(rows, growth_payout="all", **fields)) == {"2017": 40}


def test_marginal_growth_of_quantity() -> None:
    """200 units after 100: 10 points at 1 and 80 points at 3, of 100 units: 10 + 240."""
    rows = [line("1", "1", day=date(2016, 5, 1), quantity="100"), line("2", "1", quantity="200")]
    results = pay(
        rows,
        basis="growth",
        measure={"baseline": "lines", "of": "quantity"},
        tiers=(("110", "1"), ("120", "3")),
        rate_kind="per_unit",
        method="incremental",
        growth_payout="marginal_growth",
    )
    assert paid(results) == {"2017": 250}


# --- new partners ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("measure", "basis", "figure", "payout"),
    [
        ({}, None, 0, "0"),
        ({"treat_as": D(115)}, 115, 0, "40"),
        ({"treat_as": D(99)}, 99, 0, "0"),
        ({"new_partner_baseline": D(80)}, 250, 80, "40"),
        ({"new_partner_baseline": D(250)}, 80, 250, "0"),
    ],
)
def test_new_partners(measure: Dict, basis: int | None, figure: int, payout: str) -> None:
    """200 and nothing the year before; 20 % of 200 from 110 % on."""
    fields = {**GROWTH, "measure": {"baseline": "lines", **measure}, "tiers": (("110", "0.20"),)}
    results = pay([line("1", "200")], **fields)
    assert paid(results) == {"2017": D(payout)}
    found = results.qualification["P@1", "R-1", "2017"]
    assert (found.basis, found.figure, found.actual) == (basis, figure, 200)


def test_a_new_partner_without_purchases_gets_nothing() -> None:
    fields = {**GROWTH, "measure": {"baseline": "lines", "treat_as": D(120)}, "tiers": (("0", None, "5"),)}
    results = pay([line("1", "10"), line("2", "-10")], **{**fields, "method": "lump_sum", "rate_kind": "flat"})
    assert results.qualification["P@1", "R-1", "2017"].basis == 0
    assert paid(results) == {"2017": 0}


def test_growth_on_a_baseline_that_is_taken() -> None:
    """Taken as 150, actual 200: 10 % of 50 is 5; of what is above 110 %: 10 % of 200 - 165 = 3.50."""
    measure = {"baseline": "given", "new_partner_baseline": D(150)}
    fields: Dict = {"basis": "growth", "measure": measure, "tiers": (("110", "0.10"),)}
    assert paid(pay([line("1", "200")], growth_payout="on_growth", **fields)) == {"2017": 5}
    marginal = pay([line("1", "200")], growth_payout="marginal_growth", method="incremental", **fields)
    assert paid(marginal) == {"2017": D("3.50")}


# --- share, attainment, count ---------------------------------------------------------------------
MIX = {
    "entities": {"product": [product("A", family="f"), product("B", brand="b"), product("C", brand="b", family="g")]}
}


def test_share_of_a_subset() -> None:
    """A 30 (family f) and B 20 (brand b) of 200 is 25 %; C is of brand b too, but left out. 10 % of all 200."""
    rows = [line("1", "30", product="A"), line("2", "20", product="B"), line("3", "150", product="C")]
    subset = [scope_rule("family", "f"), scope_rule("brand", "b"), scope_rule("sku", "C", "exclude")]
    results = pay(rows, MIX, basis="share", subset=subset, tiers=(("25", "0.10"),))
    assert paid(results) == {"2017": 20}
    found = results.qualification["P@1", "R-1", "2017"]
    assert (found.basis, found.actual, found.figure) == (25, 50, 200)


def test_share_of_quantity() -> None:
    """1 of 4 units, though 90 of 100 in money."""
    rows = [line("1", "90", product="A"), line("2", "10", quantity="3", product="B")]
    results = pay(rows, MIX, basis="share", measure={"of": "quantity"}, subset=[scope_rule("sku", "A")])
    assert results.qualification["P@1", "R-1", "2017"].basis == 25


def test_no_share_of_nothing() -> None:
    rows = [line("1", "30", product="A"), line("2", "-30", product="B")]
    results = pay(
        rows, MIX, basis="share", subset=[scope_rule("sku", "A")], tiers=(("0", None, "5"),), method="lump_sum"
    )
    assert results.qualification["P@1", "R-1", "2017"].basis is None
    assert paid(results) == {"2017": 0}


def test_attainment_of_quantity() -> None:
    """45 of 50 units is 90 %: 2 per unit."""
    results = pay(
        [line("1", "1", quantity="45")],
        basis="attainment",
        measure={"of": "quantity"},
        figures=[("R-1", "2017", "50")],
        tiers=(("90", "2"),),
        rate_kind="per_unit",
    )
    assert paid(results) == {"2017": 90}


@pytest.mark.parametrize(
    ("counted", "number"), [("documents", 4), ("end_customers", 2), ("first_time_end_customers", 1)]
)
def test_counts(counted: str, number: int) -> None:
    """Documents 1, 2, 3 of the ERP and 1 of another source. H-1 and H-2; H-1 bought before, from R-2: H-2 is new."""
    rows = [
        line("0", "1", partner="R-2", end_customer_id="H-1", day=date(2016, 1, 1), stream="sell_through"),
        line("1", "1", end_customer_id="H-1"),
        line("1", "1", end_customer_id="H-2", line_number="2"),
        line("2", "1", end_customer_id="H-2", day=date(2017, 4, 1)),
        line("3", "-1", document_type="return"),
        line("1", "1", source="other"),
    ]
    results = pay(rows, basis="count", measure={"counted": counted}, tiers=(("1", "0.5"),))
    assert results.qualification["P@1", "R-1", "2017"].basis == number
    assert paid(results) == {"2017": D("1.50")}


# --- cumulation -----------------------------------------------------------------------------------
TO_DATE: Dict = {"cumulation": "to_date", "measurement": "quarter"}


def quarterly(*amounts: str, **columns: Any) -> list[Dict]:
    """Return one line a quarter, numbered from 1."""
    return [
        line(str(n), amount, day=date(2017, 3 * n, 1), **columns) for n, amount in enumerate(amounts, start=1) if amount
    ]


def test_to_date_pays_the_difference() -> None:
    """10 %, from 1,000 20 %. To date 400, 1,000, 900, 900: 40, 200, 90, 90. Paid 40, 160, -110, 0."""
    results = pay(quarterly("400", "600", "-100"), tiers=(("0", "0.10"), ("1000", "0.20")), **TO_DATE)
    assert paid(results) == {"2017-Q1": 40, "2017-Q2": 160, "2017-Q3": -110, "2017-Q4": 0}
    third = results.qualification["P@1", "R-1", "2017-Q3"]
    assert (third.basis, third.uncapped_payout, third.next_payout) == (900, 90, 200 - 200)


def test_a_basis_below_zero_to_date_claws_everything_back() -> None:
    assert paid(pay(quarterly("400", "-500"), **TO_DATE)) == {"2017-Q1": 40, "2017-Q2": -40, "2017-Q3": 0, "2017-Q4": 0}


def test_the_parts_to_date_are_those_of_the_running_sum() -> None:
    """Sums 40 and 200, shared 40 | 80, 120: of the second quarter's 160 line 1 brings 40, line 2 120."""
    results = pay(quarterly("400", "600"), tiers=(("0", "0.10"), ("1000", "0.20")), **TO_DATE)
    assert {(s.period_id, s.line_key, s.amount) for s in results.shares} == {
        ("2017-Q1", "erp|1|1", D(40)),
        ("2017-Q2", "erp|1|1", D(40)),
        ("2017-Q2", "erp|2|1", D(120)),
    }


def test_bounds_of_a_participant_count_once_a_period() -> None:
    """Guarantee of 30 a quarter on 10 % of 100, 500, 0, 0: to date 10, 60, 60, 60 against 30, 60, 90, 120."""
    results = pay(quarterly("100", "500"), participant_floor=D(30), **TO_DATE)
    assert paid(results) == {"2017-Q1": 30, "2017-Q2": 30, "2017-Q3": 30, "2017-Q4": 30}
    assert [results.qualification["P@1", "R-1", f"2017-Q{n}"].limited_by for n in (1, 2, 3)] == [
        ("floor",),
        (),
        ("floor",),
    ]
    capped = pay(quarterly("500", "100"), participant_cap=D(30), **TO_DATE)
    assert paid(capped) == {"2017-Q1": 30, "2017-Q2": 30, "2017-Q3": 0, "2017-Q4": 0}


def test_figures_add_up_to_date() -> None:
    """Targets 100 and 300, none in the third quarter. 100 %, 50 %, 100 %: 10 % of 100, nothing, 10 % of 400."""
    results = pay(
        quarterly("100", "100", "200"),
        basis="attainment",
        figures=[("R-1", "2017-Q1", "100"), ("R-1", "2017-Q2", "300")],
        tiers=(("100", "0.10"),),
        **TO_DATE,
    )
    assert paid(results) == {"2017-Q1": 10, "2017-Q2": -10, "2017-Q3": 40, "2017-Q4": 0}


def test_baselines_add_up_to_date() -> None:
    """100 against 50, 150 against 150, 400 against 150: 200 %, 100 %, 266.7 %; 10 % of the growth: 5, 0, 25."""
    before = [line(f"b{n}", amount, day=date(2016, 3 * n, 1)) for n, amount in ((1, "50"), (2, "100"))]
    rows = [*before, *quarterly("100", "50", "250")]
    fields: Dict = {"measure": {"baseline": "lines"}, "basis": "growth", "growth_payout": "on_growth"}
    results = pay(rows, tiers=(("100", "0.10"),), **fields, **TO_DATE)
    assert paid(results) == {"2017-Q1": 5, "2017-Q2": -5, "2017-Q3": 25, "2017-Q4": 0}


def test_counts_to_date_are_distinct_over_all_periods() -> None:
    rows = [*quarterly("1", "1", end_customer_id="H-1"), *quarterly("", "", "1", end_customer_id="H-2")]
    results = pay(rows, basis="count", measure={"counted": "end_customers"}, **TO_DATE)
    assert [results.qualification["P@1", "R-1", f"2017-Q{n}"].basis for n in (1, 2, 3, 4)] == [1, 1, 2, 2]


def test_gates_run_to_date_too() -> None:
    """At least 500 so far: first in the second quarter, which then pays for both."""
    results = pay(quarterly("300", "300"), gates=[gate("amount", ">=", "500")], **TO_DATE)
    assert paid(results) == {"2017-Q1": 0, "2017-Q2": 60, "2017-Q3": 0, "2017-Q4": 0}
    assert results.qualification["P@1", "R-1", "2017-Q1"].limited_by == ("gate",)


# --- participant periods --------------------------------------------------------------------------
def test_periods_without_lines() -> None:
    """R-2 bought nothing; it has every quarter that has begun. The last quarter has not."""
    more = {"entities": {"partner": [partner("R-2")]}, "as_of": date(2017, 9, 30)}
    results = pay(quarterly("100"), more, measurement="quarter")
    assert paid(results, "R-2") == {"2017-Q1": 0, "2017-Q2": 0, "2017-Q3": 0}
    none = results.qualification["P@1", "R-2", "2017-Q1"]
    assert (none.basis, none.tier_number, none.next_tier_number, none.gap) == (0, None, 1, 0)


def test_a_participant_has_the_periods_in_which_it_is_admitted() -> None:
    """Member from 15 May to 30 June: the second quarter; to date also what follows."""
    entities = {"partner_group": [membership("R-1", "G-1", date(2017, 5, 15), date(2017, 6, 30))]}
    fields: Dict = {"participants": [("include", "group", "G-1")], "measurement": "quarter"}
    assert list(paid(pay(quarterly("1"), {"entities": entities}, **fields))) == ["2017-Q2"]
    assert list(paid(pay(quarterly("1"), {"entities": entities}, cumulation="to_date", **fields))) == [
        "2017-Q2",
        "2017-Q3",
        "2017-Q4",
    ]
    may = {"entities": entities, "as_of": date(2017, 5, 14)}
    assert list(paid(pay(quarterly("1"), may, **fields))) == []


def test_the_group_is_the_participant_and_accepts() -> None:
    """G-1 accepted on 1 April: the line of March does not count, that of June does."""
    entities = {"partner_group": [membership("R-1", "G-1"), membership("R-2", "G-2")]}
    results = pay(
        quarterly("100", "50"),
        {"entities": entities},
        aggregate="group",
        accepted=[("G-1", date(2017, 4, 1))],
        measurement="quarter",
    )
    assert results.payouts == {("P@1", "G-1", f"2017-Q{n}"): D(5 if n == 2 else 0) for n in (2, 3, 4)}
    assert why(results) == {"1": "not_enrolled"}


def test_two_versions_in_one_period_are_measured_each_on_its_own_lines() -> None:
    """From 1 August another rate: 10 % of 100 and 20 % of 100, in the same year."""
    rows = [line("1", "100", day=date(2017, 7, 31)), line("2", "100", day=date(2017, 8, 1))]
    versions = together(
        program("P@1", valid_to=date(2017, 7, 31)),
        program("P@2", valid_from=date(2017, 8, 1), tiers=(("0", "0.20"),)),
    )
    results = calculate(inputs(versions, rows))
    assert results.payouts == {("P@1", "R-1", "2017"): 10, ("P@2", "R-1", "2017"): 20}


# --- gates ----------------------------------------------------------------------------------------
def test_every_gate_must_hold_on_its_own_lines() -> None:
    """At least 100 of family f and of family g: 120 and 99.99 fail, one cent more passes."""
    more = {"entities": {"product": [product("A", family="f"), product("B", family="g")]}}
    gates = [gate("amount", ">=", "100", rules=[scope_rule("family", name)]) for name in ("f", "g")]

    def tried(amount: str) -> Results:
        return pay([line("1", "120", product="A"), line("2", amount, product="B")], more, gates=gates)

    failed, passed = tried("99.99"), tried("100")
    assert (paid(failed), paid(passed)) == ({"2017": 0}, {"2017": 22})
    assert [(g.number, g.actual, g.required, g.holds) for g in failed.gates["P@1", "R-1", "2017"]] == [
        (1, 120, 100, True),
        (2, Fraction("99.99"), 100, False),
    ]
    assert failed.qualification["P@1", "R-1", "2017"].limited_by == ("gate",)
    assert failed.qualification["P@1", "R-1", "2017"].uncapped_payout == 22


@pytest.mark.parametrize(("operator", "holds"), [(">=", True), (">", False), ("<=", True), ("<", False), ("=", True)])
def test_gates_compare_exactly(operator: str, holds: bool) -> None:
    """1 / 3 of 3 is exactly a third: 33.3333 % is less."""
    results = pay([line("1", "100")], gates=[gate("amount", operator, "100")])
    assert results.qualification["P@1", "R-1", "2017"].gates_hold is holds
    third = gate("share", "=", "33.3333", subset=[scope_rule("sku", "A")])
    shares = pay([line("1", "1", product="A"), line("2", "2", product="B")], gates=[third])
    assert shares.gates["P@1", "R-1", "2017"][0].actual == Fraction(100, 3)
    assert not shares.qualification["P@1", "R-1", "2017"].gates_hold


def test_a_percentage_of_nothing_does_not_hold() -> None:
    attainment = gate("attainment", "<=", "50")
    results = pay([line("1", "100")], gates=[attainment])
    assert [(g.actual, g.holds) for g in results.gates["P@1", "R-1", "2017"]] == [(None, False)]
    given = gate("attainment", ">=", "50", figures=[("R-1", "2017", "200")])
    assert paid(pay([line("1", "100")], gates=[given])) == {"2017": 10}


def test_a_gate_on_no_lines() -> None:
    none = [scope_rule("sku", "none")]
    results = pay(
        [line("1", "100")], gates=[gate("count", "<", "1", rules=none), gate("quantity", "=", "0", rules=none)]
    )
    assert [(g.actual, g.holds) for g in results.gates["P@1", "R-1", "2017"]] == [(0, True), (0, True)]
    assert paid(results) == {"2017": 10}


def test_a_gate_on_growth_of_new_partners() -> None:
    growth: Dict = {"baseline": "lines", "treat_as": D(130)}
    assert paid(pay([line("1", "100")], gates=[gate("growth", ">=", "130", **growth)])) == {"2017": 10}
    assert paid(pay([line("1", "100")], gates=[gate("growth", ">", "130", **growth)])) == {"2017": 0}
    before = line("0", "80", day=date(2016, 5, 1))
    assert paid(pay([before, line("1", "100")], gates=[gate("growth", ">=", "130", **growth)])) == {"2017": 0}


# --- floor, cap, program bounds, budget -----------------------------------------------------------
def test_floor_needs_gates_and_a_line() -> None:
    """R-1 bought 1; R-2 has no line; R-3 fails the gate of at least 0.50."""
    rows = [line("1", "1"), line("3", "0.40", partner="R-3")]
    more = {"entities": {"partner": [partner("R-2")]}}
    results = pay(rows, more, participant_floor=D("25"), gates=[gate("amount", ">=", "0.5")])
    assert results.payouts == {("P@1", "R-1", "2017"): 25, ("P@1", "R-2", "2017"): 0, ("P@1", "R-3", "2017"): 0}
    assert results.qualification["P@1", "R-1", "2017"].limited_by == ("floor",)


def test_a_floor_stands_also_below_the_first_tier() -> None:
    assert paid(pay([line("1", "1")], participant_floor=D(25), tiers=(("500", "0.1"),))) == {"2017": 25}


def test_bounds_are_cut_to_minor_units() -> None:
    assert paid(pay([line("1", "1000")], participant_cap=D("99.999"))) == {"2017": D("99.99")}
    assert paid(pay([line("1", "1")], participant_floor=D("99.999"))) == {"2017": D("99.99")}
    assert paid(pay([line("1", "1000")], budget=D("99.999"))) == {"2017": D("99.99")}


def several(*amounts: str, day: date = date(2017, 3, 1)) -> list[Dict]:
    """Return one line for each of R-1, R-2 and so on."""
    return [line(f"{day}-{n}", amount, partner=f"R-{n}", day=day) for n, amount in enumerate(amounts, start=1)]


def test_cap_of_the_program_is_shared_in_proportion() -> None:
    """10, 20 and 30 within 10.00: 1.6667, 3.3333, 5: the spare cent to the largest rest, R-1."""
    results = pay(several("100", "200", "300"), program_cap=D(10))
    assert [payout for _, payout in sorted(results.payouts.items())] == [D("1.67"), D("3.33"), D(5)]
    found = results.qualification["P@1", "R-1", "2017"]
    assert (found.shortfall, found.limited_by) == (D("8.33"), ("program_cap",))


def test_bounds_of_the_program_are_of_one_period() -> None:
    rows = [*several("100", "200"), *several("100", "100", day=date(2017, 7, 1))]
    results = pay(rows, program_cap=D(20), measurement="half_year")
    assert paid(results) == {"2017-H1": D("6.67"), "2017-H2": 10}


def test_floor_of_the_program() -> None:
    """10 and 20 become 40 and 80. R-3 fails the gate and gets nothing."""
    rows = several("100", "200", "5")
    results = pay(rows, program_floor=D(120), gates=[gate("amount", ">=", "50")])
    assert [payout for _, payout in sorted(results.payouts.items())] == [40, 80, 0]
    assert results.qualification["P@1", "R-2", "2017"].limited_by == ("program_floor",)
    assert results.qualification["P@1", "R-2", "2017"].shortfall == -60


def test_floor_of_the_program_where_nobody_earned_is_equal() -> None:
    """Below the tier all three; 100.00 in three equal parts, the spare cent to R-1."""
    results = pay(several("1", "2", "3"), program_floor=D(100), tiers=(("10", "0.1"),))
    assert [payout for _, payout in sorted(results.payouts.items())] == [D("33.34"), D("33.33"), D("33.33")]
    nobody = pay([line("1", "1", product="A")], program_floor=D(100), earning_rules=[scope_rule("sku", "B")])
    assert paid(nobody) == {"2017": 0}


def test_budget_over_all_participants_and_periods() -> None:
    """10, 20, 30 and 40 within 50: the half of each."""
    rows = [*several("100", "200"), *several("300", "400", day=date(2017, 7, 1))]
    results = pay(rows, budget=D(50), measurement="half_year")
    assert paid(results) | {f"R-2 {p}": v for p, v in paid(results, "R-2").items()} == {
        "2017-H1": 5,
        "2017-H2": 15,
        "R-2 2017-H1": 10,
        "R-2 2017-H2": 20,
    }
    assert sum(found.shortfall for found in results.qualification.values()) == 50
    assert paid(pay(several("100"), budget=D(10))) == {"2017": 10}


def test_a_budget_on_payouts_below_zero() -> None:
    """To date R-1 gets 100, then -50; R-2 nothing, then 50. 100 in all, within 50: the half of each."""
    rows = [*quarterly("1000", "-500"), line("x", "500", partner="R-2", day=date(2017, 6, 1))]
    results = pay(rows, budget=D(50), **TO_DATE)
    assert [paid(results)[f"2017-Q{n}"] for n in (1, 2)] == [50, -25]
    assert [paid(results, "R-2")[f"2017-Q{n}"] for n in (1, 2)] == [0, 25]


def test_cap_of_the_program_then_budget() -> None:
    """100 to 60 by the period's cap, then to 30 by the budget."""
    results = pay(several("1000"), program_cap=D(60), budget=D(30))
    found = results.qualification["P@1", "R-1", "2017"]
    assert (found.payout, found.limited_by, found.shortfall) == (30, ("program_cap", "budget"), 70)
    assert sum(share.amount for share in results.shares) == 30


# --- next tier ------------------------------------------------------------------------------------
def next_payout(results: Results, period: str = "2017") -> Decimal | None:
    return results.qualification["P@1", "R-1", period].next_payout


def test_what_the_next_tier_would_pay() -> None:
    """800 of 1,000: 20 % of 1,000. On half of the lines (400 of 800): 20 % of 500. At the top: nothing is next."""
    tiers: Any = (("0", "0.10"), ("1000", "0.20"))
    assert next_payout(pay([line("1", "800")], tiers=tiers)) == 200
    half = [line("1", "400", product="A"), line("2", "400", product="B")]
    assert next_payout(pay(half, tiers=tiers, earning_rules=[scope_rule("sku", "A")], target_rules=[])) == 100
    assert next_payout(pay([line("1", "1000")], tiers=tiers)) is None
    assert next_payout(pay([line("1", "1000")], tiers=tiers, boundary="exclusive")) == 200


def test_the_next_tier_from_nothing() -> None:
    """In one unit the payout base is the threshold: 20 % of 1,000. Money for documents: not known. Flat: the flat."""
    nothing = [line("1", "5"), line("2", "-5")]
    assert next_payout(pay(nothing, tiers=(("1000", "0.20"),))) == 200
    assert next_payout(pay(nothing, tiers=(("1000", "0.20"),), basis="quantity")) == 0  # 2 units, for no money
    empty: Dict = {"entities": {"partner": [partner("R-1")]}}
    assert next_payout(pay([], empty, tiers=(("3", "0.20"),), basis="count")) is None
    assert next_payout(pay([], empty, tiers=(("3", "0.20"),), basis="quantity")) is None
    assert next_payout(pay([], empty, tiers=(("3", "2"),), basis="quantity", rate_kind="per_unit")) == 6
    assert next_payout(pay([], empty, tiers=(("3", None, "7"),), basis="count", method="lump_sum")) == 7


def test_the_next_tier_of_growth() -> None:
    """110 after 100; the next tier at 120 %: 10 % of 120; on growth 10 % of 20; marginal nothing yet."""
    rows = [line("0", "100", day=date(2016, 5, 1)), line("1", "110")]
    fields: Dict = {**GROWTH, "tiers": (("120", "0.10"),)}
    assert next_payout(pay(rows, **fields)) == 12
    assert next_payout(pay(rows, growth_payout="on_growth", **fields)) == 2
    assert next_payout(pay(rows, growth_payout="marginal_growth", method="incremental", **fields)) == 0
    assert next_payout(pay([line("1", "110")], **fields)) is None
    treated = {**fields, "measure": {"baseline": "lines", "treat_as": D(60)}}
    assert next_payout(pay([line("1", "110")], **treated)) == 22  # twice the growth: 10 % of 220
    assert next_payout(pay([line("1", "1"), line("2", "-1")], **treated)) is None


def test_the_next_tier_of_a_share() -> None:
    """25 % of 200; at 50 % the 200 are paid 10 %, for the mix would be another one."""
    rows = [line("1", "50", product="A"), line("2", "150", product="B")]
    results = pay(rows, basis="share", subset=[scope_rule("sku", "A")], tiers=(("50", "0.10"),))
    assert next_payout(results) == 20
    assert next_payout(pay(rows, basis="share", subset=[scope_rule("sku", "C")], tiers=(("50", "0.10"),))) == 20


def test_bounds_of_what_the_next_tier_would_pay() -> None:
    """Cut by the cap to 150; zero while a gate fails; to date less what is paid: 200 - 80."""
    tiers: Any = (("0", "0.10"), ("1000", "0.20"))
    assert next_payout(pay([line("1", "800")], tiers=tiers, participant_cap=D(150))) == 150
    assert next_payout(pay([line("1", "800")], tiers=tiers, gates=[gate("amount", ">", "5000")])) == 0
    assert next_payout(pay(quarterly("800"), tiers=tiers, **TO_DATE), "2017-Q2") == 120


# --- stacking -------------------------------------------------------------------------------------
def stacked(rule: str, *programs: Dict) -> Dict:
    """Return programs A, B, C, … of one group, in this order, each with fields of its own."""
    return together(
        *(
            program(f"{name}@1", **{"stacking_group": "g", "stacking_rule": rule, "stacking_rank": rank, **fields})
            for rank, (name, fields) in enumerate(zip("ABCDE", programs, strict=False), start=1)
        )
    )


def test_stack_pays_each_in_full() -> None:
    results = calculate(inputs(stacked("stack", {}, {}), [line("1", "100")]))
    assert results.payouts == {("A@1", "R-1", "2017"): 10, ("B@1", "R-1", "2017"): 10}


def test_best_of_lets_the_highest_stand() -> None:
    """March: A 10, B 20 (from 200 on). R-2: A 5, B nothing. B stands for R-1, A for R-2."""
    programs = stacked("best_of", {}, {"tiers": (("200", "0.10"),)})
    rows = [line("1", "200"), line("2", "50", partner="R-2")]
    programs["program_tier"][0]["rate"] = D("0.05")
    results = calculate(inputs(programs, rows))
    assert results.payouts == {
        ("A@1", "R-1", "2017"): 0,
        ("B@1", "R-1", "2017"): 20,
        ("A@1", "R-2", "2017"): D("2.50"),
        ("B@1", "R-2", "2017"): 0,
    }
    lost = results.qualification["A@1", "R-1", "2017"]
    assert (lost.limited_by, lost.shortfall, lost.uncapped_payout) == (("best_of",), 10, 10)
    assert results.qualification["B@1", "R-2", "2017"].limited_by == ()


def test_best_of_ties_by_id_and_versions_are_one_program() -> None:
    """A@1 6 and A@2 4 are 10 of program A, as much as B: A stands, both versions."""
    group: Dict = {"stacking_group": "g", "stacking_rule": "best_of", "stacking_rank": 1}
    programs = together(
        program("B@1", **group),
        program("A@2", valid_from=date(2017, 7, 1), **group),
        program("A@1", valid_to=date(2017, 6, 30), **group),
    )
    rows = [line("1", "60"), line("2", "40", day=date(2017, 8, 1))]
    results = calculate(inputs(programs, rows))
    assert results.payouts == {("A@1", "R-1", "2017"): 6, ("A@2", "R-1", "2017"): 4, ("B@1", "R-1", "2017"): 0}


def test_best_of_comes_before_the_bounds_of_the_program() -> None:
    """B loses against A: its floor of 100 raises nobody."""
    programs = stacked("best_of", {"tiers": (("0", "0.2"),)}, {"program_floor": D(100)})
    assert calculate(inputs(programs, [line("1", "50")])).payouts == {
        ("A@1", "R-1", "2017"): 10,
        ("B@1", "R-1", "2017"): 0,
    }
    nothing = stacked("best_of", {"tiers": (("900", "0.2"),)}, {"tiers": (("900", "0.2"),), "program_floor": D(100)})
    assert set(calculate(inputs(nothing, [line("1", "50")])).payouts.values()) == {0}


def test_priority_counts_a_line_once() -> None:
    """A takes the lines of X, B those of Y that are left, C what is left of all: 10, 20, 30."""
    rows = [line(name, amount, product=name) for name, amount in (("X", "100"), ("Y", "200"), ("Z", "300"))]
    rules = [[scope_rule("sku", "X")], [scope_rule("sku", "X"), scope_rule("sku", "Y")], []]
    results = calculate(inputs(stacked("priority", *({"earning_rules": rule} for rule in rules)), rows))
    assert [results.payouts[f"{name}@1", "R-1", "2017"] for name in "ABC"] == [10, 20, 30]
    assert why(results, "C@1:earning") == {"X": "stacking_priority", "Y": "stacking_priority"}


def test_priority_leaves_a_line_out_of_every_scope_but_not_of_baselines() -> None:
    """B grows from 100 (all lines of 2016) to 200 (without what A has): 200 %, and its gate sees 200 too."""
    rows = [
        line("0", "60", day=date(2016, 5, 1), product="X"),
        line("1", "40", day=date(2016, 5, 1), product="Y"),
        line("2", "900", product="X"),
        line("3", "200", product="Y"),
    ]
    first = {"earning_rules": [scope_rule("sku", "X")]}
    second = {**GROWTH, "target_rules": [], "gates": [gate("amount", "<=", "200", rules=[])]}
    results = calculate(inputs(stacked("priority", first, second), rows))
    assert results.qualification["B@1", "R-1", "2017"].basis == 200
    assert results.payouts == {("A@1", "R-1", "2017"): 90, ("B@1", "R-1", "2017"): 20}
    assert why(results, "B@1:target")["2"] == why(results, "B@1:gate_1")["2"] == "stacking_priority"


def test_only_the_earning_scope_claims() -> None:
    """A looks at all lines but earns on X alone: Y is left for B."""
    rows = [line("1", "100", product="X"), line("2", "100", product="Y")]
    results = calculate(
        inputs(stacked("priority", {"earning_rules": [scope_rule("sku", "X")], "target_rules": []}, {}), rows)
    )
    assert results.payouts == {("A@1", "R-1", "2017"): 10, ("B@1", "R-1", "2017"): 10}


def test_net_of_reduces_what_follows() -> None:
    """10 % three times: 100.00; of 900.00: 90.00; of 810.00: 81.00."""
    results = calculate(inputs(stacked("net_of", {}, {}, {}), [line("1", "1000")]))
    assert [results.payouts[f"{name}@1", "R-1", "2017"] for name in "ABC"] == [100, 90, 81]
    assert results.qualification["C@1", "R-1", "2017"].basis == 810


def test_net_of_flags() -> None:
    """B reduces nobody, C is reduced by nobody: 100, 90, 100, and D by A and C: 10 % of 800."""
    results = calculate(
        inputs(stacked("net_of", {}, {"reduces_later": False}, {"reduced_by_earlier": False}, {}), [line("1", "1000")])
    )
    assert [results.payouts[f"{name}@1", "R-1", "2017"] for name in "ABCD"] == [100, 90, 100, 80]


def test_net_of_takes_the_cents_that_a_line_got() -> None:
    """A pays 0.01 on three lines of 0.03 (10 % of 0.09, by largest remainder on the first): B sees 0.02, 0.03, 0.03."""
    results = calculate(inputs(stacked("net_of", {}, {"tiers": ALL}), [line(str(n), "0.03") for n in (1, 2, 3)]))
    assert lines_paid(results, "A@1") == {"1": D("0.01")}
    assert lines_paid(results, "B@1") == {"1": D("0.02"), "2": D("0.03"), "3": D("0.03")}


def test_net_of_takes_final_amounts_of_all_payees_and_periods() -> None:
    """A (to date, budget 12): 10 and 10 scaled to 6 each; half of it unpaid. B sees 100 - 6 in both quarters."""
    first = {**TO_DATE, "budget": D(12), "payees": [{"role": "reseller"}]}
    results = calculate(
        inputs(stacked("net_of", first, {"measurement": "quarter", "tiers": ALL}), quarterly("100", "100"))
    )
    assert results.liability().get(("A@1", "R-1", "2017-Q1")) is None
    assert [paid(results, key="B@1")[f"2017-Q{n}"] for n in (1, 2)] == [94, 94]


def test_net_of_leaves_limits_quantities_and_baselines_alone() -> None:
    """B: lines of at least 100 (before A), 1 per unit on 7 units; baseline 80 of 2016, actual 90 of 2017."""
    rows = [line("0", "80", day=date(2016, 5, 1), quantity="1"), line("1", "100", quantity="7")]
    second = {
        "basis": "growth",
        "measure": {"baseline": "lines"},
        "tiers": (("112.5", "1"),),
        "rate_kind": "per_unit",
        "earning": {"min_amount": D(80)},
    }
    results = calculate(inputs(stacked("net_of", {}, second), rows))
    assert results.qualification["B@1", "R-1", "2017"].basis == Fraction("112.5")
    assert results.payouts["B@1", "R-1", "2017"] == 7


def test_versions_of_a_program_do_not_reduce_each_other() -> None:
    """A@1 and A@2 in the same rank; B is reduced by both."""
    group: Dict = {"stacking_group": "g", "stacking_rule": "net_of"}
    programs = together(
        program("A@1", valid_to=date(2017, 6, 30), stacking_rank=1, **group),
        program("A@2", valid_from=date(2017, 7, 1), stacking_rank=1, **group),
        program("B@1", stacking_rank=2, **group),
    )
    results = calculate(inputs(programs, quarterly("100", "", "100")))
    assert [results.payouts[key, "R-1", "2017"] for key in ("A@1", "A@2", "B@1")] == [10, 10, 18]


# --- both streams ---------------------------------------------------------------------------------
def both_streams() -> list[Dict]:
    """R-1 in March: P-1 in both streams, P-2 sold through only; P-1 in April sold through only."""
    through: Dict = {"stream": "sell_through", "source": "pos"}
    return [
        line("in", "100", product="P-1"),
        line("out", "10", product="P-1", day=date(2017, 3, 31), **through),
        line("other", "1", product="P-2", **through),
        line("april", "1000", product="P-1", day=date(2017, 4, 1), **through),
        line("else", "10000", product="P-1", partner="R-2", **through),
    ]


def test_the_same_goods_in_both_streams_count_once() -> None:
    both = {"stream": "both", "double_counting": "prefer_sell_in"}
    results = pay(both_streams(), earning=both, tiers=ALL)
    assert results.payouts == {("P@1", "R-1", "2017"): 1101, ("P@1", "R-2", "2017"): 10000}
    assert why(results) == {"out": "double_counting"}
    other = pay(both_streams(), earning={**both, "double_counting": "prefer_sell_through"}, tiers=ALL)
    assert paid(other) == {"2017": 1011}
    assert why(other) == {"in": "double_counting"}


def test_only_lines_that_count_displace_others() -> None:
    """The sell-in line is too large for the scope, so the sell-through line counts."""
    both = {"stream": "both", "double_counting": "prefer_sell_in", "max_amount": D(50)}
    assert paid(pay(both_streams()[:2], earning=both, tiers=ALL)) == {"2017": 10}


def test_each_scope_decides_on_streams_by_itself() -> None:
    """Tiers prefer sell-in (100), the payout sell-through (10)."""
    results = pay(
        both_streams()[:2],
        earning={"stream": "both", "double_counting": "prefer_sell_through"},
        target={"stream": "both", "double_counting": "prefer_sell_in"},
        target_rules=[],
        tiers=(("100", "1"),),
    )
    assert paid(results) == {"2017": 10}


# --- price differences ----------------------------------------------------------------------------
def sale(number: str, quantity: str, **columns: Any) -> Dict:
    """Return a sell-through line of R-1 to H-1 that quotes A-1, at 10 a unit."""
    fields = {"end_customer_id": "H-1", "authorization_number": "A-1", "stream": "sell_through"}
    return line(number, str(D(quantity) * 10), quantity=quantity, **{**fields, **columns})


def price_difference(*rows: Dict, method: str = "contract_price", **columns: Any) -> Dict:
    return {
        "kind": "price_difference",
        "price_method": method,
        "tiers": ALL,
        "earning": {"stream": "sell_through"},
        "authorizations": rows,
        **columns,
    }


def test_price_difference_per_unit() -> None:
    """(8 - 6.5) x 20 + (8 - 6.5) x -5 = 22.50."""
    rows = [sale("1", "20"), sale("2", "-5", document_type="return")]
    results = pay(rows, **price_difference(authorization(unit_amount=D("1.5"))))
    assert paid(results) == {"2017": D("22.50")}
    assert results.authorizations == {"P@1:1": Use(D(100), D(15), D(0))}
    assert lines_paid(results) == {"1": 30, "2": D("-7.50")}


def test_margin_protection() -> None:
    """20 units bought at 9, sold for 200: 20 % protected of 200 is 40; earned 200 - 180 = 20; owed 20.

    Sold for 300: 60 protected, 120 earned: nothing is owed. A return of 5 at 50: -10 + 50 - 45 = -5.
    """
    row = authorization(reference_cost=D(9), protected_margin=D("0.2"))
    protected = price_difference(row, method="margin_protection")
    assert paid(pay([sale("1", "20")], **protected)) == {"2017": 20}
    results = pay(
        [sale("1", "20"), {**sale("2", "20"), "net_amount": D(300)}, sale("3", "-5", document_type="return")],
        **protected,
    )
    assert lines_paid(results) == {"1": 20, "3": -5}
    late = {**sale("4", "-5", document_type="return"), "net_amount": D(-75)}  # -15 + 75 - 45 = 15: never above zero
    assert lines_paid(pay([sale("1", "20"), late], **protected)) == {"1": 20}


def test_margin_protection_of_a_part_cuts_at_twelve_places() -> None:
    """2 of 3 units, sold for 20 at a cost of 7: resale 13.3333; 0.2 x 13.3333 - 13.3333 + 14 = 3.3333."""
    row = authorization(reference_cost=D(7), protected_margin=D("0.2"), quantity=D(2))
    results = pay([{**sale("1", "3"), "net_amount": D(20)}], **price_difference(row, method="margin_protection"))
    assert paid(results) == {"2017": D("3.33")}
    assert results.qualification["P@1", "R-1", "2017"].payout_base == Fraction("3.333333333333")


def test_open_quantity_is_drawn_by_date_and_line() -> None:
    """100 are authorised: 60 + 40 - 20 + 20 = 100 are paid, at 1 each; 110 were sold.

    3 March: 60. 7 March: 60, of which 40 are paid. 9 March: 10, nothing is left. 10 March: 50 come
    back, from 130 to 80, of which 20 had been paid. 11 March: 30, of which 20 are paid.
    """
    day = {number: date(2017, 3, number) for number in (3, 7, 9, 10, 11)}
    rows = [
        sale("b", "60", day=day[7]),
        sale("a", "60", day=day[3]),
        sale("c", "10", day=day[9]),
        sale("d", "-50", day=day[10], document_type="return"),
        sale("e", "30", day=day[11]),
    ]
    results = pay(rows, **price_difference(authorization(unit_amount=D(1))))
    assert results.authorizations == {"P@1:1": Use(D(100), D(100), D(10))}
    assert lines_paid(results) == {"a": 60, "b": 40, "d": -20, "e": 20}
    assert why(results) == {"c": "authorization_exceeded"}
    assert {c.line_key: c.quantity for c in results.counted["P@1:earning"]} == {
        "erp|a|1": 60,
        "erp|b|1": 40,
        "erp|d|1": -20,
        "erp|e|1": 20,
    }


def test_lines_on_one_day_draw_by_line_key() -> None:
    rows = [sale("2", "80"), sale("1", "80")]
    assert lines_paid(pay(rows, **price_difference(authorization(unit_amount=D(1))))) == {"1": 80, "2": 20}


def test_what_is_wrong_with_an_authorisation() -> None:
    """The first field, in the order partner, end customer, product, date, that no row fulfils with those before."""
    rows = [
        sale("none", "1", authorization_number=None),
        sale("unknown", "1", authorization_number="A-9"),
        sale("partner", "1", partner="R-2"),
        sale("customer", "1", end_customer_id="H-2"),
        sale("nobody", "1", end_customer_id=None),
        sale("product", "1", product="P-2"),
        sale("date", "1", day=date(2017, 7, 1)),
        sale("good", "1"),
        line("stream", "1"),
    ]
    until = authorization(valid_to=date(2017, 6, 30), unit_amount=D(1))
    elsewhere = authorization(partner_id="R-3", end_customer_id="H-2", product_id="P-2", unit_amount=D(1))
    results = pay(rows, **price_difference(until, elsewhere))
    assert why(results) == {
        "none": "no_authorization",
        "unknown": "authorization_unknown",
        "partner": "authorization_partner",
        "customer": "authorization_end_customer",
        "nobody": "authorization_end_customer",
        "product": "authorization_product",
        "date": "authorization_date",
    }
    assert lines_paid(results) == {"good": 1}


def test_rows_of_one_number_are_alternatives() -> None:
    """P-1 at 1 until June, then at 2; P-2 at 3."""
    rows = (
        authorization(valid_to=date(2017, 6, 30), unit_amount=D(1)),
        authorization(valid_from=date(2017, 7, 1), unit_amount=D(2)),
        authorization(product_id="P-2", unit_amount=D(3)),
    )
    sales = [sale("1", "10"), sale("2", "10", day=date(2017, 7, 1)), sale("3", "10", product="P-2")]
    assert lines_paid(pay(sales, **price_difference(*rows))) == {"1": 10, "2": 20, "3": 30}


def test_a_line_of_quantity_zero_is_not_exceeded() -> None:
    results = pay([sale("1", "0")], **price_difference(authorization(unit_amount=D(1))))
    assert (why(results), paid(results)) == ({}, {"2017": 0})


def test_the_quantity_is_drawn_before_stacking() -> None:
    """Of 10 authorised line 1 draws 8, line 2 the other 2; A has line 1 already, so B pays 2. Line 3 is left for C."""
    lines = [sale("1", "8"), sale("2", "8"), sale("3", "8")]
    first = {"earning": {"stream": "sell_through"}, "earning_rules": [scope_rule("region", "WEST")]}
    lines[0]["region"] = "WEST"
    second = price_difference(authorization(unit_amount=D(1), quantity=D(10)))
    results = calculate(inputs(stacked("priority", first, second, {"earning": {"stream": "sell_through"}}), lines))
    assert [results.payouts[f"{name}@1", "R-1", "2017"] for name in "ABC"] == [8, 2, 8]
    assert why(results, "B@1:earning") == {"1": "stacking_priority", "3": "authorization_exceeded"}
    assert results.authorizations["B@1:1"] == Use(D(10), D(10), D(14))


def test_net_of_reduces_what_a_price_difference_is() -> None:
    """A pays 10 % of 100; B owes 15 on the line, less these 10."""
    programs = stacked(
        "net_of", {"earning": {"stream": "sell_through"}}, price_difference(authorization(unit_amount=D("1.5")))
    )
    results = calculate(inputs(programs, [sale("1", "10")]))
    assert results.payouts == {("A@1", "R-1", "2017"): 10, ("B@1", "R-1", "2017"): 5}


def test_limits_look_at_the_line_and_not_at_what_it_is_paid() -> None:
    limited = price_difference(authorization(unit_amount=D(1)), earning={"stream": "sell_through", "min_amount": D(50)})
    assert why(pay([sale("1", "4")], **limited)) == {"1": "amount_limit"}
    assert paid(pay([sale("1", "5")], **limited)) == {"2017": 5}


# --- funds ----------------------------------------------------------------------------------------
FUND: Dict = {"kind": "fund", "fund_expires_on": date(2017, 9, 30), "measurement": "half_year"}


def fund(claims: list[Dict], as_of: date = date(2017, 8, 31), **columns: Any) -> Results:
    """Return a fund of 10 % on 1,000 in March and 500 in August: 100 and 50."""
    rows = [line("1", "1000"), line("2", "500", day=date(2017, 8, 1))]
    return pay(rows, {"entities": {"fund_claim": claims}, "as_of": as_of}, **{**FUND, **columns})


def test_claims_draw_a_fund_down() -> None:
    """150 built, 60 + 30 drawn. Rejected, submitted, in another currency, of others and from next year do not count."""
    claims = [
        fund_claim("1", "60"),
        fund_claim("2", "30"),
        fund_claim("3", "1", status="rejected"),
        fund_claim("4", "1", status="submitted"),
        fund_claim("5", "1", currency="CAD"),
        fund_claim("6", "1", partner_id="R-2"),
        fund_claim("7", "1", program_id="Q"),
        fund_claim("8", "1", claim_date=date(2017, 9, 1)),
    ]
    results = fund(claims)
    assert results.funds == {("P@1", "R-1"): Fund(D(150), D(90), D(60), D(0))}
    assert paid(results) == {"2017-H1": 100, "2017-H2": 50}


def test_nobody_draws_more_than_was_built() -> None:
    assert fund([fund_claim("1", "200")]).funds["P@1", "R-1"] == Fund(D(150), D(150), D(0), D(0))


def test_the_newest_row_of_a_claim_counts() -> None:
    claims = [fund_claim("1", "60"), fund_claim("1", "60", status="rejected", file_sequence=2)]
    assert fund(claims).funds["P@1", "R-1"].drawn == 0


def test_what_is_not_drawn_expires() -> None:
    """Built 100 and 50, drawn 120 by claims up to 30 September: the first is filled, the second gets 20."""
    claims = [fund_claim("1", "120", claim_date=date(2017, 9, 30)), fund_claim("2", "5", claim_date=date(2017, 10, 1))]
    on_the_day = fund(claims, date(2017, 9, 30))
    assert on_the_day.funds["P@1", "R-1"] == Fund(D(150), D(120), D(30), D(0))
    assert paid(on_the_day) == {"2017-H1": 100, "2017-H2": 50}
    after = fund(claims, date(2017, 10, 1))
    assert after.funds["P@1", "R-1"] == Fund(D(150), D(120), D(0), D(30))
    assert paid(after) == {"2017-H1": 100, "2017-H2": 20}
    assert after.qualification["P@1", "R-1", "2017-H1"].limited_by == ()
    assert after.qualification["P@1", "R-1", "2017-H2"].limited_by == ("expiry",)


def test_an_approval_after_the_as_of_date_does_not_count() -> None:
    claims = [fund_claim("1", "10"), fund_claim("2", "1", approved_on=date(2017, 9, 1))]
    assert fund(claims).funds["P@1", "R-1"].drawn == 10


def test_a_budget_limits_what_is_built() -> None:
    results = fund([fund_claim("1", "200")], budget=D(75))
    assert results.funds["P@1", "R-1"] == Fund(D(75), D(75), D(0), D(0))


def test_a_claim_is_on_the_version_of_its_date() -> None:
    """Version 2 begins in July. Claims of March and of 2016 are on version 1, that of July is on version 2."""
    fields: Dict = {"kind": "fund", "fund_expires_on": date(2018, 1, 31)}
    versions = together(
        program("P@1", valid_to=date(2017, 6, 30), **fields), program("P@2", valid_from=date(2017, 7, 1), **fields)
    )
    claims = [
        fund_claim("1", "1"),
        fund_claim("2", "10", claim_date=date(2017, 7, 1)),
        fund_claim("3", "0.5", claim_date=date(2016, 12, 1)),
    ]
    results = calculate(inputs(versions, quarterly("1000", "", "1000"), entities={"fund_claim": claims}))
    assert {key: found.drawn for key, found in results.funds.items()} == {("P@1", "R-1"): D("1.50"), ("P@2", "R-1"): 10}


# --- rates, calendars, segments, payees -----------------------------------------------------------
def test_how_old_a_rate_may_be_is_up_to_the_program() -> None:
    rate = {"from_currency": "CAD", "to_currency": "USD", "rate_date": date(2017, 3, 1), "rate": D("0.75")}
    rows = [line("1", "100", day=date(2017, 3, 4), currency="CAD")]
    more = {"entities": {"fx_rate": [rate]}}
    assert paid(pay(rows, more, tiers=ALL, fx_max_age_days=3)) == {"2017": 75}
    strict = pay(rows, more, tiers=ALL, fx_max_age_days=2)
    assert (paid(strict), why(strict)) == ({"2017": 0}, {"1": "no_fx_rate"})


@pytest.mark.parametrize(("method", "payout"), [("linear", "17.50"), ("whole_increment", "6.00")])
def test_tiers_by_quantity_on_money(method: str, payout: str) -> None:
    """Linear, 1 % at 100 and 3 % at 200 units: 150 units are worth 3.5 units, at 5 each 17.50.

    Whole increments of 20 units above 100 at 3 %: 40 units, at 5 each, are 200: 6.
    """
    tiers: Any = (("100", "0.01"), ("200", "0.03")) if method == "linear" else (("100", "0.03"),)
    results = pay([line("1", "750", quantity="150")], basis="quantity", tiers=tiers, method=method, increment=D(20))
    assert paid(results) == {"2017": D(payout)}


def weeks(year: int, first: date, lengths: tuple[int, ...]) -> list[Dict]:
    """Return the twelve months of a fiscal year of weeks."""
    rows, start = [], first
    for number, length in enumerate(lengths, start=1):
        end = date.fromordinal(start.toordinal() + 7 * length - 1)
        rows.append(
            {
                "calendar": "weeks",
                "month_id": f"{year}-{number:02}",
                "month_start": start.isoformat(),
                "month_end": end.isoformat(),
                "quarter_id": f"{year}-Q{(number + 2) // 3}",
                "half_year_id": f"{year}-H{(number + 5) // 6}",
                "year_id": str(year),
            }
        )
        start = date.fromordinal(end.toordinal() + 1)
    return rows


LONG = weeks(2016, date(2016, 1, 31), (4, 4, 5) * 3 + (4, 4, 6))
SHORT = weeks(2017, date(2017, 2, 5), (4, 4, 5) * 4)


def test_periods_of_a_fiscal_calendar() -> None:
    """5 February is the first day of fiscal 2017, 5 March of its second month, 7 May of its second quarter."""
    calendar = Calendar([*LONG, *SHORT])
    assert calendar.period("month", date(2017, 2, 4)) == "2016-12"
    assert calendar.period("month", date(2017, 3, 4)) == "2017-01"
    assert calendar.period("month", date(2017, 3, 5)) == "2017-02"
    assert calendar.period("quarter", date(2017, 5, 6)) == "2017-Q1"
    assert calendar.period("half_year", date(2017, 5, 7)) == "2017-H1"
    assert calendar.period("year", date(2018, 2, 3)) == "2017"
    with pytest.raises(ValueError, match="outside"):
        calendar.period("year", date(2018, 2, 4))
    rows = [line("1", "100", day=date(2017, 3, 4)), line("2", "10", day=date(2017, 3, 5))]
    months = [*calendar_months(2016, 2018), *LONG, *SHORT]
    results = pay(
        rows,
        {"fiscal_months": months, "as_of": date(2017, 4, 1)},
        calendar="weeks",
        measurement="month",
        valid_from=date(2017, 2, 5),
        tiers=ALL,
    )
    assert paid(results) == {"2017-01": 100, "2017-02": 10}


def test_one_fiscal_year_later() -> None:
    """The 8th day stays the 8th day; the 36th to 42nd of a month of six weeks become the 35th of one of five."""
    calendar = Calendar([*LONG, *SHORT])
    assert calendar.next_year(date(2016, 2, 7)) == date(2017, 2, 12)
    assert calendar.next_year(date(2017, 2, 4)) == date(2018, 2, 3)
    assert calendar.next_year(date(2017, 1, 28)) == date(2018, 2, 3)
    assert calendar.next_year(date(2017, 2, 5)) is None


TRAILING: Dict = {"months": "2", "of": "amount", "currency": "USD"}


def by_purchases(rows: list[Dict], entity: str, rule: Dict, more: Dict | None = None, **columns: Any) -> Results:
    segments = [{"segment_id": "large", "entity": entity}]
    return pay(rows, {"segments": segments, "segment_rules": [rule], **(more or {})}, **columns)


def test_partners_by_trailing_purchases() -> None:
    """1,000 in January and February together: in the segment in March, no longer in April (February 400)."""
    rows = [line(str(n), amount, day=date(2017, n, 28)) for n, amount in ((1, "600"), (2, "400"), (3, "1"), (4, "10"))]
    rule = segment_rule("large", "purchases", ">=", "1000", **TRAILING)
    results = by_purchases(rows, "partner", rule, participants=[("include", "segment", "large")], tiers=ALL)
    assert lines_paid(results) == {"3": 1}
    small = segment_rule("large", "purchases", "<", "1000", **TRAILING)
    others = by_purchases(rows, "partner", small, participants=[("include", "segment", "large")], tiers=ALL)
    assert lines_paid(others) == {"1": 600, "2": 400, "4": 10}


def test_the_reseller_has_bought_where_there_is_one() -> None:
    rows = [
        line("1", "1000", day=date(2017, 1, 1), partner="D-1", reseller_id="R-1"),
        line("2", "1", partner="D-1", day=date(2017, 2, 1)),
        line("3", "1", partner="R-1", day=date(2017, 2, 1)),
    ]
    rule = segment_rule("large", "purchases", ">=", "1000", **TRAILING)
    assert lines_paid(
        by_purchases(rows, "partner", rule, participants=[("include", "segment", "large")], tiers=ALL)
    ) == {"3": 1}


def test_what_counts_as_purchases() -> None:
    """Quantity 12 in base units, of sell-in, of family f; the lines of sell-through and of family g do not count."""
    products = [product("A", family="f"), product("B", family="g")]
    unit = {"product_id": "A", "unit": "CS", "factor": D(6)}
    january = date(2017, 1, 1)
    rows = [
        line("1", "1", quantity="2", unit="CS", product="A", day=january),
        line("2", "1", quantity="99", product="A", day=january, stream="sell_through"),
        line("3", "1", quantity="99", product="B", day=january),
        line("4", "1", product="A", day=date(2017, 2, 1)),
    ]
    for least, expected in (("12", {"4": 1}), ("13", {})):
        found = calculate(
            inputs(
                program(participants=[("include", "segment", "large")], tiers=ALL),
                rows,
                entities={"product": products, "product_unit": [unit]},
                segments=[{"segment_id": "large", "entity": "partner"}, {"segment_id": "f", "entity": "product"}],
                segment_rules=[
                    segment_rule(
                        "large",
                        "purchases",
                        ">=",
                        least,
                        months="1",
                        of="quantity",
                        stream="sell_in",
                        product_segment="f",
                    ),
                    segment_rule("f", "family", "=", "f"),
                ],
            )
        )
        assert lines_paid(found) == expected


def test_purchases_in_another_currency() -> None:
    rate = {"from_currency": "CAD", "to_currency": "USD", "rate_date": date(2017, 1, 1), "rate": D("0.5")}
    rows = [line("1", "2000", currency="CAD", day=date(2017, 1, 1)), line("2", "1", day=date(2017, 2, 1))]
    for least, expected in (("1000", {"2": 1}), ("1000.01", {})):
        rule = segment_rule("large", "purchases", ">=", least, **TRAILING)
        more = {"entities": {"fx_rate": [rate]}}
        results = by_purchases(rows, "partner", rule, more, participants=[("include", "segment", "large")], tiers=ALL)
        assert lines_paid(results) == expected


def test_end_customers_and_products_by_trailing_purchases() -> None:
    rows = [
        line("1", "1000", day=date(2017, 1, 1), end_customer_id="H-1", product="A"),
        line("2", "1", day=date(2017, 2, 1), end_customer_id="H-1", product="B"),
        line("3", "1", day=date(2017, 2, 1), end_customer_id="H-2", product="A"),
    ]
    rule = segment_rule("large", "purchases", ">=", "1000", **TRAILING)
    customers = {"entities": {"end_customer": [{"end_customer_id": name} for name in ("H-1", "H-2")]}}
    by_customer = by_purchases(
        rows, "end_customer", rule, customers, earning_rules=[scope_rule("end_customer_segment", "large")], tiers=ALL
    )
    assert lines_paid(by_customer) == {"2": 1}
    by_product = by_purchases(rows, "product", rule, earning_rules=[scope_rule("product_segment", "large")], tiers=ALL)
    assert lines_paid(by_product) == {"3": 1}


def test_a_baseline_asks_for_the_segment_of_the_year_after() -> None:
    """R-1 is large in March 2017 (1,000 in February 2017): its line of March 2016 is a baseline."""
    rows = [
        line("1", "50", day=date(2016, 3, 1)),
        line("2", "1000", day=date(2017, 2, 1)),
        line("3", "60", day=date(2017, 3, 1)),
    ]
    rule = segment_rule("large", "purchases", ">=", "1000", **TRAILING)
    results = by_purchases(
        rows, "partner", rule, participants=[("include", "segment", "large")], measurement="month", **GROWTH
    )
    assert results.qualification["P@1", "R-1", "2017-03"].basis == 120


def test_the_end_customer_is_paid() -> None:
    rows = [line("1", "100", end_customer_id="H-1"), line("2", "100"), line("3", "100", end_customer_id="H-2")]
    results = pay(rows, payees=[{"role": "end_customer", "fallback_partner_id": "R-9"}])
    assert results.payees() == {("P@1", "R-1", "2017", name): 10 for name in ("H-1", "H-2", "R-9")}


def test_the_group_head_of_a_return_is_that_of_the_original_date() -> None:
    rows = [line("1", "300"), a_return("2", "-100", date(2017, 5, 1), "1")]
    entities = {"partner_group": [membership("R-1", "G-1", valid_to=date(2017, 4, 30))]}
    fields: Dict = {"payees": [{"role": "group_head"}], "tiers": ALL}
    results = pay(rows, {"entities": entities}, earning={"returns": "by_original_document"}, **fields)
    assert results.payees() == {("P@1", "R-1", "2017", "G-1"): 200}
