"""Documents: what is refused, with file, field and reason, and what loads."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration import programs
from orchestration.programs import document_reference, fiscal_calendar
from orchestration.programs.calculated import CALCULATED
from orchestration.settings import REPOSITORY

DOCUMENT = """
id: TEST
version: 1
name: Test
description: A test.
owner: channel-sales
legal_entity: US01
currency: USD
valid_from: 2017-01-01
valid_to: 2017-12-31
measurement: quarter
lifecycle:
  - {step: draft, who: ann, when: 2016-11-01}
  - {step: submitted, who: ann, when: 2016-11-02}
  - {step: approved, who: ben, when: 2016-11-03}
participants: {role: sold_to, segments: [gold]}
lines: {stream: sell_in}
basis: {kind: amount}
tiers:
  method: retrospective
  rate_kind: percent
  levels:
    - {from: 100, rate: 1}
    - {from: 200, rate: 2.5}
settlement: {lag_days: 30, instrument: credit_memo}
"""
"""The smallest document that is calculated."""

LUMP_SUM = {"method": "lump_sum", "rate_kind": "flat", "levels": [{"from": "1", "flat": "5"}]}
GROWTH = {"kind": "growth", "baseline": "given", "figures": {"R-1": {"2017-Q1": "100"}}}

CALENDARS = {
    "months": list(fiscal_calendar.calendar_months(2016, 2018)),
    "retail_445": list(fiscal_calendar.retail_445_months(2015, 2018)),
}
HEAD = ",".join(fiscal_calendar.COLUMNS) + "\n"

Changes = dict[str, Any]

AUTHORIZATION = {
    "number": "SP-1",
    "partner": "R-1",
    "end_customer": "H-1",
    "product": "77",
    "valid_from": "2017-01-01",
    "valid_to": "2017-01-31",
    "quantity": "5",
}
ROW = "price_difference.authorizations[0]"


def price(**fields: str) -> Changes:
    """Changes that make DOCUMENT a price-difference program with one authorisation; method contract_price."""
    own = {name: fields.pop(name) for name in ("method", "amount", "percent", "protected_margin") if name in fields}
    return {
        "tiers": None,
        "basis": None,
        "lines.stream": "sell_through",
        "price_difference": {"method": "contract_price", **own, "authorizations": [{**AUTHORIZATION, **fields}]},
    }


TWO_ROWS = {
    **price(method="amount", amount="1"),
    "price_difference.authorizations": [AUTHORIZATION, {**AUTHORIZATION, "valid_to": "2017-02-28"}],
}
FUND: Changes = {"tiers": None, "basis": None, "fund": {"percent": "2", "expires_on": "2018-03-31"}}


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "legal_entity.csv").write_text(
        "legal_entity,name,country,currency,calendar\nUS01,U,US,USD,months\nCA01,C,CA,CAD,retail_445\n"
    )
    with (folder / "fiscal_month.csv").open("w") as file:
        fiscal_calendar.write(CALENDARS, file)
    (folder / "segment.csv").write_text(
        "segment_id,entity,name,description,owner\n"
        "gold,partner,Gold,,x\nfamilies,end_customer,F,,x\nsnacks,product,S,,x\n"
    )
    (folder / "segment_rule.csv").write_text(
        "segment_id,attribute,operator,value,months,of,currency,stream,product_segment\n"
        "gold,tier,=,gold,,,,,\nfamilies,size_band,>=,3,,,,,\nsnacks,family,in,A|B,,,,,\n"
    )
    return folder


class Plain(yaml.SafeDumper):
    """Repeats what is there twice: documents have no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        """No value is an alias of another."""
        return True


def document(changes: Changes | None = None) -> str:
    """DOCUMENT with fields replaced by path (a.b.0.c); None removes the field."""
    tree = yaml.load(DOCUMENT, Loader=yaml.BaseLoader)
    for path, value in deepcopy(changes or {}).items():
        *parents, last = path.split(".")
        place: Any = tree
        for step in parents:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        key: Any = int(last) if isinstance(place, list) else last
        if value is None:
            del place[key]
        else:
            place[key] = value
    return yaml.dump(tree, Dumper=Plain, sort_keys=False)


@pytest.fixture
def load(tmp_path: Path, reference: Path) -> Callable[..., programs.LoadResult]:
    """Load documents given as text (a.yml, b.yml, …) or as changes to DOCUMENT."""
    folder = tmp_path / "programs"
    folder.mkdir()

    def run(*documents: str | Changes) -> programs.LoadResult:
        for name, content in zip("abcdefgh", documents, strict=False):
            text = document(content) if isinstance(content, dict) else content
            (folder / f"{name}.yml").write_text(text, encoding="utf-8")
        return programs.load(folder, reference)

    return run


def errors(result: programs.LoadResult) -> list[tuple[str, str]]:
    return [(error.field, error.reason) for error in result.errors]


def test_smallest_document_has_the_defaults_of_the_semantics(load: Callable[..., programs.LoadResult]) -> None:
    result = load({})
    assert not result.errors
    program = result.programs[0].program
    assert program.key == "TEST@1"
    assert program.status == "approved"
    assert program.tiers is not None
    assert program.tiers.boundary == "inclusive"
    assert program.tiers.lump_sum == "highest"
    assert program.lines.returns == "by_return_date"
    assert program.cumulation == "reset"
    assert program.growth_payout == "all"
    assert program.participants.enrolment == "automatic"
    assert [(payee.role, payee.share) for payee in program.payees] == [("participant", Decimal(100))]
    assert program.accrual.method == "earned"
    assert program.accrual.threshold == 0
    assert program.settlement.negative == "carry"
    assert program.fx_max_age_days == 10
    assert program.basis is not None
    assert program.basis.new_partner.treat_as is None
    assert result.programs[0].calculated


def test_values_are_exact(load: Callable[..., programs.LoadResult]) -> None:
    result = load(
        {
            "tiers.levels.0.from": "0.100000000001",
            "tiers.levels.1.rate": "2.50",
            "lines.products": {"skus": ["00123", "1e5"], "families": ["NO", "CHRISTMAS  SEASONAL"]},
            "participants.partners": ["on"],
        }
    )
    assert not result.errors
    program = result.programs[0].program
    assert program.tiers is not None
    assert program.tiers.levels[0].from_ == Decimal("0.100000000001")
    assert str(program.tiers.levels[1].rate) == "2.5"
    assert program.lines.products.skus == ("00123", "1e5")
    assert program.lines.products.families == ("NO", "CHRISTMAS  SEASONAL")
    assert program.participants.partners == ("on",)


REFUSED: list[tuple[str, Changes, str, str]] = [
    # shape and types
    ("missing field", {"owner": None}, "owner", "is required"),
    (
        "unknown field",
        {"tiers.methode": "x"},
        "tiers.methode",
        r"unknown field \(did you mean method\?\); known fields:",
    ),
    ("unknown field in a list", {"tiers.levels.1.rat": "1"}, "tiers.levels[1].rat", r"did you mean rate\?"),
    ("unknown top field", {"curency": "USD"}, "curency", r"did you mean currency\?"),
    ("unknown field, python's name", {"tiers.levels.0.from_": "1"}, "tiers.levels[0].from_", "unknown field"),
    ("unknown value", {"tiers.method": "retro"}, "tiers.method", "expected retrospective, incremental.*got 'retro'"),
    ("unknown value, hint", {"measurement": "quater"}, "measurement", r"did you mean quarter\?"),
    ("text for a group", {"basis": "amount"}, "basis", "expected a group of fields, got 'amount'"),
    ("text for a list", {"participants.segments": "gold"}, "participants.segments", "expected a list, got 'gold'"),
    ("list for text", {"name": ["a"]}, "name", "expected text, got a list"),
    ("group for a number", {"tiers.levels.0.rate": {"a": "1"}}, "tiers.levels[0].rate", "expected a number"),
    ("number with separators", {"tiers.levels.0.from": "1,000"}, "tiers.levels[0].from", "without thousands separ"),
    ("number with underscore", {"tiers.levels.0.from": "1_000"}, "tiers.levels[0].from", "expected a number"),
    ("not a number", {"tiers.levels.0.from": "NaN"}, "tiers.levels[0].from", "expected a number"),
    ("negative", {"tiers.levels.0.from": "-1"}, "tiers.levels[0].from", "expected 0 or more, got -1"),
    ("too many decimals", {"cap": {"participant": "1.00001"}}, "cap.participant", "at most 4 decimals"),
    ("too many digits", {"cap": {"participant": "1" * 15}}, "cap.participant", "at most 14 digits"),
    ("not a date", {"valid_to": "2017-02-30"}, "valid_to", "expected a date like 2017-03-31, got '2017-02-30'"),
    ("not a whole number", {"settlement.lag_days": "1.5"}, "settlement.lag_days", "expected a whole number"),
    ("not a flag", {"settlement.claim_required": "yes"}, "settlement.claim_required", "expected true or false"),
    ("id in lower case", {"id": "volume"}, "id", "capitals, digits and hyphens"),
    ("named twice", {"participants.segments": ["gold", "gold"]}, "participants.segments", "gold more than once"),
    ("empty list", {"participants.segments": []}, "participants.segments", "is an empty list"),
    ("empty group", {"lines.products": {}}, "lines.products", "is empty"),
    # identity and lifecycle
    ("dates reversed", {"valid_to": "2016-12-31"}, "valid_to", "2016-12-31 is before valid_from 2017-01-01"),
    ("supersedes itself", {"supersedes": "TEST@1"}, "supersedes", "expected an earlier version of TEST"),
    ("supersedes another id", {"version": "2", "supersedes": "OTHER@1"}, "supersedes", "an earlier version of TEST"),
    ("supersedes nothing", {"version": "2", "supersedes": "TEST@1"}, "supersedes", "there is no document TEST@1"),
    ("unknown legal entity", {"legal_entity": "US99"}, "legal_entity", "unknown legal entity US99; known: CA01, US01"),
    ("approver is submitter", {"lifecycle.2.who": "Ann"}, "lifecycle[2].who", "Ann submitted it: somebody else"),
    ("step back in time", {"lifecycle.2.when": "2016-11-01"}, "lifecycle[2].when", "is before the submitted step"),
    ("first step", {"lifecycle.0": {"step": "active", "who": "a", "when": "2016-01-01"}}, "lifecycle[0].step", "draft"),
    ("step left out", {"lifecycle.1": None}, "lifecycle[1].step", "approved after draft: only submitted may follow"),
    # participants
    ("nobody", {"participants.segments": None}, "participants", "nobody is named"),
    ("everybody and somebody", {"participants.all": "true"}, "participants.segments", "all names every partner"),
    ("unknown segment", {"participants.segments": ["gild"]}, "participants.segments[0]", r"did you mean gold\?"),
    ("segment of another kind", {"participants.segments": ["snacks"]}, "participants.segments[0]", "partner segment"),
    (
        "named and excluded",
        {"participants.exclude": {"segments": ["gold"]}},
        "participants.exclude.segments",
        "gold: both named and excluded",
    ),
    (
        "acceptance without need",
        {"participants.acceptances": [{"participant": "R-1", "accepted_on": "2017-01-01"}]},
        "participants.acceptances",
        "enrolment is automatic",
    ),
    (
        "accepted twice",
        {
            "participants.enrolment": "by_acceptance",
            "participants.acceptances": [{"participant": "R-1", "accepted_on": "2017-01-01"}] * 2,
        },
        "participants.acceptances[1].participant",
        "R-1 has accepted already",
    ),
    (
        "accepted by somebody else",
        {
            "participants": {
                "role": "sold_to",
                "partners": ["R-1"],
                "enrolment": "by_acceptance",
                "acceptances": [{"participant": "R-2", "accepted_on": "2017-01-01"}],
            }
        },
        "participants.acceptances[0].participant",
        "R-2 is none of the partners of participants: R-1",
    ),
    (
        "accepted too late",
        {
            "participants.enrolment": "by_acceptance",
            "participants.acceptances": [{"participant": "R-1", "accepted_on": "2018-01-01"}],
        },
        "participants.acceptances[0].accepted_on",
        "is after valid_to",
    ),
    # lines
    (
        "limits crossed",
        {"lines.limits": {"price": {"min": "2", "max": "1"}}},
        "lines.limits.price.max",
        "1 is below min 2",
    ),
    (
        "product named and excluded",
        {"lines.products": {"brands": ["B-1"], "exclude": {"brands": ["B-1"]}}},
        "lines.products.exclude.brands",
        "both named and excluded",
    ),
    (
        "unknown product segment in the target scope",
        {"target_lines": {"stream": "sell_in", "products": {"segments": ["families"]}}},
        "target_lines.products.segments[0]",
        "unknown product segment families",
    ),
    (
        "unknown end-customer segment",
        {"lines.end_customer_segments": ["x"]},
        "lines.end_customer_segments[0]",
        "unknown end_customer segment x; known: families",
    ),
    ("both streams, no word", {"lines.stream": "both"}, "lines.double_counting", "required with stream both"),
    # basis
    ("baseline missing", {"basis": {"kind": "growth"}}, "basis.baseline", "required for growth"),
    ("no figures", {"basis": {"kind": "growth", "baseline": "given"}}, "basis.figures", "required for baseline given"),
    ("no targets", {"basis": {"kind": "attainment"}}, "basis.figures", "required for attainment"),
    (
        "figures for amount",
        {"basis.figures": {"R-1": {"2017-Q1": "1"}}},
        "basis.figures",
        "no meaning for basis amount",
    ),
    (
        "period of another measurement",
        {"basis": {**GROWTH, "figures": {"R-1": {"2017-03": "1"}}}},
        "basis.figures.R-1.2017-03",
        "is no period of measurement quarter: expected one like 2017-Q1",
    ),
    (
        "period outside validity",
        {"basis": {**GROWTH, "figures": {"R-1": {"2018-Q1": "1"}}}},
        "basis.figures.R-1.2018-Q1",
        r"lies outside 2017-01-01 to 2017-12-31, when the program is valid \(year 2017 of calendar months\)",
    ),
    (
        "period outside validity in the retail calendar",
        {
            "calendar": "retail_445",
            "valid_from": "2017-01-29",
            "basis": {**GROWTH, "figures": {"R-1": {"2016-Q4": "1"}}},
        },
        "basis.figures.R-1.2016-Q4",
        "year 2017 of calendar retail_445",
    ),
    (
        "figure for a stranger",
        {"basis": GROWTH, "participants": {"role": "sold_to", "partners": ["R-2"]}},
        "basis.figures.R-1",
        "R-1 is none of the partners of participants: R-2",
    ),
    (
        "target of zero",
        {"basis": {"kind": "attainment", "figures": {"R-1": {"2017-Q1": "0"}}}},
        "basis.figures.R-1.2017-Q1",
        "must be above zero",
    ),
    (
        "new partner",
        {"basis": {**GROWTH, "new_partner": "payout"}},
        "basis.new_partner",
        "expected no_payout, treat_as",
    ),
    (
        "new partner, twice",
        {"basis": {**GROWTH, "new_partner": {"treat_as": "110", "baseline": "5"}}},
        "basis.new_partner",
        "treat_as or baseline, not both",
    ),
    (
        "new partner over nothing",
        {"basis": {**GROWTH, "new_partner": {"baseline": "0"}}},
        "basis.new_partner.baseline",
        "must be above zero",
    ),
    (
        "unknown product segment of a gate's share",
        {
            "gates": [
                {"basis": {"kind": "share", "subset": {"segments": ["x"]}}, "operator": ">=", "figure": "10"},
            ]
        },
        "gates[0].basis.subset.segments[0]",
        "unknown product segment x",
    ),
    # gates
    (
        "gate without figures",
        {"gates": [{"basis": {"kind": "attainment"}, "operator": ">=", "figure": "100"}]},
        "gates[0].basis.figures",
        "required for attainment",
    ),
    (
        "gate's figures of another measurement",
        {
            "gates": [
                {
                    "basis": {"kind": "attainment", "figures": {"R-1": {"2017": "5"}}},
                    "operator": ">=",
                    "figure": "100",
                }
            ]
        },
        "gates[0].basis.figures.R-1.2017",
        "is no period of measurement quarter",
    ),
    (
        "gate's percent too fine",
        {"gates": [{"basis": {**GROWTH}, "operator": ">", "figure": "100.00001"}]},
        "gates[0].figure",
        "a percent with at most 4 decimals",
    ),
    (
        "half a document",
        {"gates": [{"basis": {"kind": "count", "counted": "documents"}, "operator": ">=", "figure": "2.5"}]},
        "gates[0].figure",
        "a whole number",
    ),
    (
        "half an end customer",
        {"basis": {"kind": "count", "counted": "end_customers"}, "tiers.levels.1.from": "200.5"},
        "tiers.levels[1].from",
        "a whole number",
    ),
    (
        "gate over both streams",
        {"gates": [{"basis": {"kind": "amount"}, "lines": {"stream": "both"}, "operator": ">=", "figure": "1"}]},
        "gates[0].lines.double_counting",
        "required with stream both",
    ),
    # calendar
    ("unknown calendar", {"calendar": "month"}, "calendar", r"did you mean months\?\); known: months, retail_445"),
    ("beyond the calendar", {"valid_to": "2019-01-01"}, "valid_to", "not in calendar months, which has 2016-01-01 to"),
    ("replaces nothing", {"replaces": "period_start"}, "replaces", "goes with supersedes"),
    (
        "replaces the whole program",
        {"version": "2", "supersedes": "TEST@1", "replaces": "period_start", "measurement": "program"},
        "replaces",
        "one period for each version",
    ),
    # tiers
    ("not rising", {"tiers.levels.1.from": "100"}, "tiers.levels[1].from", "100 is not above 100: tiers rise strictly"),
    ("falling", {"tiers.levels.1.from": "99.9"}, "tiers.levels[1].from", "99.9 is not above 100"),
    ("no rate", {"tiers.levels.1": {"from": "200", "flat": "5"}}, "tiers.levels[1].rate", "required for method"),
    ("rate of 250 %", {"tiers.levels.1.rate": "250"}, "tiers.levels[1].rate", "a percent of at most 100"),
    (
        "percent too fine",
        {"tiers.levels.1.rate": "1.1234567"},
        "tiers.levels[1].rate",
        "at most 6 decimals of a percent",
    ),
    (
        "flat without meaning",
        {"tiers.method": "rolling", "tiers.levels.0.flat": "1"},
        "tiers.levels[0].flat",
        "rolling",
    ),
    ("lump sum with percent", {"tiers": {**LUMP_SUM, "rate_kind": "percent"}}, "tiers.rate_kind", "flat goes with"),
    ("flat rate without lump sum", {"tiers.rate_kind": "flat"}, "tiers.rate_kind", "flat goes with method lump_sum"),
    (
        "lump sum with rate",
        {"tiers": {**LUMP_SUM, "levels": [{"from": "1", "flat": "5", "rate": "1"}]}},
        "tiers.levels[0].rate",
        "no meaning for method lump_sum",
    ),
    ("lump sum without flat", {"tiers": {**LUMP_SUM, "levels": [{"from": "1"}]}}, "tiers.levels[0].flat", "required"),
    ("lump_sum option elsewhere", {"tiers.lump_sum": "each"}, "tiers.lump_sum", "no meaning for method retrospective"),
    ("no increment", {"tiers.method": "whole_increment"}, "tiers.increment", "required for method whole_increment"),
    (
        "increments above two thresholds",
        {"tiers.method": "whole_increment", "tiers.increment": "10"},
        "tiers.levels",
        "whole_increment has one level",
    ),
    ("increment elsewhere", {"tiers.increment": "10"}, "tiers.increment", "no meaning for method retrospective"),
    (
        "one point is no line",
        {"tiers.method": "linear", "tiers.levels": [{"from": "1", "rate": "1"}]},
        "tiers.levels",
        "linear needs two levels",
    ),
    ("linear in percent", {"tiers.method": "linear", "basis": GROWTH}, "tiers.method", "basis amount or quantity"),
    (
        "threshold in percent too fine",
        {"basis": GROWTH, "tiers.levels.0.from": "100.00001"},
        "tiers.levels[0].from",
        "a percent with at most 4 decimals",
    ),
    ("no tiers", {"tiers": None}, "tiers", "required"),
    ("no basis", {"basis": None}, "basis", "required with tiers"),
    (
        "growth_payout without growth",
        {"growth_payout": "on_growth"},
        "growth_payout",
        "on_growth goes with basis growth",
    ),
    (
        "marginal growth is incremental",
        {"basis": GROWTH, "growth_payout": "marginal_growth"},
        "tiers.method",
        "marginal_growth is incremental, not retrospective",
    ),
    (
        "growth of other lines",
        {"basis": GROWTH, "growth_payout": "on_growth", "target_lines": {"stream": "sell_in"}},
        "target_lines",
        "earning and target scope are one",
    ),
    (
        "growth of quantity in percent",
        {"basis": {**GROWTH, "of": "quantity"}, "growth_payout": "on_growth"},
        "tiers.rate_kind",
        "on_growth pays on growth of quantity: expected per_unit, got percent",
    ),
    (
        "growth of amount per unit",
        {"basis": GROWTH, "growth_payout": "on_growth", "tiers.rate_kind": "per_unit"},
        "tiers.rate_kind",
        "expected percent, got per_unit",
    ),
    (
        "no growth to pay on",
        {"basis": {**GROWTH, "new_partner": {"treat_as": "110"}}, "growth_payout": "on_growth"},
        "basis.new_partner.treat_as",
        "goes with growth_payout all",
    ),
    # price differences and funds
    (
        "no authorised cost",
        price(method="percent", percent="5"),
        f"{ROW}.reference_cost",
        "required for method percent",
    ),
    ("no percent", price(method="percent"), "price_difference.percent", "required for method percent"),
    ("no contract price", price(reference_cost="2"), f"{ROW}.contract_price", "required for method contract_price"),
    ("no margin", price(method="margin_protection"), "price_difference.protected_margin", "required for method margin"),
    (
        "cost without need",
        price(method="amount", amount="1", reference_cost="2"),
        f"{ROW}.reference_cost",
        "no meaning for method amount",
    ),
    (
        "amount without need",
        price(amount="1", reference_cost="2", contract_price="1"),
        "price_difference.amount",
        "no meaning for method contract_price",
    ),
    ("amount of nothing", price(method="amount", amount="0"), "price_difference.amount", "must be above zero"),
    (
        "contract price above cost",
        price(reference_cost="2", contract_price="2.01"),
        f"{ROW}.contract_price",
        "2.01 is above the reference_cost of 2",
    ),
    ("nothing authorised", price(method="amount", amount="1", quantity="0"), f"{ROW}.quantity", "must be above zero"),
    (
        "authorised backwards",
        price(method="amount", amount="1", valid_to="2016-12-31"),
        f"{ROW}.valid_to",
        "is before 2017-01-01",
    ),
    (
        "one authorisation twice",
        {**TWO_ROWS, "price_difference.authorizations.1.valid_from": "2017-01-31"},
        "price_difference.authorizations[1]",
        r"SP-1 has R-1, H-1, 77 already from 2017-01-01 to 2017-01-31, in authorizations\[0\]",
    ),
    (
        "price difference on sell-in",
        {**price(method="amount", amount="1"), "lines.stream": "sell_in"},
        "lines.stream",
        "goes with sell_through, not sell_in",
    ),
    (
        "price difference on both streams",
        {**price(method="amount", amount="1"), "lines.stream": "both", "lines.double_counting": "prefer_sell_in"},
        "lines.stream",
        "goes with sell_through, not both",
    ),
    (
        "price difference with a target scope",
        {**price(method="amount", amount="1"), "target_lines": {"stream": "sell_through"}},
        "target_lines",
        "no meaning with price_difference",
    ),
    ("fund with tiers", {"fund": {"percent": "2", "expires_on": "2018-03-31"}}, "fund", "one of tiers, price_differ"),
    ("fund with basis", {**FUND, "basis": {"kind": "amount"}}, "basis", "goes with tiers, and only with them"),
    ("fund that expired", {**FUND, "fund.expires_on": "2016-12-31"}, "fund.expires_on", "before valid_from 2017-01-01"),
    ("fund of nothing", {**FUND, "fund.percent": "0"}, "fund.percent", "must be above zero"),
    ("fund of a group", {**FUND, "aggregate": "group"}, "aggregate", "by each partner"),
    (
        "fund with a target scope",
        {**FUND, "target_lines": {"stream": "sell_in"}},
        "target_lines",
        "no meaning with fund",
    ),
    # payees, stacking, caps, accrual
    (
        "shares",
        {"payees": [{"role": "distributor", "share": "40"}, {"role": "reseller", "share": "59.99"}]},
        "payees",
        "shares add up to 99.99, not 100",
    ),
    ("share too fine", {"payees": [{"role": "reseller", "share": "33.333"}]}, "payees[0].share", "at most 2 decimals"),
    (
        "role twice",
        {"payees": [{"role": "reseller", "share": "40"}, {"role": "reseller", "share": "60"}]},
        "payees[1].role",
        "reseller is named already",
    ),
    (
        "fallback of the participant",
        {"payees": [{"role": "participant", "share": "100", "fallback": "R-1"}]},
        "payees[0].fallback",
        "the participant is always known",
    ),
    (
        "floor above cap",
        {"cap": {"program": "5"}, "floor": {"program": "6"}},
        "floor.program",
        "6 is above the cap of 5",
    ),
    ("budget of zero", {"budget": "0"}, "budget", "must be above zero"),
    ("no order", {"stacking": {"group": "g", "rule": "priority"}}, "stacking.order", "required for rule priority"),
    (
        "flag of net_of",
        {"stacking": {"group": "g", "rule": "priority", "order": "1", "reduces_later": "false"}},
        "stacking.reduces_later",
        "no meaning for rule priority",
    ),
    ("cap of zero", {"cap": {"participant": "0"}}, "cap.participant", "must be above zero"),
    ("order without rule", {"stacking": {"group": "g", "order": "1"}}, "stacking.order", "no meaning for rule stack"),
    (
        "advances of a fund",
        {**FUND, "settlement.advances": {"every": "month", "percent": "80"}},
        "settlement.advances",
        "paid by its claims",
    ),
    (
        "advances of an estimate",
        {
            "settlement.advances": {"every": "month", "percent": "80"},
            "accrual": {"method": "fixed_rate", "percent": "2"},
        },
        "settlement.advances",
        "go with accrual.method earned",
    ),
    ("straight line", {"accrual": {"method": "straight_line"}}, "accrual.method", "must be lump_sum"),
    ("option of another accrual", {"accrual": {"percent": "2"}}, "accrual.percent", "no meaning for method earned"),
    ("expected by what", {"accrual": {"method": "expected"}}, "accrual.forecast", "required for method expected"),
    (
        "given without figures",
        {"accrual": {"method": "most_likely", "forecast": "given"}},
        "accrual.figures",
        "go with forecast given, and only with it",
    ),
    (
        "figures without given",
        {"accrual": {"method": "expected", "forecast": "run_rate", "figures": {"R-1": {"2017-Q1": "5"}}}},
        "accrual.figures",
        "go with forecast given, and only with it",
    ),
    (
        "season of a count",
        {
            "basis": {"kind": "count", "counted": "documents"},
            "tiers.levels": [{"from": "1", "rate": "2"}],
            "accrual": {"method": "expected", "forecast": "seasonality"},
        },
        "accrual.forecast",
        "not with basis count",
    ),
    ("rate of nothing", {"accrual": {"method": "fixed_rate"}}, "accrual.percent", "one of percent and per_unit"),
    (
        "two rates",
        {"accrual": {"method": "fixed_rate", "percent": "2", "per_unit": "1"}},
        "accrual.percent",
        "one of percent and per_unit",
    ),
]


@pytest.mark.parametrize(("changes", "field", "reason"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED])
def test_bad_documents_are_refused_with_field_and_reason(
    load: Callable[..., programs.LoadResult], changes: Changes, field: str, reason: str
) -> None:
    result = load(changes)
    assert not result.programs
    assert {error.file_name for error in result.errors} == {"a.yml"}
    found = dict(errors(result))
    assert field in found, result.errors
    assert re.search(reason, found[field]), found[field]


NOT_YET: list[tuple[Changes, str, str]] = [
    ({"settlement.instrument": "deduction_match"}, "settlement.instrument", "deduction_match"),
    ({"currency": "CAD"}, "currency", "CAD"),
]


@pytest.mark.parametrize(("changes", "field", "value"), NOT_YET, ids=[f"{f} {v}" for _, f, v in NOT_YET])
def test_what_is_not_calculated_yet_is_refused_by_name(
    load: Callable[..., programs.LoadResult], changes: Changes, field: str, value: str
) -> None:
    result = load(changes)
    assert not result.programs
    [(found, reason)] = errors(result)  # nothing else is wrong with it
    assert found == field
    assert reason.startswith(f"not calculated yet: {field} = {value}")


def test_every_field_that_can_ask_for_too_much_is_tried() -> None:
    assert set(CALCULATED) <= {field for _, field, _ in NOT_YET}


@pytest.mark.parametrize(
    "changes",
    [
        {"tiers": LUMP_SUM},
        {"tiers": {**LUMP_SUM, "lump_sum": "each"}},
        {"tiers.method": "incremental", "tiers.levels.0.flat": "3"},
        {"tiers.method": "rolling"},
        {"tiers.method": "total", "tiers.boundary": "exclusive"},
        {"tiers.method": "linear"},
        {"tiers.method": "whole_increment", "tiers.increment": "10", "tiers.levels": [{"from": "1", "rate": "1"}]},
        {"tiers.rate_kind": "per_unit", "tiers.levels.0.rate": "0.12345678"},
        {"basis": {"kind": "quantity"}, "tiers.rate_kind": "per_unit"},
        {"basis": GROWTH},
        {"basis": {**GROWTH, "new_partner": "no_payout"}, "growth_payout": "on_growth"},
        {"basis": GROWTH, "growth_payout": "marginal_growth", "tiers.method": "incremental"},
        {"basis": {"kind": "attainment", "figures": {"R-1": {"2017-Q1": "1"}}}},
        {"measurement": "month", "basis": {**GROWTH, "figures": {"R-1": {"2017-12": "0"}}}},
        {"measurement": "half_year", "basis": {**GROWTH, "figures": {"R-1": {"2017-H2": "1"}}}},
        {"measurement": "year", "basis": {**GROWTH, "figures": {"R-1": {"2017": "1"}}}},
        {"measurement": "program", "basis": {**GROWTH, "figures": {"R-1": {"program": "1"}}}},
        {"aggregate": "group", "payees": [{"role": "group_head", "share": "100"}]},
        {"participants": {"role": "reseller", "all": "true"}, "lines.stream": "sell_through"},
        {"participants.enrolment": "by_acceptance"},
        {"stacking": {"group": "g"}},
        {"payees": [{"role": r, "share": s} for r, s in (("ship_to", "33.33"), ("distributor", "66.67"))]},
        {"legal_entity": "CA01", "currency": "CAD"},
        {"cap": {"participant": "10"}},
        {"settlement.instrument": "supplier_invoice", "settlement.minimum_payment": "10"},
        {"settlement.negative": "invoice"},
        {"settlement.advances": {"every": "month", "percent": "80"}},
        {"lines.stream": "both", "lines.double_counting": "prefer_sell_in"},
        {"lines.returns": "by_original_document"},
        {"target_lines": {"stream": "sell_through", "returns": "by_original_document"}},
        {"basis": {"kind": "share", "of": "quantity", "subset": {"brands": ["B"]}}},
        {"basis": {"kind": "count", "counted": "documents"}, "tiers.method": "incremental"},
        {"basis": {"kind": "growth", "baseline": "lines"}},
        {"basis": {**GROWTH, "of": "quantity", "new_partner": {"treat_as": "110"}}},
        {"basis": {**GROWTH, "new_partner": {"baseline": "5"}}, "growth_payout": "on_growth"},
        {"basis": GROWTH, "tiers.rate_kind": "per_unit"},
        {"basis": {**GROWTH, "of": "quantity"}, "growth_payout": "on_growth", "tiers.rate_kind": "per_unit"},
        {"cumulation": "to_date"},
        {"gates": [{"basis": {"kind": "amount"}, "operator": ">=", "figure": "10"}]},
        {"gates": [{"basis": {**GROWTH}, "lines": {"stream": "sell_through"}, "operator": "=", "figure": "100.5"}]},
        {"cap": {"program": "5"}, "floor": {"participant": "5", "program": "5"}, "budget": "5.50"},
        {"payees": [{"role": "end_customer", "share": "100"}]},
        {"stacking": {"group": "g", "rule": "best_of"}},
        {"stacking": {"group": "g", "rule": "priority", "order": "1"}},
        {"stacking": {"group": "g", "rule": "net_of", "order": "1", "reduced_by_earlier": "false"}},
        price(reference_cost="2", contract_price="2"),
        price(method="amount", amount="1"),
        price(method="percent", percent="5", reference_cost="2"),
        price(method="margin_protection", protected_margin="20", reference_cost="2"),
        {**TWO_ROWS, "price_difference.authorizations.1.valid_from": "2017-02-01"},
        {**TWO_ROWS, "price_difference.authorizations.1.product": "78"},
        {**TWO_ROWS, "price_difference.authorizations.1.number": "SP-2"},
        {**FUND, "measurement": "month"},
        {"fx_max_age_days": "5"},
        {"aggregate": "group", "participants.enrolment": "by_acceptance"},
        {
            "aggregate": "group",
            "participants": {
                "role": "sold_to",
                "groups": ["G-1"],
                "enrolment": "by_acceptance",
                "acceptances": [{"participant": "G-1", "accepted_on": "2017-01-01"}],
            },
        },
        {"tiers.method": "linear", "tiers.rate_kind": "per_unit"},
        {"tiers.method": "linear", "basis": {"kind": "quantity"}},
        {"tiers.method": "linear", "target_lines": {"stream": "sell_in"}},
        {"calendar": "retail_445"},
        # the retail year 2017 ends on 2018-02-03, and that of 2016 on 2017-01-28
        {"calendar": "retail_445", "basis": {**GROWTH, "figures": {"R-1": {"2016-Q4": "1"}}}},
        {"calendar": "retail_445", "valid_to": "2018-02-04", "basis": {**GROWTH, "figures": {"R-1": {"2018-Q1": "1"}}}},
    ],
)
def test_what_is_calculated_loads(load: Callable[..., programs.LoadResult], changes: Changes) -> None:
    result = load(changes)
    assert not result.errors
    assert result.programs[0].calculated


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        ("", "(file)", "expected the fields of a program"),
        ("- a\n", "(file)", "expected the fields of a program"),
        ("id: [\n", "line 2", "not valid YAML"),
        (DOCUMENT + "id: OTHER\n", "id", r"is given twice, in lines 2 and \d+"),
        (DOCUMENT.replace("{from: 100,", "{from: 100, from: 90,"), "tiers.levels[0].from", "is given twice"),
        (DOCUMENT.replace("owner: channel-sales", "owner:"), "owner", "is empty"),
        (DOCUMENT.replace("owner: channel-sales", "owner: ~"), "owner", "is empty"),
        (DOCUMENT.replace("name: Test", "name: &n Test").replace("A test.", "*n"), "line 5", "aliases"),
        (DOCUMENT.replace("name: Test", "name: !secret Test"), "name", "tag !secret"),
        (DOCUMENT + "---\nid: B\n", "line 26", "single document"),
    ],
)
def test_bad_yaml_is_refused(load: Callable[..., programs.LoadResult], text: str, field: str, reason: str) -> None:
    result = load(text)
    assert not result.programs
    [(found, why)] = errors(result)
    assert found == field
    assert re.search(reason, why), why


def test_text_that_is_not_utf8_is_refused(tmp_path: Path, reference: Path) -> None:
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "a.yml").write_bytes(DOCUMENT.replace("A test", "Müller").encode("latin-1"))
    [error] = programs.load(tmp_path / "programs", reference).errors
    assert error.field == "(file)"
    assert "not UTF-8" in error.reason


def test_a_bad_document_does_not_stop_the_others(load: Callable[..., programs.LoadResult]) -> None:
    result = load({"id": "B", "currency": "usd", "owner": None}, {"id": "A"})
    assert [each.program.id for each in result.programs] == ["A"]
    assert [(e.file_name, e.field) for e in result.errors] == [("a.yml", "currency"), ("a.yml", "owner")]


def test_the_same_version_twice_refuses_both(load: Callable[..., programs.LoadResult]) -> None:
    result = load({}, {"name": "Other"}, {"id": "OTHER"})
    assert [each.program.id for each in result.programs] == ["OTHER"]
    assert [(e.file_name, e.field) for e in result.errors] == [("a.yml", "version"), ("b.yml", "version")]
    assert "TEST@1 is given twice, also in b.yml" in result.errors[0].reason


def test_overlapping_versions_refuse_the_later_one(load: Callable[..., programs.LoadResult]) -> None:
    result = load({}, {"version": "2", "valid_from": "2017-07-01"})
    assert [each.program.key for each in result.programs] == ["TEST@1"]
    [error] = result.errors
    assert (error.file_name, error.field) == ("b.yml", "valid_from")
    assert "TEST@2 and TEST@1 are both valid on 2017-07-01" in error.reason


def test_versions_that_do_not_overlap_load(load: Callable[..., programs.LoadResult]) -> None:
    result = load({"valid_to": "2017-06-30"}, {"version": "2", "valid_from": "2017-07-01"})
    assert not result.errors
    assert [each.calculated for each in result.programs] == [True, True]


def test_one_day_in_common_is_an_overlap(load: Callable[..., programs.LoadResult]) -> None:
    result = load({"valid_to": "2017-07-01"}, {"version": "2", "valid_from": "2017-07-01"})
    assert [(error.file_name, error.field) for error in result.errors] == [("b.yml", "valid_from")]


def test_all_steps_may_be_taken_on_one_day(load: Callable[..., programs.LoadResult]) -> None:
    assert not load({f"lifecycle.{step}.when": "2016-11-01" for step in range(3)}).errors


def test_a_draft_may_overlap(load: Callable[..., programs.LoadResult]) -> None:
    result = load({}, {"version": "2", "lifecycle.2": None, "lifecycle.1": None})
    assert not result.errors
    assert [(each.program.status, each.calculated) for each in result.programs] == [
        ("approved", True),
        ("draft", False),
    ]


def test_a_version_that_supersedes_ends_the_earlier_ones(load: Callable[..., programs.LoadResult]) -> None:
    result = load(
        {},
        {"version": "2", "valid_from": "2017-07-01", "supersedes": "TEST@1"},
        {"version": "3", "valid_from": "2017-04-01", "supersedes": "TEST@2"},
    )
    assert not result.errors
    assert [(str(each.last_day), each.calculated) for each in result.programs] == [
        ("2017-03-31", True),
        ("2017-03-31", False),  # superseded before it began
        ("2017-12-31", True),
    ]


def test_a_version_that_replaces_from_the_period_start_measures_the_whole_period(
    load: Callable[..., programs.LoadResult],
) -> None:
    result = load(
        {},
        {"version": "2", "valid_from": "2017-05-02", "supersedes": "TEST@1"},
        {"version": "3", "valid_from": "2017-06-15", "supersedes": "TEST@2", "replaces": "period_start"},
    )
    assert not result.errors
    assert [(str(each.first_day), str(each.last_day), each.calculated) for each in result.programs] == [
        ("2017-01-01", "2017-03-31", True),
        ("2017-05-02", "2017-03-31", False),  # superseded before it began
        ("2017-04-01", "2017-12-31", True),
    ]


@pytest.mark.parametrize(
    ("measurement", "calendar", "first_day"),
    [
        ("month", "months", "2017-05-01"),
        ("half_year", "months", "2017-01-01"),
        ("year", "months", "2017-01-01"),
        ("month", "retail_445", "2017-04-30"),
        ("quarter", "retail_445", "2017-04-30"),
        ("year", "retail_445", "2017-01-29"),
    ],
)
def test_the_period_start_is_that_of_the_calendar(
    load: Callable[..., programs.LoadResult], measurement: str, calendar: str, first_day: str
) -> None:
    later = {"version": "2", "valid_from": "2017-05-02", "supersedes": "TEST@1", "replaces": "period_start"}
    result = load({}, {**later, "measurement": measurement, "calendar": calendar})
    assert not result.errors
    earlier, newer = result.programs
    assert str(newer.first_day) == first_day
    assert newer.first_day - earlier.last_day == fiscal_calendar.DAY


def test_the_whole_period_must_be_free(load: Callable[..., programs.LoadResult]) -> None:
    first = {"valid_to": "2017-06-30"}
    second = {"version": "2", "valid_from": "2017-07-15", "valid_to": "2017-08-14"}
    third = {"version": "3", "valid_from": "2017-08-15", "supersedes": "TEST@1", "replaces": "period_start"}
    [error] = load(first, second, third).errors
    assert (error.file_name, error.field) == ("c.yml", "valid_from")
    assert "TEST@3 and TEST@2 are both valid on 2017-07-15" in error.reason


def test_the_calendar_is_that_of_the_legal_entity(load: Callable[..., programs.LoadResult]) -> None:
    result = load({}, {"id": "B", "legal_entity": "CA01", "currency": "CAD"}, {"id": "C", "calendar": "retail_445"})
    assert [each.calendar for each in result.programs] == ["retail_445", "retail_445", "months"]


def test_suspending_a_version_does_not_bring_the_earlier_one_back(load: Callable[..., programs.LoadResult]) -> None:
    suspended = {"step": "suspended", "who": "ben", "when": "2017-08-01"}
    lifecycle = [*yaml.load(DOCUMENT, Loader=yaml.BaseLoader)["lifecycle"], suspended]
    result = load({}, {"version": "2", "valid_from": "2017-07-01", "supersedes": "TEST@1", "lifecycle": lifecycle})
    assert not result.errors
    assert [(str(each.last_day), each.calculated) for each in result.programs] == [
        ("2017-06-30", True),
        ("2017-08-01", True),
    ]


@pytest.mark.parametrize("step", ["suspended", "closed"])
def test_what_was_earned_until_a_version_was_suspended_or_closed_stays(
    load: Callable[..., programs.LoadResult], step: str
) -> None:
    lifecycle = [*yaml.load(DOCUMENT, Loader=yaml.BaseLoader)["lifecycle"]]
    lifecycle.append({"step": step, "who": "ben", "when": "2017-05-15"})
    [loaded] = load({"lifecycle": lifecycle}).programs
    assert (str(loaded.last_day), loaded.calculated) == ("2017-05-15", True)


def test_a_draft_does_not_supersede(load: Callable[..., programs.LoadResult]) -> None:
    result = load({}, {"version": "2", "supersedes": "TEST@1", "lifecycle.2": None})
    assert not result.errors
    assert [(each.program.status, each.calculated) for each in result.programs] == [
        ("approved", True),
        ("submitted", False),
    ]


def test_sent_back_and_submitted_again(load: Callable[..., programs.LoadResult]) -> None:
    steps = [("draft", "ann"), ("submitted", "ann"), ("draft", "ben"), ("submitted", "cat"), ("approved", "ann")]
    lifecycle = [{"step": s, "who": w, "when": f"2016-11-0{n}"} for n, (s, w) in enumerate(steps, 1)]
    [error] = load({"lifecycle": lifecycle}).errors
    assert (error.field, error.reason) == ("lifecycle[4].who", "ann submitted it: somebody else must approve")
    lifecycle[4]["who"] = "ben"
    [loaded] = load({"lifecycle": lifecycle}).programs
    submitted = loaded.program.step("submitted")
    assert submitted is not None
    assert submitted.who == "cat"


def test_sub_folders_are_read_and_hidden_files_are_not(tmp_path: Path, reference: Path) -> None:
    folder = tmp_path / "programs"
    (folder / "2017").mkdir(parents=True)
    (folder / "2017" / "a.yaml").write_text(document())
    (folder / ".a.yml").write_text("x")
    (folder / "notes.txt").write_text("x")
    result = programs.load(folder, reference)
    assert not result.errors
    assert [each.file_name for each in result.programs] == ["2017/a.yaml"]


def test_check_judges_a_document_beside_the_others(tmp_path: Path, reference: Path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "a.yml").write_text(document())
    (folder / "bad.yml").write_text("id: [")
    draft = tmp_path / "a.yml"  # the name of another document in the folder
    draft.write_text(document({"version": "2", "valid_from": "2017-07-01", "supersedes": "TEST@1"}))
    result = programs.check(draft, folder, reference)
    assert not result.errors
    assert [each.program.key for each in result.programs] == ["TEST@2"]
    draft.write_text(document({"name": "Changed"}))  # stands for a.yml of the folder, which has the same version
    [changed] = programs.check(draft, folder, reference).programs
    assert changed.program.name == "Changed"
    draft.write_text(document({"id": "NEW", "supersedes": "TEST@1"}))
    assert [error.field for error in programs.check(draft, folder, reference).errors] == ["supersedes"]
    [own] = programs.check(folder / "a.yml", folder, reference).programs
    assert own.program.key == "TEST@1"


def test_check_names_what_a_document_brings_to_others(tmp_path: Path, reference: Path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    stacking = {"group": "g", "rule": "best_of"}
    (folder / "b.yml").write_text(document({"id": "B", "stacking": stacking}))
    file = tmp_path / "new.yml"
    file.write_text(document({"id": "A", "measurement": "month", "stacking": stacking}))
    result = programs.check(file, folder, reference)
    assert [(error.file_name, error.field) for error in result.errors] == [("b.yml", "measurement")]


def test_a_missing_folder_is_an_error(tmp_path: Path, reference: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder of program documents"):
        programs.load(tmp_path / "none", reference)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("gold,colour,=,red", "attribute colour; expected partner_type"),
        ("gold,tier,~,gold", "operator ~"),
        ("silver,tier,=,silver", "no such segment"),
        ("gold,tier,in,gold|", "empty value"),
        ("gold,tier,=,gold,12", "months: only with attribute purchases"),
        ("gold,purchases,=,5,12,quantity", "operator =; expected >= or < with purchases"),
        ("gold,purchases,>=,1e6,12,quantity", "value 1e6; expected a number"),
        ("gold,purchases,>=,5,37,quantity", "months 37; expected 1 to 36"),
        ("gold,purchases,>=,5,12", "of empty; expected amount or quantity"),
        ("gold,purchases,>=,5,12,amount", "currency empty; expected an ISO 4217 code"),
        ("gold,purchases,>=,5,12,quantity,USD", "currency USD; has no meaning with of quantity"),
        ("gold,purchases,>=,5,12,quantity,,both", "stream both; expected sell_in, sell_through"),
        ("gold,purchases,>=,5,12,quantity,,,gold", "there is no such product segment"),
        ("snacks,purchases,>=,5,12,quantity,,,snacks", "product_segment snacks has a rule on purchases itself"),
    ],
)
def test_bad_segment_rules_stop_the_run(tmp_path: Path, reference: Path, rule: str, message: str) -> None:
    (tmp_path / "programs").mkdir()
    _add_rule(reference, rule)
    with pytest.raises(programs.BadReferenceError, match=re.escape(message)):
        programs.load(tmp_path / "programs", reference)


def _add_rule(reference: Path, rule: str) -> None:
    """Append a rule to segment_rule.csv."""
    with (reference / "segment_rule.csv").open("a") as file:
        file.write(rule + "," * (8 - rule.count(",")) + "\n")


def test_segments_by_purchases(tmp_path: Path, reference: Path) -> None:
    (tmp_path / "programs").mkdir()
    _add_rule(reference, "gold,purchases,>=,1000000,12,amount,USD,sell_in,snacks")
    assert not programs.load(tmp_path / "programs", reference).errors


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("legal_entity.csv", "legal_entity,currency\nUS01,USD\n", "legal_entity.csv: no column calendar"),
        ("legal_entity.csv", "legal_entity,currency,calendar\nUS01,USD,445\n", "US01 has calendar 445; known: months"),
        ("fiscal_month.csv", f"{HEAD}months,2017-01,x,2017-01-31,2017-Q1,2017-H1,2017\n", "row 2: month_start and"),
        ("fiscal_month.csv", f"{HEAD}months,2017-13,2017-01-01,2017-01-31,2017-Q1,2017-H1,2017\n", "a month like 2017"),
        ("fiscal_month.csv", f"{HEAD}months,2017-01,2017-01-01,2017-01-31,2017-Q2,2017-H1,2017\n", "expected 2017-Q1"),
        ("fiscal_month.csv", f"{HEAD}months,2017-01,2017-01-01,2016-12-31,2017-Q1,2017-H1,2017\n", "before it begins"),
    ],
)
def test_bad_reference_files_stop_the_run(tmp_path: Path, reference: Path, name: str, text: str, message: str) -> None:
    (tmp_path / "programs").mkdir()
    (reference / name).write_text(text)
    with pytest.raises(programs.BadReferenceError, match=re.escape(message)):
        programs.load(tmp_path / "programs", reference)


# --- the documents and the page of the project ---------------------------------------------------
def test_every_sample_document_loads() -> None:
    result = programs.load(REPOSITORY / "seeds" / "programs")
    assert not result.errors
    by_status = {status: [p for p in result.programs if p.program.status == status] for status in ("active", "draft")}
    assert len(by_status["active"]) >= 10
    assert len(by_status["draft"]) == 1
    assert all(loaded.calculated == (loaded.program.status == "active") for loaded in result.programs)
    for loaded in result.programs:
        assert loaded.program.owner
        assert max(map(len, programs.describe(loaded).splitlines())) <= 100


def test_sample_documents_are_of_visibly_different_kinds() -> None:
    calculated = [p.program for p in programs.load(REPOSITORY / "seeds" / "programs").programs if p.calculated]
    rated = [program.rated() for program in calculated]
    kinds = {(basis.kind, tiers.method, tiers.rate_kind) for basis, tiers in rated}
    assert {
        ("amount", "retrospective", "percent"),
        ("amount", "incremental", "percent"),
        ("quantity", "retrospective", "per_unit"),
        ("amount", "lump_sum", "flat"),
        ("growth", "retrospective", "percent"),
        ("amount", "linear", "percent"),
        ("amount", "whole_increment", "percent"),
    } <= kinds
    assert any(program.aggregate == "group" for program in calculated)
    assert any(program.lines.end_customer_segments for program in calculated)
    assert any(program.target_lines for program in calculated)
    assert sum(len(program.payees) > 1 for program in calculated) >= 2
    assert {program.settlement.instrument for program in calculated} == {"credit_memo", "supplier_invoice"}


def test_description_says_the_rules() -> None:
    by_key = {p.program.key: p for p in programs.load(REPOSITORY / "seeds" / "programs").programs}
    text = programs.describe(by_key["SNACK-LADDER@1"])
    assert "SNACK-LADDER@1  Snack ladder" in text
    assert "2017-01-01 to 2017-06-30 (superseded; was to 2017-12-31)" in text
    assert "from 150: 8 %" in text
    assert "credit memo 15 days after the period" in text
    assert "group head 20 %" in programs.describe(by_key["GROUP-VOLUME@1"])


DESCRIBED: list[tuple[Changes, list[str]]] = [
    (
        {"calendar": "retail_445", "cumulation": "to_date"},
        ["2017-01-01 to 2017-12-31, measured per quarter (calendar retail_445), from the start to date"],
    ),
    (
        {"basis": {"kind": "share", "of": "quantity", "subset": {"brands": ["B"], "exclude": {"skus": ["7"]}}}},
        ["share in quantity of (brands B; without products 7), over the same lines", "from 100 %: 1 %"],
    ),
    (
        {"basis": {"kind": "count", "counted": "first_time_end_customers"}},
        ["number of first-time end customers", "from 100: 1 %"],
    ),
    (
        {"basis": {"kind": "growth", "baseline": "lines", "new_partner": {"treat_as": "110"}}},
        ["growth over the same period one year before (new partners: as 110 %), paid on all purchases"],
    ),
    (
        {
            "gates": [
                {
                    "name": "mix",
                    "basis": {"kind": "quantity"},
                    "lines": {"stream": "both", "double_counting": "prefer_sell_in", "returns": "by_original_document"},
                    "operator": ">=",
                    "figure": "1000",
                },
                {"basis": GROWTH, "operator": "<", "figure": "200"},
            ]
        },
        [
            "mix: quantity >= 1,000, over both streams (sell-in counts where both have the goods): every product; "
            "returns count with the document returned",
            "2: growth over given baselines < 200 %, over the lines that the tiers look at",
        ],
    ),
    (
        {"cap": {"participant": "5", "program": "50"}, "floor": {"participant": "1"}, "budget": "100"},
        [
            "bounds at most 5 USD per participant and period; at most 50 USD per period over all participants; "
            "at least 1 USD per participant and period; budget 100 USD over all periods"
        ],
    ),
    (
        {"stacking": {"group": "g", "rule": "net_of", "order": "3", "reduced_by_earlier": "false"}},
        ["stacking group g, place 3: lines are reduced by what earlier programs pay; is not reduced itself"],
    ),
    (
        price(method="percent", percent="5", reference_cost="2"),
        ["pays per line that quotes an authorisation (1 row): a percent off the reference cost (5 %), up to"],
    ),
    (FUND, ["pays 2 % of the amount builds a fund; approved claims draw on it until 2018-03-31"]),
]


@pytest.mark.parametrize(("changes", "texts"), DESCRIBED)
def test_every_kind_is_described(load: Callable[..., programs.LoadResult], changes: Changes, texts: list[str]) -> None:
    result = load(changes)
    assert not result.errors
    lines = programs.describe(result.programs[0]).splitlines()
    assert max(map(len, lines)) <= 100
    described = " ".join(" ".join(lines).split())
    for text in texts:
        assert text in described, described


PAGE = document_reference.PAGE.read_text(encoding="utf-8")


def test_field_reference_is_current() -> None:
    assert document_reference.updated(PAGE) == PAGE, "run python -m orchestration.programs.document_reference"


@pytest.mark.parametrize("kind", document_reference.ERRORS)
def test_every_kind_of_error_on_the_page_happens(kind: str) -> None:
    example = document_reference.example(PAGE)
    assert document_reference.errors_of(example, kind)


def _examples() -> list[tuple[bool, str]]:
    calculated, _, not_yet = PAGE.partition("## Described, not calculated yet")
    return [
        (known, block)
        for known, part in ((True, calculated), (False, not_yet))
        for block in re.findall(r"```yaml\n(.*?)```", part, re.S)
    ]


@pytest.mark.parametrize(("known", "block"), _examples())
def test_examples_of_the_page(tmp_path: Path, known: bool, block: str) -> None:
    tree = yaml.load(_examples()[0][1], Loader=yaml.BaseLoader)
    example = yaml.load(block, Loader=yaml.BaseLoader)
    tree |= example
    if "price_difference" in example or "fund" in example:
        del tree["basis"], tree["tiers"]
    if example.get("basis", {}).get("kind") == "count":
        tree["tiers"]["levels"] = [{"from": "10", "rate": "2"}]
    (tmp_path / "a.yml").write_text(yaml.safe_dump(tree))
    reasons = [error.reason for error in programs.load(tmp_path).errors]
    assert (not reasons) if known else (reasons and all("not calculated yet" in each for each in reasons)), reasons


def test_terms_are_all_but_lifecycle_acceptances_and_notation(load: Callable[..., programs.LoadResult]) -> None:
    def terms(changes: Changes) -> str:
        [loaded] = load(changes).programs
        return loaded.terms_hash

    before = terms({})
    closed = [
        {"step": "draft", "who": "ann", "when": "2016-01-01"},
        {"step": "submitted", "who": "ann", "when": "2016-01-02"},
        {"step": "approved", "who": "ben", "when": "2016-01-03"},
        {"step": "closed", "who": "ben", "when": "2017-06-30"},
    ]
    assert terms({"lifecycle": closed}) == before
    assert terms({"cumulation": "reset"}) == before
    assert terms({"calendar": "months"}) != before
    assert terms({"name": "Other"}) != before
    assert terms({"valid_to": "2017-06-30"}) != before
    enrolled = {"participants.enrolment": "by_acceptance"}
    one = [{"participant": "R-1", "accepted_on": "2017-01-15"}]
    assert terms({**enrolled, "participants.acceptances": one}) == terms(
        {**enrolled, "participants.acceptances": [*one, {"participant": "R-2", "accepted_on": "2017-02-15"}]}
    )
