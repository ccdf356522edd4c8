"""How programs of one stacking group stand to each other (docs/semantics.md 8).

What belongs here: what the documents of a group owe each other, and their order. What does not: what
a program earns (dbt models), the stacking fields of one document (rules.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestration.programs.loaded import LoadedProgram, ProgramError
from orchestration.programs.schema import Stacking

SHARED = ("stacking.rule", "currency")
"""What all programs of a group have in common."""

SHARED_BEST_OF = ("measurement", "calendar", "participants.role", "aggregate")
"""What those of a best_of group have in common besides: payouts are compared per participant and period."""


@dataclass(frozen=True)
class Place:
    """``rank``: place in the group by (order, program id), from 1. ``wave``: see ``places``."""

    rank: int
    wave: int


def errors(loaded: Sequence[LoadedProgram]) -> list[ProgramError]:
    """Documents that do not fit the first of their group: approved before not, then by approval, id, version."""
    found: list[ProgramError] = []
    for group in _groups(sorted(loaded, key=_seniority)).values():
        first = group[0]
        for each in group[1:]:
            found.extend(_misfits(first, each))
    return found


def _seniority(each: LoadedProgram) -> tuple[bool, str, str, int]:
    approved = each.program.step("approved")
    return approved is None, str(approved and approved.when), each.program.id, each.program.version


def _misfits(first: LoadedProgram, each: LoadedProgram) -> Iterator[ProgramError]:
    stacking = _stacking(first)
    for field in SHARED + (SHARED_BEST_OF if stacking.rule == "best_of" else ()):
        expected, got = _value(first, field), _value(each, field)
        if got != expected:
            reason = (
                f"{got}, but {first.program.key} of the same stacking group {stacking.group} has {expected}: "
                f"programs of a group share {field}"
            )
            yield ProgramError(each.file_name, field, reason)


def _value(each: LoadedProgram, field: str) -> object:
    if field == "calendar":
        return each.calendar
    value: object = each.program
    for name in field.split("."):
        value = getattr(value, name)
    return value


def _stacking(each: LoadedProgram) -> Stacking:
    stacking = each.program.stacking
    if stacking is None:
        raise ValueError(f"{each.program.key} stands alone")
    return stacking


def _groups(loaded: Sequence[LoadedProgram]) -> dict[str, list[LoadedProgram]]:
    groups: defaultdict[str, list[LoadedProgram]] = defaultdict(list)
    for each in loaded:
        if each.program.stacking is not None:
            groups[each.program.stacking.group].append(each)
    return groups


def places(loaded: Sequence[LoadedProgram]) -> Mapping[str, Place]:
    """The place of every program that has a group, by program key.

    Versions of a program with the same order share a rank. ``wave`` of net_of: 1 where nothing
    reduces it, else one more than the highest wave of the earlier programs that do; drafts and
    submitted versions have a place, but reduce nothing. 1 with every other rule.
    """
    found: dict[str, Place] = {}
    for group in _groups(loaded).values():
        orders = {each.program.key: (_stacking(each).order or 0, each.program.id) for each in group}
        ranks = {order: rank for rank, order in enumerate(sorted(set(orders.values())), start=1)}
        reducers: list[tuple[int, str, int]] = []
        for each in sorted(group, key=lambda each: (orders[each.program.key], each.program.version)):
            stacking, rank, wave = _stacking(each), ranks[orders[each.program.key]], 1
            if stacking.rule == "net_of" and stacking.reduced_by_earlier:
                earlier = (w for r, program_id, w in reducers if r < rank and program_id != each.program.id)
                wave += max(earlier, default=0)
            if stacking.rule == "net_of" and stacking.reduces_later and each.calculated:
                reducers.append((rank, each.program.id, wave))
            found[each.program.key] = Place(rank, wave)
    return found
