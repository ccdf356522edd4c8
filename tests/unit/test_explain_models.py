"""What is said of every line agrees with what the real models made of it, over one small warehouse of many kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.explain import explain_line, explain_partner, explain_payout, outcome
from orchestration.explain.snapshot import rows
from orchestration.explain.standing import Standings
from orchestration.settings import Settings
from orchestration.transform import dbt_arguments
from orchestration.transform.dbt import run_dbt
from orchestration.warehouse import connect
from tests.golden.document import Document, document, level
from tests.reference.build import line, membership, partner, product
from tests.warehouse import Seeds, build

pytestmark = pytest.mark.slow

AS_OF = date(2017, 6, 30)
ONE = [level("0", "1")]
HIGH = [level("1000000", "1")]


def stacked(name: str, rule: str, order: int | None = None, **fields: Any) -> Document:
    group = {"group": rule.upper(), "rule": rule} | ({} if order is None else {"order": order})
    return document(name, fields.pop("levels", ONE), stacking=group | fields.pop("stacking", {}), **fields)


def documents() -> list[Document]:
    """One program for each thing that keeps a line from earning, and some that pay."""
    soup, limits = {"families": ["SOUP"]}, {"price": {"min": "5"}, "amount": {"max": "500"}}
    authorization = {
        "number": "SP-1", "partner": "R-1", "end_customer": "H-1", "product": "P-1", "valid_from": "2017-01-01",
        "valid_to": "2017-03-31", "quantity": "5", "reference_cost": "9", "contract_price": "7",
    }  # fmt: skip
    special = document("SPECIAL", [], lines={"stream": "sell_through"}, role="reseller", measurement="quarter")
    for field in ("basis", "tiers"):
        del special[field]
    special["price_difference"] = {"method": "contract_price", "authorizations": [authorization]}
    draft = document("DRAFT", ONE, lifecycle=[{"step": "draft", "who": "Ines Vidal", "when": "2016-11-01"}])
    return [
        document("PLAIN", ONE, measurement="quarter"),
        draft,
        document("SOUPS", ONE, lines={"products": soup, "limits": limits}),
        document("NO-SOUP", ONE, lines={"products": {"exclude": soup}}),
        document(
            "REGIONAL", ONE,
            lines={"regions": ["NORTH"], "exclude": {"channels": ["club"], "document_types": ["return"]}},
        ),
        document("YOUNG", ONE, lines={"stream": "sell_through", "end_customer_segments": ["young"]}, role="reseller"),
        document("HIGH", HIGH),
        document("GATED", ONE, gates=[{"basis": {"kind": "amount"}, "operator": ">=", "figure": "1000000"}]),
        document(
            "GATE-LINES", ONE, lines={"products": soup},
            gates=[{"basis": {"kind": "amount"}, "lines": {"stream": "sell_in"}, "operator": ">=", "figure": "1"}],
        ),
        document("TARGETED", ONE, lines={"products": soup}, target_lines={"stream": "sell_in"}),
        document("GROUPED", ONE, aggregate="group"),
        document("INCLUDED", ONE, participants={"role": "sold_to", "segments": ["clubs"]}),
        document(
            "EXCLUDED", ONE, participants={"role": "sold_to", "all": True, "exclude": {"groups": ["G-1"]}}
        ),
        document(
            "ACCEPTED", ONE,
            participants={
                "role": "sold_to", "all": True, "enrolment": "by_acceptance",
                "acceptances": [{"participant": "R-1", "accepted_on": "2017-02-01"}],
            },
        ),
        document("ORIGINAL", ONE, lines={"returns": "by_original_document"}, measurement="month"),
        document("EARLY", ONE, valid=("2017-01-01", "2017-01-31")),
        document("BOTH", ONE, lines={"stream": "both", "double_counting": "prefer_sell_in"}),
        document("CAPPED", ONE, cap={"participant": "1"}, budget="0.5"),
        stacked("BEST-A", "best_of"),
        stacked("BEST-B", "best_of", levels=[level("0", "2")]),
        stacked("FIRST", "priority", 1, lines={"products": soup}),
        stacked("SECOND", "priority", 2),
        stacked("NET-A", "net_of", 1),
        stacked("NET-B", "net_of", 2),
        document("TO-DATE", ONE, measurement="month", cumulation="to_date"),
        special,
    ]  # fmt: skip


def lines() -> list[dict[str, Any]]:
    """Lines of two streams and partners, a return, odd prices, unknown roles and customers."""

    def through(number: str, day: date, customer: str | None, **columns: Any) -> dict[str, Any]:
        row = {"stream": "sell_through", "reseller_id": "R-1", "partner": None, "distributor_id": "D-1"}
        return line(number, "40", quantity="4", day=day, end_customer_id=customer, **row | columns)

    priced = {"authorization_number": "SP-1"}
    return [
        line("1", "100", quantity="10", day=date(2017, 1, 10)),
        line("2", "60", quantity="10", day=date(2017, 2, 10), product="P-2", region="SOUTH"),
        line("3", "-20", quantity="-2", day=date(2017, 3, 10), document_type="return", reference_document_number="1"),
        line("4", "3", quantity="10", day=date(2017, 4, 10)),
        line("5", "900", quantity="1", day=date(2017, 5, 10), partner="R-2"),
        line("6", "50", quantity="5", day=date(2017, 5, 11), partner="D-1"),
        line("7", "10", day=date(2016, 12, 31)),
        line("8", "0", quantity="0", day=date(2017, 6, 1)),
        through("9", date(2017, 1, 12), "H-1", **priced),
        through("10", date(2017, 2, 12), "H-1", **priced),
        through("11", date(2017, 2, 13), "H-1", **priced),
        through("12", date(2017, 5, 12), "H-1", **priced),
        through("13", date(2017, 2, 12), "H-2", **priced),
        through("14", date(2017, 2, 12), None, product="P-2", authorization_number="SP-2"),
        through("15", date(2017, 2, 12), None, reseller_id=None),
        through("16", date(2017, 1, 31), "H-1", reseller_id="R-1", sold_to_id="R-1"),
    ]


@pytest.fixture(scope="module")
def settings_built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A warehouse of all documents and lines, with the marts of the books."""
    settings = Settings(data=tmp_path_factory.mktemp("explain") / "data", memory_limit="2GB")
    customers = [
        {"end_customer_id": f"H-{n}", "end_customer_name": f"H {n}", "age_band": a}
        for n, a in ((1, "19-24"), (2, "65+"))
    ]
    entities: Mapping[str, list[dict[str, Any]]] = {
        "line": [each | {"row_number": number} for number, each in enumerate(lines(), start=1)],
        "partner": [
            partner("R-1"), partner("R-2", channel="club", region="SOUTH"), partner("D-1", partner_type="distributor"),
        ],
        "partner_group": [membership("R-1", "G-1", date(2017, 2, 1))],
        "product": [product("P-1", family="SOUP"), product("P-2", family="CHIPS")],
        "end_customer": customers,
    }  # fmt: skip
    seeds = Seeds(
        segments=[
            {"segment_id": "young", "entity": "end_customer", "name": "Young"},
            {"segment_id": "clubs", "entity": "partner", "name": "Clubs"},
        ],
        segment_rules=[
            {"segment_id": "young", "attribute": "age_band", "operator": "=", "value": "19-24"},
            {"segment_id": "clubs", "attribute": "channel", "operator": "=", "value": "club"},
        ],
    )
    built = build(settings, documents(), entities, AS_OF, seeds).settings
    run_dbt(built, dbt_arguments("build", select="tag:books"))
    return built


@pytest.fixture
def marts(settings_built: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(settings_built, read_only=True) as connection:
        yield connection


def test_lines_count_where_the_models_count_them_and_every_other_has_a_reason(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    truth = {
        (row["line_key"], row["scope_key"]): row
        for row in rows(
            marts,
            """select *, program_key || ':' || participant_id || ':' || period_id as payout_id
               from int_scope_line where line_use = 'current'""",
        )
    }
    reasons: set[str] = set()
    compared = 0
    for row in rows(marts, "select * from fct_line order by line_key"):
        [described] = rows(marts, "select * from dim_product where product_id = ?", row["product_id"])
        standings = Standings(marts, row, described)
        for program in standings.programs:
            standing = standings.of(program)
            assert bool(standing.earned) != bool(standing.why), (row["line_key"], program["program_key"])
            for scope in standings.scopes[program["program_key"]]:
                found = truth.get((row["line_key"], scope["scope_key"]))
                counts = found["payout_id"] if found is not None and found["excluded_reason"] is None else None
                assert standing.counts.get(scope["scope"]) == counts, (row["line_key"], scope["scope_key"])
                compared += 1
                if found is not None and found["excluded_reason"] is not None:
                    reasons.add(found["excluded_reason"])
    assert compared >= 16 * 26
    assert reasons >= {
        "no_group", "document_type", "channel", "region", "end_customer_unknown", "end_customer_segment", "price_limit",
        "amount_limit", "double_counting", "stacking_priority", "no_authorization", "authorization_unknown",
        "authorization_end_customer", "authorization_date", "authorization_exceeded",
    }  # fmt: skip


def test_every_question_has_an_answer(marts: duckdb.DuckDBPyConnection) -> None:
    for payout in outcome.payouts(marts, "true"):
        assert explain_payout(marts, payout["payout_id"], 3)
    for row in rows(marts, "select partner_id from dim_partner"):
        assert explain_partner(marts, row["partner_id"])
        assert explain_partner(marts, row["partner_id"], "TO-DATE", "2017-02")
    for row in rows(marts, "select line_key from fct_line"):
        assert explain_line(marts, row["line_key"])


def test_qualification_tells_of_left_out_lines_and_of_every_gate(marts: duckdb.DuckDBPyConnection) -> None:
    [left] = rows(marts, "select * from fct_qualification where payout_id = 'SOUPS@1:R-1:2017'")
    assert (left["excluded_lines"], left["excluded_amount"]) == (1, Decimal(3))
    reasons = rows(marts, "select distinct reason from rpt_excluded_line where program_key = 'SOUPS@1'")
    assert {row["reason"] for row in reasons} == {"price_limit", "amount_limit"}
    [gated] = rows(marts, "select * from rpt_partner_status where program_key = 'GATED@1' and partner_id = 'R-1'")
    assert gated["failed_gates"] == "amount >= 1000000, is 143"
    assert (gated["gates_hold"], gated["payout"]) == (False, Decimal(0))
    members = rows(marts, "select partner_id from rpt_partner_status where participant_id = 'G-1' order by 1")
    assert [row["partner_id"] for row in members] == ["G-1", "R-1"]
