"""Program tables: exact types, one row per rule, the same bytes again."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration import programs
from orchestration.programs import fiscal_calendar
from orchestration.settings import REPOSITORY, Settings

DOCUMENT = """
id: ALL
version: 3
name: Everything
description: >
  Two
  lines.
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
  - {step: active, who: cat, when: 2017-01-01}
participants:
  role: sold_to
  segments: [gold]
  partners: [R-2, R-1]
  exclude: {groups: [G-1]}
  enrolment: by_acceptance
  acceptances:
    - {participant: R-2, accepted_on: 2017-02-01}
    - {participant: R-1, accepted_on: 2017-01-15}
lines:
  stream: sell_in
  products:
    skus: ["00123"]
    families: [SOUP]
    segments: [snacks]
    exclude: {brands: [B-1], categories: [DELI]}
  end_customer_segments: [families]
  channels: [grocery]
  exclude: {document_types: [return], regions: [EAST]}
  limits: {price: {min: 0.5}, quantity: {max: 10}, amount: {min: 1, max: 99.9999}}
target_lines: {stream: sell_in}
basis:
  kind: attainment
  figures:
    R-2: {2017-Q1: 100.000000000001, 2017-Q2: 7}
tiers:
  method: retrospective
  rate_kind: percent
  boundary: exclusive
  levels:
    - {from: 0, rate: 0.000001}
    - {from: 95.5, rate: 2.5, flat: 10.5}
payees:
  - {role: reseller, share: 60, fallback: D-1}
  - {role: distributor, share: 40}
cap: {participant: 1000, program: 7000}
floor: {participant: 1.5, program: 3}
budget: 9000
cumulation: to_date
stacking: {group: sell-in, rule: net_of, order: 4, reduces_later: false}
fx_max_age_days: 5
gates:
  - basis: {kind: amount}
    operator: ">="
    figure: 10.5
  - name: mix
    basis: {kind: share, of: quantity, subset: {families: [SOUP], segments: [snacks], exclude: {brands: [B-1]}}}
    lines: {stream: both, double_counting: prefer_sell_in, regions: [EAST]}
    operator: "<"
    figure: 20.25
  - basis: {kind: growth, baseline: given, figures: {R-1: {2017-Q1: 5}}, new_partner: {treat_as: 110}}
    lines: {stream: sell_through, returns: by_original_document}
    operator: "="
    figure: 100
  - basis: {kind: growth, of: quantity, baseline: lines, new_partner: {baseline: 7.5}}
    operator: ">"
    figure: 100
  - basis: {kind: count, counted: documents}
    operator: "<="
    figure: 12
settlement:
  {lag_days: 20, instrument: supplier_invoice, minimum_payment: 12.5, negative: invoice,
   advances: {every: quarter, percent: 33.3}}
"""


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "legal_entity.csv").write_text("legal_entity,currency,calendar\nUS01,USD,months\n")
    with (folder / "fiscal_month.csv").open("w") as file:
        fiscal_calendar.write({"months": fiscal_calendar.calendar_months(2016, 2018)}, file)
    (folder / "segment.csv").write_text(
        "segment_id,entity,name,description,owner\n"
        "gold,partner,Gold,,x\nfamilies,end_customer,F,,x\nsnacks,product,S,,x\n"
    )
    (folder / "segment_rule.csv").write_text(
        "segment_id,attribute,operator,value,months,of,currency,stream,product_segment\n"
        "gold,tier,=,gold,,,,,\nfamilies,size_band,>=,3,,,,,\nsnacks,family,=,A,,,,,\n"
    )
    return folder


@pytest.fixture
def tables(tmp_path: Path, reference: Path) -> dict[str, pa.Table]:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "all.yml").write_text(DOCUMENT)
    result = programs.load(folder, reference)
    assert not result.errors
    return programs.flatten(result.programs)


def rows(table: pa.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def test_program(tables: dict[str, pa.Table]) -> None:
    [row] = tables["program"].to_pylist()
    assert len(row.pop("terms_hash")) == 64  # what it stands for: test_programs_load.py
    assert row == {
        "program_key": "ALL@3",
        "program_id": "ALL",
        "version": 3,
        "name": "Everything",
        "description": "Two lines.",
        "owner": "channel-sales",
        "currency": "USD",
        "legal_entity": "US01",
        "valid_from": date(2017, 1, 1),
        "valid_to": date(2017, 12, 31),
        "measurement": "quarter",
        "calendar": "months",
        "kind": "tiers",
        "status": "active",
        "submitted_by": "ann",
        "submitted_on": date(2016, 11, 2),
        "approved_by": "ben",
        "approved_on": date(2016, 11, 3),
        "calculated": True,
        "participant_role": "sold_to",
        "aggregate": "participant",
        "enrolment": "by_acceptance",
        "earning_scope": "ALL@3:earning",
        "target_scope": "ALL@3:target",
        "basis_measure": "ALL@3:basis",
        "basis": "attainment",
        "cumulation": "to_date",
        "growth_payout": "all",
        "boundary": "exclusive",
        "method": "retrospective",
        "rate_kind": "percent",
        "lump_sum": None,
        "increment": None,
        "participant_cap": Decimal("1000.0000"),
        "participant_floor": Decimal("1.5000"),
        "program_cap": Decimal("7000.0000"),
        "program_floor": Decimal("3.0000"),
        "budget": Decimal("9000.0000"),
        "stacking_group": "sell-in",
        "stacking_rule": "net_of",
        "stacking_rank": 1,
        "reduced_by_earlier": True,
        "reduces_later": False,
        "net_of_wave": 1,
        "fx_max_age_days": 5,
        "fund_expires_on": None,
        "price_method": None,
        "accrual_method": "earned",
        "accrual_forecast": None,
        "accrual_rate_kind": None,
        "accrual_rate": None,
        "accrual_threshold": Decimal(0),
        "settlement_lag_days": 20,
        "minimum_payment": Decimal("12.5000"),
        "instrument": "supplier_invoice",
        "claim_required": False,
        "negative": "invoice",
        "advance_every": "quarter",
        "advance_percent": Decimal("0.33300000"),
        "document_hash": hashlib.sha256(DOCUMENT.encode()).hexdigest(),
        "file_name": "all.yml",
    }


def test_tiers_are_exact(tables: dict[str, pa.Table]) -> None:
    assert rows(tables["program_tier"]) == [
        ("ALL@3", 1, Decimal(0), Decimal("95.5"), Decimal("0.00000001"), None),
        ("ALL@3", 2, Decimal("95.5"), None, Decimal("0.025"), Decimal("10.5")),
    ]


def test_participants(tables: dict[str, pa.Table]) -> None:
    assert rows(tables["program_participant_rule"]) == [
        ("ALL@3", "exclude", "group", "G-1"),
        ("ALL@3", "include", "partner", "R-1"),
        ("ALL@3", "include", "partner", "R-2"),
        ("ALL@3", "include", "segment", "gold"),
    ]
    assert rows(tables["program_enrolment"]) == [
        ("ALL@3", "R-1", date(2017, 1, 15)),
        ("ALL@3", "R-2", date(2017, 2, 1)),
    ]


def test_scopes(tables: dict[str, pa.Table]) -> None:
    earning = ("0.5", None, None, "10", "1", "99.9999")
    assert rows(tables["program_scope"]) == [
        (
            "ALL@3:earning",
            "ALL@3",
            "sell_in",
            None,
            "by_return_date",
            *(None if v is None else Decimal(v) for v in earning),
        ),
        ("ALL@3:gate_2", "ALL@3", "both", "prefer_sell_in", "by_return_date", *[None] * 6),
        ("ALL@3:gate_3", "ALL@3", "sell_through", None, "by_original_document", *[None] * 6),
        ("ALL@3:target", "ALL@3", "sell_in", None, "by_return_date", *[None] * 6),
    ]
    *earned, gated = rows(tables["program_scope_rule"])
    assert [row[1:] for row in earned] == [
        ("exclude", "brand", "B-1"),
        ("exclude", "category", "DELI"),
        ("exclude", "document_type", "return"),
        ("exclude", "region", "EAST"),
        ("include", "channel", "grocery"),
        ("include", "end_customer_segment", "families"),
        ("include", "family", "SOUP"),
        ("include", "product_segment", "snacks"),
        ("include", "sku", "00123"),
    ]
    assert {row[0] for row in earned} == {"ALL@3:earning"}
    assert gated == ("ALL@3:gate_2", "include", "region", "EAST")


def test_measures(tables: dict[str, pa.Table]) -> None:
    def of(number: int, scope: str, *rest: object) -> tuple[object, ...]:
        return (f"ALL@3:gate_{number}", "ALL@3", number, "mix" if number == 2 else None, f"ALL@3:{scope}", *rest)

    assert rows(tables["program_measure"]) == [
        ("ALL@3:basis", "ALL@3", 0, None, "ALL@3:target", "attainment", "amount", *[None] * 6),
        of(1, "target", "amount", None, None, None, None, None, ">=", Decimal("10.5")),
        of(2, "gate_2", "share", "quantity", None, None, None, None, "<", Decimal("20.25")),
        of(3, "gate_3", "growth", "amount", "given", Decimal(110), None, None, "=", Decimal(100)),
        of(4, "target", "growth", "quantity", "lines", None, Decimal("7.5"), None, ">", Decimal(100)),
        of(5, "target", "count", None, None, None, None, "documents", "<=", Decimal(12)),
    ]
    assert rows(tables["program_measure_product"]) == [
        ("ALL@3:gate_2", "exclude", "brand", "B-1"),
        ("ALL@3:gate_2", "include", "family", "SOUP"),
        ("ALL@3:gate_2", "include", "product_segment", "snacks"),
    ]


def test_figures_and_payees(tables: dict[str, pa.Table]) -> None:
    assert rows(tables["program_figure"]) == [
        ("ALL@3:basis", "R-2", "2017-Q1", Decimal("100.000000000001")),
        ("ALL@3:basis", "R-2", "2017-Q2", Decimal(7)),
        ("ALL@3:gate_3", "R-1", "2017-Q1", Decimal(5)),
    ]
    assert rows(tables["program_payee"]) == [
        ("ALL@3", 1, "reseller", Decimal(60), "D-1"),
        ("ALL@3", 2, "distributor", Decimal(40), None),
    ]


def flattened(tmp_path: Path, reference: Path, text: str) -> dict[str, pa.Table]:
    """Tables of DOCUMENT with `text` in the place of its tiers and basis, on sell-through."""
    head, _, rest = DOCUMENT.partition("target_lines: {stream: sell_in}\n")
    end = rest.partition("settlement:")[2] if text.startswith("fund") else rest.partition("payees:")[2]
    end = end.replace(",\n   advances: {every: quarter, percent: 33.3}", "") if text.startswith("fund") else end
    after = "settlement:" if text.startswith("fund") else "payees:"
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.yml").write_text(
        head.replace("stream: sell_in", "stream: sell_through") + text + after + end
    )
    result = programs.load(tmp_path / "one", reference)
    assert not result.errors
    return programs.flatten(result.programs)


@pytest.mark.parametrize(
    ("method", "row", "unit_amount", "margin"),
    [
        ("contract_price", "reference_cost: 2.1234, contract_price: 1.1", Decimal("1.0234"), None),
        ("amount, amount: 0.25", "", Decimal("0.25"), None),
        ("percent, percent: 12.345678", "reference_cost: 2.1234", Decimal("0.262148126652"), None),
        ("margin_protection, protected_margin: 22.5", "reference_cost: 2.1234", None, Decimal("0.225")),
    ],
)
def test_a_price_difference_is_one_tier_and_its_authorisations(
    tmp_path: Path, reference: Path, method: str, row: str, unit_amount: Decimal | None, margin: Decimal | None
) -> None:
    common = "number: SP-1, partner: D-1, end_customer: H-1, quantity: 5.5, valid_from: 2017-02-01"
    text = f"""
price_difference:
  method: {method.partition(", ")[0]}
  {method.partition(", ")[2]}
  authorizations:
    - {{{common}, product: "78", valid_to: 2017-04-30{", " if row else ""}{row}}}
    - {{{common}, product: "77", valid_to: 2017-05-31{", " if row else ""}{row}}}
"""
    tables = flattened(tmp_path, reference, text)
    [program] = tables["program"].to_pylist()
    assert {name: program[name] for name in ("kind", "basis", "method", "rate_kind", "boundary", "price_method")} == {
        "kind": "price_difference",
        "basis": "amount",
        "method": "retrospective",
        "rate_kind": "percent",
        "boundary": "inclusive",
        "price_method": method.partition(", ")[0],
    }
    assert program["target_scope"] == program["earning_scope"] == "ALL@3:earning"
    assert rows(tables["program_tier"]) == [("ALL@3", 1, Decimal(0), None, Decimal(1), None)]
    basis = rows(tables["program_measure"])[0]
    assert basis == ("ALL@3:basis", "ALL@3", 0, None, "ALL@3:earning", "amount", *[None] * 7)
    cost = Decimal("2.1234") if "reference_cost" in row else None
    assert rows(tables["program_authorization"]) == [
        (
            *("ALL@3", f"ALL@3:{position}", "SP-1", "D-1", "H-1", product, date(2017, 2, 1), last),
            *(Decimal("5.5"), cost, unit_amount, margin),
        )
        for position, product, last in ((1, "78", date(2017, 4, 30)), (2, "77", date(2017, 5, 31)))
    ]


def test_a_fund_is_one_tier(tmp_path: Path, reference: Path) -> None:
    tables = flattened(tmp_path, reference, "fund: {percent: 2.5, expires_on: 2018-03-31}\n")
    [program] = tables["program"].to_pylist()
    assert (program["kind"], program["basis"], program["method"]) == ("fund", "amount", "retrospective")
    assert program["fund_expires_on"] == date(2018, 3, 31)
    assert rows(tables["program_tier"]) == [("ALL@3", 1, Decimal(0), None, Decimal("0.025"), None)]
    assert tables["program_authorization"].num_rows == 0


def test_columns_are_those_of_the_architecture() -> None:
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.split("### Program tables")[1].split("###")[0]
    for table, schema in programs.SCHEMAS.items():
        [line] = [each for each in section.splitlines() if each.startswith(f"| `{table}` |")]
        position = 0
        for name in schema.names:
            assert name in line[position:], f"{table}.{name} is missing or out of place"
            position = line.index(name, position) + len(name)


def test_earning_scope_serves_as_target_scope_and_lump_sums_have_no_rate() -> None:
    result = programs.load(REPOSITORY / "seeds" / "programs")
    tables = programs.flatten(result.programs)
    by_key = {row["program_key"]: row for row in tables["program"].to_pylist()}
    row = by_key["CEREAL-SHELF@1"]
    assert row["target_scope"] == row["earning_scope"] == "CEREAL-SHELF@1:earning"
    assert row["lump_sum"] == "highest"
    tiers = [tier for tier in tables["program_tier"].to_pylist() if tier["program_key"] == "CEREAL-SHELF@1"]
    assert [(tier["rate"], tier["flat_amount"]) for tier in tiers[:2]] == [(None, Decimal(10)), (None, Decimal(20))]
    per_unit = [tier for tier in tables["program_tier"].to_pylist() if tier["program_key"] == "SOUP-UNITS@1"]
    assert [tier["rate"] for tier in per_unit] == [Decimal("0.03"), Decimal("0.05"), Decimal("0.08")]
    assert by_key["HOLIDAY-2017@1"]["calculated"] is False
    assert by_key["HOLIDAY-2017@1"]["approved_by"] is None
    assert by_key["SNACK-LADDER@1"]["valid_to"] == date(2017, 6, 30)
    assert {row["measure_key"].partition("@")[0] for row in tables["program_figure"].to_pylist()} == {
        "DISTRIBUTOR-TARGET",
        "GROWTH-KEY-ACCOUNTS",
    }
    assert row["stacking_rank"] is None
    assert (row["reduced_by_earlier"], row["reduces_later"], row["net_of_wave"]) == (False, False, 1)
    everybody = [r for r in tables["program_participant_rule"].to_pylist() if r["kind"] == "all"]
    assert {row["value"] for row in everybody} == {None}


def test_write_tables(settings: Settings, tmp_path: Path, reference: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "b.yml").write_text(DOCUMENT)
    (documents / "a.yml").write_text(DOCUMENT.replace("id: ALL", "id: other"))
    settings = dataclasses.replace(settings, programs=documents, reference=reference)
    result = programs.write_tables(settings)
    assert [str(error) for error in result.errors] == [
        "a.yml: id: expected capitals, digits and hyphens, like VOLUME-GOLD, got 'other'"
    ]
    written = {path.name: path.read_bytes() for path in settings.program_tables.iterdir()}
    assert set(written) == {f"{table}.parquet" for table in programs.SCHEMAS}
    for table, schema in programs.SCHEMAS.items():
        assert pq.read_schema(settings.program_tables / f"{table}.parquet").equals(schema)
    assert rows(pq.read_table(settings.program_tables / "program_error.parquet"))[0][:2] == ("a.yml", "id")
    shutil.rmtree(settings.program_tables)
    programs.write_tables(settings)
    assert {path.name: path.read_bytes() for path in settings.program_tables.iterdir()} == written


def test_no_documents_give_all_tables_without_rows(settings: Settings, tmp_path: Path, reference: Path) -> None:
    (tmp_path / "documents").mkdir()
    settings = dataclasses.replace(settings, programs=tmp_path / "documents", reference=reference)
    assert programs.write_tables(settings) == programs.LoadResult((), ())
    assert len(list(settings.program_tables.glob("*.parquet"))) == len(programs.SCHEMAS)


bounds = st.lists(st.integers(0, 10**12), min_size=1, max_size=6, unique=True).map(sorted)


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bounds=bounds, decimals=st.integers(0, 6), data=st.data())
def test_what_is_written_is_what_arrives(
    tmp_path: Path, reference: Path, bounds: list[int], decimals: int, data: st.DataObject
) -> None:
    """Thresholds and rates of any size keep every digit from the document to the table."""
    thresholds = [Decimal(bound).scaleb(-decimals) for bound in bounds]
    rates = [data.draw(st.decimals(0, 100, places=6)) for _ in bounds]
    levels = "\n".join(f"    - {{from: {t:f}, rate: {r:f}}}" for t, r in zip(thresholds, rates, strict=True))
    head, _, rest = DOCUMENT.partition("    - {from: 0, rate: 0.000001}\n    - {from: 95.5, rate: 2.5, flat: 10.5}")
    text = (head + levels + rest).replace("kind: attainment", "kind: amount")
    text = text.replace("  figures:\n    R-2: {2017-Q1: 100.000000000001, 2017-Q2: 7}\n", "")
    folder = tmp_path / "generated"
    folder.mkdir(exist_ok=True)
    (folder / "a.yml").write_text(text)
    result = programs.load(folder, reference)
    assert not result.errors
    written = programs.flatten(result.programs)["program_tier"].to_pylist()
    assert [tier["threshold"] for tier in written] == thresholds
    assert [tier["next_threshold"] for tier in written] == [*thresholds[1:], None]
    assert [tier["rate"] * 100 for tier in written] == rates
