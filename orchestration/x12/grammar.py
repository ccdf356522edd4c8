"""Segment grammars: which segments and loops a set may have, in which order and how often.

What belongs here: reading sets/<set>.yml and what may follow what. What does not: elements (their meaning
is a mapping's), and the files themselves (check.py).

A grammar file names the set, its functional group, its ``detail`` (lead segment of the loop that is one
row), ``counted`` (segments that CTT01 may count: guides differ), ``hashed`` (the element that CTT02 sums),
``pairs`` (segments that hold pairs of qualifier and value, with the first qualifier's position),
``implied_decimals`` (elements of type Nn, with n) and ``segments``, between ST and SE:

- ``REF 12``: at most 12 in a row; without a number: once; ``any``: no limit; ``required``: at least one;
  ``from 005010``: only in that version and later ones.
- ``{loop: N1 5, segments: […]}``: a loop that N1 leads, at most 5 times, with what may follow N1 in it.
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from orchestration.strict_yaml import UniqueKeys

FOLDER = Path(__file__).parent / "sets"
SETS = tuple(sorted(path.stem for path in FOLDER.glob("*.yml")))
"""Transaction sets that can be read and checked."""

VERSIONS = ("004010", "005010")
"""What GS08 may begin with."""

_ITEM = re.compile(r"([A-Z][A-Z0-9]{1,2})(?: (\d+|any))?( required)?(?: from (\d{6}))?")


class GrammarError(ValueError):
    """A grammar file is not written as this module's docstring says."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop, or the set itself: its lead segment and what may follow it, in order."""

    name: str
    parent: Loop | None
    items: list[Item] = field(default_factory=list)

    @property
    def ancestors(self) -> tuple[Loop, ...]:
        """The loop and the loops around it, the set first."""
        return (*(self.parent.ancestors if self.parent else ()), self)


@dataclass(frozen=True, eq=False)
class Item:
    """A place in a loop: a segment, or a loop (``inner``). ``maximum`` 0: no limit. ``node``: of segment or lead."""

    segment: str
    maximum: int
    required: bool
    node: int
    inner: Loop | None = None


@dataclass(frozen=True, eq=False)
class Node:
    """A segment at its place in the set: the loop that it stands in and its position there; a lead has position 0."""

    segment: str
    loop: Loop
    position: int


class Step(NamedTuple):
    """Where a segment leads from another one.

    ``depth``: of the loop whose item is used, the set is 0. ``limit``: how often it may be used, 0 if that
    need not be counted. ``again``: the same item once more. ``missing``: a required segment that was left out.
    """

    node: int
    depth: int
    limit: int
    again: bool
    missing: str


@dataclass(frozen=True)
class Grammar:
    """The grammar of a set in a version. ``steps``: by node, what each segment id leads to."""

    set: str
    name: str
    group: str
    version: str
    detail: str
    counted: tuple[str, ...]
    hashed: tuple[str, int]
    pairs: dict[str, int]
    implied_decimals: dict[tuple[str, int], int]
    nodes: tuple[Node, ...]
    steps: tuple[dict[str, Step], ...]

    @property
    def segments(self) -> tuple[str, ...]:
        """Segment ids of the set, each once, in order."""
        return tuple(dict.fromkeys(node.segment for node in self.nodes))

    def expected(self, node: int) -> str:
        """What may follow a node, for messages: an item that is required ends the list."""
        return ", ".join(segment for segment, step in self.steps[node].items() if not step.missing)

    def loop(self, lead: str) -> Loop:
        """The outermost loop that a segment leads; KeyError if there is none."""
        found = [node.loop for node in self.nodes if node.position == 0 and node.segment == lead and node.loop.parent]
        if not found:
            raise KeyError(f"set {self.set} has no loop {lead}")
        return min(found, key=lambda loop: len(loop.ancestors))


@functools.cache
def load(code: str, version: str = VERSIONS[-1]) -> Grammar:
    """The grammar of a set in a version (VERSIONS). Raises KeyError for others, GrammarError for a bad file."""
    if code not in SETS or version not in VERSIONS:
        raise KeyError(f"set {code} {version}: expected one of {', '.join(SETS)} in {', '.join(VERSIONS)}")
    document = yaml.load((FOLDER / f"{code}.yml").read_text(encoding="utf-8"), Loader=UniqueKeys)
    nodes: list[Node] = []
    whole = Loop("ST", None)
    try:
        _fill(whole, ["ST required", *document["segments"], "SE required"], nodes, version)
        hashed = document["hashed"]
        return Grammar(
            set=document["set"],
            name=document["name"],
            group=document["group"],
            version=version,
            detail=document["detail"],
            counted=tuple(document["counted"]),
            hashed=(hashed[:-2], int(hashed[-2:])),
            pairs=document["pairs"],
            implied_decimals={(name[:-2], int(name[-2:])): n for name, n in document["implied_decimals"].items()},
            nodes=tuple(nodes),
            steps=tuple(_steps(node, index) for index, node in enumerate(nodes)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GrammarError(f"sets/{code}.yml: {error}") from error


def fingerprint(code: str) -> str:
    """Hash of a set's grammar file: what is read from a file depends on it."""
    return hashlib.sha256((FOLDER / f"{code}.yml").read_bytes()).hexdigest()


def _fill(loop: Loop, entries: list[Any], nodes: list[Node], version: str) -> None:
    """Append the entries' items to a loop; the first is its lead."""
    for entry in entries:
        given = entry["loop"] if isinstance(entry, dict) else entry
        match = _ITEM.fullmatch(given)
        if match is None:
            raise ValueError(f"{given!r}: expected e.g. 'REF 12 required from 005010'")
        segment, maximum, required, since = match.groups()
        if since and version < since:
            continue
        inner = Loop(segment, loop) if isinstance(entry, dict) else None
        limit = {None: 1, "any": 0}.get(maximum, maximum)
        loop.items.append(Item(segment, int(limit or 0), bool(required), len(nodes), inner))
        if inner is None:
            nodes.append(Node(segment, loop, len(loop.items) - 1))
        else:
            _fill(inner, [segment, *entry["segments"]], nodes, version)


def _steps(node: Node, index: int) -> dict[str, Step]:
    """From a node: every segment that its loop, or a loop around it, has there or further on."""
    found: dict[str, Step] = {}
    missing = ""  # the first required segment that is left out by leaving the loops so far
    for level, loop in zip(range(len(node.loop.ancestors) - 1, -1, -1), reversed(node.loop.ancestors), strict=True):
        inner = node.loop.ancestors[level + 1] if level + 1 < len(node.loop.ancestors) else None
        position = next(i for i, item in enumerate(loop.items) if item.inner is inner) if inner else node.position
        here = loop.items[position]
        if here.maximum != 1:
            found.setdefault(here.segment, Step(here.node, level, here.maximum, True, missing))
        for item in loop.items[position + 1 :]:
            found.setdefault(item.segment, Step(item.node, level, item.maximum, False, missing))
            if item.required and not missing:
                missing = item.segment
    return found
