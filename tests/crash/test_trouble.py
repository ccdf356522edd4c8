"""Two runs at once, a full disk, a folder that can only be read, a clock that was set back: nothing half is done."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration import books, disk, intake, publish, runs, warehouse
from orchestration.books import ledger
from orchestration.intake import landing
from orchestration.settings import REPOSITORY, Settings
from tests.crash.faults import FORKS, Fault
from tests.crash.scenes import accrue, hashes, post, post_reads, settings_of
from tests.crash.test_kill import Scene, scene  # noqa: F401 - a fixture

# --- two at once ----------------------------------------------------------------------------


def _hold(lock: Callable[..., object], data: Path, ready: Path) -> None:
    settings = settings_of(data)
    if lock is runs.alone:
        held = runs.alone(settings, wait_seconds=0, waiting=print, what="close of 2017-06")
    else:
        held = ledger.locked(settings, "accrual of 2017-06")
    with held:
        ready.touch()
        time.sleep(600)


@pytest.fixture(params=["run", "ledger"])
def holder(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[tuple[str, object]]:
    """Another process that holds the run lock or the ledger's, and does not let go."""
    ready = tmp_path / "ready"
    lock = runs.alone if request.param == "run" else ledger.locked
    process = FORKS.Process(target=_hold, args=(lock, settings.data, ready))
    process.start()
    while not ready.exists():
        assert process.is_alive()
        time.sleep(0.02)
    yield request.param, process
    process.kill()
    process.join()


def _post(settings: Settings) -> bool:
    return accrue(settings, "2017-06").new


def test_the_second_is_told_who_is_at_work_and_a_dead_holder_is_no_obstacle(
    holder: tuple[str, FORKS.Process],  # type: ignore[valid-type]
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, process = holder
    monkeypatch.setattr(ledger, "LOCK_WAIT_SECONDS", 0.2)
    heard: list[str] = []
    pid = process.pid  # type: ignore[attr-defined]
    if kind == "run":
        with (
            pytest.raises(
                runs.RunError, match=rf"another run is at work on .*: process {pid} on .* \(close of 2017-06\)"
            ),
            runs.alone(settings, wait_seconds=0.3, waiting=heard.append),
        ):
            pass
        assert len(heard) == 1
        assert f"process {pid}" in heard[0]
    else:
        with pytest.raises(books.LedgerError, match=rf"process {pid} on .* \(accrual of 2017-06\) holds .*try again"):
            _post(settings)
        assert books.verify(settings) == []
    process.kill()  # type: ignore[attr-defined]
    process.join()  # type: ignore[attr-defined]
    with runs.alone(settings, wait_seconds=0, waiting=print):
        assert _post(settings)
    assert (settings.data / runs.RUN_LOCK).read_text() == ""


def test_a_run_that_begins_no_step_says_why(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock, the folders and the ledger are looked at before the first step, by every job."""
    import dagster as dg

    from orchestration import execute, stages
    from orchestration.stages import common

    @dg.asset(required_resource_keys={"house"})
    def anything() -> None: ...

    monkeypatch.setattr(common, "WAIT_SECONDS", 0.1)

    def reason() -> str | None:
        result = dg.materialize([anything], resources={"house": stages.house(settings)}, raise_on_error=False)
        outcome = execute.Outcome("close", "2017-06", settings.data / "log")
        execute._harvest(result, outcome, settings.data)
        return outcome.failure and outcome.failure.reasons[0]

    assert reason() is None
    with runs.alone(settings, wait_seconds=0, waiting=print, what="close of 2017-06"):
        assert re.fullmatch(
            rf"another run is at work on {settings.data}: process {os.getpid()} on \S+ \(close of 2017-06\);"
            " try again when it has ended",
            reason() or "",
        )
    batch = accrue(settings, "2017-06")
    (batch.folder / "posting.parquet").unlink()
    assert reason() == f"batch {batch.manifest.name}: file posting.parquet is missing"
    (settings.published).rmdir()
    settings.published.write_text("in the way")
    assert f"{settings.published}" in (reason() or "")


# --- the disk -------------------------------------------------------------------------------

FEW = 2


def refused(scene: Scene, fault: Fault, remedy: str) -> None:  # noqa: F811
    """The disk refuses: said with folder and remedy, readers see nothing half, and the next run finishes."""
    scene.start()
    met = scene.meet(fault)
    assert met.code in (0, 3), met
    if met.code:
        said = disk.explained(met.error, scene.data)
        assert said.startswith(str(scene.data)), said
        assert remedy in said
    scene.finishes(f"{fault}")


@pytest.mark.parametrize(
    ("error", "remedy"), [(errno.ENOSPC, "make room"), (errno.EROFS, "mount it for writing")], ids=["full", "read-only"]
)
def test_the_disk_refuses_at_a_few_steps(scene: Scene, error: int, remedy: str) -> None:  # noqa: F811
    count = len(scene.steps)
    for position in range(FEW):
        refused(scene, Fault(at=1 + (2 * position + 1) * (count - 1) // (2 * FEW), error=error), remedy)


def test_what_duckdb_and_arrow_write_may_be_refused_too(scene: Scene) -> None:  # noqa: F811
    refused(scene, Fault(largest_file=600), "raise the limit on file sizes")


@pytest.mark.slow
def test_the_disk_refuses_at_every_step(scene: Scene) -> None:  # noqa: F811
    for step in range(1, len(scene.steps) + 1):
        refused(scene, Fault(at=step, error=errno.ENOSPC), "make room")
        refused(scene, Fault(at=step, error=errno.EROFS), "mount it for writing")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data folder on a file system of its own, of 100 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)


def test_a_disk_that_is_full_and_one_that_can_only_be_read(small_disk: Path) -> None:
    data = small_disk / "data"
    settings = settings_of(data)
    (small_disk / "ballast").write_bytes(b"x" * 60_000)
    with pytest.raises(OSError, match="No space left") as error:
        post(data)
    assert disk.explained(str(error.value), data).startswith(f"{small_disk}")
    post_reads(data)
    mount("-o", "remount,size=10m", small_disk)
    post(data)
    with warehouse.connect(settings) as connection:
        connection.execute("create table dim_partner as select 1 as partner_id")
    publish.publish_snapshot(settings, ["dim_partner"], keys={"dim_partner": ["partner_id"]})
    runs.check_folders(settings)
    before = hashes(data)
    mount("--bind", small_disk, small_disk)
    try:
        mount("-o", "remount,ro,bind", small_disk)
        # who may only read still reads
        assert publish.query(settings, "select count(*) as n from dim_partner").to_pylist() == [{"n": 1}]
        assert len(books.verify(settings)) == 4
        with pytest.raises(runs.RunError, match=rf"^{data}: the folder can only be read: mount it for writing"):
            runs.check_folders(settings)
    finally:
        subprocess.run(["umount", "-l", small_disk], check=True)
    assert hashes(data) == before


def test_who_cannot_write_the_data_folder_spills_elsewhere(settings: Settings) -> None:
    settings.data.mkdir(parents=True)
    assert warehouse.scratch(settings) == settings.scratch
    settings.scratch.rmdir()
    settings.scratch.write_text("no folder")
    elsewhere = warehouse.scratch(settings)
    assert settings.data not in elsewhere.parents
    with warehouse.in_memory(settings) as connection:
        assert connection.execute("select current_setting('temp_directory')").fetchone() == (str(elsewhere / "duckdb"),)


@pytest.mark.parametrize("folder", ["landing", "ledger", "published"])
def test_the_folder_that_cannot_be_written_is_named_before_a_run(settings: Settings, folder: str) -> None:
    settings.data.mkdir(parents=True)
    (settings.data / folder).write_text("in the way")
    with pytest.raises(runs.RunError, match=str(settings.data / folder)):
        runs.check_folders(settings)


def test_other_messages_stay_as_they_are() -> None:
    assert disk.explained("2017-06 cannot be closed", Path("/data")) == "2017-06 cannot be closed"
    assert disk.explained("IO Error: Could not write file: No space left on device", Path("/data")).startswith(
        "/data: the disk is full: make room, then run again; nothing is half done (IO Error"
    )


# --- the clock ------------------------------------------------------------------------------


def test_a_clock_that_was_set_back_hides_no_file(settings: Settings) -> None:
    path = settings.landing / "erp_fx_rates" / "rates.csv"
    path.parent.mkdir(parents=True)
    text = "from_currency,to_currency,rate_date,rate\nCAD,USD,2017-01-02,0.75020000\n"
    path.write_text(text)
    assert intake.take_in(settings).count("new") == 1
    assert runs.arrivals(settings) == []
    receipt = settings.landing / ".receipts" / "000001.json"
    tomorrow = time.time() + 86_400
    os.utime(receipt, (tomorrow, tomorrow))
    path.write_text(text.replace("0.7502", "0.7503"))  # as large as before, and older than its receipt
    assert [name for _, name, _ in runs.arrivals(settings)] == ["rates.csv"]
    assert intake.take_in(settings).count("new") == 1
    for seconds in (0.0, tomorrow):  # times of files decide nothing
        for each in [*settings.landing.rglob("*"), *settings.raw.rglob("*")]:
            os.utime(each, (seconds, seconds))
        assert intake.take_in(settings).totals["new"] == 0
        assert [each.sequence for each in landing.receipts(settings)] == [1, 2]


READS_THE_CLOCK = re.compile(r"datetime\.now|\.today\(|\btime\.time\(|\bcurrent_(date|timestamp)\b|\bnow\(\)|getdate\(")
MAY = {
    "automation.py": "the day on which a sensor saw files, kept in their receipts",
    "runs.py": "whose receipt is new",
}


def test_no_figure_reads_the_clock() -> None:
    found = {
        path.name
        for folder, endings in (("orchestration", ("*.py",)), ("dbt_project", ("*.sql", "*.yml")))
        for ending in endings
        for path in (REPOSITORY / folder).rglob(ending)
        if path.is_file() and READS_THE_CLOCK.search(path.read_text(encoding="utf-8"))
    }
    assert found <= MAY.keys()


# --- a close that was interrupted -----------------------------------------------------------


def test_files_that_come_during_an_interrupted_close_wait(settings: Settings) -> None:
    from orchestration.stages.receiving import not_before_the_close

    assert not_before_the_close(settings) == ""
    accrue(settings, "2017-06")
    reason = not_before_the_close(settings)
    assert reason == "the close of 2017-06 was interrupted and is finished first, from the files that it began with"
    path = settings.landing / "erp_fx_rates" / "rates.csv"
    path.parent.mkdir(parents=True)
    path.write_text("from_currency,to_currency,rate_date,rate\nCAD,USD,2017-01-02,0.75020000\n")
    [report] = intake.take_in(settings, hold_back=reason).files
    assert (report.status, report.message, report.file_sequence) == ("waiting", reason, None)
    assert landing.receipts(settings) == []
    assert intake.take_in(settings).count("new") == 1


def test_the_sensor_asks_for_no_intake_while_a_close_is_interrupted(settings: Settings) -> None:
    import dagster as dg

    from orchestration import automation
    from tests.crash.scenes import settle

    path = settings.landing / "erp_fx_rates" / "rates.csv"
    path.parent.mkdir(parents=True)
    path.write_text("from_currency,to_currency,rate_date,rate\nCAD,USD,2017-01-02,0.75020000\n")
    [watch] = automation.sensors(settings)

    def look(cursor: str | None = None) -> dg.SensorResult:
        found = watch(dg.build_sensor_context(cursor=cursor))
        assert isinstance(found, dg.SensorResult)
        return found

    seen = look().cursor
    accrue(settings, "2017-06")
    held = look(seen)
    assert (held.run_requests or [], held.cursor) == ([], "")
    assert "the close of 2017-06 is to be finished first" in str(held.skip_reason)
    settle(settings, "2017-06")
    assert len(look(look(held.cursor).cursor).run_requests or []) == 1
