"""Whole closes of a small company: killed, two at once, restored. The posted and published bytes are always the same.

Minutes: among the long tests only. The single steps of posting, intake and publishing are killed in test_kill.py.
"""

from __future__ import annotations

import random
import shutil
import signal
import time
from datetime import date
from pathlib import Path

import pytest

from orchestration import backup, books, publish, runs, sample
from orchestration.intake import landing
from orchestration.settings import Settings
from tests.crash.faults import FORKS, Fault, Met, meet
from tests.crash.scenes import hashes

pytestmark = pytest.mark.slow

MONTH = "2017-01"
ACCRUAL, SETTLEMENT = "000001_accrual_2017-01", "000002_settlement_2017-01"

POINTS = (
    r"open landing/\.store/",
    r"os\.rename landing/\.receipts/000003",
    r"open run/|os\.rename run/",
    rf"os\.mkdir ledger/\.new/{ACCRUAL}",
    rf"open ledger/\.new/{ACCRUAL}/manifest\.json",
    rf"os\.rename ledger/\.new/{ACCRUAL}$",
    r"os\.rename ledger/\.HEAD\.part",
    rf"open ledger/\.new/{SETTLEMENT}/erp/",
    rf"os\.rename ledger/\.new/{SETTLEMENT}$",
    rf"open published/erp/{ACCRUAL}/",
    rf"os\.rename published/erp/{SETTLEMENT}/",
    r"os\.rename published/snapshot/\.new/tables",
    r"os\.rename published/snapshot/\.CURRENT\.part",
)
"""Where a close is killed, in its order; each next run starts from what the one before left."""

RANDOM_KILLS = 5
LINES = 300


def house(data: Path) -> Settings:
    return Settings(data=data, memory_limit="1GB")


def close(data: Path) -> None:
    """Close January; RuntimeError with the reasons when the run stops."""
    from orchestration import execute

    outcome = execute.execute(house(data), "close", month=MONTH, tell=lambda happening: None)
    if outcome.failure is not None:
        raise RuntimeError(f"{outcome.failure}")


def posted(settings: Settings) -> dict[str, str]:
    """Every file of every batch but its manifest, which names the run."""
    found = {path: content for path, content in hashes(settings.ledger).items() if path[:1].isdigit()}
    return {path: content for path, content in found.items() if not path.endswith("/manifest.json")}


def published(settings: Settings) -> dict[str, str]:
    """The ERP files and the current snapshot."""
    root = settings.published
    current = (root / "snapshot" / "CURRENT").read_text().strip()
    snapshot = {f"{current}/{path}": found for path, found in hashes(root / "snapshot" / current).items()}
    return hashes(root / "erp") | snapshot


def received(settings: Settings) -> dict[str, str]:
    return hashes(settings.landing / ".receipts")


def readers_see_nothing_half(settings: Settings) -> None:
    books.verify(settings)
    for receipt in landing.receipts(settings):
        landing.check_stored(settings, receipt)
    for path in (settings.published / "erp").glob("*/[!.]*"):
        assert path.read_bytes() == (settings.ledger / path.parent.name / "erp" / path.name).read_bytes()
    if (settings.published / "snapshot" / "CURRENT").exists():
        assert publish.query(settings, "select count(*) as n from fct_posting").num_rows == 1


class Company:
    """A small company at one place, and what an undisturbed close of January leaves there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = house(folder / "data")
        sample.deliver(self.settings, date(2017, 2, 5))
        shutil.rmtree(self.settings.landing / "lakeside_pos")
        for path in (*self.settings.landing.glob("erp_invoices/*"), *self.settings.landing.glob("north_pos/*")):
            path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:LINES]))
        shutil.copytree(self.settings.data, folder / "start")
        began = time.monotonic()
        met = self.close()
        self.seconds = time.monotonic() - began
        assert met.code == 0, met
        self.posted, self.published = posted(self.settings), published(self.settings)
        self.received = received(self.settings)
        assert books.closed_months(self.settings) == {MONTH}
        assert books.read(self.settings, "posting").num_rows > 0
        shutil.copytree(self.settings.data, folder / "closed")

    def put(self, what: str) -> None:
        """Put the data folder to where the company stood at the start, or after its close."""
        shutil.rmtree(self.settings.data)
        shutil.copytree(self.folder / what, self.settings.data)

    def close(self, fault: Fault | None = None, seconds: float | None = None) -> Met:
        """Close January in a process of its own."""
        return meet(close, self.settings.data, fault or Fault(), seconds=seconds)

    def is_the_same(self) -> None:
        """What was posted, published and received is that of the undisturbed close, to the byte."""
        assert posted(self.settings) == self.posted
        assert published(self.settings) == self.published
        assert received(self.settings) == self.received


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company(tmp_path_factory.mktemp("company"))


def test_killed_at_every_named_point_in_turn(company: Company) -> None:
    company.put("start")
    for point in POINTS:
        met = company.close(Fault(before=point))
        assert met.code == -signal.SIGKILL, (point, met.code, met.error)
        readers_see_nothing_half(company.settings)
        if "HEAD" in point:
            shutil.copytree(company.settings.data, company.folder / "between")
    met = company.close()
    assert met.code == 0, met
    company.is_the_same()


def test_files_that_come_between_the_two_batches_are_taken_in_after_the_close(company: Company) -> None:
    company.put("between" if (company.folder / "between").exists() else "start")
    if not books.unfinished(company.settings):
        assert company.close(Fault(before=rf"os\.mkdir ledger/\.new/{SETTLEMENT}")).code == -signal.SIGKILL
    assert books.unfinished(company.settings) == MONTH
    [invoices] = company.settings.landing.glob("erp_invoices/*")
    lines = invoices.read_bytes().splitlines(keepends=True)
    invoices.with_name("invoices_late.csv").write_bytes(lines[0] + lines[1].replace(b",10,", b",990,"))
    assert company.close().code == 0
    company.is_the_same()
    assert [name for _, name, _ in runs.arrivals(company.settings)] == ["invoices_late.csv"]
    assert company.close().code == 0  # the month is closed: the file comes in, and is posted in the next one
    assert posted(company.settings) == company.posted
    assert len(received(company.settings)) == len(company.received) + 1


def test_killed_at_random_moments(company: Company) -> None:
    company.put("start")
    chance, killed = random.Random(11), 0
    for _ in range(RANDOM_KILLS):
        killed += company.close(seconds=chance.uniform(3, company.seconds)).code == -signal.SIGKILL
        readers_see_nothing_half(company.settings)
    assert killed
    assert company.close().code == 0
    company.is_the_same()


def test_two_closes_at_once_are_one_after_the_other(company: Company) -> None:
    company.put("start")
    told = company.settings.data.with_name("first")
    process = FORKS.Process(target=_close_and_tell, args=(company.settings.data, told))
    process.start()
    met = company.close()
    process.join()
    assert (met.code, met.error, told.read_text()) == (0, "", "done")
    company.is_the_same()


def _close_and_tell(data: Path, told: Path) -> None:
    try:
        close(data)
    except RuntimeError as error:
        told.write_text(str(error))
    else:
        told.write_text("done")


def test_restored_on_an_empty_machine_to_the_same_bytes(company: Company) -> None:
    company.put("closed")
    target = company.folder / "backups"
    backup.backup(company.settings, target, say=lambda text: None)
    before = hashes(company.settings.ledger)
    shutil.rmtree(company.settings.data)
    backup.restore(company.settings, target)
    assert company.close().code == 0
    assert hashes(company.settings.ledger) == before
    company.is_the_same()
