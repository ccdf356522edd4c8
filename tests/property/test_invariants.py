"""What must hold of every calculation, whatever the program and the lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property import world
from tests.property.conftest import EXAMPLES
from tests.reference import exact
from tests.reference.build import authorization, fund_claim, gate, inputs, line, program, scope_rule, together
from tests.reference.calculate import Inputs, Results, calculate

D = Decimal
Dict = dict[str, Any]

AMOUNTS = st.integers(-200_000, 500_000).map(lambda cents: str(D(cents) / 100))
QUANTITIES = st.integers(-50, 200).map(str)
RATES = st.integers(0, 30_000_000).map(lambda n: str(D(n).scaleb(-8)))
METHODS = ("retrospective", "incremental", "rolling", "total", "linear", "whole_increment")


PARTNERS = ["R-1", "R-2", "R-3"]


@st.composite
def purchases(draw: st.DrawFn, most: int = 8, days: int = 1) -> list[Dict]:
    """Draw lines of up to three partners, with returns and zeros, on so many days from 1 January on."""
    drawn = st.tuples(AMOUNTS, QUANTITIES, st.sampled_from(PARTNERS), st.integers(1, days))
    rows = draw(st.lists(drawn, min_size=1, max_size=most))
    start = date(2017, 1, 1).toordinal() - 1
    return [
        line(str(n), amount, quantity=quantity, partner=who, day=date.fromordinal(start + day))
        for n, (amount, quantity, who, day) in enumerate(rows)
    ]


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


def _nonzero(amounts: Mapping[Any, Decimal]) -> dict[Any, Decimal]:
    return {key: amount for key, amount in amounts.items() if amount}


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
    assert alone.payouts.items() <= results.payouts.items()
    assert results.shares == alone.shares


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


@settings(max_examples=max(1, EXAMPLES // 4))
@given(st.lists(world.lines(), min_size=1, max_size=40), st.randoms(use_true_random=False))
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
        program(
            "D@1",
            basis="growth",
            measure={"baseline": "lines", "treat_as": D(120)},
            tiers=(("80", "0.1"), ("110", "0.2")),
            earning={"stream": "both", "double_counting": "prefer_sell_in", "returns": "by_original_document"},
            participant_role="ship_to",
            participants=[("include", "segment", "buyers"), ("include", "segment", "small_buyers")],
            gates=[gate("count", ">=", "1", counted="first_time_end_customers", rules=[])],
            cumulation="to_date",
            measurement="quarter",
            budget=D(500),
            **valid,
        ),
        *(
            program(
                f"{name}@1",
                stacking_group="g",
                stacking_rule=rule,
                stacking_rank=rank,
                earning={"stream": "sell_through"},
                participant_role="reseller",
                measurement="month",
                program_cap=D(50),
                **valid,
            )
            for rule in ("net_of", "priority", "best_of")
            for rank, name in enumerate((f"{rule}-X", f"{rule}-Y"), start=1)
        ),
        program(
            "E@1",
            kind="price_difference",
            price_method="margin_protection",
            earning={"stream": "sell_through"},
            participant_role="reseller",
            tiers=(("0", "1"),),
            authorizations=[
                authorization(
                    number,
                    partner_id=reseller,
                    end_customer_id=customer,
                    product_id=product_id,
                    valid_from=world.FIRST,
                    valid_to=world.LAST,
                    quantity=D(30),
                    reference_cost=D(20),
                    protected_margin=D("0.25"),
                )
                for number, reseller, _, customer, product_id in world.DEALS
            ],
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
    assert _nonzero(_parts(results)) == _nonzero(results.payouts)
    assert all(payout >= 0 and payout == round(payout, digits) for payout in results.payouts.values())
    assert all(share.amount == round(share.amount, digits) for share in results.shares)


TO_DATE: Dict = {"cumulation": "to_date", "measurement": "quarter"}


def _total(results: Results, *keys: str) -> dict[str, Decimal]:
    """Return what each participant gets from the programs, over all periods."""
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for (key, who, _), payout in results.payouts.items():
        if not keys or key in keys:
            total[who] += payout
    return dict(total)


@given(purchases(most=12, days=365), tiered(methods=(*METHODS, "lump_sum")))
def test_the_quarters_to_date_add_up_to_the_year(lines: list[Dict], fields: Dict) -> None:
    """Also line by line: what the running sum brought is what the year brings."""
    if fields["method"] == "lump_sum":
        fields = {**fields, "rate_kind": "flat", "tiers": [(bound, None, "12.345") for bound, _ in fields["tiers"]]}
    quarters = calculate(inputs(program(**fields, **TO_DATE), lines))
    year = calculate(inputs(program(**fields, measurement="year"), lines))
    assert _total(quarters) == _total(year)
    assert _nonzero(quarters.line_rebates()) == _nonzero(year.line_rebates())
    assert _nonzero(_parts(quarters)) == _nonzero(quarters.payouts)


@given(purchases(most=12, days=365), tiered(), st.integers(0, 20_000), st.booleans())
def test_a_budget_is_never_exceeded(lines: list[Dict], fields: Dict, cents: int, to_date: bool) -> None:
    """What is missing is reported; within the budget nothing changes; parts still add up."""
    budget = D(cents) / 100
    period = TO_DATE if to_date else {"measurement": "quarter"}
    free = calculate(inputs(program(**fields, **period), lines))
    bound = calculate(inputs(program(**fields, **period, budget=budget), lines))
    wanted, given_ = sum(free.payouts.values()), sum(bound.payouts.values())
    assert given_ == min(wanted, budget)
    assert sum(each.shortfall for each in bound.qualification.values()) == wanted - given_
    assert _nonzero(_parts(bound)) == _nonzero(bound.payouts)


@given(purchases(most=12, days=365), tiered(), st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_payouts_of_a_period_stay_within_its_bounds(lines: list[Dict], fields: Dict, one: int, two: int) -> None:
    low, high = (D(cents) / 100 for cents in sorted((one, two)))
    bounds: Dict = {"program_floor": low, "program_cap": high}
    results = calculate(inputs(program(**fields, measurement="half_year", **bounds), lines))
    for period in ("2017-H1", "2017-H2"):
        mine = [(who, payout) for (_, who, when), payout in results.payouts.items() if when == period]
        total = sum(payout for _, payout in mine)
        buys = any((row["document_date"].month > 6) == (period == "2017-H2") for row in lines)
        assert (low <= total <= high) if buys else total == 0
        assert all(payout >= 0 for _, payout in mine)


@given(purchases(), tiered(), st.lists(st.integers(0, 500), min_size=1, max_size=3))
def test_a_gate_never_raises_a_payout(lines: list[Dict], fields: Dict, required: list[int]) -> None:
    """It pays in full where all hold, and nothing where one does not."""
    free = _paid(lines, fields)
    gates = [gate(kind, ">=", str(n)) for kind, n in zip(("amount", "quantity", "count"), required, strict=False)]
    gated = calculate(inputs(program(**fields, gates=gates), lines))
    for key, payout in gated.payouts.items():
        assert payout == (free[key] if all(each.holds for each in gated.gates[key]) else 0)


def _stacked(rule: str, *programs: Mapping[str, Any]) -> dict[str, list[Dict]]:
    """Return programs A, B, C of one group."""
    return together(
        *(
            program(f"{name}@1", stacking_group="g", stacking_rule=rule, stacking_rank=rank, **fields)
            for rank, (name, fields) in enumerate(zip("ABC", programs, strict=False), start=1)
        )
    )


SEVERAL = st.lists(tiered(), min_size=2, max_size=3)


@given(purchases(days=365), SEVERAL, st.booleans())
def test_best_of_pays_the_highest_and_no_other(lines: list[Dict], several: list[Dict], to_date: bool) -> None:
    period = TO_DATE if to_date else {"measurement": "quarter"}
    several = [{**fields, **period} for fields in several]
    together_ = calculate(inputs(_stacked("best_of", *several), lines)).payouts
    alone = calculate(inputs(_stacked("stack", *several), lines)).payouts
    for who, when in {(who, when) for _, who, when in alone}:
        payouts = [together_[f"{name}@1", who, when] for name in "ABC"[: len(several)]]
        best = max(alone[f"{name}@1", who, when] for name in "ABC"[: len(several)])
        assert sorted(payouts, key=abs) == [*([0] * (len(several) - 1)), best]


@given(purchases(most=12), SEVERAL, st.lists(st.sampled_from(["P-1", "P-2", "P-3"]), min_size=12, max_size=12))
def test_priority_counts_a_line_once_at_most(lines: list[Dict], several: list[Dict], products: list[str]) -> None:
    """Every line counts for the first program alone whose product it is."""
    lines = [{**row, "product_id": name} for row, name in zip(lines, products, strict=False)]
    rules = [[scope_rule("sku", "P-1")], [scope_rule("sku", "P-1"), scope_rule("sku", "P-2")], []]
    programs = [{**fields, "earning_rules": rule} for fields, rule in zip(several, rules, strict=False)]
    results = calculate(inputs(_stacked("priority", *programs), lines))
    first = {"P-1": "A@1", "P-2": "B@1", "P-3": "C@1"}
    counted = {each.line_key: scope.partition(":")[0] for scope, rows in results.counted.items() for each in rows}
    assert sum(map(len, results.counted.values())) == len(counted)
    assert all(
        counted.get(f"erp|{row['document_number']}|1", first[row["product_id"]]) == first[row["product_id"]]
        for row in lines
    )


RISING = tiered(methods=("retrospective", "incremental"), rising=True).map(
    lambda fields: {**fields, "basis": "amount", "rate_kind": "percent"}
)


@given(purchases(), st.lists(RISING, min_size=2, max_size=3))
def test_net_of_never_raises_a_payout(lines: list[Dict], several: list[Dict]) -> None:
    """On the same lines, where rates rise; what is taken off is what the earlier programs pay, to the cent."""
    net = calculate(inputs(_stacked("net_of", *several), lines))
    alone = calculate(inputs(_stacked("stack", *several), lines))
    assert all(net.payouts[key] <= payout for key, payout in alone.payouts.items())
    for (key, who, _), each in net.qualification.items():
        earlier = [f"{name}@1" for name in "ABC"[: "ABC".index(key[0])]]
        taken = _total(net, *earlier)[who] if earlier else 0
        assert each.actual == alone.qualification[key, who, "2017"].actual - Fraction(taken)


@given(purchases(most=12, days=365), tiered())
def test_the_same_goods_in_the_other_stream_change_nothing(lines: list[Dict], fields: Dict) -> None:
    both = {"stream": "both", "double_counting": "prefer_sell_in"}
    copies = [{**row, "stream": "sell_through", "source": "pos"} for row in lines]
    assert _paid([*lines, *copies], {**fields, "earning": both}) == _paid(lines, fields)


@given(purchases(most=12, days=365))
def test_the_same_purchases_as_last_year_are_a_growth_of_100_percent(lines: list[Dict]) -> None:
    """Whatever the calendar month; 2016 had a day more than 2017, but none of these lines lies on it."""
    before = [
        {
            **row,
            "document_number": f"b{row['document_number']}",
            "document_date": row["document_date"].replace(year=2016),
        }
        for row in lines
    ]
    fields: Dict = {"basis": "growth", "measure": {"baseline": "lines"}, "measurement": "month"}
    results = calculate(inputs(program(**fields), [*before, *lines]))
    assert {each.basis for each in results.qualification.values()} <= {None, 100}
    for each in results.qualification.values():
        assert (each.basis is None) == (each.actual <= 0)
        assert each.figure == each.actual


@given(
    st.lists(st.tuples(st.integers(-30, 60), st.integers(1, 300), st.integers(-3000, 6000)), min_size=1, max_size=12),
    st.integers(1, 100),
    st.sampled_from(["amount", "margin_protection"]),
)
def test_no_more_than_the_authorised_quantity_is_paid(rows: list[Any], quantity: int, method: str) -> None:
    row = authorization(
        quantity=D(quantity),
        unit_amount=D("1.5"),
        reference_cost=D(40),
        protected_margin=D("0.25"),
        valid_from=date(2017, 1, 1),
    )
    lines = [
        line(
            str(n),
            str(money),
            quantity=str(units),
            day=date.fromordinal(date(2017, 1, 1).toordinal() + day),
            stream="sell_through",
            end_customer_id="H-1",
            authorization_number="A-1",
        )
        for n, (units, day, money) in enumerate(rows)
    ]
    fields: Dict = {"kind": "price_difference", "price_method": method, "authorizations": [row]}
    fields |= {"tiers": (("0", "1"),), "earning": {"stream": "sell_through"}}
    results = calculate(inputs(program(**fields), lines))
    (use,) = results.authorizations.values()
    sold = sum(units for units, _, _ in rows)
    assert use.paid == min(sold, quantity)
    assert use.paid + use.exceeded == sold
    assert use.paid == sum(each.quantity for each in results.counted["P@1:earning"])
    for each in results.counted["P@1:earning"]:
        assert each.amount * each.quantity >= 0


@given(
    purchases(days=365), st.lists(st.tuples(st.integers(1, 9000), st.sampled_from(PARTNERS)), max_size=6), st.booleans()
)
def test_a_fund_pays_what_was_drawn(lines: list[Dict], drawn: list[tuple[int, str]], expired: bool) -> None:
    claims = [fund_claim(str(n), str(D(cents) / 100), partner_id=who) for n, (cents, who) in enumerate(drawn)]
    fields: Dict = {"kind": "fund", "measurement": "month"}
    fields["fund_expires_on"] = date(2017, 6, 30) if expired else date(2017, 12, 31)
    results = calculate(inputs(program(**fields), lines, entities={"fund_claim": claims}))
    total = _total(results)
    for (_, who), fund in results.funds.items():
        claimed = sum(D(cents) / 100 for cents, partner in drawn if partner == who)
        assert fund.drawn == min(claimed, fund.built)
        assert fund.built == fund.drawn + fund.open + fund.expired
        assert total[who] == (fund.drawn if expired else fund.built)


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
