"""Stacking groups: what their documents share, and their order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.programs import LoadedProgram, Program, flatten, stacking
from orchestration.programs.stacking import Place

NET_OF: Mapping[str, Any] = {"group": "g", "rule": "net_of"}
BEST_OF: Mapping[str, Any] = {"group": "g", "rule": "best_of"}


def loaded(
    program_id: str,
    group: Mapping[str, Any] | None,
    *,
    version: int = 1,
    approved: str | None = "2016-11-03",
    calendar: str = "months",
    role: str = "sold_to",
    **fields: Any,
) -> LoadedProgram:
    """A program of a group, as loading gives it; a draft without the day of its approval."""
    lifecycle = [{"step": "draft", "who": "ann", "when": "2016-11-01"}]
    if approved:
        lifecycle.append({"step": "submitted", "who": "ann", "when": "2016-11-02"})
        lifecycle.append({"step": "approved", "who": "ben", "when": approved})
    document: dict[str, Any] = {
        "id": program_id,
        "version": version,
        "name": "Test",
        "description": "A test.",
        "owner": "channel-sales",
        "legal_entity": "US01",
        "currency": "USD",
        "valid_from": "2017-01-01",
        "valid_to": "2017-12-31",
        "measurement": "quarter",
        "lifecycle": lifecycle,
        "participants": {"role": role, "all": True},
        "lines": {"stream": "sell_in"},
        "basis": {"kind": "amount"},
        "tiers": {"method": "retrospective", "rate_kind": "percent", "levels": [{"from": "0", "rate": "1"}]},
        "settlement": {"lag_days": 30, "instrument": "credit_memo"},
        **fields,
    }
    program = Program.model_validate(document if group is None else {**document, "stacking": dict(group)})
    file_name = f"{program_id.lower()}-{version}.yml"
    return LoadedProgram(program, file_name, "0", calendar, date(2017, 1, 1), date(2017, 12, 31))


def net_of(program_id: str, order: int, *, reduced: bool = True, reduces: bool = True, **more: Any) -> LoadedProgram:
    group = {**NET_OF, "order": order, "reduced_by_earlier": reduced, "reduces_later": reduces}
    return loaded(program_id, group, **more)


def misfits(*programs: LoadedProgram) -> list[tuple[str, str]]:
    return [(error.file_name, error.field) for error in stacking.errors(programs)]


# --- what a group shares -------------------------------------------------------------------------
def test_a_group_shares_rule_and_currency() -> None:
    first = loaded("A", {"group": "g"})
    other = loaded("B", {"group": "g", "rule": "priority", "order": 1}, currency="CAD", measurement="month")
    assert misfits(first, other) == [("b-1.yml", "stacking.rule"), ("b-1.yml", "currency")]
    [error, _] = stacking.errors([first, other])
    assert (
        error.reason
        == "priority, but A@1 of the same stacking group g has stack: programs of a group share stacking.rule"
    )
    assert not misfits(first, loaded("B", {"group": "h", "rule": "best_of"}), loaded("C", None, currency="CAD"))


@pytest.mark.parametrize(
    ("field", "difference"),
    [
        ("measurement", {"measurement": "month"}),
        ("calendar", {"calendar": "retail_445"}),
        ("participants.role", {"role": "reseller"}),
        ("aggregate", {"aggregate": "group"}),
    ],
)
def test_best_of_compares_like_with_like(field: str, difference: dict[str, Any]) -> None:
    assert misfits(loaded("A", BEST_OF), loaded("B", BEST_OF, **difference)) == [("b-1.yml", field)]
    for rule in ({"rule": "stack"}, {"rule": "net_of", "order": 1}):
        group = {"group": "g", **rule}
        assert not misfits(loaded("A", group), loaded("B", group, **difference))


def test_who_was_approved_first_stays() -> None:
    draft = loaded("A", BEST_OF, approved=None)
    late = loaded("B", BEST_OF, approved="2017-02-01", measurement="month")
    first = loaded("C", BEST_OF, version=2)
    assert misfits(draft, late, first) == [("b-1.yml", "measurement")]
    assert misfits(draft, late) == [("a-1.yml", "measurement")]
    same_day = loaded("B", BEST_OF, measurement="month")
    assert misfits(first, same_day) == [("c-2.yml", "measurement")]


# --- order ---------------------------------------------------------------------------------------
def test_rank_is_by_order_then_id_and_versions_share_it() -> None:
    group = {"group": "g", "rule": "priority"}
    found = stacking.places(
        [
            loaded("C", {**group, "order": 1}),
            loaded("A", {**group, "order": 2}),
            loaded("B", {**group, "order": 1}),
            loaded("B", {**group, "order": 1}, version=2),
            loaded("Z", {"group": "other"}),
            loaded("Y", None),
        ]
    )
    assert found == {
        "B@1": Place(1, 1),
        "B@2": Place(1, 1),
        "C@1": Place(2, 1),
        "A@1": Place(3, 1),
        "Z@1": Place(1, 1),
    }


def waves(*programs: LoadedProgram) -> dict[str, int]:
    return {key: place.wave for key, place in stacking.places(programs).items()}


def test_waves_of_net_of() -> None:
    found = waves(
        net_of("A", 1),
        net_of("B", 2, reduces=False),  # reduced by A
        net_of("C", 3),  # by A only: B reduces nothing
        net_of("D", 4, reduced=False),  # by nothing
        net_of("E", 5),  # by A, C and D
        net_of("F", 5),  # by E too: ties go by id
    )
    assert found == {"A@1": 1, "B@1": 2, "C@1": 2, "D@1": 1, "E@1": 3, "F@1": 4}


def test_drafts_reduce_nothing_and_versions_are_one_program() -> None:
    found = waves(
        net_of("A", 1, approved=None),
        net_of("B", 2),
        net_of("B", 3, version=2),
        net_of("C", 4, approved=None),
    )
    assert found == {"A@1": 1, "B@1": 1, "B@2": 1, "C@1": 2}


programs = st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.integers(1, 4), st.booleans(), st.booleans()),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each[0],
)


@hypothesis_settings(max_examples=60, deadline=None)
@given(drawn=programs, data=st.data())
def test_waves_follow_from_what_reduces(drawn: list[tuple[str, int, bool, bool]], data: st.DataObject) -> None:
    """A program's wave is above that of each one that reduces it, no higher than needed, in any order of documents."""
    group = [net_of(name, order, reduced=reduced, reduces=reduces) for name, order, reduced, reduces in drawn]
    found = stacking.places(group)
    assert found == stacking.places(data.draw(st.permutations(group)))
    assert sorted(place.rank for place in found.values()) == list(range(1, len(group) + 1))
    for name, order, reduced, _ in drawn:
        reducers = [other for other, o, _, reduces in drawn if reduces and reduced and (o, other) < (order, name)]
        assert found[f"{name}@1"].wave == 1 + max((found[f"{other}@1"].wave for other in reducers), default=0)


def test_places_reach_the_table() -> None:
    table = flatten([net_of("A", 3), net_of("B", 7, reduces=False), loaded("C", {**BEST_OF, "group": "h"})])["program"]
    columns = ("stacking_group", "stacking_rule", "stacking_rank", "reduced_by_earlier", "reduces_later", "net_of_wave")
    assert [tuple(row.values()) for row in table.select(columns).to_pylist()] == [
        ("g", "net_of", 1, True, True, 1),
        ("g", "net_of", 2, True, False, 2),
        ("h", "best_of", 1, False, False, 1),
    ]
