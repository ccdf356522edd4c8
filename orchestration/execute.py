"""Running a Dagster job in this process, for the command line: the very jobs of the UI.

What belongs here: starting a job on the instance of the data folder (so that the run shows in the
UI), telling what happens while it runs, and what came of it. What does not: how that looks on a
screen (screen.py), and the work itself.

What Dagster and dbt print goes to a log file under ``data/logs``; the screen stays quiet.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from orchestration import disk, runs
from orchestration.settings import Settings
from orchestration.transform import project_fingerprint


@dataclass(frozen=True)
class Happening:
    """Something that a run did. ``kind``: begin or end of a stage, or a note within it."""

    kind: str
    stage: str
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Failure:
    """Why a run stopped: the stage, and the reasons in plain words."""

    stage: str
    reasons: tuple[str, ...]


@dataclass
class Outcome:
    """What came of a run. ``made``: metadata of each asset by key, as plain values."""

    job: str
    month: str | None
    log: Path
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    checks_passed: int = 0
    checks_warned: list[str] = field(default_factory=list)
    checks_without_rows: list[str] = field(default_factory=list)
    """Suites that had no row to judge: nothing of their kind was delivered."""
    failure: Failure | None = None


def execute(
    settings: Settings,
    job: str,
    *,
    month: str | None = None,
    as_of: str | None = None,
    tell: Callable[[Happening], None],
    overrides: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run a job (intake, refresh, close) for an accounting month and say what came of it.

    ``tell`` hears of each stage as it begins, works and ends. A run that fails is not an exception:
    the outcome names the stage and the reasons. ``overrides``: as build_defs takes them (for tests).
    """
    # Dagster takes seconds to import: a command that runs nothing does not wait for it.
    import dagster as dg

    from orchestration.automation import CONTEXT_STEP
    from orchestration.definitions import build_defs

    runs.set_up(settings)
    began = time.monotonic()
    run_id = str(uuid.uuid4())
    outcome = Outcome(job, month, log=log_of(settings, job, month))
    definitions = (
        build_defs(settings=settings, **overrides) if overrides else _definitions(settings, _version(settings))
    )
    starts: dict[str, float] = {}

    def heard(entry: Any) -> None:
        event, step = entry.dagster_event, entry.step_key
        if not step:
            return
        if event is None:
            tell(Happening("note", step, str(entry.user_message)))
        elif event.event_type_value == "STEP_START":
            starts[step] = time.monotonic()
            tell(Happening("begin", step))
        elif event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE"):
            outcome.stages[step] = time.monotonic() - starts.get(step, time.monotonic())
            tell(Happening("end", step, event.event_type_value, outcome.stages[step]))

    config: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}
    if as_of:
        config["ops"] = {CONTEXT_STEP: {"config": {"as_of": as_of}}}
    os.environ.update(runs.QUIET)
    with _without_waiting_for_the_disk(), dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        instance.add_event_listener(run_id, heard)
        result = definitions.resolve_job_def(job).execute_in_process(
            run_config=config, instance=instance, partition_key=month, raise_on_error=False, run_id=run_id
        )
        _harvest(result, outcome, settings.data)
    outcome.seconds = time.monotonic() - began
    return outcome


@lru_cache(maxsize=1)
def _definitions(settings: Settings, version: str) -> Any:
    """The definitions, kept for the next run of this process: making them takes seconds."""
    from orchestration.definitions import build_defs

    return build_defs(settings=settings)


def _version(settings: Settings) -> str:
    """What the definitions are made from: the dbt project, and the mapping and rule files."""
    digest = hashlib.sha256(project_fingerprint(settings).encode())
    for root in (settings.sources, settings.expectations):
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _without_waiting_for_the_disk() -> Iterator[None]:
    """Let SQLite not wait for the disk at each of the several thousand events that a run writes.

    Dagster's records say what runs did; no figure depends on them. They outlive this process, but
    might lack their last moments after a power cut.
    """
    import sqlite3

    from sqlalchemy import Engine, event

    def relax(connection: Any, record: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)


def _harvest(result: Any, outcome: Outcome, data: Path = Path()) -> None:
    """What the events of a run say: metadata of assets, verdicts of checks, the first failure."""
    from orchestration.stages import JUDGED_NOTHING  # loads Dagster

    refused: list[str] = []
    for event in result.all_events:
        if event.event_type_value == "ASSET_MATERIALIZATION":
            made = event.event_specific_data.materialization
            outcome.made[made.asset_key.to_user_string()] = {
                name: getattr(value, "value", None) for name, value in made.metadata.items()
            }
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            check = event.asset_check_evaluation_data
            name = f"{check.check_name} on {check.asset_key.to_user_string()}"
            if check.passed:
                outcome.checks_passed += 1
            elif check.severity.value == "WARN":
                nothing = check.metadata.get(JUDGED_NOTHING)
                idle = nothing is not None and nothing.value is True
                (outcome.checks_without_rows if idle else outcome.checks_warned).append(name)
            else:
                refused.append(f"check failed: {name}" + (f": {check.description}" if check.description else ""))
    failed = next((e for e in result.all_events if e.event_type_value == "STEP_FAILURE"), None)
    if failed is not None:
        error = failed.event_specific_data.error
        outcome.failure = Failure(failed.step_key, tuple(refused) or (_plain(error, data),))
    elif not result.success:
        outcome.failure = Failure("the run", tuple(refused) or (_before_the_first_step(result, data),))


def _before_the_first_step(result: Any, data: Path) -> str:
    """Why a run stopped that began no step: the lock, a folder, the ledger (stages.house)."""
    for event in result.all_events:
        if event.event_type_value == "PIPELINE_FAILURE" and event.event_specific_data.error is not None:
            return _plain(event.event_specific_data.error, data)
    return "the run did not finish"


def _plain(error: Any, data: Path = Path()) -> str:
    """The innermost message of a Dagster error, without class names in front, and what to do about a disk."""
    if error is None:
        return "no reason was given"
    while error.cause is not None:
        error = error.cause
    message = str(error.message).strip()
    _, colon, rest = message.partition(": ")
    plain = colon and error.cls_name and message.startswith((error.cls_name, *_qualified(message)))
    return disk.explained(rest if plain else message, data)


def _qualified(message: str) -> tuple[str, ...]:
    """The dotted class name that a message begins with, if it does."""
    head = message.partition(": ")[0]
    return (head,) if "." in head and " " not in head else ()


def log_of(settings: Settings, job: str, month: str | None) -> Path:
    """The log file of a job for a month; the newest run of them overwrites it."""
    return runs.logs(settings) / f"{'-'.join(filter(None, (job, month)))}.log"


@contextmanager
def aside(log: Path) -> Iterator[TextIO]:
    """Send all that this process and its children print to a log file; gives the real screen.

    The file descriptors themselves are moved, since Dagster and dbt write past ``sys.stdout``.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    captured = sys.stdout is not sys.__stdout__  # a test looks on: give it what the screen would show
    screen = sys.stdout if captured else os.fdopen(os.dup(1), "w", encoding="utf-8")
    try:
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        yield screen
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        os.close(kept[0])
        os.close(kept[1])
        if not captured:
            screen.close()
