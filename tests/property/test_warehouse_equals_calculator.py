"""The real models against the calculator: hundreds of random programs, and every published figure, in one build."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

import pytest

from orchestration.settings import Settings
from tests.golden import cases as golden
from tests.golden.document import Document
from tests.property import world
from tests.property.compare import differences
from tests.reference.calculate import Inputs, Results, calculate
from tests.warehouse import Built, Dict, Seeds, build, draft_programs, inputs_of, program_tables

PROGRAMS, LINES = 300, 700
RUN = [case for case in golden.cases() if case.checks]


@dataclass(frozen=True)
class Both:
    """One set of inputs, calculated twice."""

    documents: dict[str, Document]
    built: Built
    results: Results


def _entities() -> dict[str, list[Dict]]:
    """Return the rows of the random world and those of the published cases, in files of their own."""
    entities = world.master()
    published = golden.entities(RUN)
    for name in ("partner", "product"):
        entities[name] = [*entities[name], *published[name]]
    later = [{**row, "file_sequence": row["file_sequence"] + 100} for row in published["line"]]
    entities["line"] = world.numbered([*world.many(world.a_line, LINES, 2), *later])
    return entities


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    settings = Settings(data=tmp_path_factory.mktemp("warehouse"), memory_limit="1GB")
    entities = _entities()

    drawn = world.named(world.many(world.a_document, PROGRAMS, 1))
    seeds = Seeds(world.SEGMENTS, world.SEGMENT_RULES, world.LEGAL_ENTITIES)
    tables = program_tables(draft_programs(settings, drawn, seeds))
    first = calculate(Inputs(tables, entities, world.AS_OF, world.SEGMENTS, world.SEGMENT_RULES, world.MINOR_UNITS))
    documents = [
        *world.sharpened(drawn, _reached(first)),
        *(document for case in RUN for document in case.documents),
    ]
    built = build(settings, documents, entities, world.AS_OF, seeds)
    by_key = {f"{each['id']}@{each['version']}": each for each in documents}
    return Both(by_key, built, calculate(inputs_of(built.settings)))


def _reached(results: Results) -> dict[str, list[Decimal]]:
    """Bases by program id, those that can be written as decimals."""
    reached: defaultdict[str, list[Decimal]] = defaultdict(list)
    for (key, _, _), each in sorted(results.qualification.items()):
        if each.basis is not None and 10**12 % each.basis.denominator == 0:
            reached[key.partition("@")[0]].append(Decimal(each.basis.numerator) / Decimal(each.basis.denominator))
    return reached


@pytest.mark.parametrize(
    "mart",
    ["fct_qualification", "fct_payout", "fct_line_rebate", "fct_tier_application", "int_payee_period", "parts"],
)
def test_the_models_equal_the_calculator(both: Both, mart: str) -> None:
    found = differences(both.built, both.results)[mart]
    first = next((both.documents[key] for key in both.documents for text in found[:1] if f"'{key}'" in text), None)
    assert not found, f"{len(found)} differ, the first of {first}:\n" + "\n".join(found[:20])


def test_published_figures_come_out_of_the_models(both: Both) -> None:
    payouts = {
        (row["program_key"], row["participant_id"], row["period_id"]): row["payout"]
        for row in both.built.rows("fct_qualification")
    }
    wrong = [
        f"{case.id} {check.name}: expected {check.expected}, got {golden.value(check, payouts)}"
        for case in RUN
        for check in case.checks
        if golden.value(check, payouts) != check.expected
    ]
    assert not wrong, "\n".join(wrong)


def test_the_random_programs_reach_every_kind(both: Both) -> None:
    """What is compared must not be all zeros: every method pays, and the hard cases occur."""
    paying = {key for (key, _, _), payout in both.results.payouts.items() if payout and key.startswith("DRAWN")}
    assert len(paying) >= 100
    kinds = {(both.documents[key]["tiers"]["method"], both.documents[key]["tiers"]["rate_kind"]) for key in paying}
    methods = {"retrospective", "incremental", "rolling", "total", "linear", "whole_increment"}
    assert {method for method, kind in kinds if kind == "per_unit"} == methods
    assert {method for method, kind in kinds if kind == "percent"} == methods
    assert ("lump_sum", "flat") in kinds
    assert {both.documents[key].get("growth_payout") for key in paying} >= {"all", "on_growth", "marginal_growth"}
    assert {both.documents[key]["currency"] for key in paying} == set(world.MINOR_UNITS)
    assert {both.documents[key]["aggregate"] for key in paying} == {"participant", "group"}
    reasons = set(both.results.excluded.values())
    assert {"no_participant", "no_group", "no_fx_rate", "not_enrolled", "excluded", "product", "price_limit"} <= reasons
    assert any(share.payee_id is None and share.amount for share in both.results.shares)
    assert any(share.amount < 0 for share in both.results.shares)
    exact = [
        each for (key, _, _), each in both.results.qualification.items() if key.startswith("DRAWN") and each.gap == 0
    ]
    assert exact, "no exclusive boundary was met exactly"
