"""The analytics snapshot: deterministic versions, the pointer, readers that stay open, reading only."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import duckdb
import pytest

from orchestration import publish, warehouse
from orchestration.settings import Settings

KEYS = {"fct_line": ["document", "line"], "dim_partner": ["partner_id"]}
TABLES = ["fct_line", "dim_partner"]
LINES = """
    select 'D-' || (i % 9973) as document, i // 9973 as line, (i * 7 % 10007)::decimal(18, 4) / 100 as ratio,
        (i % 991)::decimal(18, 4) as amount, if(i % 5 = 0, null, 'R-' || i % 400) as partner_id
    from range({rows}) as r(i) order by {order}
"""


def fill(settings: Settings, *, rows: int = 100, order: str = "i", amount: str = "1.50") -> None:
    """A warehouse with two marts, one of them with comments."""
    settings.data.mkdir(parents=True, exist_ok=True)
    with warehouse.connect(settings) as connection:
        connection.execute("create or replace table fct_line as " + LINES.format(rows=rows, order=order))
        connection.execute("create or replace table dim_partner (partner_id varchar, amount decimal(18, 4))")
        connection.execute(f"insert into dim_partner values ('R-2', 2), ('R-1', {amount})")
        connection.execute("comment on table dim_partner is 'it''s {one} partner'")
        connection.execute("comment on column dim_partner.amount is 'in USD'")


def snapshot(settings: Settings) -> Path:
    return publish.publish_snapshot(settings, TABLES, keys=KEYS)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def amount(connection: duckdb.DuckDBPyConnection) -> str:
    row = connection.execute("select amount from dim_partner where partner_id = 'R-1'").fetchone()
    assert row is not None
    return str(row[0])


def test_the_same_rows_are_the_same_bytes_with_any_threads_and_order(settings: Settings, tmp_path: Path) -> None:
    rows = 300_000  # several row groups
    versions = {}
    for name, threads, order in (("a", 1, "i"), ("b", 2, "i desc"), ("c", 4, "hash(i)")):
        own = dataclasses.replace(settings, data=tmp_path / name, threads=threads)
        fill(own, rows=rows, order=order)
        versions[name] = snapshot(own)
    assert len({folder.name for folder in versions.values()}) == 1
    tables = [{k: v for k, v in contents(folder).items() if k.endswith(".parquet")} for folder in versions.values()]
    assert tables[0] == tables[1] == tables[2]
    path = versions["b"] / "fct_line.parquet"
    groups = duckdb.connect().execute(
        f"select max(row_group_num_rows), count(distinct row_group_id) from parquet_metadata('{path}')"
    )
    assert groups.fetchone() == (122_880, 3)
    keys = duckdb.connect().execute(f"select document, line from read_parquet('{path}')").fetchall()
    assert keys == sorted(keys)
    assert len(keys) == rows


def test_publishing_again_rewrites_nothing(settings: Settings) -> None:
    fill(settings)
    folder = snapshot(settings)
    before = {path: path.stat().st_mtime_ns for path in settings.published.rglob("*") if path.is_file()}
    data = contents(folder)
    assert sorted(data) == ["analytics.duckdb", "dim_partner.parquet", "fct_line.parquet"]
    fill(settings, order="i desc")  # computed again, in another order
    assert snapshot(settings) == folder
    assert {path: path.stat().st_mtime_ns for path in settings.published.rglob("*") if path.is_file()} == before
    # deleted and built again: the same bytes, views included
    for path in sorted(settings.published.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert contents(snapshot(settings)) == data


def test_a_damaged_version_is_mended(settings: Settings) -> None:
    fill(settings)
    folder = snapshot(settings)
    data = contents(folder)
    (folder / "fct_line.parquet").unlink()
    (folder / "fct_line.parquet").write_bytes(b"half")
    (folder / "analytics.duckdb").unlink()
    assert contents(snapshot(settings)) == data


def test_views_carry_rows_types_and_comments(settings: Settings) -> None:
    fill(settings)
    snapshot(settings)
    with publish.open_snapshot(settings) as connection:
        assert amount(connection) == "1.5000"
        views = connection.execute("select view_name, comment from duckdb_views() where not internal order by 1")
        assert views.fetchall() == [("dim_partner", "it's {one} partner"), ("fct_line", None)]
        columns = connection.execute(
            "select data_type, comment from duckdb_columns() where table_name = 'dim_partner' order by column_index"
        )
        assert columns.fetchall() == [("VARCHAR", None), ("DECIMAL(18,4)", "in USD")]


def test_a_reader_keeps_its_version_while_current_moves(settings: Settings) -> None:
    fill(settings)
    first = snapshot(settings)
    reader = publish.open_snapshot(settings)
    assert amount(reader) == "1.5000"
    fill(settings, amount="9")
    second = snapshot(settings)
    assert (settings.published / "snapshot" / "CURRENT").read_text() == second.name + "\n"
    assert amount(reader) == "1.5000"
    with publish.open_snapshot(settings) as later:
        assert amount(later) == "9.0000"
    reader.close()
    fill(settings, amount="10")
    third = snapshot(settings)
    kept = {path.name for path in (settings.published / "snapshot").iterdir()}
    assert kept == {"CURRENT", second.name, third.name}  # the current one and the one before it
    assert first.name not in kept
    fill(settings, amount="9")
    assert snapshot(settings) == second  # back to a version that stands there
    assert {path.name for path in (settings.published / "snapshot").iterdir()} == kept


def test_readers_never_fail_while_versions_are_published(settings: Settings) -> None:
    fill(settings)
    snapshot(settings)
    done = threading.Event()
    seen: list[str] = []
    errors: list[Exception] = []

    def read() -> None:
        while not done.is_set():
            try:
                with publish.open_snapshot(settings) as connection:
                    seen.append(amount(connection))
            except Exception as error:
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for value in ("2", "3", "4"):
        before = len(seen)
        fill(settings, amount=value)
        snapshot(settings)
        while len(seen) < before + 2 and reader.is_alive() and not errors:
            done.wait(0.01)
    done.set()
    reader.join()
    assert errors == []
    assert set(seen) >= {"2.0000", "3.0000"}


def test_what_cannot_be_published_leaves_current_as_it_was(settings: Settings) -> None:
    fill(settings)
    folder = snapshot(settings)
    fill(settings, amount="9")
    with pytest.raises(publish.PublishError, match="expected one table fct_claim in the warehouse, found none"):
        publish.publish_snapshot(settings, [*TABLES, "fct_claim"], keys=KEYS | {"fct_claim": ["claim_id"]})
    with pytest.raises(publish.PublishError, match="no key columns are given for dim_partner"):
        publish.publish_snapshot(settings, TABLES, keys={"fct_line": KEYS["fct_line"]})
    with warehouse.connect(settings) as connection:
        connection.execute("insert into dim_partner values ('R-1', 3)")
    with pytest.raises(publish.PublishError, match=r"more than one row of .*dim_partner.* has partner_id = \('R-1',\)"):
        snapshot(settings)
    kept = {path.name for path in (settings.published / "snapshot").iterdir()}
    assert kept == {"CURRENT", folder.name}
    with publish.open_snapshot(settings) as connection:
        assert amount(connection) == "1.5000"


def test_nothing_published_yet_is_said_clearly(settings: Settings) -> None:
    with pytest.raises(publish.PublishError, match="no snapshot has been published yet"):
        publish.open_snapshot(settings)
    fill(settings)
    folder = snapshot(settings)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(publish.PublishError, match=f"snapshot {folder.name}, which CURRENT names, is not there"):
        publish.open_snapshot(settings)


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '{data}/out.csv'",
        "copy (select 1) to '{table}' (use_tmp_file false)",
        "explain analyze copy (select 1) to '{table}' (use_tmp_file false)",
        "export database '{data}/out'",
        "select 1; drop view dim_partner",
        "attach '{data}/other.duckdb' as other",
        "set enable_external_access = true",
    ],
)
def test_a_query_cannot_write(settings: Settings, sql: str) -> None:
    fill(settings)
    folder = snapshot(settings)
    before = contents(folder)
    with pytest.raises(publish.PublishError, match="the snapshot can only be read"):
        publish.query(settings, sql.format(data=settings.data, table=folder / "dim_partner.parquet"))
    assert contents(folder) == before


def test_the_connection_reaches_no_other_file(settings: Settings) -> None:
    fill(settings)
    snapshot(settings)
    secret = settings.data / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    with publish.open_snapshot(settings) as connection:
        for sql in (
            f"from read_csv('{secret}')",
            f"copy (select 1) to '{settings.data / 'out.csv'}'",
            f"attach '{settings.warehouse}' as house",
            "create view mine as select 1",
            "set enable_external_access = true",
            "set memory_limit = '1TB'",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)
        assert amount(connection) == "1.5000"


def test_a_query_gives_rows(settings: Settings) -> None:
    fill(settings)
    snapshot(settings)
    assert publish.query(settings, "from dim_partner order by 1").to_pydict() == {
        "partner_id": ["R-1", "R-2"],
        "amount": [1.5, 2],
    }
    assert publish.query(settings, "describe dim_partner").num_rows == 2
    assert publish.query(settings, "pivot dim_partner on partner_id using sum(amount)").num_rows == 1
    assert publish.query(settings, "explain select 1").num_rows == 1
    with pytest.raises(publish.PublishError, match="gives no rows"):
        publish.query(settings, "create temp table t as select 1")


def test_a_reader_needs_no_permission_to_write(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(settings)
    snapshot(settings)
    settings.scratch.rename(settings.data / "away")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with publish.open_snapshot(settings) as connection:
        assert amount(connection) == "1.5000"
        [(spill,)] = connection.execute("select current_setting('temp_directory')").fetchall()
    assert not spill.startswith(str(settings.data))
    settings.scratch.rmdir()
    settings.scratch.touch()  # a folder that cannot be made, as where the data folder is read-only
    with publish.open_snapshot(settings) as connection:
        assert amount(connection) == "1.5000"
