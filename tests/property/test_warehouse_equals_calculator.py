"""The real models against the calculator: hundreds of random programs in one build.

REBATES_PROPERTY_FAMILIES, _LINES and _SEED change how much is drawn, and what (decision 0051).
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest

from orchestration.settings import Settings
from tests.golden.document import Document
from tests.property import world
from tests.property.accruing import accruing
from tests.property.compare import MARTS, differences
from tests.reference.calculate import Inputs, Results, calculate
from tests.warehouse import Built, Dict, Seeds, build, draft_programs, inputs_of, program_tables

FAMILIES = int(os.environ.get("REBATES_PROPERTY_FAMILIES", "60"))
"""Programs that stand alone, versions, or stacking groups: about two programs each. `make test-long` draws more."""

LINES = int(os.environ.get("REBATES_PROPERTY_LINES", "1200"))
SEED = int(os.environ.get("REBATES_PROPERTY_SEED", "1"))


@dataclass(frozen=True)
class Both:
    """One set of inputs, calculated twice."""

    documents: dict[str, Document]
    built: Built
    results: Results


def _fiscal_months(settings: Settings) -> list[Dict]:
    with (settings.reference / "fiscal_month.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    settings = Settings(data=tmp_path_factory.mktemp("warehouse"), memory_limit="1GB")
    drawn = accruing(world.named(world.many(world.a_family, FAMILIES, SEED)), SEED + 2)
    entities = world.entities(drawn, LINES, SEED + 1)
    seeds = Seeds(world.SEGMENTS, world.SEGMENT_RULES, world.LEGAL_ENTITIES)
    drafted = draft_programs(settings, drawn, seeds)
    first = Inputs(
        program_tables(drafted),
        entities,
        world.AS_OF,
        world.SEGMENTS,
        world.SEGMENT_RULES,
        world.MINOR_UNITS,
        _fiscal_months(drafted),
    )
    documents = world.sharpened(drawn, *_reached(calculate(first)))
    built = build(settings, documents, entities, world.AS_OF, seeds)
    by_key = {f"{each['id']}@{each['version']}": each for each in documents}
    return Both(by_key, built, calculate(inputs_of(built.settings)))


def _reached(results: Results) -> tuple[dict[str, list[Decimal]], dict[tuple[str, int], list[Decimal]]]:
    """Bases by program key and actuals of gates by program key and number, those that are decimals."""
    reached: defaultdict[str, list[Decimal]] = defaultdict(list)
    measured: defaultdict[tuple[str, int], list[Decimal]] = defaultdict(list)
    for at, each in sorted(results.qualification.items()):
        reached[at[0]] += _decimal(each.basis)
        for gate in results.gates[at]:
            measured[at[0], gate.number] += _decimal(gate.actual)
    return reached, measured


def _decimal(value: Fraction | None) -> list[Decimal]:
    """Return the value, if it can be written as a decimal."""
    if value is None or 10**12 % value.denominator:
        return []
    return [Decimal(value.numerator) / Decimal(value.denominator)]


@pytest.mark.parametrize("mart", MARTS)
def test_the_models_equal_the_calculator(both: Both, mart: str) -> None:
    found = differences(both.built, both.results)[mart]
    first = next((both.documents[key] for text in found[:1] for key in both.documents if key in text), None)
    assert not found, f"{len(found)} differ, the first of {first}:\n" + "\n".join(found[:20])


@pytest.mark.slow
def test_the_random_programs_reach_every_kind(both: Both) -> None:
    """What is compared must not be all zeros: every kind pays, and the hard cases occur."""
    results = both.results
    paying = {key for (key, _, _), payout in results.payouts.items() if payout and key.startswith("DRAWN")}
    documents = [both.documents[key] for key in sorted(paying)]
    tiered = [each for each in documents if "tiers" in each]
    kinds = {(each["tiers"]["method"], each["tiers"]["rate_kind"]) for each in tiered}
    methods = {"retrospective", "incremental", "rolling", "total", "linear", "whole_increment"}
    assert {method for method, kind in kinds if kind == "per_unit"} == methods
    assert {method for method, kind in kinds if kind == "percent"} == methods
    assert ("lump_sum", "flat") in kinds
    assert {each["basis"]["kind"] for each in tiered} == {*world.KINDS}
    assert {each["basis"].get("baseline") for each in tiered} == {None, "lines", "given"}
    assert {each["basis"].get("counted") for each in tiered} > {"documents", "end_customers"}
    assert {each.get("growth_payout") for each in tiered} >= {"all", "on_growth", "marginal_growth"}
    assert {each["currency"] for each in documents} == set(world.MINOR_UNITS)
    assert {each["aggregate"] for each in documents} == {"participant", "group"}
    assert {each.get("calendar") for each in documents} == {None, *world.CALENDARS}
    assert {each["lines"]["stream"] for each in documents} == {"sell_in", "sell_through", "both"}
    assert {each["stacking"]["rule"] for each in documents if "stacking" in each} == {
        *("stack", "best_of", "priority", "net_of")
    }
    assert {each["price_difference"]["method"] for each in documents if "price_difference" in each} == {
        *("contract_price", "amount", "percent", "margin_protection")
    }
    accrued = {(each["accrual"]["method"], each["accrual"].get("forecast")) for each in documents if "accrual" in each}
    forecasts = ("run_rate", "seasonality", "given")
    assert accrued >= {
        *((method, forecast) for method in ("expected", "most_likely") for forecast in forecasts),
        ("fixed_rate", None),
        ("straight_line", None),
    }
    for name in ("cumulation", "gates", "target_lines", "fund", "supersedes", "replaces", "budget", "cap", "floor"):
        assert any(name in each for each in documents), name


@pytest.mark.slow
def test_the_random_lines_reach_every_case(both: Both) -> None:
    results = both.results
    assert set(results.excluded.values()) >= {
        *("no_participant", "no_group", "no_fx_rate", "not_enrolled", "excluded", "product", "price_limit"),
        *("double_counting", "stacking_priority", "no_authorization", "authorization_unknown"),
        *("authorization_partner", "authorization_end_customer", "authorization_product", "authorization_date"),
        "authorization_exceeded",
    }
    assert {name for each in results.qualification.values() for name in each.limited_by} == {
        *("gate", "floor", "cap", "best_of", "program_floor", "program_cap", "budget", "expiry")
    }
    assert any(share.payee_id is None for share in results.shares)
    assert any(share.amount < 0 for share in results.shares)
    assert any(payout < 0 for payout in results.payouts.values())
    assert any(use.exceeded for use in results.authorizations.values())
    assert {fund.expired > 0 for fund in results.funds.values()} == {True, False}
    assert {each.source for each in results.estimates.values()} == {
        *("run_rate", "seasonality", "seasonality_of_all", "given", None)
    }
    accrued = [each.liability for each in results.estimates.values() if each.liability]
    assert len(accrued) > len(results.estimates) / 10
    assert {name for each in results.estimates.values() for name in each.limited_by} == {
        *("best_of", "program_floor", "program_cap", "budget")
    }
    on_a_bound = [each for (key, _, _), each in results.qualification.items() if "DRAWN" in key and each.gap == 0]
    assert any(each.basis for each in on_a_bound), "no exclusive boundary was met exactly"
