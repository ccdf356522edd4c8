"""What columns are made of: small queries, and every column of every mart."""

from __future__ import annotations

import json
from typing import Any

import dagster as dg
import pytest

from orchestration.settings import Settings
from orchestration.transform import LineageError, column_lineage, lineage
from orchestration.transform.assets import Translator, lineage_metadata
from orchestration.transform.dbt import dbt_arguments, run_dbt

ORDERS, RATES, FILE = "model.t.orders", "model.t.rates", "source.t.landing.file"
KNOWN = {
    ORDERS: {"columns": ["order_id", "amount", "currency"], "key": ["order_id"]},
    RATES: {"columns": ["currency", "rate"], "key": ["currency"]},
    FILE: {"columns": [], "key": []},
}


def read(sql: str) -> dict[str, Any]:
    """What each column is made of: short names of columns, then constants."""
    names = {"orders": ORDERS, "rates": RATES, "file": FILE}
    for short, key in names.items():
        sql = sql.replace(f"[{short}]", key.replace(".", "__"))
    short = {key: name for name, key in names.items()}
    return {
        name: [*(f"{short[parent]}.{column}" for parent, column in made.columns), *made.constants]
        for name, made in lineage._read(sql, KNOWN).items()
    }


@pytest.mark.parametrize(
    ("sql", "made"),
    [
        ("select amount from [orders]", {"amount": ["orders.amount"]}),
        ("select a, b as c from [file]", {"a": ["file.a"], "c": ["file.b"]}),
        (
            "select o.amount * r.rate as value from [orders] as o join [rates] as r on o.currency = r.currency",
            {"value": ["orders.amount", "rates.rate"]},
        ),
        ("with x as (select * from [rates]) select * from x", {"currency": ["rates.currency"], "rate": ["rates.rate"]}),
        (
            "with x as (select amount as v from [orders] union all select rate from [rates]) select sum(v) as s from x",
            {"s": ["orders.amount", "rates.rate"]},
        ),
        (
            "with x as (select order_id, 0 as v from [orders] union all select currency, rate from [rates])"
            " select v from x where order_id = 1",
            {"v": ["rates.rate", "0"]},
        ),
        ("select count(*) as n from [orders] where amount > 0", {"n": ["orders.order_id"]}),
        (
            "with x as (select o.amount from [orders] as o join [rates] as r on true) select count(*) as n from x",
            {"n": ["orders.order_id"]},
        ),
        (
            "select row_number() over (partition by currency order by amount) as n from [orders]",
            {"n": ["orders.amount", "orders.currency"]},
        ),
        (
            "select (select max(rate) from [rates] as r where r.currency = o.currency) as m from [orders] as o",
            {"m": ["orders.currency", "rates.currency", "rates.rate"]},
        ),
        (
            "select o.amount, x.n from [orders] as o cross join (select 1 as n) as x",
            {"amount": ["orders.amount"], "n": ["1"]},
        ),
        (
            "select case when amount > 0 then 'in' else currency end as c from [orders]",
            {"c": ["orders.amount", "orders.currency"]},
        ),
        (
            "select currency, rate from [orders] join [rates] using (currency)",
            {"currency": ["orders.currency", "rates.currency"], "rate": ["rates.rate"]},
        ),
    ],
)  # fmt: skip
def test_what_columns_of_a_query_are_made_of(sql: str, made: dict[str, list[str]]) -> None:
    assert read(sql) == made


def test_a_column_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no relation that is read"):
        read("select x.amount from [orders] as o join [rates] as r on true")


# --- the project ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The project as dbt compiles it."""
    settings = Settings(data=tmp_path_factory.mktemp("lineage") / "data", memory_limit="1GB")
    run_dbt(settings, dbt_arguments("compile"))
    return settings


@pytest.fixture(scope="module")
def manifest(compiled: Settings) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((compiled.dbt_target / "manifest.json").read_text())
    return found


def test_every_mart_column_comes_from_a_source_or_is_a_constant(compiled: Settings, manifest: dict[str, Any]) -> None:
    found = column_lineage(compiled, manifest)
    marts = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }
    assert set(marts) <= set(found.models)
    for key, node in marts.items():
        assert list(found.models[key]) == list(node["columns"]), "the columns of the contract, in their order"
        for column in node["columns"]:
            made = found.ends(key, column)
            assert made.columns or made.constants, f"{node['name']}.{column} comes from nowhere"
            assert all(parent.split(".")[0] in ("source", "seed") for parent, _ in made.columns)


@pytest.mark.parametrize(
    ("column", "ends"),
    [
        (
            "fct_line.base_quantity",
            {"landing.line.quantity", "landing.product_unit.factor", "landing.product.base_unit"},
        ),
        ("fct_line_rebate.amount", {"landing.line.net_amount", "landing.fx_rate.rate", "programs.program_tier.rate"}),
        ("fct_line_rebate.row_number", {"landing.line.row_number"}),
        ("fct_payout.amount", {"landing.line.net_amount", "programs.program_payee.share", "currency.minor_unit"}),
        ("fct_posting.credit", {"ledger.posting.credit"}),
        ("rpt_file.rows_quarantined", {"quarantine.line.row_number", "quarantine.line.file_sequence"}),
    ],
)
def test_where_figures_come_from(compiled: Settings, manifest: dict[str, Any], column: str, ends: set[str]) -> None:
    mart, name = column.split(".")
    found = column_lineage(compiled, manifest).ends(f"model.rebates.{mart}", name)
    assert ends <= {f"{parent.split('.', 2)[2]}.{each}" for parent, each in found.columns}


def test_dagster_is_told_the_assets_and_columns(compiled: Settings, manifest: dict[str, Any]) -> None:
    found = column_lineage(compiled, manifest)
    nodes = {**manifest["nodes"], **manifest["sources"]}
    assets = {
        Translator().get_asset_key(node)
        for node in nodes.values()
        if node["resource_type"] in ("model", "seed", "source")
    }
    for key in found.models:
        [(name, told)] = lineage_metadata(manifest, found, key).items()
        assert name == "dagster/column_lineage"
        assert isinstance(told, dg.TableColumnLineage)
        assert list(told.deps_by_column) == list(found.models[key])
        parents = {Translator().get_asset_key(nodes[each]) for each in nodes[key]["depends_on"]["nodes"]}
        for deps in told.deps_by_column.values():
            assert {dep.asset_key for dep in deps} <= parents <= assets
    line = lineage_metadata(manifest, found, "model.rebates.stg_line")["dagster/column_lineage"]
    assert line.deps_by_column["net_amount"] == [
        dg.TableColumnDep(asset_key=dg.AssetKey(["accepted", "line"]), column_name="net_amount")
    ]
    assert lineage_metadata(manifest, found, "seed.rebates.account") == {}


def test_what_was_read_is_not_read_again(
    compiled: Settings, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = column_lineage(compiled, manifest)

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(lineage, "_read", never)
    assert column_lineage(compiled, manifest).models == first.models
    path = lineage.compiled_path(compiled, manifest, manifest["nodes"]["model.rebates.rpt_run"])
    text = path.read_text()
    path.write_text(text.replace("as_of", "accounting_month as as_of"))
    with pytest.raises(LineageError, match="rpt_run"):
        column_lineage(compiled, manifest)
    path.unlink()
    with pytest.raises(LineageError, match="rpt_run: dbt has not compiled it"):
        column_lineage(compiled, manifest, ["model.rebates.rpt_run"])
    assert "model.rebates.rpt_run" not in column_lineage(compiled, manifest).models
    path.write_text(text)
