"""The rows of an X12 file: one per detail loop of each set, as batches of text.

What belongs here: collecting the elements that a mapping names. What does not: whether the file is right
(orchestration/x12/check.py says so before the first row), and what values mean (parse.py).

``row_number`` is the number of the segment in the file that leads the row's detail loop (ISA is 1).
Every row of a set that is wrong has the set's reason as its ``row_error``; a set that gives no row although it is
wrong gives one, at its ST segment, that holds nothing but the reason: no set goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as File
from typing import NamedTuple

import pyarrow as pa

from orchestration.intake.formats import X12Format
from orchestration.intake.mapping import Mapping
from orchestration.intake.records import Records, UnreadableError
from orchestration.intake.records import schema as schema_of
from orchestration.intake.x12.paths import RECORD, Expression, Path, detail_path, parse, places
from orchestration.x12 import Grammar, Interchange, Separators, Verdict, X12Error, check, load, pieces

CHUNK_ROWS = 20_000

_Values = dict[str, str]  # by path, as the mapping has it
_Row = tuple[int | str | None, ...]  # row_number, row_error and the columns


def open_x12(path: File, fmt: X12Format, mapping: Mapping) -> Records:
    """The records of a file: one column per expression of the mapping.

    Raises UnreadableError for a file that cannot be read as a whole, naming the segment.
    """
    try:
        with path.open("rb") as stream:
            verdict = check(stream, fmt.set, fmt.ignored_sets, fmt.encoding)
    except X12Error as error:
        raise UnreadableError(f"not readable as X12: {error}") from error
    header = mapping.source_columns
    return Records(header, _batches(path, fmt, header, verdict))


def _batches(path: File, fmt: X12Format, header: list[str], verdict: Verdict) -> Iterator[pa.RecordBatch]:
    grammar = load(fmt.set)
    expressions = [parse(text, grammar, fmt.detail) for text in header]
    schema = schema_of(len(header))
    collector = _Collector(fmt, expressions, verdict)
    with path.open("rb") as stream:
        for found, segments, _ in pieces(stream, fmt.encoding):
            collector.take(found, segments)
            if len(collector.rows) >= CHUNK_ROWS:
                yield _batch(collector.rows, schema)
                collector.rows.clear()
    collector.leave_set()
    if collector.rows:
        yield _batch(collector.rows, schema)


def _batch(rows: list[_Row], schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([list(column) for column in zip(*rows, strict=True)], schema=schema)


_Plain = tuple[str, int, int, str]
"""A path without component, qualifier or condition on a lead, and with at most one condition: its name, its
element, and element and value of the condition; element 0 is the segment's id."""


@dataclass(frozen=True)
class _Read:
    """Any other path: ``own`` conditions are on the segment itself, ``leads`` on those of loops around it."""

    path: Path
    own: tuple[tuple[int, str], ...]
    leads: tuple[tuple[int, int, str], ...]  # depth of the loop, element, value
    pairs_from: int
    decimals: int


class _Place(NamedTuple):
    """What a node means for the rows.

    ``level``: of the loop on the detail path to which it belongs. ``opens``: it leads that loop.
    ``lead_depth``: the depth of the loop that it leads, if a condition asks for it, else -1.
    ``special``: there is more to do than to read plain paths.
    """

    level: int
    plain: tuple[_Plain, ...]
    special: bool
    opens: bool
    lead_depth: int
    reads: tuple[_Read, ...]


def _plan(grammar: Grammar, detail: str, paths: list[Path]) -> list[_Place | None]:
    """By node: what to do with a segment there; None: nothing."""
    around = detail_path(grammar, detail)
    where = {path: places(path, grammar, detail) for path in paths if path.segment in grammar.segments}
    asked = {segment for path in where for segment, _, _ in path.conditions if segment != path.segment}
    plan: list[_Place | None] = []
    for number, node in enumerate(grammar.nodes):
        level = max(i for i, loop in enumerate(around) if loop in node.loop.ancestors)
        depths = {loop.name: depth for depth, loop in enumerate(node.loop.ancestors)}
        plain, reads = [], []
        for path, nodes in where.items():
            if number in nodes:
                own = tuple((i, value) for segment, i, value in path.conditions if segment == path.segment)
                leads = tuple((depths[s], i, value) for s, i, value in path.conditions if s != path.segment)
                decimals = grammar.implied_decimals.get((path.segment, path.element), 0)
                if not (leads or decimals or path.component or path.qualifier or len(own) > 1):
                    plain.append((path.text, path.element, *(own[0] if own else (0, path.segment))))
                    continue
                reads.append(_Read(path, own, leads, grammar.pairs.get(path.segment, 0), decimals))
        lead = node.position == 0 and node.loop.parent is not None
        opens = lead and node.loop in around
        lead_depth = len(node.loop.ancestors) - 1 if lead and node.segment in asked else -1
        special = bool(reads or opens or lead_depth >= 0)
        place = _Place(level, tuple(plain), special, opens, lead_depth, tuple(reads))
        plan.append(place if plain or special else None)
    return plan


class _Collector:
    """Goes through the segments of a checked file and collects its rows."""

    def __init__(self, fmt: X12Format, expressions: list[Expression], verdict: Verdict) -> None:
        self.rows: list[_Row] = []
        self._fmt = fmt
        self._wrong = verdict.wrong
        self._computed = [expression for expression in expressions if expression.only is None]
        self._columns = [expression.only.text if expression.only else expression.text for expression in expressions]
        self._paths = list(dict.fromkeys(path for expression in expressions for path in expression.paths))
        self._numbered = any(path.text == RECORD for path in self._paths)
        self._plans: dict[str, tuple[Grammar, list[_Place | None]]] = {}
        self._grammar = load(fmt.set)
        self._plan: list[_Place | None] = []
        self._number = 0
        self._node = 0
        self._begin = 0  # the ST segment of the set whose rows are read; 0: none
        self._error: str | None = None
        self._record = 0  # the segment that leads the open record; 0: none
        self._records = 0
        depth = len(detail_path(self._grammar, fmt.detail))
        self._envelope: _Values = {}
        self._levels: list[_Values] = [{} for _ in range(depth)]
        self._outer: _Values | None = None
        self._leads: dict[int, list[str]] = {}
        self._problems: list[_Values] = [{} for _ in range(depth)]

    def take(self, found: Interchange, segments: list[str]) -> None:
        """Read the next segments of an interchange."""
        separator, component = found.separators.element, found.separators.component
        repetition = found.separators.repetition or component
        number, node = self._number, self._node
        table, plan, levels = self._grammar.steps, self._plan, self._levels
        last = len(levels) - 1
        steps = table[node] if self._begin else {}
        for segment in segments:
            number += 1
            end = segment.find(separator)
            tag = segment[:end] if end >= 0 else segment
            step = steps.get(tag)
            if step is None:
                self._node = node
                self._turn(number, tag, segment.split(separator))
                table, plan, node = self._grammar.steps, self._plan, self._node
                steps = table[node] if self._begin else {}
                place = self._place(tag) if self._begin else None
            else:
                node = step[0]
                steps = table[node]
                place = plan[node]
            if place is None:
                continue
            elements = segment.split(separator)
            level, plain, special = place[:3]
            if special:
                self._special(number, place, elements, found.separators)
            values = levels[level]
            size = len(elements)
            for name, position, at, wanted in plain:
                if at < size and elements[at] == wanted:
                    text = elements[position] if position < size else ""
                    if component in text or repetition in text:
                        self._problems[level][name] = f"{name} has components or repeats: {text!r}"
                    if values.setdefault(name, text) != text:
                        self._twice(level, name, text)
            if level < last:
                self._outer = None
        self._number, self._node = number, node

    def _place(self, tag: str) -> _Place | None:
        """After a turn: the place of the segment, if the turn led to it."""
        return self._plan[self._node] if self._grammar.nodes[self._node].segment == tag else None

    def _turn(self, number: int, tag: str, elements: list[str]) -> None:
        """A segment of the envelope; or, in a set that is wrong, one that the grammar does not have here."""
        if tag in ("ISA", "GS"):
            self.leave_set()
            for path in self._paths:
                if path.segment == tag:
                    self._envelope[path.text] = elements[path.element].strip() if path.element < len(elements) else ""
            if tag == "GS":
                self._open_group(elements[8][:6])
        elif tag == "ST":
            self.leave_set()
            self._open_set(number, elements)
        elif tag in ("GE", "IEA", "SE"):
            self.leave_set()
        elif self._begin:
            around = detail_path(self._grammar, self._fmt.detail)
            leads = [loop for loop in around[1:] if loop.name == tag]
            if leads:
                self._node = next(i for i, node in enumerate(self._grammar.nodes) if node.loop is leads[0])

    def _open_group(self, version: str) -> None:
        if version not in self._plans:
            grammar = load(self._fmt.set, version)
            self._plans[version] = (grammar, _plan(grammar, self._fmt.detail, self._paths))
        self._grammar, self._plan = self._plans[version]

    def _open_set(self, number: int, elements: list[str]) -> None:
        self._error = self._wrong.get(number)
        code = elements[1].strip() if len(elements) > 1 else ""
        if code != self._fmt.set:
            if self._error is not None:
                self._refuse(number)
            return
        self._begin, self._node, self._record, self._records = number, 0, 0, 0
        self._clear(0)

    def leave_set(self) -> None:
        """The set ends: its last record is whole."""
        if self._begin:
            self._flush()
            if self._error is not None and not self._records:
                self._refuse(self._begin)
        self._begin = 0

    def _refuse(self, number: int) -> None:
        """A set that gives no row: one that says why."""
        self.rows.append((number, f"row: {self._error}", *(None for _ in self._columns)))

    def _clear(self, level: int) -> None:
        """A loop on the detail path begins again: what was in it, and in those inside it, is over."""
        for inner in range(level, len(self._levels)):
            self._levels[inner] = {}
            if self._problems[inner]:
                self._problems[inner] = {}
        if level + 1 < len(self._levels):
            self._outer = None

    def _flush(self) -> None:
        """The open record is whole."""
        if not self._record:
            return
        if self._outer is None:
            self._outer = dict(self._envelope)
            for values in self._levels[:-1]:
                self._outer |= values
        values = self._outer | self._levels[-1]
        self._records += 1
        if self._numbered:
            values[RECORD] = str(self._records)
        errors = [self._error] if self._error is not None else []
        if any(self._problems):
            errors += self._reasons()
        if not any(values.values()):
            errors.append(f"segment {self._record}: no element that the mapping names has a value")
        for expression in self._computed:
            values[expression.text] = expression.value(values) or ""
        error = "; ".join(f"row: {reason}" for reason in errors) if errors else None
        self.rows.append((self._record, error, *map(values.get, self._columns)))
        self._record = 0

    def _reasons(self) -> list[str]:
        """Problems of values that the record uses: those of the nearest loop that has the path."""
        reasons = []
        for path in self._paths:
            level = max((i for i, values in enumerate(self._levels) if path.text in values), default=-1)
            if level >= 0 and path.text in self._problems[level]:
                reasons.append(self._problems[level][path.text])
        return reasons

    def _special(self, number: int, place: _Place, elements: list[str], separators: Separators) -> None:
        """A segment that leads a loop of rows, or one that conditions ask for; and paths that are not plain."""
        if place.opens:
            self._flush()
            self._clear(place.level)
            if place.level + 1 == len(self._levels):
                self._record = number
        if place.lead_depth >= 0:
            self._leads[place.lead_depth] = elements
        size = len(elements)
        for read in place.reads:
            if all(at < size and elements[at] == wanted for at, wanted in read.own) and self._led(read):
                self._read(place.level, read, elements, separators)

    def _twice(self, level: int, name: str, text: str) -> None:
        both = f"{self._levels[level][name]!r} and {text!r}"
        self._problems[level][name] = f"{name} is given more than once: {both}"

    def _led(self, read: _Read) -> bool:
        """Whether the conditions on lead segments hold."""
        for depth, position, wanted in read.leads:
            elements = self._leads.get(depth, [])
            if position >= len(elements) or elements[position] != wanted:
                return False
        return True

    def _read(self, level: int, read: _Read, elements: list[str], separators: Separators) -> None:
        """A path with a component, a qualifier, implied decimals, or conditions elsewhere."""
        path = read.path
        position = path.element
        if path.qualifier:
            position = _after_qualifier(elements, read.pairs_from, path.qualifier)
            if position < 0:
                return
        text = elements[position] if position < len(elements) else ""
        if separators.repetition and separators.repetition in text:
            self._problems[level][path.text] = f"{path.text} repeats: {text!r}"
        if path.component:
            parts = text.split(separators.component)
            text = parts[path.component - 1] if path.component <= len(parts) else ""
        elif separators.component in text:
            self._problems[level][path.text] = f"{path.text} has components: {text!r}"
        if read.decimals and text:
            text = self._decimal(level, path, text, read.decimals)
        if self._levels[level].setdefault(path.text, text) != text:
            self._twice(level, path.text, text)

    def _decimal(self, level: int, path: Path, text: str, decimals: int) -> str:
        """A number with implied decimals, with its point."""
        plain = text.strip()
        digits = plain.lstrip("-")
        if not (digits.isascii() and digits.isdecimal()) or len(plain) - len(digits) > 1:
            self._problems[level][path.text] = f"{path.text}: {text!r} is not a number with {decimals} implied decimals"
            return text
        digits = digits.rjust(decimals + 1, "0")
        return f"{plain[: len(plain) - len(plain.lstrip('-'))]}{digits[:-decimals]}.{digits[-decimals:]}"


def _after_qualifier(elements: list[str], first: int, qualifier: str) -> int:
    """Position of the value after a qualifier in pairs that begin at ``first``; -1 if it is not there."""
    for position in range(first, len(elements) - 1, 2):
        if elements[position] == qualifier:
            return position + 1
    return -1
