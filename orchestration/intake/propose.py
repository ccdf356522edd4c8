"""Drafting a mapping file from a delivered file, for a person to finish.

What belongs here: which of our columns theirs may be, by names, words (words.yml) and values, and the draft as
text. What does not: looking at the file (head.py), notations (styles.py). Guesses end up in the draft, each with its
reason, unsure ones marked ``# ?``; intake itself guesses nothing, and a required column that was not found keeps the
draft from being a valid mapping until a person has filled it in.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.contract import DATE, ENTITIES, TEXT, Column, Entity
from orchestration.intake.head import Head, ProposeError, look
from orchestration.intake.styles import date_formats, number, number_style

__all__ = ["Known", "ProposeError", "propose"]

WORDS = Path(__file__).with_name("words.yml")
SURE, ENOUGH = 88, 62
"""Likeness (0 to 100, of names and values together) from which a column is taken as sure, or at all."""
MOST = 0.8
"""Share of values that must be known ids, dates or numbers for a column to count as such."""
FEW = 12
"""A column of kinds or units has at most so many different values."""
PARTNERS = ("sold_to_id", "ship_to_id", "distributor_id", "reseller_id", "partner_id")
USUAL = {
    "stream": ("sell_through", "? a partner's report of its sales; sell_in for invoices of our own"),
    "document_type": ("invoice", "? nothing says what the rows are"),
    "record_intent": ("original", "? nothing says that rows correct others"),
    "unit": ("EA", "? no column has units"),
    "currency": ("USD", "? nothing in the file says the currency"),
}
"""Constants that stand in where no column fits."""


@dataclass(frozen=True)
class Known:
    """Values of the accepted master data."""

    products: frozenset[str] = frozenset()
    partners: frozenset[str] = frozenset()
    end_customers: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()

    def ids(self, column: str) -> frozenset[str]:
        """Ids that may stand in one of our columns."""
        if column in PARTNERS:
            return self.partners
        return {"product_id": self.products, "end_customer_id": self.end_customers, "unit": self.units}.get(
            column, frozenset()
        )


@cache
def _words() -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    return words


def normal(name: str) -> str:
    """A name for comparison: small letters without accents, words apart."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("ß", "ss")
    plain = unicodedata.normalize("NFKD", apart)
    return re.sub(r"[\W_]+", " ", "".join(c for c in plain if not unicodedata.combining(c)).casefold()).strip()


@dataclass(frozen=True)
class _Theirs:
    """One column of the file."""

    name: str
    place: int
    values: list[str]
    formats: list[str]
    numeric: bool

    @property
    def distinct(self) -> list[str]:
        return [value for value, _ in Counter(self.values).most_common()]


@dataclass(frozen=True)
class _Match:
    theirs: _Theirs
    score: float
    reason: str


def propose(path: Path, entity: str, source: str = "", known: Known | None = None) -> str:
    """A draft of a mapping as YAML text. ``known``: values of the master data; None: there are none.

    Raises ProposeError for an unknown entity, a source name that cannot be used and a file that cannot be looked at.
    """
    if entity not in ENTITIES:
        raise ProposeError(f"unknown entity {entity!r}; expected one of {', '.join(ENTITIES)}")
    stem = path.name.split(".")[0]
    letters = normal(re.sub(r"\d+", " ", stem)).encode("ascii", "ignore").decode()
    name = source or re.sub(r"[^a-z]+", "_", letters).strip("_") or "new_source"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ProposeError(f"--source {name!r}: expected small letters, digits and _, beginning with a letter")
    head = look(path)
    theirs = [_theirs(head, place) for place, column in enumerate(head.header) if column]
    matches = _match(ENTITIES[entity], theirs, known or Known())
    return _Draft(path, ENTITIES[entity], name, head, theirs, matches, known).text()


def _theirs(head: Head, place: int) -> _Theirs:
    values = head.column(place)
    formats = date_formats(values)
    numbers = sum(number(value) is not None for value in values)
    return _Theirs(
        head.header[place], place, values, formats, not formats and bool(values) and numbers >= 0.9 * len(values)
    )


def _match(entity: Entity, theirs: list[_Theirs], known: Known) -> dict[str, _Match]:
    """By our column the one of theirs that is most like it; each is used once."""
    pairs = []
    for column in entity.columns:
        for their in theirs:
            score, reason = _likeness(column, their, known)
            if score >= ENOUGH:
                pairs.append((-score, their.place, column.name, _Match(their, score, reason)))
    chosen: dict[str, _Match] = {}
    taken: set[int] = set()
    for _, place, name, match in sorted(pairs, key=lambda pair: pair[:3]):
        if name not in chosen and place not in taken:
            chosen[name] = match
            taken.add(place)
    return chosen


def _likeness(column: Column, their: _Theirs, known: Known) -> tuple[float, str]:
    """How much a column of theirs is like one of ours (100: the same name; known values add to it), and why."""
    from rapidfuzz import fuzz

    name = normal(their.name)
    best, word = 0.0, ""
    for candidate in (column.name, *_words()["columns"].get(column.name, ())):
        plain = normal(candidate)
        score = fuzz.ratio(name, plain)
        if len(plain) > 3 and set(plain.split()) <= set(name.split()):
            score = max(score, 86.0)
        score = max(score, fuzz.token_sort_ratio(name, plain) - 1)
        if score > best:
            best, word = score, candidate
    reason = f"named like {word!r}"
    if not their.values:
        return best, f"{reason}; no value"
    if column.type == DATE:
        best += 5 if their.formats else -45
    elif column.type != TEXT:
        best += 0 if their.numeric else -45
    elif their.formats and their.formats != ["%Y%m%d"]:
        best -= 40
    if column.domain or column.name in ("unit", "currency"):
        best -= 45 if len(set(their.values)) > FEW else 0
    if column.name == "currency" and not all(re.fullmatch("[A-Z]{3}", value) for value in set(their.values)):
        best -= 45
    ids = known.ids(column.name)
    share = sum(value in ids for value in their.values) / len(their.values) if ids else 0.0
    if share >= MOST and (best >= 40 or column.name in ("product_id", "end_customer_id")):
        best, reason = max(best, 60) + 25 * share, f"{reason}; {share:.0%} of the values are in our master data"
    return best, reason


class _Draft:
    """The draft's text, line by line."""

    def __init__(
        self,
        path: Path,
        entity: Entity,
        source: str,
        head: Head,
        theirs: list[_Theirs],
        matches: dict[str, _Match],
        known: Known | None,
    ) -> None:
        self.path = path
        self.entity = entity
        self.source = source
        self.head = head
        self.theirs = theirs
        self.matches = matches
        self.known = known or Known()
        self.has_known = known is not None
        self.lines: list[str] = []

    def say(self, line: str, reason: str = "") -> None:
        self.lines.append(f"{line}  # {' '.join(reason.split())}" if reason else line)

    def text(self) -> str:
        rows = len(self.head.rows)
        self.say(f"# A draft from {self.path.name} ({rows:,} rows looked at). Check every line, above all those marked")
        self.say("# with a question mark; take the comments away; then: rebates intake check THIS_FILE DELIVERED_FILE")
        if not self.has_known:
            self.say("# No accepted master data were at hand: codes of products, partners and units were not compared.")
        self.say(f"source: {self.source}")
        self.say('description: ""', "? who delivers what, in words")
        self.say('owner: ""', "? who answers for this source")
        self.say(f"entity: {self.entity.name}")
        pattern = re.sub(r"\d+([\W_]\d+)*", "*", re.sub(r"[][?*]", "?", self.path.name))
        self.say(
            f"file_pattern: {_scalar(pattern)}", f"? from the name {self.path.name}: what changes from file to file?"
        )
        self._format()
        self._columns()
        self._constants()
        used = {match.theirs.place for match in self.matches.values()}
        left = [their for their in self.theirs if their.place not in used]
        if left:
            self.say("ignored_columns:", "? nothing of ours is like them: map them, or leave them unread knowingly")
            for their in left:
                examples = ", ".join(repr(value) for value in their.distinct[:3]) or "no values"
                self.say(f"  - {_scalar(their.name)}", f"{examples[:80]}")
        return "\n".join(self.lines) + "\n"

    def _format(self) -> None:
        self.say("format:")
        kind = {name: value for name, value, _ in self.head.fields}["type"]
        for name, value, reason in self.head.fields:
            if isinstance(value, list):
                self.say(f"  {name}:", reason)
                for item in value:
                    self.say(f"    - {_scalar(item)}")
            else:
                self.say(f"  {name}: {_scalar(value)}", reason)
        numbers = [value for their in self.theirs if their.numeric for value in their.values]
        style = number_style(numbers)
        typed = kind in ("excel", "parquet")
        if kind == "csv" or style.decimal[0] == ",":
            self.say(f"  decimal: {_scalar(style.decimal[0])}", style.decimal[1])
        if style.thousands[0] and not typed:
            self.say(f"  thousands: {_scalar(style.thousands[0])}", style.thousands[1])
        if style.negatives[0] not in ([], ["leading"]):
            self.say(f"  negatives: [{', '.join(style.negatives[0])}]", style.negatives[1])
        if style.signs[0]:
            self.say(f"  currency_signs: [{', '.join(_scalar(sign) for sign in style.signs[0])}]", style.signs[1])
        first = next((self.matches[c.name].theirs for c in self.entity.columns if self._is_date(c)), None)
        self.date_format, reason = _date_format(first)
        if kind in ("csv", "json_lines") or self.date_format != "%Y-%m-%d":
            self.say(f"  date_format: {_scalar(self.date_format)}", reason)

    def _is_date(self, column: Column) -> bool:
        return column.type == DATE and column.name in self.matches

    def _columns(self) -> None:
        self.say("columns:")
        crossed = False
        for column in self.entity.columns:
            match = self.matches.get(column.name)
            if match is None:
                if column.required and column.name not in USUAL:
                    self.say(f"  # {column.name}: ?", f"required, and no column of theirs is like it: {column.meaning}")
                continue
            their = match.theirs
            unsure = "" if match.score >= SURE else "? "
            reason = f"{unsure}{match.reason}" if unsure or "master data" in match.reason else ""
            fields = self._fields(column, their)
            if column.name == "product_id" and self.entity.name == "line" and self.known.products:
                crossed = not set(their.values) & self.known.products
            if not fields:
                self.say(f"  {column.name}: {_scalar(their.name)}", reason)
                continue
            self.say(f"  {column.name}:", reason)
            self.say(f"    column: {_scalar(their.name)}")
            self.lines += fields
        if crossed:
            self.say("product_codes: cross_reference", "? none of their codes is a product of ours")

    def _fields(self, column: Column, their: _Theirs) -> list[str]:
        """What more a column needs than its name, as lines."""
        if column.type == DATE:
            fmt, reason = _date_format(their)
            return [] if fmt == self.date_format else [f"    date_format: {_scalar(fmt)}  # {reason}"]
        if column.domain or column.name == "unit":
            return self._values(column, their)
        ids = self.known.ids(column.name)
        if column.name in PARTNERS and ids and not set(their.values) & ids:
            for before in sorted({re.sub(r"\d+$", "", value) for value in ids if re.search(r"\d$", value)}):
                share = sum(before + value in ids for value in their.values) / max(len(their.values), 1)
                if share >= MOST:
                    line = f"    template: {_scalar(before + '{value}')}"
                    return [f"{line}  # {share:.0%} of the values are partners of ours with {before} before them"]
        return []

    def _values(self, column: Column, their: _Theirs) -> list[str]:
        words = {
            normal(w): ours for ours, all_ in _words()["values"].get(column.name, {}).items() for w in (*all_, ours)
        }
        allowed = set(column.domain) or set(self.known.units)
        different = their.distinct[:50]
        if all(value in allowed for value in different):
            return []
        lines = ["    values:"]
        for value in different:
            ours = value if value in allowed else words.get(normal(value), "")
            if column.name == "unit" and self.known.units and ours not in self.known.units:
                ours = ""
            count = sum(each == value for each in their.values)
            if ours:
                sure = "? a single letter; " if len(value) == 1 and value != ours else ""
                lines.append(f"      {_scalar(value)}: {_scalar(ours)}  # {sure}{count:,} rows")
            else:
                expected = ", ".join(sorted(allowed)[:8]) or "our code of the unit"
                lines.append(f"      # {_scalar(value)}: ?  # {count:,} rows; expected {expected}")
        return lines

    def _constants(self) -> None:
        given = {column.name for column in self.entity.columns if column.required} - set(self.matches)
        lines = [(name, *USUAL[name]) for name in USUAL if name in given]
        if "currency" in given and (found := self._currency()):
            lines = [line for line in lines if line[0] != "currency"] + [found]
        wanted = self.entity.name == "line" and "distributor_id" not in self.matches
        if not lines and not wanted:
            return
        self.say("constants:")
        for name, value, reason in lines:
            self.say(f"  {name}: {_scalar(value)}", reason)
        if wanted:
            self.say("  # distributor_id: ?", "our number of the partner who reports")

    def _currency(self) -> tuple[str, str, str] | None:
        """The currency that a column's name or the signs beside numbers say."""
        codes = self.known.currencies | {"USD", "EUR", "GBP", "CAD", "CHF", "MXN", "JPY"}
        for their in self.theirs:
            for word in normal(their.name).split():
                if word.upper() in codes:
                    return "currency", word.upper(), f"the column {their.name!r} says it"
        numbers = [value for their in self.theirs if their.numeric for value in their.values]
        signs = number_style(numbers).signs[0]
        by_sign = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY"}
        if len(signs) == 1 and (code := by_sign.get(signs[0], signs[0])) in codes:
            return "currency", code, f"? {signs[0]} stands beside numbers"
        return None


def _date_format(their: _Theirs | None) -> tuple[str, str]:
    """The format of a column's dates with the reason."""
    if their is None or not their.values:
        return "%Y-%m-%d", "? no dates were found"
    if not their.formats:
        return "%Y-%m-%d", f"? values such as {their.values[0]!r} fit no format that was tried"
    first, *others = their.formats
    if others:
        return first, f"? {their.values[0]!r} also fits {', '.join(others)}; no value tells them apart"
    return first, f"all {len(their.values):,} values fit, such as {their.values[0]!r}, and no other format tried does"


def _scalar(value: Any) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(value, allow_unicode=True, width=10_000, default_flow_style=True)
    return text.removesuffix("...\n").strip()
