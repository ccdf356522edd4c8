"""Answers from the published snapshot: why a payout, a partner or a line gets what it gets; the page after a run.

What belongs here: queries on marts, by their names and columns, and what is said of their rows. What does not: any
calculation, and how it looks (screen.py).
"""

from orchestration.explain.blocks import Block, Heading, Say, Table
from orchestration.explain.line import explain_line
from orchestration.explain.pages import intake_page, program_page
from orchestration.explain.partner import explain_partner
from orchestration.explain.payout import explain_payout
from orchestration.explain.scorecard import partners_page, scorecard_page
from orchestration.explain.snapshot import UnknownError

__all__ = [
    "Block",
    "Heading",
    "Say",
    "Table",
    "UnknownError",
    "explain_line",
    "explain_partner",
    "explain_payout",
    "intake_page",
    "partners_page",
    "program_page",
    "scorecard_page",
]
