"""Segments as conditions of suites: which lines they choose, and which segments are refused."""

from __future__ import annotations

import itertools
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
import yaml

from orchestration import segments
from orchestration.settings import REPOSITORY, Settings
from orchestration.validation import RuleError, load_suites, members, validate
from tests.reference.lines import Rates
from tests.reference.master import Master, Segments
from tests.unit.test_segments_files import RULES, SEGMENTS, folder
from tests.unit.test_validation_verdicts import Raw, lines, read

SOURCES = sorted(path.stem for path in (REPOSITORY / "seeds" / "sources").glob("*.yml"))


def suite(path: Path, *when: dict[str, Any], entity: str = "line", name: str = "a") -> Path:
    """Write a suite that warns of every row which its conditions choose."""
    rule = {"id": name, "type": "expect_column_values_to_be_null", "severity": "warn", "reason": "chosen"}
    document = {
        "owner": "x",
        "description": "y",
        "applies_to": {"entity": entity, "when": list(when)},
        "expectations": [{**rule, "kwargs": {"column": "source"}}],
    }
    target = path / "segments" / name / "lines.yml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(yaml.safe_dump(document))
    return path


# --- what is refused ------------------------------------------------------------------------------
def test_unknown_segments_and_those_by_purchases_are_refused(tmp_path: Path) -> None:
    reference = folder(tmp_path / "reference")
    suites = load_suites(suite(tmp_path / "1", {"segment": "gild"}), SOURCES)
    with pytest.raises(RuleError) as caught:
        members.named(suites, reference)
    assert str(caught.value) == (
        "segments/a/lines.yml: applies_to.when (gild): unknown segment 'gild'; expected one of gold, homes, snacks"
    )
    suites = load_suites(suite(tmp_path / "2", {"segment": "sellers"}), SOURCES)
    with pytest.raises(RuleError, match="segment sellers asks for purchases, which are added up from rows that have"):
        members.named(suites, reference)
    folder(reference, rules=RULES + "gold,colour,=,red,,,,,\n")
    suites = load_suites(suite(tmp_path / "3", {"segment": "gold"}), SOURCES)
    with pytest.raises(RuleError, match=r"segment_rule.csv row 6 \(gold\): attribute colour"):
        members.named(suites, reference)


def test_segment_files_are_read_only_where_a_suite_names_one(tmp_path: Path) -> None:
    suites = load_suites(suite(tmp_path, {"column": "region", "equals": "N"}), SOURCES)
    assert members.named(suites, tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("when", "entity", "message"),
    [
        ({"segment": "gold", "equals": "x"}, "line", "expected a column and exactly one of equals"),
        ({"segment": "gold", "column": "region", "equals": "x"}, "line", "or a segment alone"),
        ({"equals": "x"}, "line", "expected a column and exactly one of equals"),
        ({"segment": "gold"}, "partner", r"applies_to.when \(gold\): segments are for lines"),
    ],
)
def test_conditions_that_are_refused(tmp_path: Path, when: dict[str, Any], entity: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        load_suites(suite(tmp_path, when, entity=entity), SOURCES)


# --- which lines they choose ----------------------------------------------------------------------
def test_lines_are_chosen_by_the_partner_end_customer_and_product_on_their_date(tmp_path: Path) -> None:
    reference = folder(
        tmp_path / "reference",
        SEGMENTS + "not_gold,partner,N,,x\n",
        RULES + "not_gold,tier,!=,gold,,,,,\nnot_gold,partner_type,=,reseller,,,,,\n",
    )
    expectations = tmp_path / "expectations"
    for name in ("gold", "not_gold", "homes", "snacks"):
        suite(expectations, {"segment": name}, name=name)
    suite(expectations, {"segment": "gold"}, {"segment": "snacks"}, name="both")
    settings = replace(Settings(data=tmp_path / "data"), expectations=expectations, reference=reference)
    raw = Raw(settings)
    raw.masters()
    march, april = date(2017, 3, 31), date(2017, 4, 1)
    raw.file("product", {"product_id": "77", "family": "A"}, {"product_id": "78", "family": "F"})
    raw.file("end_customer", {"end_customer_id": "H-1", "size_band": "3"}, {"end_customer_id": "H-2", "size_band": "2"})
    raw.file("partner_tier", {"valid_from": april, "valid_to": date(2017, 4, 30)})
    chosen: dict[str, tuple[dict[str, Any], set[str]]] = {
        "reseller before": ({"document_date": march}, {"not_gold", "homes", "snacks"}),
        "reseller": ({"document_date": april}, {"gold", "homes", "snacks", "both"}),
        "after": ({"document_date": date(2017, 5, 1)}, {"not_gold", "homes", "snacks"}),
        "sold to": (
            {"document_date": april, "reseller_id": None, "sold_to_id": "R-1", "product_id": "78"},
            {"gold", "homes"},
        ),
        "reseller first": (
            {"document_date": april, "sold_to_id": "D-NORTH", "end_customer_id": "H-2"},
            {"gold", "snacks", "both"},
        ),
        "nobody": ({"document_date": april, "reseller_id": None, "end_customer_id": None, "product_id": "78"}, set()),
        "no date": ({"document_date": None}, set()),
        "unknown": (
            {"document_date": april, "reseller_id": "R-9", "end_customer_id": "H-9", "product_id": None},
            set(),
        ),
    }
    raw.file("line", *lines(*(change for change, _ in chosen.values())))
    validate(settings)

    def found() -> dict[str, int]:
        results = read(settings, "validation")
        assert all(row["rows_failed"] == row["rows_evaluated"] for row in results)
        return {row["rule_id"]: row["rows_evaluated"] for row in results}

    names = ("gold", "not_gold", "homes", "snacks", "both")
    assert found() == {name: sum(name in wanted for _, wanted in chosen.values()) for name in names}

    # a tier that comes later moves lines from one suite to another; they are judged again, and only then
    assert not any(file.judged for file in validate(settings).files)
    raw.file("partner_tier", {"valid_from": date(2017, 1, 1), "valid_to": march})
    before = found()
    judged = {file.entity for file in validate(settings).files if file.judged}
    assert judged == {"partner_tier", "line"}
    assert found() == before | {
        "gold": before["gold"] + 1,
        "not_gold": before["not_gold"] - 1,
        "both": before["both"] + 1,
    }

    # so does a changed rule
    folder(reference, SEGMENTS + "not_gold,partner,N,,x\n", RULES.replace("A|B", "F") + "not_gold,tier,=,silver,,,,,\n")
    assert {file.entity for file in validate(settings).files if file.judged} == {"line"}
    assert found()["not_gold"] == 0
    assert found()["snacks"] == 2


# --- the same members as in the calculation -------------------------------------------------------
ATTRIBUTES = {"tier": ["gold", "silver", "7"], "group_id": ["G-1", "G-2", "12"], "region": ["N", "S", "5"]}
"""Attributes of partners and the values that they may have."""


def rules_on(attribute: str) -> list[segments.Rule]:
    """One rule for each operator."""
    first, second, _ = ATTRIBUTES[attribute]
    values = {"=": first, "!=": first, "in": f"{first}|{second}", ">=": "7", "<": "10"}
    return [segments.Rule(attribute, operator, value) for operator, value in values.items()]


def partners(random: Random, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Partners with and without a region, dated tiers and groups that overlap and leave gaps."""

    def dated(attribute: str, key: tuple[str, ...]) -> list[dict[str, Any]]:
        rows = {}
        for _ in range(20):
            first = date(2017, 1, 1) + timedelta(days=random.randrange(200))
            last = random.choice([None, first + timedelta(days=random.randrange(60))])
            row: dict[str, Any] = {"partner_id": random.choice(ids), attribute: random.choice(ATTRIBUTES[attribute])}
            row |= {"valid_from": first, "valid_to": last}
            rows[tuple(row[name] for name in key)] = row
        return list(rows.values())

    return {
        "partner": [{"partner_id": name, "region": random.choice([*ATTRIBUTES["region"], None])} for name in ids],
        "partner_tier": dated("tier", ("partner_id", "valid_from")),
        "partner_group": dated("group_id", ("partner_id", "group_id", "valid_from")),
        "product": [{"product_id": "P", "family": "it's"}],
    }


def members_in_validation(tables: dict[str, list[dict[str, Any]]], known: list[segments.Segment]) -> list[Any]:
    """Rows of entity, entity_id, valid_from, valid_to and segments."""
    connection = duckdb.connect()
    for name, rows in tables.items():
        columns = ", ".join(f"{column} {'DATE' if column.startswith('valid') else 'VARCHAR'}" for column in rows[0])
        connection.execute(f"CREATE TABLE reference_{name} ({columns})")
        places = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO reference_{name} VALUES ({places})", [list(row.values()) for row in rows])
    return connection.execute(members.members(known)).fetchall()


def test_rules_mean_what_they_mean_in_the_calculation() -> None:
    ids = [f"R-{number}" for number in range(12)]
    tables = partners(Random(3), ids)
    every = [rule for attribute in ATTRIBUTES for rule in rules_on(attribute)]
    chosen = [(rule,) for rule in every] + list(itertools.combinations(every, 2))
    known = [segments.Segment(f"s{number:03}", "partner", "", rules) for number, rules in enumerate(chosen)]
    quoted = segments.Segment("quoted", "product", "", (segments.Rule("family", "=", "it's"),))
    found = members_in_validation(tables, [*known, quoted])

    rows = {name: [{"file_sequence": 1, "row_number": 1, **row} for row in rows] for name, rows in tables.items()}
    written = [{"segment_id": each.segment_id, **asdict(rule)} for each in known for rule in each.rules]
    names = [{"segment_id": each.segment_id, "entity": each.entity} for each in known]
    expected = Segments(names, written, Master(rows), [], Rates([]))
    held = 0
    for name, number in itertools.product(ids, range(0, 300, 7)):
        day = date(2017, 1, 1) + timedelta(days=number)
        [stay] = [row[4] for row in found if row[1] == name and row[2] <= day <= row[3]] or [";;"]
        wanted = [each.segment_id for each in known if expected.holds(each.segment_id, name, day)]
        assert stay == f";{';'.join(wanted)};"
        held += len(wanted)
    assert 0.1 < held / (len(ids) * 43 * len(known)) < 0.5, "the rows try too little"
    assert [row for row in found if row[0] == "product"] == [
        ("product", "P", date(1900, 1, 1), date(9999, 12, 31), ";quoted;")
    ]
