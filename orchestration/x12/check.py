"""The check of a whole file: envelopes that match, and sets that keep to their grammar.

What belongs here: what is wrong with a file, and with each of its sets. What does not: values of rows
(intake/x12/records.py). The file is checked before a row of it is read, so that a set which turns out to
be wrong at its end gives no row that counts.

Whatever is wrong with an interchange or a group refuses the file (X12Error). What is wrong with one set
alone (its grammar, SE01, SE02, CTT, a missing SE) is that set's verdict, and the others stand.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import IO

from orchestration.x12.grammar import VERSIONS, Grammar, Step, load
from orchestration.x12.syntax import Interchange, X12Error, pieces

MAX_WRONG_SETS = 100_000
"""A file with more wrong sets than this is not what it is said to be."""

ENVELOPE = ("ISA", "GS", "ST", "SE", "GE", "IEA")
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})")
_SHOWN = 20


@dataclass
class Verdict:
    """What the check of a file found.

    ``wrong``: by number of a set's ST segment in the file, what is wrong with the set.
    """

    segments: int = 0
    interchanges: int = 0
    groups: int = 0
    sets: int = 0
    wrong: dict[int, str] = field(default_factory=dict)


def check(stream: IO[bytes], code: str, ignored: Collection[str] = (), encoding: str = "utf-8") -> Verdict:
    """Check a file whose sets are of the kind ``code``; ``ignored`` names kinds of sets that may be among them.

    Raises X12Error where the file as a whole cannot be read.
    """
    checker = _Checker(code, ignored)
    for found, segments, _ in pieces(stream, encoding):
        checker.take(found, segments)
    if not checker.verdict.interchanges:
        raise X12Error("file is empty")
    return checker.verdict


_NOTHING: dict[str, Step] = {}


class _Checker:
    """Goes through the segments of a file. Where nothing is wrong, ``steps`` says what may come next."""

    def __init__(self, code: str, ignored: Collection[str]) -> None:
        self.verdict = Verdict()
        self._code = code
        self._ignored = ignored
        self._grammar: Grammar = load(code)
        self._interchange: Interchange | None = None
        self._group: list[str] | None = None
        self._set: list[str] | None = None
        self._begin = 0  # number of the ST segment
        self._node = 0
        self._uses = [0] * 16
        self._counts: dict[str, int] = {}
        self._sum: tuple[int, int] = (0, 0)
        self._groups = self._sets = 0

    def take(self, found: Interchange, segments: list[str]) -> None:
        """Check the next segments of an interchange."""
        if found is not self._interchange and not segments[0].startswith("ISA"):
            raise X12Error(f"segment {self.verdict.segments + 1}: expected ISA")
        separator = found.separators.element
        steps, counts, uses = self._steps(), self._counts, self._uses
        table = self._grammar.steps
        hashed, position = self._grammar.hashed
        number = self.verdict.segments
        for segment in segments:
            number += 1
            end = segment.find(separator)
            tag = segment[:end] if end >= 0 else segment
            step = steps.get(tag)
            if step is None or step[4] or tag == "CTT" or tag == "SE":
                self._turn(number, tag, segment, found)
                steps, counts, table = self._steps(), self._counts, self._grammar.steps
                continue
            node, depth, limit, again, _ = step
            if not again:
                uses[depth] = 1
            elif limit:
                uses[depth] += 1
                if uses[depth] > limit:
                    self._wrong(number, tag, f"used more than {limit} times")
                    steps = self._steps()
                    continue
            self._node = node
            steps = table[node]
            if tag in counts:
                counts[tag] += 1
            if tag == hashed:
                self._add(_element(segment.split(separator), position))
        self.verdict.segments = number

    def _steps(self) -> dict[str, Step]:
        """What may come next, as far as the grammar says it: nothing outside of a set, and in one that is wrong."""
        checked = self._set is not None and self._set[1] == self._code and self._begin not in self.verdict.wrong
        return self._grammar.steps[self._node] if checked else _NOTHING

    # --- the envelope, totals, and what does not belong where it stands --------------------------------

    def _turn(self, number: int, tag: str, segment: str, found: Interchange) -> None:
        """A segment of the envelope, CTT, or one that does not belong where it stands."""
        elements = segment.split(found.separators.element)
        if tag not in ENVELOPE and self._set is not None:
            step = self._steps().get(tag)
            if step is None or step.missing:
                self._misplaced(number, tag)
            else:
                self._node = step.node
                self._totals(number, elements)
        elif tag == "ISA":
            self._expect(number, tag, self._interchange is None, "IEA")
            self._interchange = found
            self._groups = 0
            self.verdict.interchanges += 1
        elif tag == "GS":
            self._leave_set(number, tag)
            self._expect(number, tag, self._interchange is not None and self._group is None, "GE")
            self._open_group(number, elements)
        elif tag == "ST":
            self._leave_set(number, tag)
            self._expect(number, tag, self._group is not None, "GS")
            self._open_set(number, elements)
        elif tag == "SE":
            self._expect(number, tag, self._set is not None, "ST or GE")
            self._misplaced(number, tag)
            self._close_set(number, elements)
        elif tag == "GE":
            self._leave_set(number, tag)
            self._expect(number, tag, self._group is not None, "GS")
            self._close_group(number, elements)
        elif tag == "IEA":
            self._leave_set(number, tag)
            self._expect(number, tag, self._interchange is not None and self._group is None, "GE")
            self._close_interchange(number, elements)
        elif tag != "TA1" or self._group is not None:
            expected = "GS or IEA" if self._group is None else "ST or GE"
            raise X12Error(f"segment {number} ({_shown(tag)}): expected {expected}")

    def _expect(self, number: int, tag: str, holds: bool, expected: str) -> None:
        if not holds:
            raise X12Error(f"segment {number} ({tag}): expected {expected} before it")

    def _misplaced(self, number: int, tag: str) -> None:
        """The grammar does not have this segment here."""
        steps = self._steps()
        if steps is _NOTHING:
            return
        grammar = self._grammar
        step = steps.get(tag)
        if step is not None:
            reason = f"expected {step.missing} before it" if step.missing else ""
        elif not tag:
            reason = "the segment is empty"
        elif tag not in grammar.segments:
            reason = f"set {grammar.set} has no such segment; expected {grammar.expected(self._node)}"
        else:
            last = grammar.nodes[self._node].segment
            reason = f"not expected after {last}; expected {grammar.expected(self._node)}"
        if reason:
            self._wrong(number, tag, reason)

    def _wrong(self, number: int, tag: str, reason: str) -> None:
        """Note what is wrong with the set; the first reason stands."""
        place = number - self._begin + 1
        control = self._set[2] if self._set else ""
        if self._begin not in self.verdict.wrong:
            if len(self.verdict.wrong) == MAX_WRONG_SETS:
                raise X12Error(f"more than {MAX_WRONG_SETS} sets are wrong")
            where = f"segment {number} ({_shown(tag)}, {place} of set {_shown(control)})"
            self.verdict.wrong[self._begin] = f"{where}: {reason}"

    # --- groups and sets ----------------------------------------------------------------------------

    def _open_group(self, number: int, elements: list[str]) -> None:
        version = _element(elements, 8)
        if not version.startswith(VERSIONS):
            raise X12Error(f"segment {number} (GS): version {version!r} in GS08, expected {' or '.join(VERSIONS)}")
        self._grammar = load(self._code, version[:6])
        self._group = elements
        self._groups += 1
        self._sets = 0
        self.verdict.groups += 1

    def _open_set(self, number: int, elements: list[str]) -> None:
        self._set = [*elements, "", ""] if len(elements) < 3 else elements
        self._begin = number
        self._node = 0
        self._counts = dict.fromkeys(self._grammar.counted, 0)
        self._sum = (0, 0)
        self._sets += 1
        self.verdict.sets += 1
        code = _element(elements, 1)
        if code != self._code and code not in self._ignored:
            self._wrong(number, "ST", f"set {_shown(code)} in ST01, expected {self._code}")

    def _add(self, text: str) -> None:
        """Add to the sum (in millionths) and to the hash total; what is no number is left to the row's own check."""
        if text.isascii() and text.isdecimal() and len(text) <= 18:
            self._sum = (self._sum[0] + int(text) * 10**6, self._sum[1] + int(text))
        elif _NUMBER.fullmatch(text):
            whole, _, decimals = text.lstrip("+-").partition(".")
            value = int((whole or "0") + decimals[:6].ljust(6, "0"))
            digits = int(whole + decimals)
            self._sum = (self._sum[0] + (-value if text[0] == "-" else value), self._sum[1] + digits)

    def _totals(self, number: int, elements: list[str]) -> None:
        given = _element(elements, 1)
        counts = [f"{count} {tag}" for tag, count in self._counts.items()]
        if not any(_is(given, count) for count in self._counts.values()):
            self._wrong(number, "CTT", f"CTT01 counts {_shown(given)}, but the set has {', '.join(counts)}")
        total = _element(elements, 2)
        if total and not self._is_total(total):
            name = f"{self._grammar.hashed[0]}{self._grammar.hashed[1]:02}"
            whole, millionths = divmod(abs(self._sum[0]), 10**6)
            sign = "-" if self._sum[0] < 0 else ""
            shown = f"{sign}{whole}.{millionths:06}".rstrip("0").rstrip(".")
            self._wrong(number, "CTT", f"CTT02 is {_shown(total)}, but the sum of {name} is {shown}")

    def _is_total(self, text: str) -> bool:
        """Whether CTT02 is the sum, or the hash total of the standard.

        That sums digits without sign and decimal point; the leftmost ones are cut off where they are too many.
        """
        if not _NUMBER.fullmatch(text):
            return False
        sign = -1 if text[0] == "-" else 1
        whole, _, decimals = text.lstrip("+-").partition(".")
        value = sign * int((whole or "0") + decimals[:6].ljust(6, "0"))
        return value == self._sum[0] or (whole + decimals).lstrip("0") == str(self._sum[1])[-10:].lstrip("0")

    def _close_set(self, number: int, elements: list[str]) -> None:
        """SE: the number of segments and the control number."""
        opened = self._set or []
        count = number - self._begin + 1
        if not _is(_element(elements, 1), count):
            self._wrong(number, "SE", f"SE01 counts {_shown(_element(elements, 1))} segments, but the set has {count}")
        if _element(elements, 2) != opened[2]:
            self._wrong(number, "SE", f"SE02 is {_shown(_element(elements, 2))}, but ST02 is {_shown(opened[2])}")
        self._set = None

    def _leave_set(self, number: int, tag: str) -> None:
        """Something that only comes between sets: a set that is still open has no SE."""
        if self._set is not None:
            self._wrong(number, tag, "expected SE before it")
            self._set = None

    def _close_group(self, number: int, elements: list[str]) -> None:
        given, control = _element(elements, 1), _element(self._group or [], 6)
        if not _is(given, self._sets):
            raise X12Error(f"segment {number} (GE): GE01 counts {_shown(given)} sets, but the group has {self._sets}")
        if not _same(_element(elements, 2), control):
            raise X12Error(
                f"segment {number} (GE): GE02 is {_shown(_element(elements, 2))}, but GS06 is {_shown(control)}"
            )
        self._group = None

    def _close_interchange(self, number: int, elements: list[str]) -> None:
        given = _element(elements, 1)
        control = self._interchange.elements[13] if self._interchange else ""
        if not _is(given, self._groups):
            raise X12Error(
                f"segment {number} (IEA): IEA01 counts {_shown(given)} groups, but the interchange has {self._groups}"
            )
        if not _same(_element(elements, 2), control):
            raise X12Error(
                f"segment {number} (IEA): IEA02 is {_shown(_element(elements, 2))}, but ISA13 is {_shown(control)}"
            )
        self._interchange = None


def _element(elements: list[str], position: int) -> str:
    """An element without blanks around it; "" where the segment is shorter."""
    return elements[position].strip() if position < len(elements) else ""


def _is(text: str, number: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18 and int(text) == number


def _same(one: str, other: str) -> bool:
    """Control numbers of type N0: leading zeros do not count."""
    return one == other or (one.isdecimal() and other.isdecimal() and one.lstrip("0") == other.lstrip("0"))


def _shown(text: str) -> str:
    """Text of the file as a message shows it."""
    return text[:_SHOWN] + "…" if len(text) > _SHOWN else text or "nothing"
