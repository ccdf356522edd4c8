"""How dbt is called: arguments, environment, the manifest, and row counts once it has ended.

What belongs here: everything that touches dbt without Dagster. What does not: assets.

No ``--vars`` anywhere: the as-of date stands in run/run_context.parquet, so that dbt's partial
parse stays valid from run to run.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestration.settings import Settings
from orchestration.warehouse import connect

CHILD = Path(__file__).with_name("child.py")
"""dbt as a process that ends when the one that started it does."""

BOOKS_TAG = "books"
"""Tag of the models that depend on what a run posts: they are built after posting."""

_QUIET = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DBT_VERSION_CHECK": "false",
    "DBT_USE_COLORS": "false",
    "DBT_LOG_LEVEL_FILE": "none",  # it costs a tenth of the time; a run's log says the same, SQL stands in compiled/
}
_FINGERPRINT = "project.sha256"


class DbtError(RuntimeError):
    """dbt ended with an error; the message holds what it said."""


def dbt_arguments(
    command: str, *, select: str | None = None, exclude: str | None = None, tests: bool = True
) -> list[str]:
    """Arguments of one dbt call.

    ``command``: parse, build, test or compile; another one raises ValueError. ``build`` leaves unit
    tests out (they judge the code, not the data, and belong to the test suite) and writes no manifest:
    ``prepare`` does, and a build must not change what the definitions were made from. ``tests``: whether
    it runs the tests of what it builds.
    """
    if command not in ("parse", "build", "test", "compile"):
        raise ValueError(f"dbt {command}: expected parse, build, test or compile")
    arguments = [command]
    if command == "build":
        # a full refresh: seeds whose columns have changed are made anew, tables are in any case
        arguments += ["--full-refresh", "--no-write-json", "--exclude-resource-type", "unit_test"]
        if not tests:
            arguments += ["--exclude-resource-type", "test"]
    if select:
        arguments += ["--select", select]
    if exclude:
        arguments += ["--exclude", exclude]
    return arguments


def environment(settings: Settings) -> dict[str, str]:
    """The variables that dbt needs: the settings of this run, its target folder, telemetry off."""
    return {
        **settings.environment(),
        **_QUIET,
        "DBT_PROFILES_DIR": str(settings.dbt_project),
        "DBT_TARGET_PATH": str(settings.dbt_target),
        "DBT_LOG_PATH": str(settings.dbt_target),
    }


@contextmanager
def surroundings(settings: Settings) -> Iterator[None]:
    """`environment` as this process's own, for callers that hand it on; put back on leaving."""
    wanted = environment(settings)
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_dbt(settings: Settings, arguments: Sequence[str]) -> str:
    """Call dbt outside Dagster and return what it printed; raises DbtError when it fails."""
    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    settings.scratch.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-P", str(CHILD), *arguments],
        cwd=settings.dbt_project,
        env={**os.environ, **environment(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DbtError(f"dbt {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def project_fingerprint(settings: Settings) -> str:
    """SHA-256 over the dbt project (models, macros, tests, YAML) and its seeds: names and bytes."""
    digest = hashlib.sha256()
    for root in (settings.dbt_project, settings.reference):
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            if path.is_file() and inside.parts[0] not in ("target", "logs") and not path.name.startswith("."):
                digest.update(f"{root.name}/{inside.as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def prepare(settings: Settings) -> Path:
    """The manifest of the dbt project as it is now; parses only when the project has changed."""
    manifest = settings.dbt_target / "manifest.json"
    stamp = settings.dbt_target / _FINGERPRINT
    # The data folder is part of the manifest: the sources' locations hold it.
    wanted = f"{project_fingerprint(settings)} {settings.data} {settings.engine}\n"
    if not (manifest.is_file() and stamp.is_file() and stamp.read_text() == wanted):
        stamp.unlink(missing_ok=True)
        run_dbt(settings, dbt_arguments("parse"))
        stamp.write_text(wanted)
    return manifest


def read_manifest(settings: Settings) -> dict[str, Any]:
    """The manifest as a mapping, parsed anew first when the project has changed."""
    manifest: dict[str, Any] = json.loads(prepare(settings).read_text())
    return manifest


def meta(props: Mapping[str, Any]) -> Mapping[str, Any]:
    """The meta of a dbt node, wherever its dbt version keeps it."""
    return props.get("config", {}).get("meta") or props.get("meta") or {}


def is_books(props: Mapping[str, Any]) -> bool:
    """Whether a node is built after posting."""
    return BOOKS_TAG in (props.get("tags") or props.get("config", {}).get("tags") or ())


def row_counts(settings: Settings, manifest: Mapping[str, Any], unique_ids: Sequence[str]) -> dict[str, int]:
    """Rows of each model or seed (by dbt unique id), counted after dbt has left the file.

    dagster-dbt's own ``fetch_row_counts`` keeps a connection open, which shuts the next writer out.
    """
    if not unique_ids:
        return {}
    queries = []
    for unique_id in unique_ids:
        node = manifest["nodes"][unique_id]
        queries.append(f"""select '{unique_id}', count(*) from "{node["schema"]}"."{node["alias"]}\"""")
    with connect(settings, read_only=True) as connection:
        return {str(name): int(rows) for name, rows in connection.execute(" union all ".join(queries)).fetchall()}
