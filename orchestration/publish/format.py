"""What an ERP format is: a column list and a function that gives its rows.

What belongs here: the description of formats and finding them. What does not: any one format
(formats/<name>.py, one file each) and how CSV and Excel are written.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

KINDS = ("identifier", "text", "integer", "amount", "date")


class PublishError(Exception):
    """Something cannot be published as it is. The message says what and why; nothing was published."""


@dataclass(frozen=True)
class Column:
    """One column of a format.

    ``name``: header in the CSV and column of the rows. ``title``: header in Excel. ``kind``:
    identifier (text, written as it is), text (words for people), integer, amount (in the row's
    ``currency``, with its minor unit) or date. ``meaning`` is shown in the documentation. ``control``,
    for every amount: ``<table>.<column>`` of the batch whose sum it must equal per legal entity and
    currency.
    """

    name: str
    title: str
    kind: str
    width: int
    meaning: str
    control: str = ""

    def __post_init__(self) -> None:
        """Refuse an unknown kind, and an amount without a control (ValueError)."""
        if self.kind not in KINDS:
            raise ValueError(f"column {self.name}: kind {self.kind}, expected one of {', '.join(KINDS)}")
        if (self.kind == "amount") != bool(self.control):
            raise ValueError(f"column {self.name}: an amount, and nothing else, names its control")


@dataclass(frozen=True)
class Format:
    """One ERP file.

    ``files``: name of the CSV, by kind of batch, without ``_<month>.csv``. ``workbooks``: name of the
    workbook that holds it as a sheet, in the same way; formats of one workbook stand in the order of
    ``position``. ``rows``: from a batch's tables to the rows, in their final order. ``columns`` must
    include ``legal_entity`` and ``currency``. ``frozen``: leading columns that stay in view.
    """

    name: str
    title: str
    position: int
    files: Mapping[str, str]
    workbooks: Mapping[str, str]
    columns: tuple[Column, ...]
    rows: Callable[[Mapping[str, pa.Table]], pa.Table]
    frozen: int = 1

    def __post_init__(self) -> None:
        """Refuse a format that cannot be controlled per legal entity and currency (ValueError)."""
        if not {"legal_entity", "currency"} <= {column.name for column in self.columns}:
            raise ValueError(f"format {self.name}: columns legal_entity and currency are needed")

    def table(self, tables: Mapping[str, pa.Table]) -> pa.Table:
        """The rows with exactly the format's columns, in its order; PublishError when one is missing."""
        rows = self.rows(tables)
        names = [column.name for column in self.columns]
        missing = [name for name in names if name not in rows.column_names]
        if missing:
            raise PublishError(f"format {self.name}: its rows lack {', '.join(missing)}")
        return rows.select(names)


def all_formats() -> tuple[Format, ...]:
    """Every neutral format of the package ``formats``, by position and name: each ``FORMAT`` of its modules."""
    package = importlib.import_module("orchestration.publish.formats")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    found = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return tuple(sorted(found, key=lambda one: (one.position, one.name)))
