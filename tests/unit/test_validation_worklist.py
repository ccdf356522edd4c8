"""Rows that wait for somebody: the list, releases that survive a rebuild, rules on trial, rules on files, data docs."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration import runs
from orchestration.settings import Settings
from orchestration.validation import Currencies, DecisionError, RuleError, try_rule, validate, worklist, write_docs
from orchestration.validation.decisions import folder as decisions_folder
from orchestration.validation.decisions import read as read_decisions
from tests.unit.test_validation_verdicts import DAY, Raw, judged_masters, lines, outcome, raw, read, tree

__all__ = ["judged_masters", "raw"]

RATES = {("R-1", "USD"): Decimal("0.02")}


@pytest.fixture
def own_rules(settings: Settings, tmp_path: Path) -> tuple[Settings, Path]:
    """Settings with a copy of the shipped suites, and its folder for more."""
    folder = tmp_path / "expectations"
    shutil.copytree(settings.expectations, folder)
    return dataclasses.replace(settings, expectations=folder), folder


def add(folder: Path, text: str, name: str = "sources/north_pos/more.yml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"owner: channel-data\ndescription: more\napplies_to: {{entity: line}}\n{text}")
    return path


def held(settings: Settings, *, by: str = "maria", names: tuple[str, ...] = ("7:2",), rule: str | None = None) -> None:
    worklist.release_rows(settings, names, rule=rule, by=by, comment="checked with the customer")


def names(settings: Settings, **filters: Any) -> list[str]:
    return [item.name for item in worklist.open_rows(settings, **filters)]


def test_the_list_says_what_hangs_on_a_row_and_what_to_do(settings: Settings, raw: Raw) -> None:
    raw.file(
        "line",
        *lines(
            {},
            {"product_id": "771", "partner_product_id": "771", "net_amount": "100"},
            {"reseller_id": "R-11", "net_amount": "7"},
            {"end_customer_id": "H-2", "net_amount": "50"},
            {"parse_errors": "net_amount: '1,x' is not a number", "net_amount": None, "net_amount_text": "1,x"},
        ),
    )
    validate(settings)
    items = worklist.open_rows(settings, RATES)
    assert [(i.name, i.verdict, i.rules, i.amount, i.rebate) for i in items] == [
        ("7:3", "quarantined", ("unknown_product",), Decimal("100.0000"), Decimal("2.00")),
        ("7:4", "quarantined", ("unknown_partner",), Decimal("7.0000"), None),
        ("7:5", "held", ("unknown_end_customer",), Decimal("50.0000"), Decimal("1.00")),
        ("7:6", "quarantined", ("missing_net_amount", "unreadable_value"), None, None),
    ]
    assert [(i.partner, i.month, i.currency, i.file_name) for i in items[:1]] == [
        ("R-1", "2017-03", "USD", "line_7.csv")
    ]
    [reason] = worklist.reasons(settings, items[0])
    assert (reason.value, reason.owner, reason.releasable) == ("partner_product_id = 771", "channel-data", False)
    assert reason.repair.startswith("add the product, or the partner")
    assert reason.repair.endswith("; known and alike: 77")
    missing, unreadable = worklist.reasons(settings, items[3])
    assert missing.value == "net_amount = 1,x"
    assert "1,x" in unreadable.value
    assert worklist.reasons(settings, items[2])[0].releasable
    assert names(settings, rule="unknown_partner") == ["7:4"]
    assert names(settings, month="2017-04") == names(settings, source="lakeside_pos") == []
    assert worklist.totals(items)[0] == ("unknown_product", "USD", 1, Decimal(100), Decimal("2.00"))


def test_a_corrected_file_takes_the_older_row_off_the_list(settings: Settings, raw: Raw) -> None:
    raw.file("line", *lines({"unit": "BX"}, {"unit": "BX"}))
    validate(settings)
    assert names(settings) == ["7:2", "7:3"]
    raw.file("line", *lines({}))
    validate(settings)
    assert names(settings) == ["7:3"]
    raw.file("line", {"document_number": "2", "unit": "KAR"})
    validate(settings)
    assert names(settings) == ["9:2"]


def test_a_cross_reference_takes_rows_off_the_list(settings: Settings, raw: Raw) -> None:
    code = {"product_id": None, "partner_product_id": "LK-2", "distributor_id": "D-PRAIRIE"}
    raw.file("line", *lines(code), source="lakeside_pos")
    validate(settings)
    assert names(settings, rule="unknown_product") == ["7:2"]
    raw.file("product_cross_reference", {"partner_product_id": "LK-2", "valid_from": datetime.date(2017, 1, 1)})
    validate(settings)
    assert names(settings, rule="unknown_product") == []


def test_a_release_settles_as_if_the_row_had_come_right_and_survives_a_rebuild(settings: Settings, raw: Raw) -> None:
    big, small = {"net_amount": "200000"}, {"net_amount": "2"}
    raw.file("line", *lines(big, big, small))
    raw.file("line", {"document_number": "9"})
    validate(settings)
    assert outcome(settings)["1"] == ("held", "big_ticket_too_big")
    before = runs.calculation_id(settings, DAY)
    held(settings)
    assert runs.calculation_id(settings, DAY) != before
    report = validate(settings)
    assert [file.file_sequence for file in report.files if file.judged] == [7]
    assert outcome(settings)["1"] == ("accepted", None)
    assert outcome(settings)["2"] == ("held", "big_ticket_too_big")
    messages = [r["message"] for r in read(settings, "validation") if r["rule_id"] == "big_ticket_too_big"]
    assert messages[0].endswith("; 1 released")
    assert names(settings) == ["7:3"]
    released = tree(settings)
    for room in (settings.accepted, settings.quarantine, settings.validation_results):
        shutil.rmtree(room)
    validate(settings)
    assert tree(settings) == released
    [decision] = read_decisions(settings).every
    assert (decision.number, decision.by, decision.comment) == (1, "maria", "checked with the customer")
    # what was accepted is what would have been, had the rule not held it
    row = next(r for r in read(settings, "accepted") if r["document_number"] == "1")
    assert row == next(r for r in read(settings, "accepted") if r["document_number"] == "3") | {
        "document_number": "1",
        "net_amount": Decimal("200000.0000"),
        "row_number": 2,
    }


def test_what_cannot_be_released_is_refused(own_rules: tuple[Settings, Path], raw: Raw) -> None:
    settings, folder = own_rules
    rule = "{id: odd, type: expect_column_values_to_be_between, kwargs: {column: quantity, max_value: 5}"
    add(folder, f"expectations:\n  - {rule}, severity: reject, reason: why, releasable: true}}\n")
    raw.file("line", *lines({"unit": "BX"}, {"quantity": "6"}, {"quantity": "7", "end_customer_id": "H-8"}))
    validate(settings)
    for asked, rule_id, message in (
        ("7:2", None, "unit_not_convertible cannot be released"),
        ("7:9", None, "no open row of that name"),
        ("7:3", "unit_not_convertible", "did not fail 'unit_not_convertible'; expected one of odd"),
    ):
        with pytest.raises(DecisionError, match=message):
            held(settings, names=(asked,), rule=rule_id)
    with pytest.raises(DecisionError, match="who decided"):
        held(settings, names=("7:3",), by=" ")
    assert not decisions_folder(settings).exists() or not list(decisions_folder(settings).glob("*.json"))
    held(settings, names=("7",), rule="odd")
    validate(settings)
    found = outcome(settings)
    assert found["2"] == ("accepted", None)
    assert found["3"] == ("held", "unknown_end_customer")
    # a rule that may not be released any longer holds again
    path = add(folder, f"expectations:\n  - {rule}, severity: reject, reason: why}}\n")
    validate(settings)
    assert outcome(settings)["2"] == ("quarantined", "odd")
    path.unlink()
    (decisions_folder(settings) / "000002.json").write_text("{}")
    with pytest.raises(DecisionError, match=r"decision 000002.json cannot be read"):
        validate(settings)


# --- rules about whole files ----------------------------------------------------------------


def table_rule(kind: str, limits: str, severity: str = "hold") -> str:
    rule = f"id: whole, type: {kind}, limits: {limits}, severity: {severity}, reason: look at it"
    return f"table_expectations:\n  - {{{rule}}}\n"


def month(number: int, count: int, document: str, **changes: Any) -> list[dict[str, Any]]:
    day = datetime.date(2017, number, 10)
    return [{"document_number": f"{document}{i}", "document_date": day} | changes for i in range(count)]


def verdicts_of(settings: Settings) -> dict[int, str]:
    """By receipt: the verdict of all of its rows."""
    found: dict[int, set[str]] = {}
    for row in read(settings, "accepted"):
        found.setdefault(row["file_sequence"], set()).add(f"{row['verdict']} {row['rules_failed'] or ''}".strip())
    return {sequence: " ".join(sorted(verdicts)) for sequence, verdicts in found.items()}


@pytest.mark.parametrize(
    ("kind", "limits", "files", "held_files", "message"),
    [
        (
            "volume",
            "{measure: rows, months: 3, min_ratio: 0.5, max_ratio: 2}",
            [month(1, 4, "a"), month(2, 4, "b"), month(3, 4, "c"), month(4, 9, "d"), month(5, 2, "e")],
            {10, 11},
            "2017-04: 9.00  against usually 4.00: look at it",
        ),
        (
            "freshness",
            "{max_days_behind: 40}",
            [month(1, 1, "a"), month(3, 1, "b"), month(1, 1, "c"), month(2, 1, "d")],
            {9},
            "newest date 2017-01-10, older files had brought 2017-03-10: look at it",
        ),
        (
            "price_outliers",
            "{against: history, factor: 3, max_share: 0.2}",
            [month(1, 4, "a"), month(2, 4, "b", net_amount="6"), month(3, 4, "c", net_amount="60")],
            {9},
            "4 of 4 prices are more than 3 times off: look at it",
        ),
        (
            "price_outliers",
            "{against: list_price, factor: 3, max_share: 0, currency: USD}",
            [month(1, 2, "a"), month(2, 1, "b", net_amount="60")],
            {8},
            "1 of 1 prices are more than 3 times off: look at it",
        ),
    ],
)
def test_rules_about_whole_files(
    own_rules: tuple[Settings, Path],
    raw: Raw,
    kind: str,
    limits: str,
    files: list[list[dict[str, Any]]],
    held_files: set[int],
    message: str,
) -> None:
    settings, folder = own_rules
    add(folder, table_rule(kind, limits))
    for rows in files:  # as they come, a run after each of the first two
        raw.file("line", *rows)
        if len(rows) == 4:
            validate(settings)
    validate(settings)
    expected = {7 + place: "held whole" if 7 + place in held_files else "accepted" for place in range(len(files))}
    assert verdicts_of(settings) == expected
    results = {r["file_sequence"]: r for r in read(settings, "validation") if r["rule_id"] == "whole"}
    assert {sequence for sequence, r in results.items() if r["status"] == "failed"} == held_files
    assert results[min(held_files)]["message"] == message
    if kind != "price_outliers" or "history" in limits:
        assert (results[7]["status"], results[7]["message"]) == ("no_rows", "nothing to compare the file with")
    # the same whatever runs there were before
    by_steps = tree(settings)
    for room in (settings.accepted, settings.quarantine, settings.validation_results):
        shutil.rmtree(room)
    validate(settings)
    assert tree(settings) == by_steps


def test_a_file_with_too_many_keys_twice_is_held_and_can_be_released(
    own_rules: tuple[Settings, Path], raw: Raw
) -> None:
    settings, folder = own_rules
    add(folder, table_rule("duplicate_rate", "{max_share: 0.2}"))
    raw.file("line", *lines({}, {}, {"document_number": "1"}))
    raw.file("line", *lines({"document_number": "8"}))
    validate(settings)
    assert outcome(settings)["2"] == ("held", "whole")
    assert outcome(settings)["8"] == ("accepted", None)
    held(settings, names=("7:3",))
    validate(settings)
    assert outcome(settings)["2"] == ("accepted", None)
    assert outcome(settings)["1"][0] == "quarantined"


# --- trial and pages ------------------------------------------------------------------------


def test_a_rule_on_trial_says_what_it_would_hit_and_writes_nothing(
    own_rules: tuple[Settings, Path], raw: Raw, tmp_path: Path
) -> None:
    settings, _ = own_rules
    raw.file(
        "line", *lines({}, {"quantity": "9"}, {"quantity": "9", "unit": "BX"}, {"quantity": "9", "document_date": None})
    )
    raw.file("line", {"document_number": "1", "quantity": "8", "net_amount": "3"})
    validate(settings)
    before = tree(settings)
    path = tmp_path / "new.yml"
    rule = "{id: too_many, type: expect_column_values_to_be_between, kwargs: {column: quantity, max_value: 5}"
    other = "{id: other, type: expect_column_values_to_not_be_null, kwargs: {column: region}"
    path.write_text(
        "owner: a\ndescription: b\napplies_to: {entity: line}\nexpectations:\n"
        f"  - {rule}, severity: hold, reason: why}}\n  - {other}, severity: warn, reason: why}}\n"
    )
    rebates = pa.table(
        {"line_key": ["north_pos|1|1", "north_pos|7|7"], "currency": ["USD", "USD"], "amount": [Decimal("1.5")] * 2}
    )
    wanted = Currencies(("USD",), 10)
    [hit] = try_rule(settings, path, "too_many", "2017-03", currencies=wanted, line_rebates=rebates)
    assert (hit.rule, hit.severity, hit.rows_judged, hit.rows, hit.partners, hit.already) == (
        "too_many", "hold", 3, 3, 1, 1,
    )  # fmt: skip
    assert hit.amounts == {"USD": Decimal("14.1600")}
    assert hit.rebates == {"USD": Decimal("1.5")}
    assert hit.samples[0] == ("north_pos", 7, 3, "2 1", "9.0000")
    assert [h.rows for h in try_rule(settings, path, None, "2017-03", currencies=wanted)] == [3, 3]
    [empty] = try_rule(settings, path, "too_many", "2017-04", currencies=wanted)
    assert (empty.rows_judged, empty.rows) == (0, 0)
    with pytest.raises(RuleError, match="no rule 'x' on rows; expected one of too_many, other"):
        try_rule(settings, path, "x", "2017-03", currencies=wanted)
    with pytest.raises(RuleError, match="there is no such file"):
        try_rule(settings, tmp_path / "none.yml", None, "2017-03", currencies=wanted)
    assert tree(settings) == before


def test_data_docs_need_no_network_and_say_what_passed_on_nothing(settings: Settings, raw: Raw) -> None:
    raw.file("line", *lines({"region": "<b>"}, {"unit": "<BX>"}))
    raw.file("line")
    validate(settings)
    first = write_docs(settings, "abc")
    pages = {path.name: path.read_text() for path in first.iterdir()}
    for name, page in pages.items():
        assert not re.search(r"https?://|src=|@import|url\(|<script", page), name
        for link in re.findall(r'href="([^"]+)"', page):
            assert link in pages
    index = pages["index.html"]
    assert "<td>missing file</td><td>prairie_pos</td>" in index
    assert "<td>empty file</td><td>north_pos/line_8.csv</td><td>header and no rows</td>" in index
    assert "<td>no rows</td><td>segments/returns/lines</td>" in index
    page = pages["segments__every_line__lines.html"]
    assert "row 3: &lt;BX&gt; to EA of 77" in page
    assert "unit_not_convertible" in page
    assert "channel-data" in page
    write_docs(settings, "abc")
    assert {path.name: path.read_text() for path in first.iterdir()} == pages
    assert json.dumps(str(settings.data)) not in json.dumps(pages)
