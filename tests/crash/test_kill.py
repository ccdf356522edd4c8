"""SIGKILL at every step, and at random: nothing half is ever seen, and the next run finishes to the same bytes.

A few points in every test run; every point and hundreds of random moments among the long tests.
"""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.crash.faults import Fault, Met, meet
from tests.crash.scenes import SCENES, hashes, start

FEW = 3
"""Points of each scene in every test run, spread over its steps."""

RANDOM_KILLS = 100
"""Random moments of each scene among the long tests."""


class Scene:
    """A scene with what an undisturbed run leaves."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.data = folder / "data"
        self.template = folder / "template"
        self.work, self.reads = SCENES[name][1:]
        for _ in range(2):  # the first one also waits for Python to load what it needs
            self.start()
            began = time.monotonic()
            undisturbed = self.meet(Fault())
            self.seconds = time.monotonic() - began
        assert undisturbed.code == 0, undisturbed
        self.steps = undisturbed.steps
        self.whole = hashes(self.data)
        self.reads(self.data)

    def start(self) -> None:
        """Put everything back to where the scene begins."""
        start(self.name, self.data, self.template)

    def meet(self, fault: Fault, seconds: float | None = None) -> Met:
        """Do the scene in a process of its own."""
        return meet(self.work, self.data, fault, seconds=seconds)

    def kill_at(self, step: int) -> None:
        """From the start: killed before this step; then whole for readers, and finished by the next run."""
        self.start()
        assert self.meet(Fault(at=step)).code == -signal.SIGKILL
        self.finishes(f"killed before step {step}: {self.steps[step - 1]}")

    def finishes(self, what: str) -> None:
        """Whole for readers; the next run ends where an undisturbed one does, to the byte."""
        try:
            self.reads(self.data)
            self.work(self.data)
            self.reads(self.data)
        except Exception as error:
            raise AssertionError(f"{self.name}, {what}") from error
        assert hashes(self.data) == self.whole, f"{self.name}, {what}"


@pytest.fixture(scope="module", params=sorted(SCENES))
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(request.param, tmp_path_factory.mktemp(request.param))


def test_the_hook_sees_what_matters(scene: Scene) -> None:
    told = "\n".join(scene.steps)
    expected = {
        "post": (
            "os.rename ledger/_schema/posting.part",
            "open ledger/.new/000001_accrual_2017-06/manifest.json",
            "fsync ledger/.new/000001_accrual_2017-06/manifest.json",
            "os.rename ledger/.new/000001_accrual_2017-06",
            "os.rename ledger/.HEAD.part",
            "os.rename ledger/.new/000004_settlement_2017-07",
            "os.rename published/erp/000001_accrual_2017-06/.journal.csv.part",
        ),
        "take_in": (
            "open landing/.store/.000002.tmp",
            "os.rename landing/.receipts/000003.tmp",
            "os.rename landing/.decisions/000001.tmp",
        ),
        "publish": ("os.rename published/snapshot/.new/tables", "os.rename published/snapshot/.CURRENT.part"),
    }
    assert [one for one in expected[scene.name] if one not in told] == []


def test_killed_at_a_few_steps(scene: Scene) -> None:
    count = len(scene.steps)
    for step in sorted({1 + position * (count - 1) // (FEW - 1) for position in range(FEW)}):
        scene.kill_at(step)


def test_killed_over_and_over_it_still_finishes(scene: Scene) -> None:
    """Each run gets a little further than the one before, whatever that one left."""
    scene.start()
    kills, further = 0, max(2, len(scene.steps) // 6)
    while (met := scene.meet(Fault(at=further))).code == -signal.SIGKILL:
        scene.reads(scene.data)
        kills, further = kills + 1, further + max(1, len(scene.steps) // 12)
    assert (met.code, met.error) == (0, "")
    assert kills > 2
    scene.finishes(f"killed {kills} times")


@pytest.mark.slow
def test_killed_at_every_step(scene: Scene) -> None:
    for step in range(1, len(scene.steps) + 1):
        scene.kill_at(step)


@pytest.mark.slow
def test_killed_at_random_moments(scene: Scene) -> None:
    chance = random.Random(7)
    killed = 0
    for _ in range(RANDOM_KILLS):
        scene.start()
        seconds = chance.uniform(0, scene.seconds * 1.1)
        killed += scene.meet(Fault(), seconds).code == -signal.SIGKILL
        scene.finishes(f"killed after {seconds:.3f} s")
    assert killed > RANDOM_KILLS // 4
