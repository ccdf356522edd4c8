"""How dbt is called."""

from __future__ import annotations

import os
import subprocess
import sys
from ast import literal_eval
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.settings import Settings
from orchestration.transform import dbt, dbt_arguments, is_books, meta, project_fingerprint, row_counts
from orchestration.transform.dbt import environment, surroundings
from orchestration.warehouse import connect


def test_build_leaves_unit_tests_out_and_passes_no_vars() -> None:
    arguments = dbt_arguments("build", select="tag:books")
    assert arguments == [
        "build",
        "--full-refresh",
        "--no-write-json",
        "--exclude-resource-type",
        "unit_test",
        "--select",
        "tag:books",
    ]
    assert dbt_arguments("parse") == ["parse"]
    assert dbt_arguments("test", exclude="tag:books") == ["test", "--exclude", "tag:books"]


def test_an_unknown_command_is_refused_with_what_is_expected() -> None:
    with pytest.raises(ValueError, match="expected parse, build, test or compile"):
        dbt_arguments("docs")


def test_dbt_sees_the_settings_and_reports_nothing(settings: Settings) -> None:
    seen = environment(settings)
    assert seen["REBATES_DATA"] == str(settings.data)
    assert seen["DBT_TARGET_PATH"] == str(settings.dbt_target)
    assert seen["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"


def test_surroundings_are_put_back(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBATES_THREADS", "7")
    monkeypatch.delenv("REBATES_DATA", raising=False)
    with surroundings(settings):
        assert os.environ["REBATES_THREADS"] == "2"
        assert os.environ["REBATES_DATA"] == str(settings.data)
    assert os.environ["REBATES_THREADS"] == "7"
    assert "REBATES_DATA" not in os.environ


def test_fingerprint_sees_every_file_but_what_dbt_writes(settings: Settings, tmp_path: Path) -> None:
    project, seeds = tmp_path / "dbt_project", tmp_path / "reference"
    (project / "models").mkdir(parents=True)
    seeds.mkdir()
    (project / "models" / "a.sql").write_text("select 1")
    (seeds / "account.csv").write_text("a\n1\n")
    here = replace(settings, dbt_project=project, reference=seeds)
    before = project_fingerprint(here)
    (project / "target").mkdir()
    (project / "target" / "manifest.json").write_text("{}")
    (project / ".user.yml").write_text("id: 1")
    assert project_fingerprint(here) == before
    (seeds / "account.csv").write_text("a\n2\n")
    changed = project_fingerprint(here)
    assert changed != before
    (project / "models" / "a.sql").rename(project / "models" / "b.sql")
    assert project_fingerprint(here) not in (before, changed)


def test_rows_are_counted_per_node(settings: Settings) -> None:
    with connect(settings) as connection:
        connection.execute("create table t as select * from range(5); create view v as select * from t where range < 2")
    nodes = {f"model.x.{name}": {"schema": "main", "alias": name} for name in ("t", "v")}
    assert row_counts(settings, {"nodes": nodes}, list(nodes)) == {"model.x.t": 5, "model.x.v": 2}
    assert row_counts(settings, {"nodes": nodes}, []) == {}
    with connect(settings) as connection:  # nobody holds the file any more
        connection.execute("drop table t cascade")


def test_meta_and_tag_are_found_wherever_dbt_keeps_them() -> None:
    assert meta({"config": {"meta": {"grain": ["a"]}}}) == meta({"config": {}, "meta": {"grain": ["a"]}})
    assert is_books({"tags": ["books"]})
    assert is_books({"config": {"tags": ["books"]}})
    assert not is_books({"tags": ["other"], "config": {"tags": []}})


def test_dbt_does_not_outlive_the_run_that_started_it() -> None:
    child = Path(dbt.__file__).with_name("child.py")
    waits = f"import runpy, time; runpy.run_path({str(child)!r})['end_with_parent'](); time.sleep(60)"
    ends = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {waits!r}]); time.sleep(2)"
    # both write to one pipe: it closes, and run() returns, when the last of them has ended
    subprocess.run([sys.executable, "-c", ends], stdout=subprocess.PIPE, timeout=20, check=True)


def test_dbt_is_given_the_variables_that_it_needs() -> None:
    child = Path(dbt.__file__).with_name("child.py")
    shows = f"import os, runpy; runpy.run_path({str(child)!r})['few_variables'](); print(sorted(os.environ))"
    given = {"PATH": "/bin", "REBATES_DATA": "x", "DBT_LOG_PATH": "y", "SOME_TOKEN": "z", "DAGSTER_HOME": "h"}
    done = subprocess.run([sys.executable, "-c", shows], env=given, capture_output=True, text=True, check=True)
    assert set(literal_eval(done.stdout)) - {"LC_CTYPE"} == {"DBT_LOG_PATH", "PATH", "REBATES_DATA"}
