"""Hypothesis without a clock, a database or chance: the same examples in every run."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("steady", deadline=None, database=None, derandomize=True)
settings.load_profile("steady")
