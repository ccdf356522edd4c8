"""Suite files: what is refused, with which words, and that the shipped ones cover the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.contract import ENTITIES
from orchestration.settings import REPOSITORY
from orchestration.validation import RuleError, load_suites
from orchestration.validation.arguments import ARGUMENTS
from orchestration.validation.lookups import HELPERS, ORDER, USES
from orchestration.validation.suites import Condition

KNOWN = sorted(path.stem for path in (REPOSITORY / "seeds" / "sources").glob("*.yml"))
SHIPPED = REPOSITORY / "expectations"

RULE: dict[str, Any] = {
    "id": "a_rule",
    "type": "expect_column_values_to_not_be_null",
    "kwargs": {"column": "quantity"},
    "severity": "reject",
    "reason": "why",
}


def write(folder: Path, rule: dict[str, Any] | None = None, name: str = "segments/a/b.yml", **changes: Any) -> Path:
    document = {
        "owner": "a",
        "description": "b",
        "applies_to": {"entity": "line"},
        "expectations": [RULE | (rule or {})],
    } | changes
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return folder


@pytest.mark.parametrize(
    ("rule", "changes", "message"),
    [
        ({"severity": "fatal"}, {}, "expectations (a_rule).severity: 'fatal': expected 'reject', 'hold' or 'warn'"),
        (
            {"type": "expect_magic"},
            {},
            "expectations (a_rule): type: unknown type 'expect_magic'; expected one of expect_",
        ),
        ({"type": "expect_column_values_to_be_unique"}, {}, "unknown type 'expect_column_values_to_be_unique'"),
        ({"kwargs": {"column": "colour"}}, {}, "(a_rule): kwargs: unknown column 'colour'; expected one of stream"),
        ({"kwargs": {}}, {}, "expectations (a_rule): kwargs.column: missing"),
        (
            {"kwargs": {"column": "quantity", "mostly": 0.5}},
            {},
            "kwargs.mostly: a tolerated share is for severity warn",
        ),
        (
            {"kwargs": {"column": "quantity", "mostly": 2}, "severity": "warn"},
            {},
            "kwargs.mostly: 2: expected a share",
        ),
        ({"kwargs": {"column": "quantity", "row_condition": "x"}}, {}, "kwargs.row_condition: not used here"),
        ({"id": "A rule"}, {}, "expectations (A rule).id: String should match pattern"),
        ({"colour": "red"}, {}, "expectations (a_rule).colour: unknown field"),
        ({}, {"owner": None}, "owner: Input should be a valid string"),
        ({}, {"expectations": []}, "expectations: expected at least one entry here or in table_expectations"),
        ({}, {"applies_to": {"entity": "lines"}}, "applies_to.entity: unknown 'lines'; expected one of line"),
        (
            {},
            {"applies_to": {"entity": "line", "sources": ["x_pos"]}},
            "unknown source 'x_pos'; expected one of customer_",
        ),
        (
            {},
            {"applies_to": {"entity": "line", "when": [{"column": "colour", "equals": "red"}]}},
            "applies_to.when (colour): unknown column 'colour'; expected one of stream",
        ),
        (
            {},
            {"applies_to": {"entity": "line", "when": [{"column": "region", "like": "N%"}]}},
            "applies_to.when.0.like: unknown field",
        ),
        (
            {},
            {"applies_to": {"entity": "line", "when": [{"column": "region"}]}},
            "expected a column and exactly one of equals",
        ),
    ],
)
def test_refused_with_file_entry_and_expectation(
    tmp_path: Path, rule: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RuleError) as caught:
        load_suites(write(tmp_path, rule, **changes), KNOWN)
    assert str(caught.value).startswith("segments/a/b.yml: ")
    assert message in str(caught.value)


def test_wrong_places_and_shared_ids(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"sources/mystery/b.yml: .*unknown source 'mystery'"):
        load_suites(write(tmp_path / "1", name="sources/mystery/b.yml"), KNOWN)
    applies_to = {"entity": "line", "sources": ["erp_invoices"]}
    with pytest.raises(RuleError, match=r"expected \[north_pos\], the folder's source"):
        load_suites(write(tmp_path / "2", name="sources/north_pos/b.yml", applies_to=applies_to), KNOWN)
    with pytest.raises(RuleError, match=r"lines\.yml: expected sources/<source>/<suite>\.yml"):
        load_suites(write(tmp_path / "3", name="lines.yml"), KNOWN)
    write(tmp_path / "4")
    with pytest.raises(RuleError, match=r"segments/c/d\.yml: a_rule: this id is already used in segments/a/b\.yml"):
        load_suites(write(tmp_path / "4", name="segments/c/d.yml"), KNOWN)
    path = tmp_path / "5" / "segments" / "a" / "b.yml"
    path.parent.mkdir(parents=True)
    path.write_text("owner: a\nowner: b\n")
    with pytest.raises(RuleError, match="'owner' is given twice"):
        load_suites(tmp_path / "5", KNOWN)


IN_SET, BETWEEN = "expect_column_values_to_be_in_set", "expect_column_values_to_be_between"
MATCH, LENGTHS = "expect_column_values_to_match_regex", "expect_column_value_lengths_to_be_between"
GREATER = "expect_column_pair_values_a_to_be_greater_than_b"


@pytest.mark.parametrize(
    ("kind", "kwargs", "message"),
    [
        (IN_SET, {"column": "unit", "value_set": []}, ".value_set: []: expected a list with at least one entry"),
        (IN_SET, {"column": "unit", "value_set": "EA"}, ".value_set: 'EA': expected a list with at least one entry"),
        (IN_SET, {"column": "unit", "value_set": ["EA", False]}, ".value_set: False: expected text, as the column"),
        (IN_SET, {"column": "quantity", "value_set": ["1"]}, ".value_set: '1': expected a number, as the column"),
        (IN_SET, {"column": "unit"}, ".value_set: missing; expect_column_values_to_be_in_set needs column, value_set"),
        (IN_SET, {"column": "tier", "value_set": ["gold"]}, ": unknown column 'tier'; expected one of stream"),
        (IN_SET, {"column": ["unit"], "value_set": ["EA"]}, ".column: ['unit']: expected a column"),
        (
            BETWEEN,
            {"column": "region", "min_value": 5},
            ": column 'region' holds text: expect_column_values_to_be_between",
        ),
        (BETWEEN, {"column": "quantity", "max_value": "many"}, ".max_value: 'many': expected a number"),
        (BETWEEN, {"column": "document_date", "max_value": 2017}, ".max_value: 2017: expected a date (YYYY-MM-DD)"),
        (BETWEEN, {"column": "quantity"}, ": min_value, max_value: expected at least one of them"),
        (BETWEEN, {"column": "quantity", "min_value": 2, "max_value": 1}, ".min_value: 2 is above max_value 1"),
        (BETWEEN, {"column": "quantity", "min_value": 2, "strict_min": "yes"}, ".strict_min: 'yes': expected true or"),
        (
            BETWEEN,
            {"column": "quantity", "min_value": 2, "colour": "red"},
            ".colour: unknown argument; expected one of",
        ),
        (MATCH, {"column": "unit", "regex": "[A-Z"}, ".regex: '[A-Z': not a regular expression: unterminated"),
        (
            MATCH,
            {"column": "quantity", "regex": "^1$"},
            ": column 'quantity' holds a number: expect_column_values_to_match",
        ),
        (LENGTHS, {"column": "unit", "max_value": 2.5}, ".max_value: 2.5: expected a whole number of characters"),
        (
            GREATER,
            {"column_A": "quantity", "column_B": "unit"},
            ": quantity and unit are number and text: expected col",
        ),
        (GREATER, {"column_A": "quantity"}, ".column_B: missing; "),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, kind: str, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleError) as caught:
        load_suites(write(tmp_path, {"type": kind, "kwargs": kwargs}), KNOWN)
    assert str(caught.value).startswith("segments/a/b.yml: expectations (a_rule): kwargs" + message)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"severity": "hold", "releasable": True}, "releasable: for severity reject"),
        ({"releasable": True}, "releasable: quantity: the calculation needs what this rule asks for"),
        (
            {"releasable": True, "type": "expect_column_values_to_be_null", "kwargs": {"column": "parse_errors"}},
            "releasable: parse_errors: the calculation needs",
        ),
    ],
)
def test_what_cannot_be_released(tmp_path: Path, rule: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        load_suites(write(tmp_path, rule), KNOWN)


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"column": "region", "at_least": 5}, "applies_to.when (region): 5: expected text, as the column holds"),
        ({"column": "quantity", "in": ["a"]}, "applies_to.when (quantity): 'a': expected a number"),
        ({"column": "region", "in": []}, "applies_to.when (region): expected a list with at least one entry"),
    ],
)
def test_conditions_fit_their_columns(tmp_path: Path, when: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleError) as caught:
        load_suites(write(tmp_path, applies_to={"entity": "line", "when": [when]}), KNOWN)
    assert message in str(caught.value)


def test_rules_have_owners(tmp_path: Path) -> None:
    [suite] = load_suites(write(tmp_path / "1"), KNOWN)
    assert suite.owner_of(suite.rules[0]) == "a"
    [suite] = load_suites(write(tmp_path / "2", {"owner": "finance", "repair": "ask them"}), KNOWN)
    assert suite.owner_of(suite.rules[0]) == "finance"
    # words change no verdict
    [other] = load_suites(write(tmp_path / "3"), KNOWN)
    assert suite.document == other.document


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "weather"}, "table_expectations (t): type: unknown type 'weather'; expected one of freshness"),
        ({"limits": {}}, "table_expectations (t): limits: expected max_days_behind, max_days_after_period or both"),
        ({"limits": {"max_days_behind": "5"}}, "limits.max_days_behind: '5': expected a whole number"),
        ({"limits": {"max_days_behind": 5, "x": 1}}, "limits.x: unknown limit; expected one of max_days_behind"),
        ({"severity": "reject"}, "table_expectations (t).severity: 'reject': expected 'hold' or 'warn'"),
        ({"type": "volume", "limits": {"measure": "rows", "months": 3}}, "expected min_ratio, max_ratio or both"),
    ],
)
def test_table_rules_that_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    rule = {"id": "t", "type": "freshness", "limits": {"max_days_behind": 5}, "severity": "hold", "reason": "r"}
    assert load_suites(write(tmp_path / "ok", table_expectations=[rule]), KNOWN)[0].table_rules[0].id == "t"
    with pytest.raises(RuleError) as caught:
        load_suites(write(tmp_path, table_expectations=[rule | change]), KNOWN)
    assert message in str(caught.value)


def test_every_allowed_type_exists() -> None:
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    assert set(ARGUMENTS) <= set(list_registered_expectation_implementations())


def test_shipped_suites_cover_sources_and_contract() -> None:
    suites = load_suites(SHIPPED, KNOWN)
    assert {name.split("/")[1] for name in (s.name for s in suites) if name.startswith("sources/")} == set(KNOWN)
    for name, entity in ENTITIES.items():
        everywhere = [
            s for s in suites if s.applies_to.entity == name and not s.applies_to.sources and not s.applies_to.when
        ]
        rules = [rule for suite in everywhere for rule in suite.rules if rule.severity == "reject"]
        present = {r.columns[0] for r in rules if r.type == "expect_column_values_to_not_be_null"}
        required = {
            "partner_product_id" if (name, c.name) == ("line", "product_id") else c.name
            for c in entity.columns
            if c.required
        }
        assert (name, required - present) == (name, set())
        domains = {
            r.columns[0]: set(r.kwargs["value_set"]) for r in rules if r.type == "expect_column_values_to_be_in_set"
        }
        assert {c.name: set(c.domain) for c in entity.columns if c.domain} == domains
        helpers = {c.name for c in HELPERS[name] if c.name.startswith(("unknown", "duplicate", "conflicting"))}
        judged = {
            r.columns[0] for suite in everywhere for r in suite.rules if r.type == "expect_column_values_to_be_null"
        }
        assert helpers | {"parse_errors"} <= judged
    places = {name: place for place, name in enumerate(ORDER)}
    assert set(places) == set(ENTITIES)
    assert all(places[used] < places[name] for name, names in USES.items() for used in names)


@pytest.mark.parametrize(
    ("condition", "sql"),
    [
        ({"equals": "it's"}, "(region IS NOT DISTINCT FROM 'it''s')"),
        ({"not_equals": "N"}, "(region IS DISTINCT FROM 'N')"),
        ({"in": ["A", "B"]}, "coalesce(region IN ('A', 'B'), false)"),
        ({"not_in": ["A"]}, "coalesce(region NOT IN ('A'), true)"),
        ({"is_null": False}, "(region IS NOT NULL)"),
        ({"at_least": 5}, "coalesce(region >= 5, false)"),
        ({"below": 0}, "coalesce(region < 0, false)"),
    ],
)
def test_conditions_as_sql(condition: dict[str, Any], sql: str) -> None:
    assert Condition.model_validate({"column": "region"} | condition).sql == sql
