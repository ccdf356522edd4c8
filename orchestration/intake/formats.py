"""How a delivered file is written: the ``format`` of a mapping file.

What belongs here: the fields of each format and their checks. What does not: what columns mean
(mapping.py), reading (readers.py). Everything is declared, nothing is guessed: a file that is not
written as declared is an error.
"""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from orchestration.x12.grammar import SETS, load

ISO_DATE = "%Y-%m-%d"
SERIALS = {"excel_serial_1900": "1899-12-30", "excel_serial_1904": "1904-01-01"}
"""Dates as day numbers of a workbook: day 0 of each date system. 1900 is used from its day 61, 1 March 1900, on."""

_DATE_PARTS = {"d": "day", "m": "month", "b": "month", "B": "month", "Y": "year", "y": "year"}
_TIME_PARTS = set("HIMSpf")


class Strict(BaseModel):
    """A part of a mapping file: no unknown fields, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def check_date_format(value: str) -> str:
    """The format, if it names a day, a month and a year, or is one of SERIALS. Raises ValueError."""
    if value in SERIALS:
        return value
    directives = [directive.lstrip("-") for directive in re.findall(r"%(-?.)", value)]
    named = sorted(_DATE_PARTS.get(directive, "time" if directive in _TIME_PARTS else "?") for directive in directives)
    if [part for part in named if part != "time"] != ["day", "month", "year"]:
        raise ValueError(
            f"{value!r}: expected a day (%d), a month (%m, %b, %B) and a year (%Y, %y), each once, and perhaps a time"
            f" (%H, %I, %M, %S, %f, %p), or one of {', '.join(SERIALS)}"
        )
    return value


def has_time(date_format: str) -> bool:
    """Whether a date format declares a time of day, which is then dropped."""
    return any(directive.lstrip("-") in _TIME_PARTS for directive in re.findall(r"%(-?.)", date_format))


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


DateFormat = Annotated[
    str, BeforeValidator(lambda value: check_date_format(value) if isinstance(value, str) else value)
]
Negative = Literal["leading", "trailing", "parentheses"]
Several = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class Format(Strict):
    """What every format may declare."""

    compression: Literal["none", "gzip", "zip"] = "none"
    members: str = Field("", description="pattern of the archive's members that are read; empty: it holds exactly one")
    date_format: DateFormat = Field(ISO_DATE, description="strptime format of dates given as text; or a serial number")
    decimal: Literal[".", ","] = Field(".", description="decimal separator of numbers given as text")
    thousands: Literal["", ".", ",", " ", "'", "\u2019", "\u00a0", "\u2009", "\u202f"] = Field(
        "", description="thousands separator; empty: none is accepted"
    )
    negatives: Annotated[tuple[Negative, ...], BeforeValidator(_as_tuple)] = Field(
        ("leading",), description="how a number says that it is negative: -5, 5- or (5); several may be listed"
    )
    currency_signs: Several = Field((), description="signs that may stand before or after a number, e.g. $ or EUR")

    @field_validator("currency_signs")
    @classmethod
    def _no_part_of_a_number(cls, signs: tuple[str, ...]) -> tuple[str, ...]:
        for sign in signs:
            if not sign or re.search(r"[\d\s+\-().,%']", sign):
                raise ValueError(f"{sign!r}: expected a sign without digits, blanks and + - ( ) . , % '")
        return signs

    @model_validator(mode="after")
    def _fit_together(self) -> Format:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same character")
        if not self.negatives:
            raise ValueError("negatives: expected leading, trailing or parentheses")
        if self.members and self.compression != "zip":
            raise ValueError("members: only a zip archive has members; expected compression: zip")
        return self


class Tabular(Format):
    """A format with rows and a header row."""

    header_row: int | Literal["find"] = Field(
        1, description="row of the column names; the first is 1. find: the first row that has all mapped names"
    )

    @field_validator("header_row")
    @classmethod
    def _counts_from_one(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError("Input should be greater than or equal to 1, or find")
        return value


class CsvFormat(Tabular):
    """A delimited text file."""

    type: Literal["csv"]
    encoding: str
    separator: str = Field(min_length=1, max_length=1)
    quote: str = Field('"', max_length=1, description="character around values; empty: none, a quote is text")
    escape: str = Field("", max_length=1, description="character before a quote inside quotes; empty: it is doubled")
    column_names: tuple[str, ...] = Field((), description="names in order, for a file that has no header row")
    decimal: Literal[".", ","]
    date_format: DateFormat

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            "".encode(value)  # codecs that are no text encodings are refused
            return codecs.lookup(value).name
        except (LookupError, UnicodeError):
            raise ValueError(f"unknown encoding {value!r}; expected e.g. utf-8, cp1252, utf-16") from None

    @model_validator(mode="after")
    def _characters_differ(self) -> CsvFormat:
        given = [character for character in (self.separator, self.quote, self.escape) if character]
        if len(set(given)) < len(given):
            raise ValueError("separator, quote and escape must be different characters")
        if bad := [character for character in given if not character.isascii() or character in "\r\n\0"]:
            raise ValueError(f"separator, quote and escape: {bad[0]!r} cannot be used; expected an ASCII character")
        if self.escape and not self.quote:
            raise ValueError("escape: without a quote there is nothing to escape")
        if self.column_names and self.header_row != 1:
            raise ValueError("column_names: a file without a header row has no header_row")
        return self


class ExcelFormat(Tabular):
    """A workbook. Numbers and dates may be real cells or text in the declared notation. Macros are never run."""

    type: Literal["excel"]
    sheet: str = Field("", description="name of the one sheet that is read")
    sheets: str = Field("", description="pattern of the names of sheets that are all read, instead of sheet")
    hidden_sheets: bool = Field(False, description="whether hidden sheets are read")
    header_rows: int = Field(
        1, ge=1, le=5, description="rows that the header has, merged cells spread out and names joined by ' / '"
    )
    fill_merged: bool = Field(False, description="whether a merged cell's value stands in all of its cells")

    @model_validator(mode="after")
    def _one_way_to_name_sheets(self) -> ExcelFormat:
        if bool(self.sheet) == bool(self.sheets):
            raise ValueError("give either sheet (a name) or sheets (a pattern)")
        if self.header_rows > 1 and self.header_row == "find":
            raise ValueError("header_rows: a header of several rows needs the number of its first row in header_row")
        return self


class ParquetFormat(Format):
    """A Parquet file. Typed columns are taken as they are; dates given as text need date_format."""

    type: Literal["parquet"]


class X12Format(Format):
    """An X12 file: one row per detail loop of each set. Columns are paths (intake/x12/paths.py)."""

    type: Literal["x12"]
    set: str = Field(description="kind of set whose details are the rows: 867, 844 or 849")
    detail: str = Field("", description="lead segment of the loop that is one row; empty: the set's own")
    ignored_sets: tuple[str, ...] = Field((), description="kinds of sets in the file that we knowingly do not read")
    encoding: str = "utf-8"
    decimal: Literal["."] = "."
    thousands: Literal[""] = ""
    date_format: DateFormat = "%Y%m%d"

    @field_validator("encoding")
    @classmethod
    def _plain(cls, value: str) -> str:
        known = {"utf-8", "ascii", "latin-1", "cp1252", "iso8859-15"}
        if value not in known:
            raise ValueError(f"unknown encoding {value!r}; expected one of {', '.join(sorted(known))}")
        return value

    @model_validator(mode="before")
    @classmethod
    def _own_detail(cls, given: Any) -> Any:
        """The set's own detail loop, where the mapping names none."""
        if isinstance(given, dict) and not given.get("detail") and given.get("set") in SETS:
            return {**given, "detail": load(given["set"]).detail}
        return given

    @model_validator(mode="after")
    def _known(self) -> X12Format:
        if self.set not in SETS:
            raise ValueError(f"set: unknown set {self.set!r}; expected one of {', '.join(SETS)}")
        if self.set in self.ignored_sets:
            raise ValueError(f"ignored_sets: {self.set} is the set that is read")
        try:
            load(self.set).loop(self.detail)
        except KeyError as error:
            raise ValueError(f"detail: {error.args[0]}") from error
        return self


class JsonLinesFormat(Format):
    """One JSON object per line, in UTF-8. A column is named by the path of its field: ``buyer.address.city``."""

    type: Literal["json_lines"]
    date_format: DateFormat
