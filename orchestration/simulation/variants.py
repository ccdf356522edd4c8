"""Variants of a document: values set at field paths, every combination of them.

What belongs here: reading ``--set`` and changing the tree of a document. What does not: whether the changed document
is a program (programs judges that, with its own words).
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.simulation.published import SimulationError

MOST_VARIANTS = 200

Tree = dict[str, Any]
"""A document as text, lists and groups of fields."""

_SETTING = re.compile(r"(?:(?P<program>[A-Z][A-Z0-9-]*):)?(?P<path>[a-z_]+(?:\[\d+\]|\.[a-z_]+)*)=(?P<values>.*)", re.S)
_STEP = re.compile(r"([a-z_]+)|\[(\d+)\]")
_VALUES = re.compile(r",(?![^\[]*\])")


@dataclass(frozen=True)
class Setting:
    """Values that a field takes in turn. ``program``: id of the program whose document is meant; None: all given."""

    program: str | None
    path: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        """The field as it was given."""
        return f"{self.program}:{self.path}" if self.program else self.path


@dataclass(frozen=True)
class Variant:
    """One combination of values. ``number`` counts from 1; ``values``: by name of the setting."""

    number: int
    values: Mapping[str, str]

    @property
    def label(self) -> str:
        """The combination in words; "as written" where nothing is set."""
        return ", ".join(f"{name}={value or '(left out)'}" for name, value in self.values.items()) or "as written"


def setting(text: str) -> Setting:
    """Read ``[PROGRAM:]path=value,value,…``; SimulationError when it is not written like that.

    A path names fields and positions (from 0), ``tiers.levels[0].rate``. A value in brackets, ``[a,b]``, is a list;
    an empty one leaves the field out.
    """
    match = _SETTING.fullmatch(text.strip())
    if match is None:
        raise SimulationError(f"--set {text}: expected PATH=VALUE,VALUE,… such as tiers.levels[0].rate=1,1.5,2")
    values = tuple(value.strip() for value in _VALUES.split(match["values"]))
    if len(set(values)) < len(values):
        raise SimulationError(f"--set {text}: a value is given more than once")
    return Setting(match["program"], match["path"], values)


def combinations(settings: Sequence[Setting]) -> list[Variant]:
    """Every combination of the settings' values, the last one changing fastest.

    SimulationError for a field that is set twice and for more than MOST_VARIANTS combinations.
    """
    names = [each.name for each in settings]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SimulationError(f"--set names {', '.join(twice)} more than once: give all values in one")
    count = 1
    for each in settings:
        count *= len(each.values)
    if count > MOST_VARIANTS:
        raise SimulationError(f"--set asks for {count:,} variants; at most {MOST_VARIANTS} are run in one call")
    products = itertools.product(*(each.values for each in settings))
    return [Variant(number, dict(zip(names, values, strict=True))) for number, values in enumerate(products, start=1)]


def changed(tree: Tree, settings: Sequence[Setting], variant: Variant) -> Tree:
    """A copy of a document with the values of a variant; settings of other programs do not count.

    SimulationError where a path leads through something that has no such field or position.
    """
    made = copy.deepcopy(tree)
    for each in settings:
        if each.program in (None, made.get("id")):
            _put(made, each.path, variant.values[each.name])
    return made


def _put(tree: Tree, path: str, text: str) -> None:
    steps: list[str | int] = [name or int(position) for name, position in _STEP.findall(path)]
    parents: list[tuple[Any, str | int]] = []
    part: Any = tree
    for number, step in enumerate(steps):
        here = _shown(steps[:number])
        if isinstance(step, int):
            if not isinstance(part, list) or step >= len(part):
                held = f"has {len(part)} elements, from [0]" if isinstance(part, list) else "is not a list"
                raise SimulationError(f"--set {path}: {here or 'the document'} {held}")
        elif not isinstance(part, dict):
            raise SimulationError(f"--set {path}: {here} has no fields")
        parents.append((part, step))
        if number < len(steps) - 1:
            part = part[step] if isinstance(step, int) else part.setdefault(step, {})
    part, last = parents[-1]
    if text:
        part[last] = _value(text)
        return
    if isinstance(last, int):
        del part[last]
    else:
        part.pop(last, None)
    for part, step in reversed(parents[:-1]):  # a group of fields that holds nothing any more is left out too
        if part[step] not in ({}, []):
            break
        del part[step]


def _value(text: str) -> str | list[str]:
    if text.startswith("[") and text.endswith("]"):
        return [item.strip() for item in text[1:-1].split(",")]
    return text


def _shown(steps: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
