"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose data directory is an empty temporary folder."""
    return Settings(data=tmp_path / "data", memory_limit="1GB")
