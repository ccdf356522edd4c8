"""`rebates settlement` on the command line: what it shows, asks for and refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from orchestration import books, cli, settlement_commands
from orchestration.settings import Settings
from tests.unit.test_books_journal import accounts
from tests.unit.test_books_ledger import render
from tests.unit.test_books_proposals import R1, june

__all__ = ["june"]

BY = ("--on", "2017-07-04", "--comment", "checked", "--by")


@pytest.fixture
def rebates(june: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr(settlement_commands, "settings_of_environment", lambda: june)
    return lambda *words: CliRunner().invoke(cli.main, ["settlement", *words])


def test_from_proposal_to_decisions(rebates: Callable[..., Result], june: Settings) -> None:
    said = rebates("show", "2017-06").output
    assert "000003_proposal_2017-06: open" in said
    assert "Nobody has proposed it for release" in said
    assert rebates("propose", "2017-06", *BY, "Ann").exit_code == 0
    line = ("--program", "canada@1", "--period", "2017-Q2")
    assert rebates("reduce", "2017-06", "--payment", R1, *line, "--to", "60.5", *BY, "Bob").exit_code == 0
    said = " ".join(rebates("show", "2017-06").output.split())
    assert "60.50" in said
    assert "Waits for release" in said
    assert "open 120.00 CAD 80.50 CAD" in " ".join(rebates("list").output.replace("│", " ").split())
    assert "Decision 000003: refused by Ann" in rebates("refuse", "2017-06", *BY, "Ann").output
    assert books.open_for_close(june, "2017-07") == "open"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("propose", "2017-05", *BY, "Ann"), "no payments were proposed for 2017-05; months with a proposal: 2017-06"),
        (("propose", "2017-06", "--on", "4.7.2017", "--comment", "x", "--by", "A"), "--on '4.7.2017': expected"),
        (("reduce", "2017-06", "--payment", R1, "--period", "2017-Q2", *BY, "A"), "name a line together"),
        (("reduce", "2017-06", "--payment", R1, "--to", "much", *BY, "A"), "--to 'much': expected an amount"),
        (("release", "2017-06", *BY, "A"), "there is no warehouse: `rebates close 2017-06` builds it"),
    ],
)
def test_what_is_refused_says_why(rebates: Callable[..., Result], words: tuple[str, ...], message: str) -> None:
    result = rebates(*words)
    assert result.exit_code == 2
    assert message in result.output


def test_a_released_proposal_is_shown_as_it_is(rebates: Callable[..., Result], june: Settings) -> None:
    rebates("propose", "2017-06", *BY, "Ann")
    day = books.proposal_of(june, "2017-06").decisions[0].on
    books.release(june, "2017-06", accounts(), render, by="Eve", on=day, comment="agreed", run_id="r", terms={})
    said = rebates("show", "2017-06").output
    assert "000003_proposal_2017-06: released" in said
    assert "agreed" in said
