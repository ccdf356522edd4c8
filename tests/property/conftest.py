"""Hypothesis without a clock, a database or chance: the same examples in every run.

REBATES_PROPERTY_EXAMPLES: how many examples each invariant is tried on.
"""

from __future__ import annotations

import os

from hypothesis import settings

EXAMPLES = int(os.environ.get("REBATES_PROPERTY_EXAMPLES", "50"))

settings.register_profile("steady", deadline=None, database=None, derandomize=True, max_examples=EXAMPLES)
settings.load_profile("steady")
