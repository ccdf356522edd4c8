"""Arguments of the expectations that suites may use: which there are, and whether their values fit the columns.

What belongs here: everything that can be wrong about an argument, found without Great Expectations (whose import
takes seconds). What does not: what a rule or suite file is (suites.py).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any

BOUNDS = {"min_value": "bound", "max_value": "bound", "strict_min": "flag", "strict_max": "flag"}

ARGUMENTS: dict[str, dict[str, str]] = {
    "expect_column_values_to_not_be_null": {"column": "column"},
    "expect_column_values_to_be_null": {"column": "column"},
    "expect_column_values_to_be_in_set": {"column": "column", "value_set": "set"},
    "expect_column_values_to_not_be_in_set": {"column": "column", "value_set": "set"},
    "expect_column_values_to_be_between": {"column": "column"} | BOUNDS,
    "expect_column_values_to_match_regex": {"column": "column", "regex": "regex"},
    "expect_column_values_to_not_match_regex": {"column": "column", "regex": "regex"},
    "expect_column_values_to_match_regex_list": {"column": "column", "regex_list": "regexes", "match_on": "any_or_all"},
    "expect_column_values_to_not_match_regex_list": {"column": "column", "regex_list": "regexes"},
    "expect_column_value_lengths_to_be_between": {"column": "column", "min_value": "length", "max_value": "length"}
    | {"strict_min": "flag", "strict_max": "flag"},
    "expect_column_value_lengths_to_equal": {"column": "column", "value": "length"},
    "expect_column_pair_values_a_to_be_greater_than_b": {"column_A": "column", "column_B": "column"}
    | {"or_equal": "flag", "ignore_row_if": "ignored"},
    "expect_column_pair_values_to_be_equal": {"column_A": "column", "column_B": "column", "ignore_row_if": "ignored"},
    "expect_column_pair_values_to_be_in_set": {"column_A": "column", "column_B": "column"}
    | {"value_pairs_set": "pairs", "ignore_row_if": "ignored"},
    "expect_select_column_values_to_be_unique_within_record": {"column_list": "columns", "ignore_row_if": "ignored"},
}
"""Expectation types that a suite may use, their arguments and what each holds. ``mostly`` is allowed everywhere."""

OPTIONAL = ("min_value", "max_value", "strict_min", "strict_max", "match_on", "or_equal", "ignore_row_if")

KINDS = {"text": "text", "number": "a number", "date": "a date (YYYY-MM-DD)"}

_IGNORED = {
    "pair": ("both_values_are_missing", "either_value_is_missing", "neither"),
    "select": ("all_values_are_missing", "any_value_is_missing", "never"),
}


def kind_of(column_type: str) -> str:
    """text, number or date, of a type of the contract."""
    return {"VARCHAR": "text", "DATE": "date"}.get(column_type, "number")


def fits(value: Any, kind: str) -> bool:
    """Whether a value can be compared with a column of that kind. YAML reads a bare no or on as true or false."""
    if isinstance(value, bool):
        return False
    if kind == "date":
        return isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
    return isinstance(value, str) if kind == "text" else isinstance(value, int | float)


def problems(type_: str, kwargs: Mapping[str, Any], types: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with a rule's arguments: ``.argument: what, and what was expected``, or ``: what`` of several.

    ``types``: type of every column that the rule may look at, by name.
    """
    known = ARGUMENTS[type_]
    for name in kwargs:
        if name not in known and name != "mostly":
            yield f".{name}: unknown argument; expected one of {', '.join(known)}"
    for name in known:
        if name not in kwargs and name not in OPTIONAL:
            yield f".{name}: missing; {type_} needs {', '.join(n for n in known if n not in OPTIONAL)}"
    columns = []
    for name, holds in known.items():
        if holds in ("column", "columns") and name in kwargs:
            given = kwargs[name] if holds == "columns" else [kwargs[name]]
            if not isinstance(given, list) or not given or not all(isinstance(column, str) for column in given):
                yield f".{name}: {kwargs[name]!r}: expected {'a list of columns' if holds == 'columns' else 'a column'}"
                return
            columns += given
    for column in columns:
        if column not in types:
            yield f": unknown column {column!r}; expected one of {', '.join(types)}"
            return
    if not columns:
        return
    kinds = [kind_of(types[column]) for column in columns]
    if len(set(kinds)) > 1 and "value_pairs_set" not in known:
        yield f": {' and '.join(columns)} are {' and '.join(kinds)}: expected columns of one kind"
    if any(holds in ("regex", "regexes", "length") for holds in known.values()) and kinds[0] != "text":
        yield f": column {columns[0]!r} holds {KINDS[kinds[0]]}: {type_} is for columns of text"
    if "bound" in known.values() and kinds[0] == "text":
        yield f": column {columns[0]!r} holds text: {type_} is for numbers and dates"
        return
    for name, holds in known.items():
        if name in kwargs and holds not in ("column", "columns"):
            yield from (f".{name}: {reason}" for reason in _wrong(holds, kwargs[name], kinds, type_))
    bounds = [kwargs[name] for name in ("min_value", "max_value") if kwargs.get(name) is not None]
    if "min_value" in known and not bounds:
        yield ": min_value, max_value: expected at least one of them"
    if len(bounds) == 2 and type(bounds[0]) is type(bounds[1]) and bounds[0] > bounds[1]:
        yield f".min_value: {bounds[0]} is above max_value {bounds[1]}"


def _wrong(holds: str, value: Any, kinds: list[str], type_: str) -> Iterator[str]:
    if holds == "bound":
        if not fits(value, kinds[0]):
            yield f"{value!r}: expected {KINDS[kinds[0]]}, as the column holds"
    elif holds == "flag":
        if not isinstance(value, bool):
            yield f"{value!r}: expected true or false"
    elif holds == "length":
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            yield f"{value!r}: expected a whole number of characters"
    elif holds == "regex":
        yield from _regex(value)
    elif holds == "any_or_all":
        if value not in ("any", "all"):
            yield f"{value!r}: expected any or all"
    elif holds == "ignored":
        expected = _IGNORED["select" if "select" in type_ else "pair"]
        if value not in expected:
            yield f"{value!r}: expected one of {', '.join(expected)}"
    elif not isinstance(value, list) or not value:
        yield f"{value!r}: expected a list with at least one entry"
    elif holds == "regexes":
        for entry in value:
            yield from _regex(entry)
    elif holds == "set":
        for entry in value:
            if not fits(entry, kinds[0]):
                yield f"{entry!r}: expected {KINDS[kinds[0]]}, as the column holds"
    elif holds == "pairs":
        for entry in value:
            if not isinstance(entry, list) or len(entry) != 2 or not all(map(fits, entry, kinds)):
                yield f"{entry!r}: expected a pair of {KINDS[kinds[0]]} and {KINDS[kinds[1]]}"


def _regex(value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{value!r}: expected a regular expression"
        return
    try:
        re.compile(value)
    except re.error as error:
        yield f"{value!r}: not a regular expression: {error}"
