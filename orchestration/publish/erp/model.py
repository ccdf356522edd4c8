"""What an ERP format is: the columns of its files, its limits, and the settings that a legal entity must give.

What belongs here: the description of a format, and finding all of them. What does not: reading the
seeds (seeds.py), the rows (rows.py), checking and writing (checks.py, write.py).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.publish.erp.bank import BankAccount

FIELD_KINDS = ("text", "amount", "number", "date")
ROWS = ("journal", "payment", "payment_line")
"""Kinds of neutral rows (rows.py)."""

LINE_BREAKS = r"[\x00-\x1f\x7f\x{85}\x{2028}\x{2029}]"
"""Characters that no importer takes inside a field: control characters and line breaks."""


DATE_FORMATS = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYYMMDD": "%Y%m%d",
    "DD.MM.YYYY": "%d.%m.%Y",
    "DD/MM/YYYY": "%d/%m/%Y",
    "MM/DD/YYYY": "%m/%d/%Y",
}
"""Forms of dates that a setting ``date_format`` may name."""


@dataclass(frozen=True)
class Field:
    """One column of a file.

    Its value is ``constant``, the legal entity's ``setting``, or ``column`` of the neutral rows; with
    none of them it stays empty (a column of the importer that we do not fill). ``size``: most
    characters, 0 for no limit. ``cut``: words that we compose ourselves are cut to the size; anything
    else that is too long is refused. ``optional``: rows that lack the column leave the field empty.
    """

    name: str
    column: str = ""
    setting: str = ""
    constant: str = ""
    kind: str = "text"
    size: int = 0
    required: bool = False
    cut: bool = False
    optional: bool = False
    meaning: str = ""

    def __post_init__(self) -> None:
        """Refuse an unknown kind and more than one source of the value (ValueError)."""
        if self.kind not in FIELD_KINDS:
            raise ValueError(f"field {self.name}: kind {self.kind}, expected one of {', '.join(FIELD_KINDS)}")
        if sum(map(bool, (self.column, self.setting, self.constant))) > 1:
            raise ValueError(f"field {self.name}: column, setting and constant exclude each other")


def empty(*names: str) -> tuple[Field, ...]:
    """Columns of an importer that we leave empty."""
    return tuple(Field(name) for name in names)


def numbered(stem: str, first: int, last: int) -> tuple[Field, ...]:
    """Columns that we leave empty and that differ by a number: ``SEGMENT1``, ``SEGMENT2`` and so on."""
    return empty(*(f"{stem}{number}" for number in range(first, last + 1)))


@dataclass(frozen=True)
class Setting:
    """What a legal entity says about a format in seeds/erp/setting.csv. ``default`` null: it must be given."""

    name: str
    meaning: str
    default: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """One table of a file: which neutral ``rows`` it shows, and its ``fields`` in order.

    ``file``: its name inside a zip. ``controls``: amount fields and the column of the rows whose sum,
    per currency, they must equal.
    """

    rows: str
    fields: tuple[Field, ...]
    controls: Mapping[str, str]
    file: str = ""

    def __post_init__(self) -> None:
        """Refuse a field twice, unknown rows, and amounts that nothing controls (ValueError)."""
        names = [one.name for one in self.fields]
        if len(set(names)) < len(names):
            raise ValueError(f"fields twice: {sorted({name for name in names if names.count(name) > 1})}")
        if self.rows not in ROWS:
            raise ValueError(f"rows {self.rows}, expected one of {', '.join(ROWS)}")
        amounts = {one.name for one in self.fields if one.kind == "amount"}
        if amounts != set(self.controls):
            raise ValueError(f"amounts {sorted(amounts)} are not the controlled ones {sorted(self.controls)}")


Derive = Callable[[pa.Table, Mapping[str, str]], pa.Table]
"""Adds a format's own columns to neutral rows: (rows, the legal entity's settings)."""


def _as_it_is(rows: pa.Table, settings: Mapping[str, str]) -> pa.Table:
    return rows


@dataclass(frozen=True)
class ErpFormat:
    """One format of ``publish/formats``.

    ``kinds``: kinds of batches that have files. ``line_key``: where a line key stands, for people.
    ``instrument``: the payments that it takes, so that they are paid; empty for journals. ``posts``: its
    importer books these payments too, so no journal of the legal entity has them. ``bank_accounts``: a
    payment needs a bank account of both sides. ``suffix`` zip: the tables are files in one zip.
    ``header``: a row of column names. ``zeros``: a zero amount is written, not left empty.
    ``date_format``: strftime, or ``$name``, a setting that names one of DATE_FORMATS. ``decimals``,
    ``digits``: most decimals, and most digits before the point, 0 for no limit. ``forbidden``:
    characters that the importer refuses. ``document_lines``: lines that a document of a journal is
    filled up to, ``most_document_lines``: that it may not pass; ``file_lines``: that a file may not pass.
    ``derive``: adds its own columns to the rows. ``blocks``: bytes of a delimited file that is no plain
    table, from (format, rows, text of the fields). ``write``: contents of files that are not delimited,
    from (batch, legal entity, settings, rows). ``sources``: the documentation that it follows.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    layouts: tuple[Layout, ...]
    line_key: str
    settings: tuple[Setting, ...] = ()
    instrument: str = ""
    posts: bool = False
    bank_accounts: bool = False
    suffix: str = "csv"
    header: bool = True
    zeros: bool = False
    delimiter: str = ","
    line_end: str = "\r\n"
    date_format: str = "%Y-%m-%d"
    decimals: int = 0
    digits: int = 0
    forbidden: str = LINE_BREAKS
    document_lines: int = 0
    most_document_lines: int = 0
    file_lines: int = 0
    derive: Derive = field(default=_as_it_is)
    write: Callable[..., list[bytes]] | None = None
    blocks: Callable[..., bytes] | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """What files are written from.

    ``facts``, ``tables``, ``units``: as files.write_batch_files takes them. ``entity_currency``: by legal
    entity. ``erp``: the folder. ``accounts``: bank accounts. ``neutral``: neutral rows once they are made.
    """

    facts: Mapping[str, Any]
    tables: Mapping[str, pa.Table]
    units: Mapping[str, int]
    entity_currency: Mapping[str, str]
    erp: Path
    accounts: Sequence[BankAccount] = ()
    neutral: dict[str, pa.Table] = field(default_factory=dict)


def erp_formats() -> dict[str, ErpFormat]:
    """Every ERP format by name: each ``ERP`` of the modules of ``publish/formats``, in their order."""
    package = importlib.import_module("orchestration.publish.formats")
    modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    found = [importlib.import_module(f"{package.__name__}.{name}") for name in modules]
    return {module.ERP.name: module.ERP for module in found if hasattr(module, "ERP")}
