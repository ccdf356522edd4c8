"""Who sends an X12 file to whom, as its envelope says: what a reply to it is addressed by.

What belongs here: ISA and GS. What does not: whether they are right (check.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from orchestration.x12.syntax import pieces


@dataclass(frozen=True, order=True)
class Parties:
    """Sender and receiver (qualifier, id) of an interchange, its release (GS08), and whether it is a test."""

    sender: tuple[str, str]
    receiver: tuple[str, str]
    version: str
    test: bool


def parties(stream: IO[bytes], encoding: str = "utf-8") -> set[Parties]:
    """The parties of every group in a file that passed the check. Raises X12Error for what is no X12 text."""
    found: set[Parties] = set()
    for interchange, segments, _ in pieces(stream, encoding):
        isa, element = interchange.elements, interchange.separators.element
        for segment in segments:
            if segment.startswith(f"GS{element}"):
                version = segment.split(element)[8].strip()
                found.add(Parties((isa[5], isa[6].strip()), (isa[7], isa[8].strip()), version, isa[15] == "T"))
    return found
