"""What dbt itself judges, and the jobs do not: the models' unit tests, and a tie on what stands in the books.

What belongs here: running dbt's tests. What does not: the rows of the unit tests, which stand beside the models.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.books import POSTING
from orchestration.settings import Settings
from orchestration.transform import DbtError, dbt_arguments
from orchestration.transform.dbt import run_dbt
from orchestration.warehouse import connect
from tests.warehouse import build


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """All models, built once without rows: dbt reads the columns of what a unit test replaces from them."""
    settings = Settings(data=tmp_path_factory.mktemp("models") / "data")
    built = build(settings, [], {}, date(2017, 6, 30)).settings
    run_dbt(built, [*dbt_arguments("build", select="tag:books"), "--empty"])
    return built


def test_the_models_pass_their_unit_tests(empty: Settings) -> None:
    run_dbt(empty, dbt_arguments("test", select="test_type:unit"))
    results = json.loads((empty.dbt_target / "run_results.json").read_text())["results"]
    beside = [path for path in Path(empty.dbt_project, "models").rglob("*.yml") if "unit_tests:" in path.read_text()]
    assert len(results) >= len(beside) > 0
    assert {result["status"] for result in results} == {"pass"}


def test_a_table_takes_the_place_of_a_view_and_a_failure_leaves_what_was_there(empty: Settings) -> None:
    with connect(empty) as connection:
        connection.execute("drop table rpt_run; create view rpt_run as select 1 as number")
        connection.execute("drop view stg_partner; create table stg_partner as select 2 as number")
    run_dbt(empty, dbt_arguments("build", select="rpt_run stg_partner", tests=False))
    with connect(empty) as connection:
        types = "select table_name, table_type from information_schema.tables"
        types += " where table_name in ('rpt_run', 'stg_partner')"
        assert dict(connection.execute(types).fetchall()) == {"rpt_run": "BASE TABLE", "stg_partner": "VIEW"}
        # the input loses a column that the model reads
        connection.execute("drop view stg_run_context; create view stg_run_context as select 3 as number")
        before = connection.execute("select * from rpt_run").fetchall()
    with pytest.raises(DbtError, match="rpt_run"):
        run_dbt(empty, dbt_arguments("build", select="rpt_run", tests=False))
    with connect(empty) as connection:
        assert connection.execute("select * from rpt_run").fetchall() == before
    run_dbt(empty, dbt_arguments("build", select="stg_run_context", tests=False))


def test_a_posted_program_without_a_document_stops_the_run_before_it_posts(empty: Settings) -> None:
    tie = dbt_arguments("test", select="tie_postings_to_programs")
    run_dbt(empty, tie)
    line = {field.name: None for field in POSTING} | {
        "batch_number": 1,
        "batch_kind": "accrual",
        "accounting_month": "2017-05",
        "program_key": "GONE@1",
        "account_role": "accrued_rebates",
    }
    batch = empty.ledger / "000001_accrual_2017-05"
    batch.mkdir()
    pq.write_table(pa.Table.from_pylist([line], schema=POSTING), batch / "posting.parquet")
    with pytest.raises(DbtError, match="tie_postings_to_programs"):
        run_dbt(empty, tie)
