"""How names and addresses are compared, as data: seeds/reference/matching/*.csv.

What belongs here: reading and checking the four files. What does not: what is done with them.

letters.csv: letters that are written in several ways, applied in order. word.csv: words (also several in a row) that
are dropped or stand for another one, by field. unit_word.csv: usual words for our units. setting.csv: weights, limits
and thresholds, whole numbers.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

FOLDER = "matching"
"""Folder of the files below the reference data."""

FIELDS = ("name", "street", "city", "country")
"""Fields that word.csv may name."""

LIMITS = {
    "identified_at": (1, 100),
    "identified_at_by_name": (1, 100),
    "review_at": (1, 100),
    "lead_over_next": (0, 100),
    "word_at": (1, 100),
    "subset_worth": (0, 100),
    "numbers_cost": (0, 100),
    "name_weight": (1, 1000),
    "street_weight": (0, 1000),
    "postal_code_weight": (0, 1000),
    "city_weight": (0, 1000),
    "block_limit": (1, 100_000),
    "pairs_per_spelling": (1, 10_000),
    "candidates": (1, 100),
}
"""Settings, all of them needed, with the lowest and highest value of each."""


class MatchingRuleError(ValueError):
    """A file cannot be used. The message names every problem with file, row and what was expected."""


@dataclass(frozen=True)
class Word:
    """A word of a field and what it stands for; '' drops it."""

    field: str
    word: str
    becomes: str


@dataclass(frozen=True)
class Rules:
    """The rules of one folder. ``settings``: every name of LIMITS."""

    letters: tuple[tuple[str, str], ...]
    words: tuple[Word, ...]
    settings: dict[str, int]
    unit_words: tuple[tuple[str, str], ...]

    def __getitem__(self, setting: str) -> int:
        """The value of a setting."""
        return self.settings[setting]

    @property
    def digest(self) -> str:
        """Hash of all rules."""
        return hashlib.sha256(
            repr((self.letters, self.words, sorted(self.settings.items()), self.unit_words)).encode()
        ).hexdigest()


def load(reference: Path) -> Rules:
    """The rules below ``reference``; MatchingRuleError with every problem of every file."""
    problems: list[str] = []
    letters = [
        (row["find"], row["becomes"])
        for number, row in _rows(reference, "letters.csv", ("find", "becomes", "why"), problems)
        if _given(row, "find", f"letters.csv row {number}", problems)
    ]
    words = []
    for number, row in _rows(reference, "word.csv", ("field", "word", "becomes", "kind"), problems):
        where = f"word.csv row {number}"
        if row["field"] not in FIELDS:
            problems.append(f"{where}: field: {row['field']!r}: expected one of {', '.join(FIELDS)}")
        elif " " in row["becomes"]:
            problems.append(f"{where}: becomes: {row['becomes']!r}: expected one word, or nothing to drop the word")
        elif _given(row, "word", where, problems):
            words.append(Word(row["field"], row["word"], row["becomes"]))
    seen: dict[tuple[str, str], int] = {}
    for position, word in enumerate(words):
        if (first := seen.setdefault((word.field, word.word), position)) != position:
            other = words[first].becomes
            problems.append(f"word.csv: {word.field} {word.word!r} is given twice ({other!r} and {word.becomes!r})")
    unit_words = [
        (row["word"], row["unit"])
        for number, row in _rows(reference, "unit_word.csv", ("word", "unit", "why"), problems)
        if _given(row, "word", f"unit_word.csv row {number}", problems)
        and _given(row, "unit", f"unit_word.csv row {number}", problems)
    ]
    settings = _settings(reference, problems)
    if not problems and settings["review_at"] > min(settings["identified_at"], settings["identified_at_by_name"]):
        problems.append("setting.csv: review_at: expected at most identified_at and identified_at_by_name")
    if problems:
        raise MatchingRuleError("\n".join(f"{FOLDER}/{problem}" for problem in problems))
    return Rules(tuple(letters), tuple(words), settings, tuple(unit_words))


def _settings(reference: Path, problems: list[str]) -> dict[str, int]:
    settings: dict[str, int] = {}
    for number, row in _rows(reference, "setting.csv", ("setting", "value", "meaning"), problems):
        name, value = row["setting"], row["value"]
        where = f"setting.csv row {number}"
        if name not in LIMITS:
            problems.append(f"{where}: unknown setting {name!r}; expected one of {', '.join(LIMITS)}")
            continue
        low, high = LIMITS[name]
        if not (value.isascii() and value.isdecimal() and low <= int(value) <= high):
            problems.append(f"{where}: {name}: {value!r}: expected a whole number from {low} to {high}")
            continue
        if name in settings:
            problems.append(f"{where}: {name} is given twice")
        settings[name] = int(value)
    problems += [f"setting.csv: {name} is missing" for name in LIMITS if name not in settings and not problems]
    return settings


def _given(row: dict[str, str], column: str, where: str, problems: list[str]) -> bool:
    if not row[column]:
        problems.append(f"{where}: {column} is empty")
    return bool(row[column])


def _rows(
    reference: Path, name: str, columns: tuple[str, ...], problems: list[str]
) -> list[tuple[int, dict[str, str]]]:
    """Rows of a file with their numbers; nothing when it cannot be used, with the reason among ``problems``."""
    path = reference / FOLDER / name
    if not path.is_file():
        problems.append(f"{name}: there is no such file in {path.parent.name}/")
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restkey="", restval="")
        if tuple(reader.fieldnames or ()) != columns:
            problems.append(f"{name}: columns {', '.join(reader.fieldnames or ())}: expected {', '.join(columns)}")
            return []
        rows = [(number, row) for number, row in enumerate(reader, start=2)]
    for number, row in rows:
        if "" in row:
            problems.append(f"{name} row {number}: more values than columns")
    return [(number, {column: row[column].strip() for column in columns}) for number, row in rows]
