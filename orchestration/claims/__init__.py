"""What people decided about partners' claims: landing/.claims/, and the table that the models read.

The public names of the room. Which claims there are and what they earned is known from the models.
"""

from orchestration.claims.decisions import (
    KINDS,
    OUTCOMES,
    ClaimError,
    Decided,
    Decision,
    Standing,
    decide,
    read,
)
from orchestration.claims.table import COLUMNS, write_table

__all__ = [
    "COLUMNS",
    "KINDS",
    "OUTCOMES",
    "ClaimError",
    "Decided",
    "Decision",
    "Standing",
    "decide",
    "read",
    "write_table",
]
