"""A worked example as it is written down: ``chapters()``, and the whole documents that it stands for.

What belongs here: reading ``*.yml``, and what a block leaves to the page's whole document. What does not:
rows of the warehouse (rows.py), comparing figures (figures.py), Markdown (page.py).

An example has one block (``document``) or several named ones (``documents``), and tables (TABLES). A column
``with`` says what is changed in the blocks, in dotted paths; each different cell is a build of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.programs import document_reference

HERE = Path(__file__).parent
AS_ABOVE = "as above"
NOTHING = "–"
INPUTS = ("products", "units", "rates", "members", "claims", "lines")
"""Tables that say what there is; all others say what comes out."""

PARTNERS = {
    "partner": "sold_to_id",
    "ship-to": "ship_to_id",
    "distributor": "distributor_id",
    "reseller": "reseller_id",
}
"""Columns of lines that name partners."""

_CHANGE = re.compile(r"`([\w.]+): ([^`]+)`")

Row = Mapping[str, str]
Tree = Any
"""A document, or a part of it, as YAML's text."""


@dataclass(frozen=True)
class Table:
    """One table: the cells as they stand on the page, by column."""

    kind: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Case:
    """One block of one build of an example.

    ``change``: the cell of the column ``with``. ``block``: its name, "" where there is one only.
    """

    change: str
    block: str
    document: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The program key of the document."""
        return f"{self.document['id']}@{self.document['version']}"


@dataclass(frozen=True)
class Example:
    """One worked example. ``partners``: those that no table names."""

    id: str
    title: str
    want: str
    fields: str
    text: str
    note: str
    blocks: Mapping[str, str]
    partners: tuple[str, ...]
    tables: Mapping[str, Table]

    def rows(self, kind: str) -> tuple[Row, ...]:
        """The rows of a table; none where the example has no such table."""
        return self.tables[kind].rows if kind in self.tables else ()

    def column(self, kind: str, *columns: str) -> list[str]:
        """The different names in some columns of a table, in their order."""
        cells = (row[column] for row in self.rows(kind) for column in columns if column in row)
        return [name for name in dict.fromkeys(cells) if name != NOTHING]

    def unique(self, name: str) -> str:
        """The name of a partner, product, end customer or document as no other example has it."""
        return f"{self.id}:{name}"

    @property
    def partner_names(self) -> list[str]:
        """Partners that tables or the example name; groups are apart."""
        named = self.column("lines", *PARTNERS) + self.column("members", "partner") + self.column("claims", "partner")
        return list(dict.fromkeys([*named, *self.partners]))

    @property
    def group_names(self) -> list[str]:
        """Buying groups."""
        return self.column("members", "group")

    @property
    def changes(self) -> list[str]:
        """The different builds, the blocks as they stand among them."""
        results = [kind for kind in self.tables if kind not in INPUTS]
        return list(dict.fromkeys([AS_ABOVE, *(cell for kind in results for cell in self.column(kind, "with"))]))

    def cases(self) -> Iterator[Case]:
        """Every program of the example as a whole document: names made unique, what a block leaves out filled in."""
        versioned = any("version" in _parsed(text) for text in self.blocks.values())
        names = [*self.partner_names, *self.group_names, *self.column("lines", "product", "end customer")]
        unique = {name: self.unique(name) for name in names}
        for number, change in enumerate(self.changes, start=1):
            for block, text in self.blocks.items():
                tree = deepcopy(_whole()) | _parsed(text)
                if {"price_difference", "fund"} & tree.keys():
                    del tree["basis"], tree["tiers"]
                if "participants" not in _parsed(text):
                    tree["participants"] = {"role": "sold_to", "partners": self.column("lines", "partner")}
                _change(tree, change, block)
                tree = _renamed(tree, unique)
                parts = [self.id, str(number), *([block] if block and not versioned else [])]
                tree["id"] = re.sub(r"[^A-Z0-9]+", "-", "-".join(parts).upper())
                if "supersedes" in tree:
                    tree["supersedes"] = f"{tree['id']}@{tree['supersedes'].partition('@')[2]}"
                if "stacking" in tree:
                    tree["stacking"]["group"] = f"{self.id}:{number}:{tree['stacking']['group']}"
                yield Case(change, block, tree)


def chapters() -> list[tuple[str, list[Example]]]:
    """Every chapter with its examples, in the order of the page."""
    found = []
    for path in sorted(HERE.glob("*.yml")):
        chapter = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
        found.append((str(chapter["chapter"]), [_example(each) for each in chapter["examples"]]))
    return found


def examples() -> list[Example]:
    """Every example, in the order of the page."""
    return [example for _, chapter in chapters() for example in chapter]


def _example(tree: Mapping[str, Any]) -> Example:
    known = {"id", "title", "want", "fields", "text", "note", "document", "documents", "partners", "tables"}
    if set(tree) - known or ("document" in tree) == ("documents" in tree):
        raise ValueError(f"{tree['id']}: expected document or documents, and nothing but {sorted(known)}")
    return Example(
        id=tree["id"],
        title=tree["title"],
        want=tree["want"],
        fields=tree["fields"],
        text=tree["text"].strip(),
        note=tree.get("note", "").strip(),
        blocks=tree.get("documents") or {"": tree["document"]},
        partners=tuple(tree.get("partners", ())),
        tables={kind: _table(kind, text) for kind, text in tree["tables"].items()},
    )


def _table(kind: str, text: str) -> Table:
    columns, *rows = (tuple(cell.strip() for cell in _cells(line)) for line in text.strip().splitlines())
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{kind}: expected {len(columns)} cells, got {row}")
    return Table(kind, columns, tuple(dict(zip(columns, row, strict=True)) for row in rows))


def _cells(line: str) -> list[str]:
    return line.strip().removeprefix("|").removesuffix("|").split("|")


@cache
def _whole() -> Tree:
    page = document_reference.PAGE.read_text(encoding="utf-8")
    return _parsed(document_reference.example(page))


def _parsed(text: str) -> Tree:
    return yaml.load(text, yaml.BaseLoader)


def _change(tree: Tree, change: str, block: str) -> None:
    """Change what a cell of the column ``with`` says; with ``<block>: `` before it, in that block alone."""
    if change == AS_ABOVE:
        return
    only = change.partition("`")[0].removesuffix(": ")
    if only not in ("", block):
        return
    changes = _CHANGE.findall(change)
    if not changes:
        raise ValueError(f"expected changes like `tiers.method: total`, got {change}")
    for path, value in changes:
        *parents, field = path.split(".")
        part = tree
        for parent in parents:
            part = part[parent]
        part[field] = _parsed(value)


def _renamed(tree: Tree, names: Mapping[str, str]) -> Tree:
    """The tree with every text or key that is one of the names replaced."""
    if isinstance(tree, dict):
        return {names.get(key, key): _renamed(value, names) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_renamed(value, names) for value in tree]
    return names.get(tree, tree)
