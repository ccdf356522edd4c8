"""Documents: what is refused, with file, field and reason, and what loads."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration import programs
from orchestration.programs import document_reference
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

Changes = dict[str, Any]


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "legal_entity.csv").write_text("legal_entity,name,country,currency\nUS01,U,US,USD\nCA01,C,CA,CAD\n")
    (folder / "segment.csv").write_text(
        "segment_id,entity,name,description,owner\n"
        "gold,partner,Gold,,x\nfamilies,end_customer,F,,x\nsnacks,product,S,,x\n"
    )
    (folder / "segment_rule.csv").write_text(
        "segment_id,attribute,operator,value\ngold,tier,=,gold\nfamilies,size_band,>=,3\nsnacks,family,in,A|B\n"
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
    for path, value in (changes or {}).items():
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
        "lies outside 2017-01-01 to 2017-12-31",
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
    ("cap of zero", {"cap": {"participant": "0"}}, "cap.participant", "must be above zero"),
    ("order without rule", {"stacking": {"group": "g", "order": "1"}}, "stacking.order", "no meaning for rule stack"),
    ("straight line", {"accrual": {"method": "straight_line"}}, "accrual.method", "must be lump_sum"),
    ("option of another accrual", {"accrual": {"percent": "2"}}, "accrual.percent", "no meaning for method earned"),
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
    ({"lines.stream": "both", "lines.double_counting": "prefer_sell_in"}, "lines.stream", "both"),
    ({"lines.returns": "by_original_document"}, "lines.returns", "by_original_document"),
    ({"target_lines": {"stream": "sell_through"}}, "target_lines.stream", "sell_through"),
    ({"target_lines": {"stream": "sell_in", "returns": "by_original_document"}}, "target_lines.returns", "by_original"),
    ({"basis": {"kind": "share", "subset": {"brands": ["B"]}}}, "basis.kind", "share"),
    ({"basis": {"kind": "count", "counted": "documents"}}, "basis.kind", "count"),
    ({"basis": {"kind": "growth", "baseline": "lines"}}, "basis.baseline", "lines"),
    ({"basis": {**GROWTH, "of": "quantity"}}, "basis.of", "quantity"),
    ({"basis": {**GROWTH, "new_partner": {"treat_as": "110"}}}, "basis.new_partner.treat_as", "110"),
    ({"basis": {**GROWTH, "new_partner": {"baseline": "5"}}}, "basis.new_partner.baseline", "5"),
    ({"basis": GROWTH, "tiers.rate_kind": "per_unit"}, "tiers.rate_kind", "per_unit"),
    ({"cumulation": "to_date"}, "cumulation", "to_date"),
    (
        {"gates": [{"basis": {"kind": "amount"}, "operator": ">=", "figure": "10"}]},
        "gates[0]",
        "{basis: {kind: amount}, operator: >=, figure: 10}",
    ),
    ({"cap": {"program": "5"}}, "cap.program", "5"),
    ({"floor": {"participant": "5"}}, "floor.participant", "5"),
    ({"floor": {"program": "5"}}, "floor.program", "5"),
    ({"budget": "5.50"}, "budget", "5.5"),
    ({"payees": [{"role": "end_customer", "share": "100"}]}, "payees[0].role", "end_customer"),
    ({"stacking": {"group": "g", "rule": "best_of"}}, "stacking.rule", "best_of"),
    ({"stacking": {"group": "g", "rule": "net_of", "order": "1"}}, "stacking.rule", "net_of"),
    (
        {
            "tiers": None,
            "basis": None,
            "price_difference": {
                "method": "amount",
                "amount": "1",
                "authorizations": [
                    {
                        "number": "1",
                        "partner": "R-1",
                        "end_customer": "H",
                        "product": "1",
                        "valid_from": "2017-01-01",
                        "valid_to": "2017-01-31",
                        "quantity": "5",
                    }
                ],
            },
        },
        "price_difference",
        "{method: amount",
    ),
    ({"tiers": None, "basis": None, "fund": {"percent": "2", "expires_on": "2018-01-01"}}, "fund", "{percent: 2"),
    ({"accrual": {"method": "expected", "forecast": "run_rate"}}, "accrual.method", "expected"),
    ({"accrual": {"threshold": "0.01"}}, "accrual.threshold", "0.01"),
    ({"tiers": LUMP_SUM, "accrual": {"method": "straight_line"}}, "accrual.method", "straight_line"),
    ({"settlement.instrument": "deduction_match"}, "settlement.instrument", "deduction_match"),
    ({"settlement.negative": "invoice"}, "settlement.negative", "invoice"),
    ({"settlement.claim_required": "true"}, "settlement.claim_required", "true"),
    ({"settlement.advances": {"every": "month", "percent": "80"}}, "settlement.advances", "{every: month"),
    ({"fx_max_age_days": "5"}, "fx_max_age_days", "5"),
    ({"currency": "CAD"}, "currency", "CAD"),
    (
        {"aggregate": "group", "participants.enrolment": "by_acceptance"},
        "participants.enrolment",
        "by_acceptance",
    ),
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
    tried = {re.sub(r"\[\d+\]", "[]", field) for _, field, _ in NOT_YET}
    everything = {"tiers.method", "growth_payout", "aggregate"}  # all their values are calculated
    assert set(CALCULATED) - everything <= tried


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
    ],
)
def test_bad_segment_rules_stop_the_run(tmp_path: Path, reference: Path, rule: str, message: str) -> None:
    (tmp_path / "programs").mkdir()
    with (reference / "segment_rule.csv").open("a") as file:
        file.write(rule + "\n")
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


PAGE = document_reference.PAGE.read_text(encoding="utf-8")


def test_field_reference_is_current() -> None:
    assert document_reference.updated(PAGE) == PAGE, "run python -m orchestration.programs.document_reference"


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
    (tmp_path / "a.yml").write_text(yaml.safe_dump(tree))
    reasons = [error.reason for error in programs.load(tmp_path).errors]
    assert (not reasons) if known else (reasons and all("not calculated yet" in each for each in reasons)), reasons


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tiers.method": "linear", "tiers.rate_kind": "per_unit"}, "tiers.rate_kind"),
        ({"tiers.method": "linear", "basis": {"kind": "quantity"}}, "tiers.rate_kind"),
        ({"tiers.method": "linear", "target_lines": {"stream": "sell_in"}}, "target_lines"),
    ],
)
def test_a_straight_line_runs_over_its_own_basis(
    load: Callable[..., programs.LoadResult], changes: dict[str, Any], field: str
) -> None:
    [error] = load(changes).errors
    assert error.field == field
    assert "not calculated yet" in error.reason


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
    assert terms({"name": "Other"}) != before
    assert terms({"valid_to": "2017-06-30"}) != before
    enrolled = {"participants.enrolment": "by_acceptance"}
    one = [{"participant": "R-1", "accepted_on": "2017-01-15"}]
    assert terms({**enrolled, "participants.acceptances": one}) == terms(
        {**enrolled, "participants.acceptances": [*one, {"participant": "R-2", "accepted_on": "2017-02-15"}]}
    )
