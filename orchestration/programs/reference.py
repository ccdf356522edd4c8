"""Names that documents refer to: legal entities, segments and fiscal calendars (seeds/reference/).

What belongs here: reading and checking those files (segments: orchestration/segments.py). What does not: the rules
of a document.

A bad reference file stops the run (BadReferenceError with every problem): no document could be judged.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration import segments
from orchestration.programs import fiscal_calendar
from orchestration.programs.fiscal_calendar import Calendar, Month

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "legal_entity": ("legal_entity", "currency", "calendar"),
    "fiscal_month": fiscal_calendar.COLUMNS,
}


class BadReferenceError(ValueError):
    """A file of seeds/reference/ cannot be used; the message names every problem."""


@dataclass(frozen=True)
class Reference:
    """What documents may name.

    ``currencies``: legal entity to currency. ``segments``: segment id to its entity. ``calendars``: name to
    calendar. ``entity_calendars``: legal entity to the name of its calendar.
    """

    currencies: Mapping[str, str]
    segments: Mapping[str, str]
    calendars: Mapping[str, Calendar]
    entity_calendars: Mapping[str, str]


def read(folder: Path) -> Reference:
    """The names in legal_entity.csv, fiscal_month.csv, segment.csv and segment_rule.csv of the folder.

    Raises FileNotFoundError for a missing file and BadReferenceError for a bad one.
    """
    entities, months = (_rows(folder / f"{table}.csv", columns) for table, columns in COLUMNS.items())
    problems: list[str] = []
    calendars = _calendars(months, problems)
    known: Mapping[str, segments.Segment] = {}
    try:
        known = segments.read(folder)
    except segments.SegmentError as error:
        problems += error.problems
    problems += [
        f"legal_entity.csv: {row['legal_entity']} has calendar {row['calendar']}; known: {', '.join(sorted(calendars))}"
        for row in entities
        if row["calendar"] not in calendars
    ]
    if problems:
        raise BadReferenceError("\n".join(problems))
    return Reference(
        currencies={row["legal_entity"]: row["currency"] for row in entities},
        segments={segment.segment_id: segment.entity for segment in known.values()},
        calendars=calendars,
        entity_calendars={row["legal_entity"]: row["calendar"] for row in entities},
    )


def _calendars(rows: Sequence[Mapping[str, str]], problems: list[str]) -> dict[str, Calendar]:
    """The calendars of fiscal_month.csv; what is wrong with them is added to ``problems``."""
    months: defaultdict[str, list[Month]] = defaultdict(list)
    for number, row in enumerate(rows, start=2):
        try:
            start, end = date.fromisoformat(row["month_start"]), date.fromisoformat(row["month_end"])
        except ValueError:
            problems.append(f"fiscal_month.csv row {number}: month_start and month_end: expected dates like 2017-03-31")
            continue
        periods = row["quarter_id"], row["half_year_id"], row["year_id"]
        months[row["calendar"]].append(Month(row["month_id"], start, end, *periods))
    for name, known in months.items():
        problems += fiscal_calendar.problems(name, known)
    return {name: Calendar(name, tuple(known)) for name, known in months.items()}


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restval="")
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise BadReferenceError(f"{path.name}: no column {', '.join(missing)}")
        return list(reader)
