"""ANSI ASC X12: the envelope and the segment grammars, for the room that reads and the room that writes.

What belongs here: syntax (syntax.py), grammars as data (grammar.py, sets/<set>.yml), the check of a whole
file (check.py), who sends it to whom (parties.py) and writing an interchange (write.py). What does not: what
elements mean to us (intake/x12, publish/claim_response.py).
"""

from orchestration.x12.check import Verdict, check
from orchestration.x12.grammar import SETS, Grammar, GrammarError, load
from orchestration.x12.parties import Parties, parties
from orchestration.x12.syntax import Interchange, Separators, X12Error, pieces
from orchestration.x12.write import interchange

__all__ = [
    "SETS",
    "Grammar",
    "GrammarError",
    "Interchange",
    "Parties",
    "Separators",
    "Verdict",
    "X12Error",
    "check",
    "interchange",
    "load",
    "parties",
    "pieces",
]
