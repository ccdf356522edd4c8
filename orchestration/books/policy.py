"""Who may release payments: seeds/books/settlement_policy.csv, one row for each legal entity.

What belongs here: reading the file. What does not: what follows from it (proposals.py, post.py).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping

from orchestration.books.tables import LedgerError
from orchestration.settings import Settings

AUTOMATIC, FOUR_EYES = "automatic", "four_eyes"
COLUMNS = ("legal_entity", "release")


def release_policy(settings: Settings) -> Mapping[str, str]:
    """``automatic`` (a close pays what is due) or ``four_eyes`` (it proposes, people release), by legal entity.

    Raises LedgerError, naming file and row, for other columns, another word, and an entity that comes twice.
    """
    path = settings.books / "settlement_policy.csv"
    found: dict[str, str] = {}
    if not path.is_file():
        raise LedgerError(f"{path.name} is missing in seeds/{path.parent.name}/")
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise LedgerError(f"{path.name}: columns {reader.fieldnames}, expected {', '.join(COLUMNS)}")
        for row in reader:
            entity, release = (row[name] or "" for name in COLUMNS)
            if release not in (AUTOMATIC, FOUR_EYES):
                raise LedgerError(
                    f"{path.name}, row {reader.line_num}: release {release!r}, expected {AUTOMATIC} or {FOUR_EYES}"
                )
            if not entity or entity in found:
                raise LedgerError(
                    f"{path.name}, row {reader.line_num}: legal entity {entity!r} is empty or comes twice"
                )
            found[entity] = release
    return found
