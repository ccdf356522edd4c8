"""Paths: how a mapping names an element of an X12 set.

What belongs here: the notation, and where in a grammar a path can be found. What does not: reading files
(records.py).

- ``QTY02``: element 2 of segment QTY. ``MEA04-1``: component 1 of a composite element.
- ``QTY02[QTY01=32]``: of the QTY whose element 1 is 32. A condition may also name the lead segment of the
  loop that the segment stands in, or of a loop around it: ``N404[N101=ST]``. Several: ``[REF01=IV,PTD01=SS]``.
- ``LIN[VN]``: in a segment of qualifier and value pairs, the value that follows the qualifier VN.
- ``ISA06``, ``GS02``, ``ST02``: the envelope. ``@record``: number of the detail record in its set, from 1.
- ``A | B``: the first that has a value. ``-A``: with the sign reversed. ``A * B``: the exact product.

A path is looked for in the detail loop's own segments first, then in the loops around it, then in the
set's heading: the nearest loop that has it decides, also if the element is empty there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal

from orchestration.x12.grammar import Grammar, Loop

RECORD = "@record"
MAX_FACTORS = 4
ENVELOPE = {"ISA": 16, "GS": 8}
"""Segments outside of the set that a path may name, and how many elements they have."""

_PATH = re.compile(r"(?:([A-Z][A-Z0-9]{1,2})(\d\d)(?:-(\d{1,2}))?|([A-Z][A-Z0-9]{1,2}))(?:\[([^\]]*)\])?")
_CONDITION = re.compile(r"([A-Z][A-Z0-9]{1,2})(\d\d)=([^,\[\]|]+)")
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})")
_EXACT = Context(prec=1000)  # more digits than a product of such numbers has


class PathError(ValueError):
    """A path that the set does not have, or that is not written as this module's docstring says."""


@dataclass(frozen=True)
class Path:
    """One element. ``text``, as the mapping has it, is its name among the values of a record.

    ``qualifier``: the value follows it in a segment of pairs; ``element`` is then 0.
    """

    text: str
    segment: str
    element: int
    component: int = 0
    qualifier: str = ""
    conditions: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True)
class Expression:
    """What a mapping writes for a column: alternatives, each a product of signed paths."""

    text: str
    alternatives: tuple[tuple[tuple[bool, Path], ...], ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its paths, each once."""
        return tuple(dict.fromkeys(path for terms in self.alternatives for _, path in terms))

    @property
    def only(self) -> Path | None:
        """Its path, where it is nothing else."""
        (negated, path), *more = self.alternatives[0]
        return path if not (negated or more or len(self.alternatives) > 1) else None

    def value(self, values: dict[str, str]) -> str | None:
        """Its text for a record, given the values by path; None where it has none.

        A factor that is no number gives the factors as they stand: parsing then says what is wrong.
        """
        for terms in self.alternatives:
            texts = [_signed(values.get(path.text) or "", negated) for negated, path in terms]
            if all(texts):
                return texts[0] if len(texts) == 1 else _product(texts)
        return None


def _signed(text: str, negated: bool) -> str:
    plain = text.strip()
    if not negated or not plain:
        return plain
    return plain[1:] if plain[0] == "-" else "-" + plain.removeprefix("+")


def _product(texts: list[str]) -> str:
    if not all(_NUMBER.fullmatch(text) for text in texts):
        return " * ".join(texts)
    product = Decimal(1)
    for text in texts:
        product = _EXACT.multiply(product, Decimal(text))
    return format(product, "f")


def parse(text: str, grammar: Grammar, detail: str) -> Expression:
    """An expression, checked against a set's grammar. Raises PathError naming the path and what was expected."""
    alternatives = []
    for alternative in _outside_brackets(text, "|"):
        if len(_outside_brackets(alternative, "*")) > MAX_FACTORS:
            raise PathError(f"{alternative!r}: more than {MAX_FACTORS} factors")
        terms = []
        for term in _outside_brackets(alternative, "*"):
            path = term.removeprefix("-").strip()
            terms.append((term.startswith("-"), _path(path, grammar, detail)))
        alternatives.append(tuple(terms))
    return Expression(text, tuple(alternatives))


def _outside_brackets(text: str, separator: str) -> list[str]:
    parts, depth, begin = [], 0, 0
    for index, character in enumerate(text):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == separator and depth == 0:
            parts.append(text[begin:index])
            begin = index + 1
    return [part.strip() for part in [*parts, text[begin:]]]


def _path(text: str, grammar: Grammar, detail: str) -> Path:
    if text == RECORD:
        return Path(text, RECORD, 0)
    match = _PATH.fullmatch(text)
    if match is None:
        raise PathError(f"{text!r}: expected a path such as QTY02, QTY02[QTY01=32], LIN[VN] or {RECORD}")
    segment, element, component, pairs, inside = match.groups()
    if pairs:
        if not inside or "=" in inside:
            raise PathError(f"{text!r}: expected an element, such as {pairs}02, or a qualifier, such as {pairs}[VN]")
        if pairs not in grammar.pairs:
            raise PathError(f"{text!r}: {pairs} holds no pairs; those that do: {', '.join(grammar.pairs)}")
        path = Path(text, pairs, 0, 0, inside)
    else:
        path = Path(text, segment, int(element), int(component or 0), "", _conditions(text, inside))
        if path.element == 0 or component == "0":
            raise PathError(f"{text!r}: elements and components are counted from 1")
    if path.segment in ENVELOPE:
        if path.element > ENVELOPE[path.segment] or path.conditions or path.component:
            last = f"{path.segment}{ENVELOPE[path.segment]:02}"
            raise PathError(f"{text!r}: expected {path.segment}01 to {last}, without conditions")
    elif not places(path, grammar, detail):
        raise PathError(f"{text!r}: {_why_nowhere(path, grammar, detail)}")
    return path


def _conditions(text: str, inside: str | None) -> tuple[tuple[str, int, str], ...]:
    if inside is None:
        return ()
    found = []
    for part in inside.split(","):
        match = _CONDITION.fullmatch(part.strip())
        if match is None:
            raise PathError(f"{text!r}: condition {part!r}: expected an element and its value, such as QTY01=32")
        found.append((match[1], int(match[2]), match[3].strip()))
    return tuple(found)


def _why_nowhere(path: Path, grammar: Grammar, detail: str) -> str:
    if path.segment not in grammar.segments:
        return f"set {grammar.set} has no segment {path.segment}; it has {', '.join(grammar.segments)}"
    for segment, _, _ in path.conditions:
        if segment != path.segment and segment not in grammar.segments:
            return f"set {grammar.set} has no segment {segment}"
    bare = Path(path.text, path.segment, path.element, path.component, path.qualifier)
    if places(bare, grammar, detail):
        return f"a condition may name {path.segment} itself or the lead of a loop that it stands in"
    return f"{path.segment} stands where no {detail} record can see it"


def detail_path(grammar: Grammar, detail: str) -> tuple[Loop, ...]:
    """The loops around a record, the set first, the detail loop last. KeyError for a loop that the set has not."""
    return grammar.loop(detail).ancestors


def places(path: Path, grammar: Grammar, detail: str) -> dict[int, int]:
    """The nodes of the grammar where a record finds a path, and the level of each in ``detail_path``.

    A node belongs to the innermost loop of the detail path that it stands in; what comes after the loop
    of the records (CTT, say) is no part of any record.
    """
    around = detail_path(grammar, detail)
    found = {}
    for number, node in enumerate(grammar.nodes):
        level = max(i for i, loop in enumerate(around) if loop in node.loop.ancestors)
        leads = {loop.name for loop in node.loop.ancestors[1:]}
        fits = all(segment == path.segment or segment in leads for segment, _, _ in path.conditions)
        if node.segment == path.segment and fits and not _after(grammar, number, around, level):
            found[number] = level
    return found


def _after(grammar: Grammar, number: int, around: tuple[Loop, ...], level: int) -> bool:
    """Whether a node comes after the loop on the detail path that its own loop holds."""
    if level + 1 == len(around):
        return False
    lead = next(i for i, node in enumerate(grammar.nodes) if node.loop is around[level + 1])
    return number > lead
