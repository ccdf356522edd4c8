"""What the commands share: how a refusal looks, the settings, the page on the screen, a question put to the snapshot.

What belongs here: helpers of several command modules. What does not: any command.

Exit codes: 0 done, 1 the run stopped or a check failed, 2 the command cannot be carried out as given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from orchestration import disk, runs
from orchestration.settings import Settings, SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.explain import Block


class Refused(click.ClickException):
    """The command cannot be carried out; the message says why."""

    exit_code = 2


def plain_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn what the rooms refuse into one line; anything else is a fault of ours and keeps its trace."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        from orchestration.books import LedgerError
        from orchestration.claims import ClaimError
        from orchestration.intake import LandingError, MappingError, ProposeError
        from orchestration.matching import AnswerError, MatchingRuleError
        from orchestration.programs import BadReferenceError
        from orchestration.publish import PublishError
        from orchestration.sample import SampleDataError
        from orchestration.transform import DbtError
        from orchestration.validation import DecisionError, RuleError

        refusals = (
            runs.RunError, SettingsError, LedgerError, MappingError, PublishError, SampleDataError, DbtError,
            RuleError, DecisionError, ClaimError, BadReferenceError, ProposeError, AnswerError, MatchingRuleError,
            LandingError, FileNotFoundError, FileExistsError, NotADirectoryError, PermissionError,
        )  # fmt: skip
        try:
            return command(*args, **kwargs)
        except refusals as error:
            raise Refused(disk.explained(str(error), Path.cwd())) from None
        except OSError as error:
            message = disk.explained(str(error), Path.cwd())
            if message == str(error):
                raise
            raise Refused(message) from None

    return wrapped


def settings_of_environment() -> Settings:
    """The settings; Refused names what is wrong with them."""
    try:
        return Settings.from_env()
    except SettingsError as error:
        raise Refused(str(error)) from None


def page() -> Console:
    """What is printed on: the screen, or wide lines where it is piped."""
    from orchestration import screen

    return screen.page()


def answer(ask: Callable[..., list[Block]], *args: Any) -> None:
    """Put a question to the snapshot and show the answer; what it does not know is refused with what is like it."""
    from orchestration import publish, screen
    from orchestration.explain import UnknownError

    with publish.open_snapshot(settings_of_environment()) as connection:
        try:
            blocks = ask(connection, *args)
        except UnknownError as error:
            near = "".join(f"\n  {name}" for name in error.near)
            raise Refused(f"{error}{'; there is' if near else ''}{near}") from None
    screen.answer(page(), blocks)


def refused(console: Console, reasons: list[str]) -> None:
    """Print the reasons and exit with 1."""
    console.print(Text("Refused:", style="bold red"))
    for reason in reasons:
        console.print(Text(f"  {reason}"), soft_wrap=True)
    raise SystemExit(1)
