"""Reductions of net_of programs: what is done where nothing reduces anything, and what a pass leaves behind."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.runs import RunContext, read_run_context, write_run_context
from orchestration.settings import Settings
from orchestration.transform import net_of
from orchestration.warehouse import connect

CONTEXT = RunContext(date(2017, 6, 30), "2017-06", "0" * 64, 3)


@pytest.fixture
def ready(settings: Settings) -> Settings:
    write_run_context(settings, CONTEXT)
    return settings


def programs(settings: Settings, *rows: tuple[str, int, bool]) -> None:
    settings.program_tables.mkdir(parents=True)
    columns = zip(*rows, strict=True)
    table = dict(zip(("program_key", "net_of_wave", "calculated"), map(list, columns), strict=True))
    pq.write_table(pa.table(table), settings.program_tables / "program.parquet")


def only_net_of(settings: Settings) -> bool:
    [row] = pq.read_table(settings.run_context).to_pylist()
    return bool(row["net_of_only"])


def test_drafts_need_no_pass(ready: Settings) -> None:
    programs(ready, ("A@1", 1, True), ("B@1", 3, False))
    assert net_of.waves(ready) == 1
    assert net_of.find_reductions(ready) == 0
    found = pq.read_table(ready.line_reduction)
    assert found.column_names == ["program_key", "line_key", "reduction"]
    assert found.schema.field("reduction").type == pa.decimal128(18, 4)
    assert read_run_context(ready) == CONTEXT
    assert not only_net_of(ready)


def test_each_wave_takes_over_what_the_models_say(ready: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(ready, ("A@1", 1, True), ("B@1", 2, True), ("C@1", 3, True))
    seen: list[tuple[bool, int]] = []

    def build(settings: Settings, arguments: list[str]) -> str:
        """Stand in for dbt: each pass finds one row more."""
        assert arguments[arguments.index("--select") + 1] == "+int_line_reduction"
        before = pq.read_table(settings.line_reduction).num_rows
        seen.append((only_net_of(settings), before))
        with connect(settings) as connection:
            connection.execute(
                f"""create or replace table int_line_reduction as
                    select 'B@1' as program_key, 'k' || i as line_key, 1.5::decimal(18, 4) as reduction
                    from range({before + 1}) t(i)"""
            )
        return ""

    monkeypatch.setattr(net_of, "run_dbt", build)
    assert net_of.find_reductions(ready) == 2
    assert seen == [(True, 0), (True, 1)]
    assert not only_net_of(ready)
    assert read_run_context(ready) == CONTEXT


def test_a_failing_pass_leaves_the_context_as_it_was(ready: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(ready, ("A@1", 1, True), ("B@1", 2, True))

    def fail(settings: Settings, arguments: list[str]) -> str:
        raise RuntimeError("dbt failed")

    monkeypatch.setattr(net_of, "run_dbt", fail)
    with pytest.raises(RuntimeError, match="dbt failed"):
        net_of.find_reductions(ready)
    assert not only_net_of(ready)
