"""What an answer is made of: headings, sentences, tables. How they look is the screen's business (screen.py).

What belongs here: the three shapes. What does not: layout, figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Heading:
    """A heading; a new part of the answer begins."""

    text: str


@dataclass(frozen=True)
class Say:
    """A sentence or two. ``indent``: 1 for what belongs to the sentence before it."""

    text: str
    style: Literal["plain", "bold", "dim"] = "plain"
    indent: int = 0


@dataclass(frozen=True)
class Table:
    """Rows under column names; numbers stand as they are, exact."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


Block = Heading | Say | Table
