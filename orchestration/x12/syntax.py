"""X12 syntax: separators, and the segments of a file, piece by piece.

What belongs here: bytes to segments. What does not: envelopes that match (check.py), grammars (grammar.py).

A file holds interchanges, one after the other. Each begins with an ISA segment of fixed width, whose
positions name its separators, and ends with its IEA segment. Line ends and blanks after a terminator and
between interchanges do not count.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

BLOCK_BYTES = 1 << 20
MAX_SEGMENT = 1 << 20
"""Characters in which a terminator must come; no segment of any set is nearly that long."""

BLANKS = " \t\r\n"
ISA_WIDTHS = (3, 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
"""Characters of the segment id and of ISA01 to ISA16."""
_ISA = sum(ISA_WIDTHS) + len(ISA_WIDTHS)  # the element separators between them, and the terminator
REPETITION_SINCE = "00402"  # before it, ISA11 names a standards body


class X12Error(ValueError):
    """The file cannot be read as X12. The message names the segment by its number in the file (ISA is 1)."""


@dataclass(frozen=True)
class Separators:
    """The characters that structure an interchange. ``repetition`` is "" before release 00402."""

    element: str
    component: str
    segment: str
    repetition: str = ""

    def problem(self) -> str:
        """Why these characters cannot be told apart from each other or from data; "" if they can."""
        given = [("element", self.element), ("component", self.component), ("segment", self.segment)]
        if self.repetition:
            given.append(("repetition", self.repetition))
        for name, character in given:
            if character.isalnum() or character in " \0" or ord(character) > 126:
                return f"{character!r} cannot be the {name} separator"
        characters = [character for _, character in given]
        if len(set(characters)) < len(characters):
            return f"two separators are the same: {', '.join(f'{name} {text!r}' for name, text in given)}"
        return ""


@dataclass(frozen=True)
class Interchange:
    """The ISA segment: elements (0 is the id, 1 to 16 are ISA01 to ISA16) and separators."""

    elements: tuple[str, ...]
    separators: Separators


def pieces(stream: IO[bytes], encoding: str = "utf-8") -> Iterator[tuple[Interchange, list[str], bool]]:
    """The segments of a file, in order: (interchange, some segments without terminator, whether IEA was its last).

    An interchange comes in one or more pieces; ISA is the first segment of its first piece. Memory is
    bounded by BLOCK_BYTES and MAX_SEGMENT. Raises X12Error for what is no X12 text, and for an
    interchange that ends before its IEA.
    """
    text = _Text(stream, encoding)
    while text.skip_blanks():
        found = _interchange(text.head(_ISA), text.segments + 1)
        end = re.compile(f"{re.escape(found.separators.segment)}[{BLANKS}]*IEA(?=[{_either(found.separators)}])")
        whole = False
        while not whole:
            segments, whole = text.cut(found.separators.segment, end)
            yield found, segments, whole


def _either(separators: Separators) -> str:
    return re.escape(separators.element) + re.escape(separators.segment)


def _interchange(head: str, number: int) -> Interchange:
    """The ISA segment at the head of an interchange; X12Error if it is none."""
    if not head.startswith("ISA"):
        raise X12Error(f"segment {number}: expected ISA, found {head[:20]!r}")
    if len(head) < _ISA:
        raise X12Error(f"segment {number} (ISA): the file ends after {len(head)} of its {_ISA} characters")
    elements = tuple(head[: _ISA - 1].split(head[3]))
    for position, width in enumerate(ISA_WIDTHS):
        length = len(elements[position]) if position < len(elements) else 0
        if length != width:
            raise X12Error(f"segment {number} (ISA): ISA{position:02} has {length} characters, expected {width}")
    repetition = elements[11] if elements[12] >= REPETITION_SINCE else ""
    separators = Separators(head[3], elements[16], head[_ISA - 1], repetition)
    if problem := separators.problem():
        raise X12Error(f"segment {number} (ISA): {problem}")
    return Interchange(elements, separators)


class _Text:
    """The decoded text of a stream, read block by block; ``segments`` counts those that were cut off."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
        self._buffer = ""
        self._at = 0
        self._bytes = 0
        self._ended = False
        self.segments = 0

    def _more(self) -> bool:
        """Read a block; False at the end of the stream."""
        if self._ended:
            return False
        block = self._stream.read(BLOCK_BYTES)
        self._ended = not block
        try:
            decoded = self._decoder.decode(block, final=self._ended)
        except UnicodeDecodeError as error:
            place = self._bytes + error.start - (len(error.object) - len(block)) + 1
            raise X12Error(f"byte {place}: not readable as {self._encoding} text: {error.reason}") from error
        if b"\0" in block:
            raise X12Error(f"byte {self._bytes + block.index(0) + 1}: a NUL character, which no text has")
        self._bytes += len(block)
        kept = max(self._at - 1, 0)  # the terminator before the next segment
        self._buffer = self._buffer[kept:] + decoded
        self._at -= kept
        return not self._ended

    def skip_blanks(self) -> bool:
        """Go on to what is not blank; False when nothing is left."""
        while True:
            rest = re.compile(f"[{BLANKS}]*").match(self._buffer, self._at)
            self._at = rest.end() if rest else self._at
            if self._at < len(self._buffer):
                return True
            if not self._more():
                return self._at < len(self._buffer)

    def head(self, length: int) -> str:
        """The next characters, at most ``length``; they stay to be cut."""
        while len(self._buffer) - self._at < length and self._more():
            pass
        return self._buffer[self._at : self._at + length]

    def cut(self, terminator: str, end: re.Pattern[str]) -> tuple[list[str], bool]:
        """The next segments, up to IEA or the last whole one; whether IEA is among them."""
        while True:
            last = end.search(self._buffer, max(self._at - 1, 0))
            stop = self._buffer.find(terminator, last.end()) if last else -1
            if stop < 0:  # IEA, if it is there, is not whole yet
                until = last.start() + 1 if last else len(self._buffer)
                stop, last = self._buffer.rfind(terminator, self._at, until), None
            if stop >= 0:
                cut = self._buffer[self._at : stop].split(terminator)
                self._at = stop + 1
                self.segments += len(cut)
                return [segment.lstrip(BLANKS) for segment in cut], last is not None
            if len(self._buffer) - self._at > MAX_SEGMENT:
                raise X12Error(f"segment {self.segments + 1}: no terminator {terminator!r} in {MAX_SEGMENT} characters")
            if not self._more():
                begun = self._buffer[self._at :].strip(BLANKS)
                inside = f"in segment {self.segments + 1} ({begun[:20]!r})"
                where = inside if begun else f"after segment {self.segments}"
                raise X12Error(f"the file ends {where}: expected IEA at the end of the interchange")
