"""A damaged ledger: everything that is wrong is said, with the names of batches and files; crashes are mended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import books
from orchestration.books import chain
from orchestration.settings import Settings
from tests.unit.test_books_journal import accounts, context, differences
from tests.unit.test_books_ledger import accrue, close, edit_manifest, render, settle

FIRST, SECOND, THIRD, FOURTH = (
    "000001_accrual_2017-06",
    "000002_settlement_2017-06",
    "000003_accrual_2017-07",
    "000004_settlement_2017-07",
)


@pytest.fixture
def four(settings: Settings) -> Settings:
    """June and July closed."""
    books.prepare(settings)
    accrue(settings, "2017-06", {"accrued": "100.00"})
    settle(settings, "2017-06", {"earned": "40.00"})
    accrue(settings, "2017-07", {"accrued": "90.00", "posted": "100.00"})
    settle(settings, "2017-07", {"earned": "90.00", "settled": "40.00"})
    assert books.problems(settings) == []
    return settings


def test_all_that_is_wrong_is_said_at_once(four: Settings) -> None:
    (four.ledger / FIRST / "erp" / "journal.csv").write_text("x")
    (four.ledger / FIRST / "posting.parquet").unlink()
    (four.ledger / SECOND / "extra").write_text("x")
    edit_manifest(four.ledger / THIRD, run_id="another")
    shutil.copytree(four.ledger / FIRST, four.ledger / "copy")
    found = books.problems(four)
    assert found == [
        "not a batch: ledger/copy; expected <number>_<kind>_<month>",
        f"batch {FOURTH}: it follows {THIRD}, but the manifest of {THIRD} is not the one that it was posted on"
        " (changed or replaced)",
        f"batch {FIRST}: file erp/journal.csv was changed (its SHA-256 differs)",
        f"batch {FIRST}: file posting.parquet is missing",
        f"batch {SECOND}: file extra is not in its manifest",
    ]
    with pytest.raises(books.LedgerError) as refused:
        books.verify(four)
    assert str(refused.value) == "; ".join(found)


def swap(four: Settings, one: str, other: str) -> None:
    first, second = four.ledger / one / "manifest.json", four.ledger / other / "manifest.json"
    texts = first.read_bytes(), second.read_bytes()
    first.write_bytes(texts[1])
    second.write_bytes(texts[0])


def write_head(settings: Settings, batch: str, manifest_hash: str | None = None) -> None:
    found = manifest_hash or chain.sha256(settings.ledger / batch / "manifest.json")
    (settings.ledger / "HEAD").write_text(f"{batch} {found}\n")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda s: shutil.rmtree(s.ledger / FIRST), ["batch 000001 is missing: the next one is 000002"]),
        (lambda s: shutil.rmtree(s.ledger / SECOND), ["batch 000002 is missing: the next one is 000003"]),
        (
            lambda s: [shutil.rmtree(s.ledger / name) for name in (SECOND, THIRD)],
            ["batch 000002 is missing", "batch 000003 is missing"],
        ),
        (lambda s: shutil.rmtree(s.ledger / FOURTH), [f"batch {FOURTH} is missing or out of place: ledger/HEAD"]),
        (
            lambda s: (s.ledger / THIRD).rename(s.ledger / "000007_accrual_2017-07"),
            ["batch 000003 is missing", f"batch 000007_accrual_2017-07: its manifest says {THIRD}"],
        ),
        (
            lambda s: shutil.copytree(s.ledger / FIRST, s.ledger / "000005_accrual_2017-06"),
            [f"batch 000005_accrual_2017-06: its manifest says {FIRST}"],
        ),
        (
            lambda s: shutil.copytree(s.ledger / FIRST, s.ledger / "000002_accrual_2017-06"),
            [f"batch {SECOND}: another batch has the number 000002"],
        ),
        (
            lambda s: swap(s, FIRST, THIRD),
            [f"batch {FIRST}: its manifest says {THIRD}", f"batch {THIRD}: its manifest says {FIRST}"],
        ),
        (lambda s: (s.ledger / SECOND / "manifest.json").unlink(), [f"batch {SECOND}: manifest.json is missing"]),
        (
            lambda s: (s.ledger / SECOND / "manifest.json").write_text("[1]"),
            [f"batch {SECOND}: manifest.json cannot be read"],
        ),
        (
            lambda s: edit_manifest(s.ledger / SECOND, batch_number=None),
            [f"batch {SECOND}: manifest.json cannot be read"],
        ),
        (lambda s: write_head(s, SECOND), [f"batch {SECOND} is missing or out of place: ledger/HEAD names it"]),
        (
            lambda s: write_head(s, "000005_accrual_2017-08", "0" * 64),
            ["batch 000005_accrual_2017-08 is missing or out of place"],
        ),
        (
            lambda s: write_head(s, FOURTH, "0" * 64),
            [f"batch {FOURTH}: manifest.json was changed (ledger/HEAD has another hash)"],
        ),
        (lambda s: (s.ledger / "HEAD").unlink(), [f"ledger/HEAD is missing; it should name {FOURTH}"]),
        (
            lambda s: (s.ledger / FOURTH / "payment.parquet").write_bytes(b"PAR1"),
            [f"batch {FOURTH}: file payment.parquet was changed"],
        ),
    ],
)
def test_each_damage_is_named_and_nothing_is_posted_on_it(
    four: Settings, damage: Callable[[Settings], object], says: list[str]
) -> None:
    damage(four)
    found = books.problems(four)
    for expected in says:
        assert [sentence for sentence in found if sentence.startswith(expected)], found
    for act in (books.verify, books.prepare, lambda settings: accrue(settings, "2017-08")):
        if act is books.prepare and not any("batch" in s or "HEAD" in s for s in chain.chain_of(four)[1]):
            continue  # prepare looks at the chain alone
        with pytest.raises(books.LedgerError):
            act(four)


def test_a_whole_ledger_of_other_batches_is_found_by_head(four: Settings, tmp_path: Path) -> None:
    """Somebody replaces the last batch and mends its hashes: the chain fits, HEAD does not."""
    other = Settings(data=tmp_path / "other")
    for month, accrued in (("2017-06", "100.00"), ("2017-07", "90.00")):
        accrue(other, month, {"accrued": accrued, "posted": "0" if month == "2017-06" else "100.00"})
        settle(other, month, *([{"earned": "40.00"}] if month == "2017-06" else []))
    shutil.rmtree(four.ledger / FOURTH)
    shutil.copytree(other.ledger / FOURTH, four.ledger / FOURTH)
    assert books.problems(four) == [f"batch {FOURTH}: manifest.json was changed (ledger/HEAD has another hash)"]


def test_many_faults_are_counted(four: Settings) -> None:
    for number in range(20):
        (four.ledger / FIRST / f"extra{number:02}").write_text("x")
    assert len(books.problems(four)) == 20
    with pytest.raises(books.LedgerError, match=r"extra09 is not in its manifest; and 10 more \(`rebates ledger"):
        books.verify(four)


def test_head_never_falls_two_behind(four: Settings) -> None:
    """A crash before HEAD moved, then another one in the next post at the same place."""
    write_head(four, THIRD)  # July is closed: the next to post is August
    accrue(four, "2017-08", {"accrued": "95.00", "posted": "90.00"})
    write_head(four, FOURTH)
    assert books.problems(four) == []


def test_head_is_mended_before_a_run(four: Settings) -> None:
    newest = (four.ledger / "HEAD").read_text()
    write_head(four, THIRD)
    books.prepare(four)
    assert (four.ledger / "HEAD").read_text() == newest


# --- a close that was interrupted between its batches ---------------------------------------


def test_the_month_of_an_interrupted_close_is_known(settings: Settings) -> None:
    assert books.unfinished(settings) is None
    accrue(settings, "2017-06", {"accrued": "100.00"})
    assert books.unfinished(settings) == "2017-06"
    settle(settings, "2017-06", {"earned": "40.00"})
    assert books.unfinished(settings) is None
    close(settings, "2017-07")
    assert books.unfinished(settings) is None


def test_a_settlement_pays_from_the_figures_of_its_accrual(settings: Settings) -> None:
    accrue(settings, "2017-06", {"accrued": "100.00"})
    # the same figures, as a rebuilt warehouse gives them: nothing is left to post
    assert not accrue(settings, "2017-06").new
    # other figures
    with pytest.raises(books.LedgerError) as refused:
        accrue(settings, "2017-06", {"accrued": "112.00", "posted": "100.00"})
    assert (
        "2017-06: 000001_accrual_2017-06 was posted from other figures (calculation c1, files up to receipt 9)"
        in str(refused.value)
    )
    assert "2 more journal line(s) would be posted now, the first for growth@1, R-1, 2017-Q2" in str(refused.value)
    settle(settings, "2017-06", {"earned": "40.00"})
    # once the month is closed, other figures are the next month's
    assert not accrue(settings, "2017-06", {"accrued": "112.00", "posted": "100.00"}).new
    posted = books.post_accruals(
        settings, context("2017-07"), differences({"accrued": "112.00", "posted": "100.00"}), accounts(), render
    )
    assert posted.tables["posting"]["debit"].to_pylist() == [12, 0]
    assert settle(settings, "2017-07", {"earned": "112.00", "settled": "40.00"}).new
