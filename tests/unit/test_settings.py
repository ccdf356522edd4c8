"""Settings from the environment: what cannot be used is refused in plain words."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"REBATES_DTA": "x"}, "unknown setting REBATES_DTA"),
        ({"REBATES_ENGINE": "abacus"}, "expected one of duckdb"),
        ({"REBATES_THREADS": "0"}, "at least 1"),
        ({"REBATES_THREADS": "²"}, "whole number"),
        ({"REBATES_DATA": "/tmp/o'hara"}, "the path holds '"),
        ({"REBATES_MEMORY_LIMIT": "a lot"}, "REBATES_MEMORY_LIMIT=a lot: expected a size such as 2GB"),
        ({"REBATES_MEMORY_LIMIT": "0GB"}, "expected a size such as 2GB"),
        ({"REBATES_MEMORY_LIMIT": "2"}, "expected a size such as 2GB"),
        ({"REBATES_DATA": __file__}, "expected a folder, and this is a file"),
        ({"REBATES_PROGRAMS": "/nowhere/at/all"}, "expected the folder of the program documents; it is not there"),
        ({"REBATES_DATA": "/tmp/data[1]"}, r"the path holds \[ \]"),
    ],
)
def test_a_bad_value_is_refused(env: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Settings.from_env(env)


def test_blanks_and_letters_of_any_kind_may_stand_in_a_path() -> None:
    assert Settings.from_env({"REBATES_DATA": "/tmp/a b;ü"}).data == Path("/tmp/a b;ü").resolve()


def test_every_accepted_size_is_one_for_duckdb() -> None:
    for size in ("512MB", "1.5GB", "2 GiB", "4gb"):
        settings = Settings.from_env({"REBATES_MEMORY_LIMIT": size, "REBATES_DATA": "/tmp/x"})
        duckdb.connect(config={"memory_limit": settings.memory_limit}).close()
