"""Backup and restore: what is copied, once; what is found damaged; what a restored house goes on from."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration import backup, books, intake, runs
from orchestration.cli import main
from orchestration.settings import Settings
from tests.crash.faults import Fault, meet
from tests.crash.scenes import accrue, hashes, post, settings_of, settle, take_in, three_files

PRECIOUS = ("landing", "ledger")


def precious(settings: Settings) -> dict[str, str]:
    return {f"{room}/{path}": found for room in PRECIOUS for path, found in hashes(settings.data / room).items()}


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    """Files received, a decision made, two months closed, a file that waits in the drop zone."""
    data = tmp_path / "data"
    three_files(data)
    take_in(data)
    post(data)
    settings = settings_of(data)
    (settings.landing / "erp_fx_rates" / "rates_3.csv").write_text("not received yet\n")
    return settings


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def elsewhere(tmp_path: Path, name: str = "elsewhere") -> Settings:
    return settings_of(tmp_path / name)


def quietly(settings: Settings, target: Path) -> backup.Made:
    return backup.backup(settings, target, wait_seconds=0.2, say=lambda text: None)


def test_a_restored_house_is_the_same_and_goes_on(house: Settings, target: Path, tmp_path: Path) -> None:
    made = quietly(house, target)
    assert (made.new, made.backup.number, made.backup.last_receipt) == (True, 1, 3)
    assert made.backup.newest_batch == "000004_settlement_2017-07"
    other = elsewhere(tmp_path)
    restored = backup.restore(other, target)
    assert restored == made.backup
    assert precious(other) == precious(house)
    for settings in (house, other):  # what is rebuilt is the same, and so is what comes next
        intake.take_in(settings, received_on=date(2017, 7, 31))
        post(settings.data)
    assert hashes(other.raw) == hashes(house.raw)
    assert hashes(other.published) == hashes(house.published)
    assert precious(other) == precious(house)


def test_only_what_is_new_is_copied(house: Settings, target: Path) -> None:
    first = quietly(house, target)
    distinct = {entry.sha256 for entry in first.backup.files}
    assert first.copied == len(distinct) < len(first.backup.files)  # stored and delivered: one content
    contents = {path: path.stat().st_mtime_ns for path in (target / "content").rglob("*") if path.is_file()}
    assert len(contents) == len(distinct)
    again = quietly(house, target)
    assert (again.new, again.copied, again.backup) == (False, 0, first.backup)
    (house.landing / "erp_fx_rates" / "rates_4.csv").write_text("another\n")
    third = quietly(house, target)
    assert (third.new, third.copied, third.backup.number) == (True, 1, 2)
    assert {path: path.stat().st_mtime_ns for path in contents} == contents
    assert [each.number for each in backup.backups(target)] == [1, 2]
    assert backup.damaged(target, backup.backups(target)) == []


def test_an_older_backup_can_be_chosen(house: Settings, target: Path, tmp_path: Path) -> None:
    quietly(house, target)
    before = precious(house)
    (house.landing / "erp_fx_rates" / "rates_4.csv").write_text("another\n")
    quietly(house, target)
    backup.restore(elsewhere(tmp_path), target, 1)
    assert precious(elsewhere(tmp_path)) == before
    with pytest.raises(backup.BackupError, match="has no backup 7; there is: 1, 2"):
        backup.restore(elsewhere(tmp_path, "third"), target, 7)


def test_nothing_is_written_over_a_house_that_is_not_empty(house: Settings, target: Path, tmp_path: Path) -> None:
    quietly(house, target)
    other = elsewhere(tmp_path)
    accrue(other, "2017-06")
    before = hashes(other.data)
    with pytest.raises(backup.BackupError, match=r"is not empty: backup 1 does not have, or has otherwise, ledger/"):
        backup.restore(other, target)
    assert hashes(other.data) == before
    third = elsewhere(tmp_path, "third")
    third.raw.mkdir(parents=True)
    with pytest.raises(backup.BackupError, match="raw; restore to an empty data folder"):
        backup.restore(third, target)
    fourth = elsewhere(tmp_path, "fourth")
    runs.set_up(fourth)  # what `make setup` makes is no obstacle
    assert backup.restore(fourth, target).number == 1


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"x")], ids=["missing", "altered"])
def test_a_damaged_backup_is_found_and_not_restored(
    house: Settings, target: Path, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    made = quietly(house, target).backup
    entry = next(each for each in made.files if each.path.endswith("payment.parquet"))
    spoil(target / "content" / entry.sha256[:2] / entry.sha256)
    [wrong] = backup.damaged(target, [made])
    assert wrong.startswith(f"{entry.path} (backup 1): its content ")
    with pytest.raises(backup.BackupError, match=f"the backup is damaged: {entry.path}"):
        backup.restore(elsewhere(tmp_path), target)
    assert precious(elsewhere(tmp_path)) == {}


def test_a_damaged_house_is_not_backed_up(house: Settings, target: Path) -> None:
    store = next(iter((house.landing / ".store").iterdir()))
    store.write_bytes(store.read_bytes()[:-1] + b"?")
    with pytest.raises(backup.BackupError, match=f"{store} was altered"):
        quietly(house, target)
    (house.ledger / "000001_accrual_2017-06" / "posting.parquet").unlink()
    with pytest.raises(books.LedgerError, match=r"000001_accrual_2017-06: file posting\.parquet is missing"):
        quietly(house, target)
    assert backup.backups(target) == []


def test_places_that_hold_no_backups_are_refused(house: Settings, tmp_path: Path) -> None:
    for place in (house.data, house.data / "backups", tmp_path):
        with pytest.raises(backup.BackupError, match="lie in each other"):
            quietly(house, place)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mum.txt").write_text("dear")
    with pytest.raises(backup.BackupError, match=r"is not empty and no folder of backups \(it holds mum.txt\)"):
        quietly(house, tmp_path / "letters")
    with pytest.raises(backup.BackupError, match=r"is no folder of backups: it has no rebates-backup\.json"):
        backup.restore(elsewhere(tmp_path), tmp_path / "letters")


def test_a_manifest_cannot_lead_out_of_the_data_folder(house: Settings, target: Path, tmp_path: Path) -> None:
    quietly(house, target)
    path = target / "backups" / "000001.json"
    said = json.loads(path.read_text())
    for outside in ("landing/../../evil", "/etc/passwd", "published/x"):
        said["files"][0]["path"] = outside
        path.write_text(json.dumps(said))
        with pytest.raises(backup.BackupError, match=outside):
            backup.restore(elsewhere(tmp_path), target)


def test_a_backup_is_taken_between_two_runs(house: Settings, target: Path) -> None:
    with (
        runs.alone(house, wait_seconds=0, waiting=print, what="close of 2017-08"),
        pytest.raises(runs.RunError, match=r"another run is at work .* \(close of 2017-08\)"),
    ):
        quietly(house, target)


def test_a_run_may_go_on_while_contents_are_copied(
    house: Settings, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month is posted after the files were listed: the backup is of before."""
    before = precious(house)
    copy, calls = backup._copy, []

    def slow(path: Path, relative: str, expected: str | None, folder: Path) -> tuple[backup.Entry, bool]:
        if not calls:
            with runs.alone(house, wait_seconds=0, waiting=print):
                batch = books.read(house, "posting").num_rows
                assert batch
                accrue_august(house)
        calls.append(path)
        return copy(path, relative, expected, folder)

    monkeypatch.setattr(backup, "_copy", slow)
    made = quietly(house, target)
    assert precious(house) != before
    assert made.backup.newest_batch == "000004_settlement_2017-07"
    backup.restore(elsewhere(tmp_path), target)
    assert precious(elsewhere(tmp_path)) == before


def accrue_august(settings: Settings) -> None:
    from tests.unit.test_books_ledger import close

    close(settings, "2017-08")


def _back_up(folder: Path) -> None:
    backup.backup(settings_of(folder.with_name("data")), folder, wait_seconds=0, say=lambda text: None)


def test_a_backup_that_is_killed_is_none_and_the_next_one_goes_on(house: Settings, target: Path) -> None:
    whole = quietly(house, target).backup
    shutil.rmtree(target)
    kills, further = 0, 4
    while meet(_back_up, target, Fault(at=further)).code == -signal.SIGKILL:
        assert not (target / "backups").exists() or not list((target / "backups").glob("0*.json"))
        kills, further = kills + 1, further + 12
    assert kills > 3
    assert [each.files for each in backup.backups(target)] == [whole.files]
    assert backup.damaged(target, backup.backups(target)) == []


def _restore(data: Path) -> None:
    backup.restore(settings_of(data), data.with_name("backups"))


def test_a_restore_that_is_killed_goes_on(house: Settings, target: Path, tmp_path: Path) -> None:
    quietly(house, target)
    data = tmp_path / "elsewhere"
    kills, further = 0, 3
    while (met := meet(_restore, data, Fault(at=further))).code == -signal.SIGKILL:
        kills, further = kills + 1, further + 25
    assert (met.code, met.error) == (0, "")
    assert kills > 3
    assert precious(settings_of(data)) == precious(house)
    assert not list(data.rglob("*.part"))


def test_an_interrupted_close_is_backed_up_as_it_stands(tmp_path: Path, target: Path) -> None:
    settings = settings_of(tmp_path / "data")
    books.prepare(settings)
    accrue(settings, "2017-06")
    quietly(settings, target)
    other = elsewhere(tmp_path)
    backup.restore(other, target)
    assert books.unfinished(other) == "2017-06"
    settle(settings, "2017-06")
    settle(other, "2017-06")
    assert precious(other) == precious(settings)


def test_the_commands(house: Settings, target: Path, tmp_path: Path) -> None:
    def said(data: Path, *arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, list(arguments), env={"REBATES_DATA": str(data)})
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())

    assert "Backup 1 in" in said(house.data, "backup", str(target))
    assert "Nothing new since backup 1" in said(house.data, "backup", str(target))
    assert "000004_settlement_2017-07 3" in said(house.data, "backup", str(target), "--list")
    assert "Every content was read again and is whole" in said(house.data, "backup", str(target), "--check")
    told = said(tmp_path / "new", "restore", str(target))
    assert "Backup 1 restored to" in told
    assert "`rebates close 2017-07` rebuilds what was published, to the same bytes; it posts nothing" in told
    assert "is no folder of backups" in said(tmp_path / "new", "restore", str(tmp_path), code=2)
    next((target / "content").rglob("*/*")).unlink()
    assert "its content is missing" in said(house.data, "backup", str(target), "--check", code=1)
