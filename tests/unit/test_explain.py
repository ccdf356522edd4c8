"""What `rebates explain` says of payouts, partners and lines, over tables with the columns of the real marts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.explain import (
    Block,
    Heading,
    Say,
    Table,
    UnknownError,
    explain_line,
    explain_partner,
    explain_payout,
    outcome,
    reasons,
)
from orchestration.settings import REPOSITORY
from tests.marts import ALWAYS, DAY, LINE, Marts

MODELS = REPOSITORY / "dbt_project" / "models" / "intermediate"


@pytest.fixture
def snapshot() -> Iterator[Marts]:
    """Partner R-1 and product P-1, no programs and no lines."""
    with duckdb.connect(":memory:") as connection:
        made = Marts(connection)
        made.add(
            "dim_partner", partner_id="R-1", partner_name="Store 1", partner_type="reseller", tier="gold",
            channel="grocery", region="NORTH",
        )  # fmt: skip
        made.add("dim_segment_member", entity="partner", entity_id="R-1", segment_id="resellers", **ALWAYS)
        made.add(
            "dim_product", product_id="P-1", product_name="Soup", family="SOUP", brand="B-1", category="GROCERY",
            base_unit="EA",
        )  # fmt: skip
        yield made


def said(blocks: list[Block]) -> list[str]:
    """An answer as plain lines; the cells of a row joined by a bar."""
    lines = []
    for block in blocks:
        if isinstance(block, Table):
            lines += [" | ".join("" if cell is None else str(cell) for cell in row) for row in block.rows]
        else:
            assert isinstance(block, Heading | Say)
            lines.append(block.text)
    return lines


# --- lines ----------------------------------------------------------------------------------


def why(snapshot: Marts, program: str | None = None) -> list[str]:
    """What is said of LINE after what it is: from the first heading on that tells what it earned."""
    lines = said(explain_line(snapshot.connection, LINE, program))
    return lines[next(i for i, text in enumerate(lines) if text.startswith("It earned")) :]


def test_what_a_line_earned_in_each_program(snapshot: Marts) -> None:
    snapshot.line(unit="CS", quantity=Decimal(2), distributor_id="D-1", end_customer_id="H-1")
    snapshot.program("A@1")
    snapshot.program("B@1", currency="EUR")
    paid = snapshot.payout("A@1")
    snapshot.rebate(paid, "1.60", payee_id="D-1")
    snapshot.rebate(paid, "0.40", payee_id="")
    snapshot.rebate(snapshot.payout("B@1", rate_kind="per_unit", tier_rate=Decimal("0.05")), "0.5", currency="EUR")
    lines = said(explain_line(snapshot.connection, LINE))
    assert "sell-in invoice 100 line 10 of 2017-03-01: 2 CS = 10 EA of P-1 Soup for 100.00 USD" in lines
    assert "sold-to R-1 Store 1 · distributor D-1 · end customer H-1" in lines
    assert "erp: invoices.csv row 42, hash 9f86d081884c" in lines
    assert "It earned 0.50 EUR, 2.00 USD" in lines
    assert "A@1 | 2017-Q1 | R-1 | D-1 | 1 | 2 % | 100 | 1.60 | USD" in lines
    assert "A@1 | 2017-Q1 | R-1 | (nobody: not paid) | 1 | 2 % | 100 | 0.40 | USD" in lines
    assert "B@1 | 2017-Q1 | R-1 | R-1 | 1 | 0.05 | 100 | 0.50 | EUR" in lines
    assert not any("does not count" in text for text in lines)
    assert why(snapshot, "B")[0] == "It earned 0.50 EUR"


@pytest.mark.parametrize(
    ("program", "line", "reason"),
    [
        ({"calculated": False, "status": "draft"}, {}, "not calculated: a draft: it has not been submitted"),
        ({"calculated": False, "status": "submitted"}, {}, "not calculated: submitted, not yet approved"),
        ({"calculated": False, "status": "active"}, {}, "not calculated: superseded from its first day"),
        ({"scope": {"stream": "sell_through"}}, {}, "it reads sell-through lines, and this one is sell-in"),
        (
            {"valid_from": date(2017, 4, 1)},
            {},
            "valid 2017-04-01 to 2017-12-31; the line is dated 2017-03-01",
        ),
        (
            {"participant_role": "ship_to"},
            {},
            "it measures the ship-to of a line, and this one names none",
        ),
        (
            {"include": "segment:distributors"},
            {},
            "no include names R-1 on 2017-03-01: it admits segment distributors; R-1 is in segment resellers",
        ),
        ({"include": "partner:R-9"}, {"sold_to_id": "R-7"}, "R-7 is not in the partner master data"),
    ],
)
def test_why_a_program_does_not_look_at_a_line(
    snapshot: Marts, program: dict[str, Any], line: dict[str, Any], reason: str
) -> None:
    snapshot.line(**line)
    snapshot.program("A@1", **program)
    assert why(snapshot) == ["It earned nothing", "It does not count in 1 program", "A@1 A", reason]


def test_all_that_stands_against_a_line_is_said(snapshot: Marts) -> None:
    snapshot.line()
    snapshot.program("A@1", scope={"stream": "sell_through"}, include="segment:distributors")
    snapshot.rule("A@1", "earning", "include", "family", "CHEESE")
    snapshot.rule("A@1", "earning", "include", "family", "YOGURT")
    snapshot.rule("A@1", "earning", "include", "brand", "B-9")
    assert why(snapshot)[3:] == [
        "it reads sell-through lines, and this one is sell-in",
        "no include names R-1 on 2017-03-01: it admits segment distributors; R-1 is in segment resellers",
        "product P-1 (family SOUP) is not in scope: it takes families CHEESE, YOGURT or brand B-9",
    ]


def test_an_excluded_product_and_an_excluded_partner(snapshot: Marts) -> None:
    snapshot.line(product_segments="snacks;soups")
    snapshot.program("A@1")
    snapshot.rule("A@1", "earning", "exclude", "product_segment", "soups")
    assert why(snapshot)[3:] == ["product P-1 is excluded by product segment soups"]
    snapshot.program("B@1", include="segment:resellers")
    snapshot.rule("B@1", "participants", "exclude", "partner", "R-1")
    assert why(snapshot, "B@1")[3:] == ["R-1 is excluded by partner R-1"]


def test_who_has_not_accepted_yet(snapshot: Marts) -> None:
    snapshot.line()
    snapshot.program("A@1", include="segment:resellers", enrolment="by_acceptance")
    snapshot.rule("A@1", "participants", "accept", "participant", "R-2", date(2017, 1, 1))
    assert why(snapshot)[3:] == ["R-1 has not accepted the program (enrolment by acceptance)"]
    snapshot.rule("A@1", "participants", "accept", "participant", "R-1", date(2017, 3, 2))
    assert why(snapshot)[3:] == ["R-1 accepted the program on 2017-03-02: lines count from that day on"]


def test_a_group_that_has_not_accepted(snapshot: Marts) -> None:
    snapshot.line()
    snapshot.add("dim_partner_group", partner_id="R-1", group_id="G-1", **ALWAYS)
    snapshot.program("A@1", include="group:G-1", enrolment="by_acceptance", aggregate="group")
    snapshot.rule("A@1", "participants", "accept", "participant", "R-1", date(2017, 1, 1))
    assert why(snapshot)[3:] == ["group G-1 has not accepted the program (enrolment by acceptance)"]


def test_a_return_counts_on_the_date_of_its_document(snapshot: Marts) -> None:
    snapshot.line("erp|90|10", document_date=date(2017, 1, 15))
    snapshot.line(document_type="return", reference_document_number="90")
    snapshot.program("A@1", scope={"returns": "by_original_document"}, measurement="month")
    snapshot.payout("A@1", period="2017-01", payout=Decimal(0), uncapped_payout=Decimal(0), tier_number=0, basis=None)
    assert "it counts for A@1:R-1:2017-01, which pays 0.00 USD" in why(snapshot)
    snapshot.program("B@1", scope={"returns": "by_original_document"}, valid_from=date(2017, 2, 1))
    assert why(snapshot, "B")[-1] == (
        "valid 2017-02-01 to 2017-12-31; the line counts on the date of the document it refers to, 2017-01-15"
    )


@pytest.mark.parametrize(
    ("reason", "line", "program", "says"),
    [
        (
            "no_group",
            {},
            {"aggregate": "group"},
            "R-1 was in no buying group on the line's date, and the program measures groups",
        ),
        (
            "no_fx_rate",
            {"currency": "EUR"},
            {},
            "no rate from EUR to USD on 2017-03-01 or in the 10 days before it",
        ),
        ("document_type", {"document_type": "return"}, {}, "document type return does not count; invoice would"),
        ("channel", {}, {}, "channel grocery is excluded"),
        ("region", {"region": "EAST"}, {}, "region EAST does not count; NORTH, SOUTH would"),
        (
            "end_customer_unknown",
            {},
            {},
            "the line names no end customer, and only end customers of families count",
        ),
        (
            "end_customer_segment",
            {"end_customer_id": "H-1", "end_customer_segments": "young"},
            {},
            "end customer H-1 is in young; only end customers of families count",
        ),
        (
            "end_customer_segment",
            {"end_customer_id": "H-1", "end_customer_segments": "staff;young"},
            {},
            "end customer H-1 is in staff, which is excluded",
        ),
        (
            "price_limit",
            {"base_quantity": Decimal(3)},
            {"scope": {"min_price": Decimal(40)}},
            "price about 33.3333 USD per EA (100.00 USD for 3); the program takes at least 40.00 USD",
        ),
        (
            "quantity_limit",
            {},
            {"scope": {"min_quantity": Decimal(1), "max_quantity": Decimal("9.5")}},
            "quantity 10 EA; the program takes at least 1 EA and at most 9.5 EA",
        ),
        (
            "amount_limit",
            {},
            {"scope": {"max_amount": Decimal(99)}},
            "amount 100.00 USD; the program takes at most 99.00 USD",
        ),
        (
            "double_counting",
            {},
            {"scope": {"stream": "both", "double_counting": "prefer_sell_through"}},
            "the program reads both streams and prefers sell-through: R-1 has sell-through lines of P-1 in the same"
            " fiscal month, which count instead",
        ),
        ("no_authorization", {}, {}, "the line quotes no authorisation"),
        (
            "authorization_unknown",
            {"authorization_number": "SP-9"},
            {},
            "the line quotes authorisation SP-9, which the program does not have",
        ),
        (
            "authorization_partner",
            {"authorization_number": "SP-1"},
            {},
            "the line quotes authorisation SP-1, which is for partner R-2, not for R-1",
        ),
        (
            "authorization_end_customer",
            {"authorization_number": "SP-1"},
            {},
            "the line quotes authorisation SP-1, which is for end customer H-1, and the line names none",
        ),
        (
            "authorization_product",
            {"authorization_number": "SP-1"},
            {},
            "the line quotes authorisation SP-1, which is for product P-2, not for P-1",
        ),
        (
            "authorization_date",
            {"authorization_number": "SP-1"},
            {},
            "the line quotes authorisation SP-1, which is valid 2017-01-01 to 2017-01-31; the line is dated 2017-03-01",
        ),
        (
            "authorization_exceeded",
            {"authorization_number": "SP-2", "end_customer_id": "H-1"},
            {},
            "the line quotes authorisation SP-2, whose quantity earlier lines have used up (60 authorised, 75 claimed)",
        ),
    ],
)
def test_why_a_scope_leaves_a_line_out(
    snapshot: Marts, reason: str, line: dict[str, Any], program: dict[str, Any], says: str
) -> None:
    snapshot.line(**line)
    snapshot.program("A@1", kind="price_difference", **program)
    for rule, dimension, value in (
        ("include", "document_type", "invoice"),
        ("exclude", "channel", "grocery"),
        ("include", "region", "SOUTH"),
        ("include", "region", "NORTH"),
        ("include", "end_customer_segment", "families"),
        ("exclude", "end_customer_segment", "staff"),
    ):
        snapshot.rule("A@1", "earning", rule, dimension, value)
    authorization = {"program_key": "A@1", "end_customer_id": "H-1", "valid_from": date(2017, 1, 1)}
    snapshot.add(
        "rpt_authorization", **authorization, authorization_number="SP-1", partner_id="R-2", product_id="P-2",
        valid_to=date(2017, 1, 31),
    )  # fmt: skip
    snapshot.add(
        "rpt_authorization", **authorization, authorization_number="SP-2", partner_id="R-1", product_id="P-1",
        valid_to=date(2017, 12, 31), authorized_quantity=Decimal(60), claimed_quantity=Decimal(75),
    )  # fmt: skip
    snapshot.leave_out("A@1", reason)
    assert why(snapshot)[1:] == ["It does not count in 1 program", "A@1 A", says]


def test_every_reason_of_the_models_has_a_wording() -> None:
    judges = ("int_single_line", "int_scope_candidate", "int_scope_judged", "int_authorized_line", "int_scope_line")
    texts = "".join((MODELS / f"{model}.sql").read_text() for model in judges)
    texts += (MODELS.parents[1] / "macros" / "scopes.sql").read_text()
    assert set(re.findall(r"\bthen '(\w+)'", texts)) - {"sell_in", "program"} == set(reasons.WORDS)


def test_stacking_by_priority_names_the_program_that_the_line_counts_for(snapshot: Marts) -> None:
    snapshot.line()
    stacked = {"stacking_group": "SOUPS", "stacking_rule": "priority"}
    snapshot.program("FIRST@1", stacking_rank=1, scope={"stream": "sell_through"}, **stacked)
    snapshot.program("SECOND@1", stacking_rank=2, **stacked)
    snapshot.rebate(snapshot.payout("SECOND@1"), "2.00")
    snapshot.program("THIRD@1", stacking_rank=3, **stacked)
    snapshot.leave_out("THIRD@1", "stacking_priority")
    assert why(snapshot, "THIRD")[3:] == [
        "the line counts for SECOND@1 alone, which comes first in the stacking group SOUPS (priority)"
    ]


def test_what_earlier_programs_take_from_a_line_is_noted(snapshot: Marts) -> None:
    snapshot.line()
    stacked = {"stacking_group": "NET", "stacking_rule": "net_of"}
    for rank, (key, reduces) in enumerate((("FIRST@1", True), ("SECOND@1", False), ("THIRD@1", True)), start=1):
        snapshot.program(key, stacking_rank=rank, reduces_later=reduces, reduced_by_earlier=True, **stacked)
        snapshot.rebate(snapshot.payout(key), f"{rank}.50")
    lines = why(snapshot)
    assert "THIRD@1: its amount counts less 1.50 USD, which FIRST@1 pay on it (net_of)" in lines
    assert "SECOND@1: its amount counts less 1.50 USD, which FIRST@1 pay on it (net_of)" in lines
    assert not any(text.startswith("FIRST@1:") for text in lines)


def test_a_line_that_counts_where_nothing_is_paid(snapshot: Marts) -> None:
    snapshot.line()
    snapshot.program("A@1")
    payout_id = snapshot.payout("A@1", gates_hold=False, payout=Decimal(0), limited_by="gate")
    snapshot.qualification_rule(payout_id, "gate_1", False, requirement="frozen: amount >=")
    snapshot.qualification_rule(payout_id, "gate_2", True)
    assert why(snapshot)[1:] == [
        "It counts, and earned nothing, in 1 program",
        "A@1 A",
        "it counts for A@1:R-1:2017-Q1, which pays 0.00 USD",
        "gate: frozen: amount >= 10, but it is 8",
    ]


def test_a_line_that_counts_towards_the_tiers_only(snapshot: Marts) -> None:
    snapshot.line()
    snapshot.program("A@1", scope={"stream": "sell_through"}, target_scope="A@1:target")
    snapshot.scope("A@1", "target")
    snapshot.payout("A@1")
    assert why(snapshot)[1:] == [
        "It counts, and earned nothing, in 1 program",
        "A@1 A",
        "it counts towards the tiers, but is not paid on",
        "it reads sell-through lines, and this one is sell-in",
    ]


@pytest.mark.parametrize(
    ("base", "says"),
    [("0.10", "the line's own part of it rounds to nothing"), ("0", "the line adds nothing to what is paid on")],
)
def test_a_line_whose_part_is_nothing(snapshot: Marts, base: str, says: str) -> None:
    snapshot.line()
    snapshot.program("A@1")
    snapshot.rebate(snapshot.payout("A@1"), "0", payout_base=Decimal(base))
    assert why(snapshot)[-1] == f"it counts for A@1:R-1:2017-Q1, which pays 100.00 USD; {says}"


def test_rows_that_do_not_count(snapshot: Marts) -> None:
    row = {"line_key": LINE, "document_date": DAY, "net_amount": Decimal(90), "currency": "USD", "row_number": 7}
    snapshot.add("rpt_superseded_line", **row, line_status="after_as_of", file_name="new.csv", file_sequence=2)
    snapshot.add(
        "rpt_quarantined_line", source="erp", document_number="100", line_number="10", file_name="odd.csv",
        file_sequence=1, row_number=3, rules_failed="unknown_product;negative_price",
    )  # fmt: skip
    snapshot.program("A@1")
    assert said(explain_line(snapshot.connection, LINE)) == [
        f"Line {LINE}",
        "It counts in no program as of 2017-05-10:",
        "new.csv row 7 (2017-03-01, 90.00 USD): dated after the as-of date, so it does not count yet",
        "odd.csv row 3: quarantined by validation, negative price, unknown product",
    ]
    snapshot.line(verdict="held", rules_failed="quantity_outlier")
    snapshot.payout("A@1")
    lines = said(explain_line(snapshot.connection, LINE))
    assert "Other rows with this key do not count:" in lines
    assert any(text.startswith("Held (quantity outlier): it earns and accrues") for text in lines)


def test_every_status_of_a_superseded_line_has_a_wording() -> None:
    from orchestration.explain.line import STATUS

    text = (MODELS / "int_line_version.sql").read_text()
    assert set(re.findall(r"then '(\w+)'", text)) == set(STATUS)


def test_what_the_snapshot_does_not_know_is_answered_with_what_is_like_it(snapshot: Marts) -> None:
    snapshot.line()
    snapshot.program("A@1")
    snapshot.payout("A@1")
    for ask, arguments, message, near in (
        (explain_line, ("erp|100|20", None), "no line erp|100|20", (LINE,)),
        (explain_line, (LINE, "X"), "no program X in the snapshot", ("A@1",)),
        (explain_partner, ("R-2", None, None), "no partner R-2", ("R-1",)),
        (explain_partner, ("R-1", "A", "2017-Q9"), "no period 2017-Q9 of R-1 in A", ("2017-Q1",)),
        (explain_payout, ("A@1:R-1:2017-Q2", 3), "no payout A@1:R-1:2017-Q2", ("A@1:R-1:2017-Q1",)),
    ):
        with pytest.raises(UnknownError, match=re.escape(message)) as caught:
            ask(snapshot.connection, *arguments)  # type: ignore[operator]
        assert caught.value.near == near


# --- payouts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (
            {"basis": Decimal(900), "next_threshold": Decimal(1000), "gap_to_next_tier": Decimal(100)},
            "amount 900.00 USD does not reach the first tier, from 1,000.00 USD: 100.00 USD to go",
        ),
        ({"basis": Decimal(-5)}, "amount -5.00 USD: a basis of zero or less pays nothing"),
        (
            {"tier_number": 1, "payout_base": Decimal(-3)},
            "payout base -3: nothing is left that a rate could be applied to",
        ),
        ({"tier_number": 1, "tier_rate": Decimal(0)}, "tier 1 (0 %) gives nothing on 5,000"),
        (
            {"tier_number": 1, "uncapped_payout": Decimal(7), "cumulation": "to_date"},
            "the running sum of 7.00 USD was paid by earlier periods",
        ),
    ],
)
def test_why_a_payout_is_nothing(snapshot: Marts, columns: dict[str, Any], says: str) -> None:
    cumulation = columns.pop("cumulation", "reset")
    snapshot.program("A@1", cumulation=cumulation)
    nothing = {"payout": Decimal(0), "uncapped_payout": Decimal(0), "tier_number": 0, **columns}
    snapshot.payout("A@1", **nothing)
    [payout] = outcome.payouts(snapshot.connection, "true")
    assert outcome.why_nothing(snapshot.connection, payout, []) == [says]


def test_a_percentage_of_nothing_reaches_no_tier(snapshot: Marts) -> None:
    snapshot.program("A@1", basis="growth")
    payout_id = snapshot.payout(
        "A@1", basis_kind="growth", basis=None, payout=Decimal(0), uncapped_payout=Decimal(0), tier_number=0
    )
    snapshot.qualification_rule(payout_id, "baseline", False)
    [payout] = outcome.payouts(snapshot.connection, "true")
    rules = outcome.rules_of(snapshot.connection, payout_id)
    assert outcome.why_nothing(snapshot.connection, payout, rules) == [
        "no baseline above zero to set the growth against (there is none)"
    ]


def test_every_bound_of_the_models_has_a_wording(snapshot: Marts) -> None:
    text = (MODELS / "int_payout.sql").read_text() + (MODELS / "int_payout_alone.sql").read_text()
    names = set(re.findall(r"\('[^']+', '(\w+)'\),\n", text)) | set(re.findall(r"then '(gate|floor|cap)'", text))
    assert names == {"gate", "floor", "cap", "best_of", "program_floor", "program_cap", "budget", "expiry"}
    bounds = {"participant_floor": 10, "participant_cap": 20, "program_floor": 30, "program_cap": 40, "budget": 50}
    stacked = {"stacking_group": "BEST", "stacking_rule": "best_of"}
    snapshot.program("A@1", fund_expires_on=date(2017, 6, 15), **bounds, **stacked)
    snapshot.program("BEST@1", **stacked)
    snapshot.payout("BEST@1", payout=Decimal(300))
    snapshot.payout("BEST@1", participant="R-2", payout=Decimal(999))
    wanted = {
        "gate": "a gate does not hold, so the 100.00 USD of the tiers are not paid",
        "floor": "raised to the floor per participant and period, 10.00 USD",
        "cap": "held at the cap per participant and period, 20.00 USD",
        "best_of": "of the stacking group BEST only the highest payout stands (best_of): BEST pays 300.00 USD",
        "program_floor": "raised with those of all participants to the program's floor for a period, 30.00 USD",
        "program_cap": "scaled down with those of all participants to the program's cap for a period, 40.00 USD",
        "budget": "scaled down with those of all participants and periods to the budget, 50.00 USD",
        "expiry": "the fund expired after 2017-06-15: what claims did not draw is gone",
    }
    for name, sentence in wanted.items():
        snapshot.connection.execute("delete from fct_qualification where program_key = 'A@1'")
        snapshot.payout("A@1", limited_by=f";{name}", shortfall=Decimal(4))
        [payout] = outcome.payouts(snapshot.connection, "q.program_key = 'A@1'")
        assert outcome.changed_by(snapshot.connection, payout) == [sentence, "that takes 4.00 USD"]
    with pytest.raises(ValueError, match="limited_by gravity has no wording"):
        outcome.changed_by(snapshot.connection, {**payout, "limited_by": "gravity"})


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"next_threshold": None}, None),
        (
            {},
            "next tier at 8,000.00 USD (3 %): 3,000.00 USD to go; reaching it would pay 240.00 USD, 140.00 USD more",
        ),
        (
            {"next_payout": Decimal(90), "next_tier_gain": Decimal(-10)},
            "next tier at 8,000.00 USD (3 %): 3,000.00 USD to go; reaching it would pay 90.00 USD, 10.00 USD less",
        ),
        (
            {"next_tier_gain": Decimal(0), "method": "incremental"},
            "next tier at 8,000.00 USD (3 %): 3,000.00 USD to go; from there on its rate adds to what is paid",
        ),
        (
            {"next_payout": None, "next_tier_gain": None},
            "next tier at 8,000.00 USD (3 %): 3,000.00 USD to go; what it would pay is not known from nothing",
        ),
        (
            {"basis_kind": "growth", "next_threshold": Decimal(110), "gap_to_next_tier": Decimal("2.5")},
            "next tier at 110 % (3 %): 2.5 percentage points (3,000.00 USD) to go; reaching it would pay 240.00 USD,"
            " 140.00 USD more",
        ),
    ],
)
def test_the_next_step(snapshot: Marts, columns: dict[str, Any], says: str | None) -> None:
    snapshot.program("A@1")
    step = {
        "next_tier_number": 2,
        "next_threshold": Decimal(8000),
        "gap_to_next_tier": Decimal(3000),
        "gap_amount": Decimal(3000),
        "next_tier_rate": Decimal("0.03"),
        "next_payout": Decimal(240),
        "next_tier_gain": Decimal(140),
        **columns,
    }
    snapshot.payout("A@1", **step)
    [payout] = outcome.payouts(snapshot.connection, "true")
    assert outcome.next_step(payout) == says


def test_a_payout_shows_rules_arithmetic_members_lines_and_what_was_left_out(snapshot: Marts) -> None:
    snapshot.line()
    snapshot.program("A@1", aggregate="group")
    payout_id = snapshot.payout(
        "A@1", "G-1", excluded_lines=1, limited_by="cap", uncapped_payout=Decimal(350), payout=Decimal(100)
    )
    snapshot.qualification_rule(payout_id, "tier_2", False, requirement="amount, at least", actual=Decimal(5000))
    for number, (part, amount) in enumerate((("1000", "100"), ("4000", "250")), start=1):
        snapshot.add(
            "fct_tier_application", payout_id=payout_id, tier_number=number, threshold=Decimal(1000 * (number - 1)),
            basis_part=Decimal(part), payout_base=Decimal(part), rate=Decimal("0.1"), flat_amount=Decimal(0),
            amount=Decimal(amount),
        )  # fmt: skip
    snapshot.add("fct_payout", payout_id=payout_id, payee_id="R-1", amount=Decimal(100))
    snapshot.rebate(payout_id, "100", member_id="R-1", payee_id="R-1")
    snapshot.leave_out("A@1", "price_limit", payout_id=payout_id)
    lines = said(explain_payout(snapshot.connection, payout_id, 5))
    for wanted in (
        "retrospective, percent by amount · 3 lines earn, 3 count towards the tiers, 1 left out",
        "held at the cap per participant and period, ",
        "tier_2 | amount, at least | 10 | 5,000 | False",
        "1 | 0 | 1,000 | 1,000 | 10 % | 0 | 100",
        "2 | 1,000 | 4,000 | 4,000 | 10 % | 0 | 250",
        "basis 5,000 · payout base 5,000 · sum 350 · before gates and bounds 350.00 · payout 100.00 USD",
        "R-1 | Store 1 | 100.00",
        "R-1 | Store 1 | 1 | 100.00",
        "2017-03-01 | 100 | 10 | P-1 | R-1 | 100 | 100.00 | invoices.csv | 42 | 9f86d081884c",
        f"earning | price limit | 1 | 100.00 | USD | {LINE}",
    ):
        assert wanted in lines


# --- partners -------------------------------------------------------------------------------

OPEN = {"period": "2017-Q2", "period_start": date(2017, 4, 1), "period_end": date(2017, 6, 30)}


def test_where_a_partner_stands(snapshot: Marts) -> None:
    snapshot.add("dim_partner_group", partner_id="R-1", group_id="G-1", **ALWAYS)
    snapshot.program("A@1")
    snapshot.program("GROUP@1", aggregate="group", include="group:G-1")
    snapshot.admit("GROUP@1", participant_id="G-1")
    snapshot.program("NOT@1", include="segment:distributors")
    snapshot.program("DRAFT@1", calculated=False, status="draft")
    snapshot.program("LATER@1", include="segment:resellers", valid_from=date(2017, 7, 1))
    step = {
        "next_tier_number": 2,
        "next_threshold": Decimal(8000),
        "gap_to_next_tier": Decimal(3000),
        "next_tier_rate": Decimal("0.03"),
        "next_payout": Decimal(240),
        "next_tier_gain": Decimal(140),
    }
    own = snapshot.payout("A@1", **OPEN, **step, excluded_lines=2, excluded_amount=Decimal("41.5"))
    snapshot.leave_out("A@1", "region", payout_id=own)
    gated = snapshot.payout("GROUP@1", "G-1", **OPEN, gates_hold=False, payout=Decimal(0), limited_by="gate")
    snapshot.qualification_rule(gated, "gate_1", False, requirement="end_customers >=")
    snapshot.payout("A@1", payout=Decimal("12.5"))
    snapshot.payout("A@1", "R-2", **OPEN)
    snapshot.add("fct_payout", program_key="A@1", payee_id="R-1", currency="USD", amount=Decimal("112.5"))
    snapshot.add("fct_payment_line", program_key="A@1", payee_id="R-1", currency="USD", amount=Decimal("12.5"))
    assert said(explain_partner(snapshot.connection, "R-1")) == [
        "R-1 Store 1",
        "reseller · tier gold · channel grocery · region NORTH",
        "in group G-1",
        "in segment resellers",
        "Open periods as of 2017-05-10",
        "A@1 A · 2017-Q2, to 2017-06-30",
        "amount 5,000.00 USD on 3 lines: tier 1, from 1,000.00 USD at 2 %; pays 100.00 USD",
        "next tier at 8,000.00 USD (3 %): 3,000.00 USD to go; reaching it would pay 240.00 USD, 140.00 USD more",
        "2 lines left out, 41.50 USD: region 1",
        "GROUP@1 Group · 2017-Q2, to 2017-06-30",
        "amount 5,000.00 USD on 3 lines: tier 1, from 1,000.00 USD at 2 %; pays 0.00 USD",
        "measured with group G-1: the figures are the group's",
        "gate: end_customers >= 10, but it is 8",
        "What would get it more",
        "A@1 | 2017-06-30 | tier 2 | 3,000.00 USD | 140.00 | USD",
        "Ended periods",
        "A@1 | A | 1 | 1 | 12.50 | USD",
        "What it is paid itself, to date",
        "A@1 | 112.50 | 12.50 | 100.00 | USD",
        "Takes no part in",
        "DRAFT@1 | Draft | not calculated (draft)",
        "LATER@1 | Later | valid from 2017-07-01 on",
        "NOT@1 | Not | no include names R-1 on 2017-05-10: it admits segment distributors",
    ]


def test_one_program_and_one_period_of_a_partner(snapshot: Marts) -> None:
    snapshot.program("A@1")
    snapshot.program("B@1")
    for key in ("A@1", "B@1"):
        snapshot.payout(key, payout=Decimal("12.5"), limited_by="cap")
        snapshot.payout(key, **OPEN)
    lines = said(explain_partner(snapshot.connection, "R-1", "A"))
    assert "A@1 | 2017-Q1 | R-1 | 5,000.00 USD | 1 | 12.50 | USD | cap" in lines
    assert not any("B@1" in text for text in lines)
    lines = said(explain_partner(snapshot.connection, "R-1", None, "2017-Q1"))
    assert "Period 2017-Q1" in lines
    assert "A@1 A · 2017-Q1, to 2017-03-31" in lines
    assert "B@1 B · 2017-Q1, to 2017-03-31" in lines
    assert not any("2017-Q2" in text or text == "Ended periods" for text in lines)


def test_a_group_is_told_by_its_members(snapshot: Marts) -> None:
    for member in ("R-1", "R-2"):
        snapshot.add("dim_partner_group", partner_id=member, group_id="G-1", **ALWAYS)
    snapshot.program("GROUP@1", aggregate="group", include="group:G-1")
    snapshot.program("A@1")
    snapshot.payout("GROUP@1", "G-1", **OPEN)
    lines = said(explain_partner(snapshot.connection, "G-1"))
    assert lines[:2] == ["G-1: a buying group", "2 members: R-1, R-2"]
    assert "GROUP@1 Group · 2017-Q2, to 2017-06-30" in lines
    assert "A@1 | A | it measures partners, not groups" in lines
