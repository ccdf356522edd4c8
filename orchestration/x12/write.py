"""Writing an interchange: one group of sets, with the counts and control numbers that the readers check.

What belongs here: the envelope. What does not: what stands in a set (publish/claim_response.py).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from orchestration.x12.syntax import ISA_WIDTHS, Separators, X12Error

SEPARATORS = Separators(element="*", component=">", segment="~")

Segment = tuple[str, ...]
"""A segment id and its elements, in order; "" where one is not given. Elements left out at the end are not written."""


def interchange(
    *,
    sets: Sequence[tuple[str, Sequence[Segment]]],
    group: str,
    sender: tuple[str, str],
    receiver: tuple[str, str],
    control: int,
    created: datetime.datetime,
    version: str = "004010",
    test: bool = False,
    separators: Separators = SEPARATORS,
) -> str:
    """The text of an interchange of one group; each segment on a line of its own.

    ``sets``: (kind, the segments between ST and SE) each. ``sender`` and ``receiver``: ISA's qualifier and
    id. ``control``: the control number of interchange and group, 1 to 999,999,999; sets are numbered from 1.
    ``created``: the moment that ISA and GS state; nothing is read from a clock. Raises X12Error naming
    the segment for what cannot be written: a separator in a value, a line break, too long an id.
    """
    for name, (qualifier, identity) in (("sender", sender), ("receiver", receiver)):
        if len(qualifier) != 2 or not 1 <= len(identity) <= 15:
            raise X12Error(f"{name}: expected a qualifier of 2 and an id of 1 to 15 characters")
    if not 1 <= control <= 999_999_999:
        raise X12Error(f"control number {control}: expected 1 to 999999999")
    if version[:6] not in ("004010", "005010"):
        raise X12Error(f"version {version!r}: expected 004010 or 005010")
    if version[:6] == "005010" and not separators.repetition:
        separators = replace(separators, repetition="^")
    parties = (sender[0], sender[1].ljust(15), receiver[0], receiver[1].ljust(15))
    moment = (created.strftime("%y%m%d"), created.strftime("%H%M"))
    last = (f"{control:09}", "0", "T" if test else "P", separators.component)
    standard = (separators.repetition or "U", version[:5])
    isa = ("ISA", "00", " " * 10, "00", " " * 10, *parties, *moment, *standard, *last)
    if tuple(len(part) for part in isa) != ISA_WIDTHS:
        raise X12Error("ISA: its elements do not have their widths")
    day, time = created.strftime("%Y%m%d"), created.strftime("%H%M")
    segments: list[Segment] = [
        ("GS", group, sender[1].strip(), receiver[1].strip(), day, time, str(control), "X", version)
    ]
    for number, (kind, body) in enumerate(sets, start=1):
        segments += [("ST", kind, f"{number:04}"), *body, ("SE", str(len(body) + 2), f"{number:04}")]
    segments += [("GE", str(len(sets)), str(control)), ("IEA", "1", f"{control:09}")]
    texts = [separators.element.join(isa), *(_text(segment, separators) for segment in segments)]
    return "".join(f"{text}{separators.segment}\n" for text in texts)


def _text(segment: Segment, separators: Separators) -> str:
    """A segment without its terminator."""
    elements = list(segment)
    while len(elements) > 1 and not elements[-1]:
        elements.pop()
    for position, element in enumerate(elements):
        name = f"{elements[0]}{position:02}"
        if any(ord(character) < 32 or ord(character) > 126 for character in element):
            raise X12Error(f"{name}: {element!r} has a character that X12 text may not have")
        if any(character in element for character in (separators.element, separators.component, separators.segment)):
            raise X12Error(f"{name}: {element!r} has a separator in it")
        if separators.repetition and separators.repetition in element:
            raise X12Error(f"{name}: {element!r} has a separator in it")
    return separators.element.join(elements)
