"""How dates and numbers are written, from examples: for drafts of mappings alone, never while a file is read.

What belongs here: the notation of values and how sure it is. What does not: what columns mean (propose.py),
parsing (parse.py).
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

DATE_FORMATS = (
    "%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d", "%d.%m.%y",
    "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
    "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M",
)  # fmt: skip
_YEARS = range(1990, 2100)
_BLANK = " \u00a0\u2009\u202f"
_FIGURE = re.compile(rf"\d[\d.,'’{_BLANK}]*|[.,]\d+")
_SIGN = re.compile(r"[$€£¥]|\b[A-Z]{3}\b")
_SEPARATORS = {".": "point", ",": "comma"}


def date_formats(values: Iterable[str]) -> list[str]:
    """Formats in which every value is a date, in order of DATE_FORMATS; none for no values."""
    different = list(dict.fromkeys(values))
    return [fmt for fmt in DATE_FORMATS if different and all(_is_date(value, fmt) for value in different)]


def _is_date(value: str, fmt: str) -> bool:
    # strptime takes 2017012 for %Y%m%d too; a date without separators has all of its digits
    if fmt == "%Y%m%d" and len(value) != 8:
        return False
    try:
        return datetime.datetime.strptime(value, fmt).year in _YEARS  # noqa: DTZ007 - a day, not a moment
    except ValueError:
        return False


@dataclass(frozen=True)
class Number:
    """A text that can be read as a number: its separators as far as they are seen."""

    decimal: str
    """Empty: none is seen."""
    thousands: str
    ambiguous: str
    """A point or comma before exactly three digits, which may be either."""
    negative: str
    """leading, trailing, parentheses; empty: not negative."""
    sign: str
    """Currency sign or code; empty: none."""


def number(text: str) -> Number | None:
    """How a number is written; None: no number."""
    sign = _SIGN.search(text)
    rest = (text[: sign.start()] + text[sign.end() :] if sign else text).strip(_BLANK)
    negative = ""
    if rest.startswith("(") and rest.endswith(")"):
        rest, negative = rest[1:-1], "parentheses"
    elif rest.endswith("-"):
        rest, negative = rest[:-1], "trailing"
    elif rest.startswith(("-", "+")):
        negative = "leading" if rest[0] == "-" else ""
        rest = rest[1:]
    rest = rest.strip(_BLANK)
    if not _FIGURE.fullmatch(rest):
        return None
    seen = [character for character in rest if not character.isdigit()]
    kinds = list(dict.fromkeys(seen))
    decimal = thousands = ambiguous = ""
    if len(kinds) > 2:
        return None
    if len(kinds) == 2:
        thousands, decimal = kinds
        if decimal not in _SEPARATORS or seen.count(decimal) > 1:
            return None
    elif kinds:
        [kind] = kinds
        after = rest[rest.rindex(kind) + 1 :]
        if kind not in _SEPARATORS or len(seen) > 1:
            thousands = kind
        elif len(after) == 3 and re.fullmatch(r"[1-9]\d{0,2}", rest[: -len(after) - 1]):
            ambiguous = kind
        else:
            decimal = kind
    whole = rest.split(decimal)[0] if decimal else rest
    if thousands and not re.fullmatch(rf"\d{{1,3}}({re.escape(thousands)}\d{{3}})+", whole):
        return None
    return Number(decimal, thousands, ambiguous, negative, sign[0] if sign else "")


@dataclass(frozen=True)
class NumberStyle:
    """How a file writes its numbers; each with its reason, which begins with ``?`` where it is unsure."""

    decimal: tuple[str, str]
    thousands: tuple[str, str]
    negatives: tuple[list[str], str]
    signs: tuple[list[str], str]


def number_style(values: Iterable[str]) -> NumberStyle:
    """The notation that fits most of the values (texts that are no numbers are left out)."""
    found = [(text, parsed) for text in values if (parsed := number(text))]
    decimals = Counter(parsed.decimal for _, parsed in found if parsed.decimal)
    grouped = Counter(parsed.thousands for _, parsed in found if parsed.thousands)
    unclear = Counter(parsed.ambiguous for _, parsed in found if parsed.ambiguous)
    example = {parsed.decimal: text for text, parsed in reversed(found)}
    if decimals:
        [(decimal, count), *others] = decimals.most_common()
        reason = f"{count:,} values such as {example[decimal]} have a decimal {_SEPARATORS[decimal]}"
        if others:
            reason = f"? {reason}, but {others[0][1]:,} have a {_SEPARATORS[others[0][0]]}: {example[others[0][0]]}"
    else:
        decimal = "," if grouped.get(".") and not grouped.get(",") else "."
        reason = "? no value has decimals; ask how they are written"
        if grouped:
            reason = f"? no value has decimals; thousands are written with {grouped.most_common(1)[0][0]!r}"
    groups = Counter({kind: count for kind, count in (grouped + unclear).items() if kind != decimal})
    thousands, why = "", ""
    if groups:
        [(thousands, count), *_] = groups.most_common()
        first = next(text for text, parsed in found if thousands in (parsed.thousands, parsed.ambiguous))
        why = f"{count:,} values such as {first}"
        if not grouped.get(thousands):
            why = f"? {why}, which can be read in two ways"
    elif unclear.get(decimal):
        first = next(text for text, parsed in found if parsed.ambiguous)
        reason = f"? {reason.removeprefix('? ')}; {first} is then a number with three decimals"
    kinds = [kind for kind in ("leading", "trailing", "parentheses") if any(p.negative == kind for _, p in found)]
    told = "; ".join(f"{kind}: {next(text for text, p in found if p.negative == kind)}" for kind in kinds)
    signs = sorted({parsed.sign for _, parsed in found if parsed.sign})
    return NumberStyle(
        (decimal, reason), (thousands, why), (kinds, told), (signs, "stand beside numbers" if signs else "")
    )
