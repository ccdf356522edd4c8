"""Random programs of every kind through the calculator: what must hold of all their results together."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

import pytest

from orchestration.settings import Settings
from tests.property import world
from tests.reference.calculate import Inputs, Results, calculate
from tests.warehouse import Dict, Seeds, draft_programs, program_tables

FAMILIES, LINES = 60, 600


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    settings = Settings(data=tmp_path_factory.mktemp("world"))
    documents = world.named(world.many(world.a_family, FAMILIES, 11))
    seeds = Seeds(world.SEGMENTS, world.SEGMENT_RULES, world.LEGAL_ENTITIES)
    settings = draft_programs(settings, documents, seeds)
    with (settings.reference / "fiscal_month.csv").open(encoding="utf-8", newline="") as file:
        fiscal_months = list(csv.DictReader(file))
    return Inputs(
        programs=program_tables(settings),
        entities=world.entities(documents, LINES, 12),
        as_of=world.AS_OF,
        segments=world.SEGMENTS,
        segment_rules=world.SEGMENT_RULES,
        minor_units=world.MINOR_UNITS,
        fiscal_months=fiscal_months,
    )


@pytest.fixture(scope="module")
def results(inputs: Inputs) -> Results:
    return calculate(inputs)


def _programs(inputs: Inputs) -> Iterator[Dict]:
    """Return the calculated programs."""
    return (dict(row) for row in inputs.programs["program"] if row["calculated"])


def test_parts_add_up_to_the_cent(results: Results) -> None:
    parts: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for share in results.shares:
        parts[share.program_key, share.participant_id, share.period_id] += share.amount
    assert {k: v for k, v in parts.items() if v} == {k: v for k, v in results.payouts.items() if v}


def test_every_participant_of_a_line_has_its_period(inputs: Inputs, results: Results) -> None:
    keys = {row["scope_key"]: row["program_key"] for row in inputs.programs["program_scope"]}
    for scope, lines in results.counted.items():
        for each in lines:
            assert (keys[scope], each.participant_id, each.period_id) in results.qualification


def test_bounds_hold(inputs: Inputs, results: Results) -> None:
    for program in _programs(inputs):
        mine = {key: payout for key, payout in results.payouts.items() if key[0] == program["program_key"]}
        if program["budget"] is not None:
            assert sum(mine.values()) <= program["budget"]
        for period in {period for _, _, period in mine}:
            total = sum(payout for (_, _, when), payout in mine.items() if when == period)
            assert program["program_cap"] is None or total <= program["program_cap"]
        if program["participant_cap"] is not None and program["cumulation"] == "reset" and not program["program_floor"]:
            assert all(payout <= program["participant_cap"] for payout in mine.values())


def test_what_fails_a_gate_is_not_paid(inputs: Inputs, results: Results) -> None:
    reset = {row["program_key"] for row in _programs(inputs) if row["cumulation"] == "reset"}
    failed = [key for key, each in results.qualification.items() if key[0] in reset and not each.gates_hold]
    assert failed
    assert all(results.payouts[key] == 0 for key in failed)


def test_a_line_counts_for_one_program_of_a_priority_group(inputs: Inputs, results: Results) -> None:
    groups: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for program in _programs(inputs):
        if program["stacking_rule"] == "priority":
            for each in results.counted[program["earning_scope"]]:
                groups[program["stacking_group"], each.line_key].add(program["program_id"])
    assert groups
    assert all(len(programs) == 1 for programs in groups.values())


def test_one_program_of_a_best_of_group_pays(inputs: Inputs, results: Results) -> None:
    paying: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for program in _programs(inputs):
        if program["stacking_rule"] == "best_of":
            for (key, who, period), payout in results.payouts.items():
                if key == program["program_key"] and payout:
                    paying[program["stacking_group"], who, period].add(program["program_id"])
    assert paying
    assert all(len(programs) == 1 for programs in paying.values())


def test_authorisations_and_funds_are_not_overdrawn(results: Results) -> None:
    assert any(use.exceeded for use in results.authorizations.values())
    assert all(use.paid <= use.authorized for use in results.authorizations.values())
    assert any(fund.drawn for fund in results.funds.values())
    for fund in results.funds.values():
        assert 0 <= fund.drawn <= max(fund.built, Decimal(0))
        assert fund.drawn + fund.open + fund.expired == fund.built
