"""What must hold of every calculation, whatever the program and the lines."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property import world
from tests.reference import exact
from tests.reference.build import inputs, line, program, scope_rule, together
from tests.reference.calculate import Inputs, Results, calculate

D = Decimal
Dict = dict[str, Any]

AMOUNTS = st.integers(-200_000, 500_000).map(lambda cents: str(D(cents) / 100))
QUANTITIES = st.integers(-50, 200).map(str)
RATES = st.integers(0, 30_000_000).map(lambda n: str(D(n).scaleb(-8)))
METHODS = ("retrospective", "incremental", "rolling", "total", "linear", "whole_increment")


@st.composite
def purchases(draw: st.DrawFn, most: int = 8) -> list[Dict]:
    """Draw lines of up to three partners, with returns and zeros."""
    rows = draw(
        st.lists(st.tuples(AMOUNTS, QUANTITIES, st.sampled_from(["R-1", "R-2", "R-3"])), min_size=1, max_size=most)
    )
    return [line(str(n), amount, quantity=quantity, partner=who) for n, (amount, quantity, who) in enumerate(rows)]


@st.composite
def tiered(draw: st.DrawFn, methods: tuple[str, ...] = METHODS, rising: bool = False) -> Dict:
    """Draw the tier fields of a program; ``rising``: no tier pays a lower rate than the one before."""
    method = draw(st.sampled_from(methods))
    most = 1 if method == "whole_increment" else 4
    bounds = sorted(draw(st.sets(st.integers(0, 4000), min_size=1, max_size=most)))
    rates = [draw(RATES) for _ in bounds]
    if rising:
        rates.sort(key=D)
    return {
        "tiers": [(str(bound), rate) for bound, rate in zip(bounds, rates, strict=True)],
        "method": method,
        "increment": D(100) if method == "whole_increment" else None,
        "basis": draw(st.sampled_from(["amount", "quantity"])),
        "rate_kind": draw(st.sampled_from(["percent", "per_unit"])),
        "boundary": draw(st.sampled_from(["inclusive", "exclusive"])),
    }


def _paid(lines: list[Dict], fields: Dict) -> dict[tuple[str, str, str], Decimal]:
    return calculate(inputs(program(**fields), lines)).payouts


def _parts(results: Results) -> dict[tuple[str, str, str], Decimal]:
    parts: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for share in results.shares:
        parts[share.program_key, share.participant_id, share.period_id] += share.amount
    return dict(parts)


@given(purchases(), tiered(), st.integers(0, 100), st.randoms(use_true_random=False))
def test_splitting_a_line_changes_no_payout(lines: list[Dict], fields: Dict, percent: int, rng: Any) -> None:
    chosen = rng.randrange(len(lines))
    whole = lines[chosen]
    part = {**whole, "document_number": "part"}
    rest = dict(whole)
    for name in ("net_amount", "quantity"):
        part[name] = (whole[name] * percent / 100).quantize(D("0.0001"))
        rest[name] = whole[name] - part[name]
    assert _paid([*lines[:chosen], part, rest, *lines[chosen + 1 :]], fields) == _paid(lines, fields)


@given(purchases(), purchases(), tiered())
def test_lines_out_of_scope_change_nothing(lines: list[Dict], others: list[Dict], fields: Dict) -> None:
    fields = {**fields, "earning_rules": [scope_rule("sku", "P-1")]}
    foreign = [{**row, "product_id": "P-2", "document_number": f"x{row['document_number']}"} for row in others]
    results = calculate(inputs(program(**fields), [*lines, *foreign]))
    alone = calculate(inputs(program(**fields), lines))
    assert (results.payouts, results.shares) == (alone.payouts, alone.shares)


@given(purchases(), tiered(), st.data())
def test_a_higher_rate_never_pays_less(lines: list[Dict], fields: Dict, data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(fields["tiers"]) - 1))
    more = data.draw(RATES)
    raised = list(fields["tiers"])
    raised[which] = (raised[which][0], str(D(raised[which][1]) + D(more)))
    before, after = _paid(lines, fields), _paid(lines, {**fields, "tiers": raised})
    assert all(after[key] >= before[key] for key in before)


@given(purchases(), tiered(methods=("incremental",), rising=True))
def test_incremental_pays_no_more_than_retrospective_where_rates_rise(lines: list[Dict], fields: Dict) -> None:
    incremental, retrospective = _paid(lines, fields), _paid(lines, {**fields, "method": "retrospective"})
    assert all(incremental[key] <= retrospective[key] for key in incremental)


@given(purchases(), tiered(methods=("retrospective",), rising=True))
def test_methods_in_order_where_rates_rise(lines: list[Dict], fields: Dict) -> None:
    """Total adds all reached rates on everything: no less than rolling, which is no less than retrospective."""
    by_method = {method: _paid(lines, {**fields, "method": method}) for method in ("retrospective", "rolling", "total")}
    for key in by_method["total"]:
        assert by_method["total"][key] >= by_method["rolling"][key] >= by_method["retrospective"][key]


@given(purchases(), tiered(methods=("retrospective", "incremental", "total", "rolling", "linear")))
def test_one_open_tier_from_zero_is_its_rate(lines: list[Dict], fields: Dict) -> None:
    """With a single tier from zero all of these methods are the rate times the payout base."""
    rate = fields["tiers"][0][1]
    fields = {**fields, "tiers": [("0", rate)], "boundary": "inclusive"}
    results = calculate(inputs(program(**fields), lines))
    for key, each in results.qualification.items():
        assert each.basis is not None
        due = each.payout_base * Fraction(rate) if each.basis > 0 and each.payout_base > 0 else Fraction(0)
        assert results.payouts[key] == exact.money(exact.round_half_away(due, 2), 2)


@given(purchases(), tiered())
def test_the_basis_a_cent_below_a_threshold_does_not_reach_it(lines: list[Dict], fields: Dict) -> None:
    """The gap is exact: a line of that size more reaches the next tier (inclusive), a cent less does not."""
    fields = {**fields, "basis": "amount", "boundary": "inclusive"}
    for (_, who, _), each in calculate(inputs(program(**fields), lines)).qualification.items():
        if each.gap is None or each.gap <= D("0.01"):
            continue
        gap = D(each.gap.numerator) / D(each.gap.denominator)
        for step, expected in ((gap, each.next_tier_number), (gap - D("0.01"), each.tier_number)):
            more = line("more", str(step), quantity="0", partner=who)
            after = calculate(inputs(program(**fields), [*lines, more])).qualification["P@1", who, "2017"]
            assert each.basis is not None
            if each.basis + Fraction(step) > 0:
                assert after.tier_number == expected


@settings(max_examples=60)
@given(st.lists(world.lines(), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_inputs_changes_nothing(rows: list[Dict], rng: Any) -> None:
    """Rows carry their place in their file; the order in which they are handed over says nothing."""
    numbered = world.numbered(rows)
    shuffled = list(numbered)
    rng.shuffle(shuffled)
    programs = _programs()
    master = world.master()
    results = [
        calculate(
            Inputs(
                programs, {**master, "line": lines}, world.AS_OF, world.SEGMENTS, world.SEGMENT_RULES, world.MINOR_UNITS
            )
        )
        for lines in (numbered, shuffled)
    ]
    assert results[0].payouts == results[1].payouts
    assert sorted(results[0].shares, key=repr) == sorted(results[1].shares, key=repr)
    assert results[0].excluded == results[1].excluded


def _programs() -> dict[str, list[Dict]]:
    valid: Dict = {"valid_from": world.FIRST, "valid_to": world.LAST}
    return together(
        program("A@1", tiers=(("0", "0.1"), ("400", "0.2")), method="incremental", measurement="quarter", **valid),
        program(
            "B@1",
            aggregate="group",
            basis="quantity",
            rate_kind="per_unit",
            tiers=(("0", "0.333"),),
            payees=[{"role": "ship_to", "share": D(50)}, {"role": "group_head", "share": D(50)}],
            **valid,
        ),
        program(
            "C@1",
            earning={"stream": "sell_through"},
            participant_role="reseller",
            participants=[("include", "segment", "not_gold")],
            currency="CAD",
            tiers=(("0", "0.1"),),
            **valid,
        ),
    )


@given(purchases(), tiered(), st.sampled_from([0, 2, 3]))
def test_parts_add_up_and_are_whole_minor_units(lines: list[Dict], fields: Dict, digits: int) -> None:
    """Lines add up to the payout to the last minor unit, and no payout is negative."""
    payees = [
        {"role": "participant", "share": D("33.33")},
        {"role": "sold_to", "share": D("33.33")},
        {"role": "reseller", "share": D("33.34")},
    ]
    results = calculate(inputs(program(payees=payees, **fields), lines, minor_units={"USD": digits}))
    assert _parts(results) == results.payouts
    assert all(payout >= 0 and payout == round(payout, digits) for payout in results.payouts.values())
    assert all(share.amount == round(share.amount, digits) for share in results.shares)


@given(
    st.integers(-10_000, 10_000),
    st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.fractions(-50, 50, max_denominator=97), min_size=1),
)
def test_largest_remainder(total: int, weights: dict[str, Fraction]) -> None:
    """The shares add up, each within one unit of its ideal share, and do not depend on the order of the keys."""
    shares = exact.largest_remainder(total, weights)
    assert sum(shares.values()) == total
    assert exact.largest_remainder(total, dict(reversed(weights.items()))) == shares
    whole = sum(weights.values())
    if whole:
        assert all(abs(shares[key] - total * weight / whole) < 1 for key, weight in weights.items())
    else:
        assert max(shares.values()) - min(shares.values()) <= 1


@given(st.fractions(max_denominator=10**6), st.integers(0, 4))
def test_rounding(value: Fraction, digits: int) -> None:
    """Nearest unit, halves away from zero, the same for the negative value."""
    units = exact.round_half_away(value, digits)
    error = abs(value * 10**digits) - abs(units)
    assert -Fraction(1, 2) <= error < Fraction(1, 2)
    assert exact.round_half_away(-value, digits) == -units
