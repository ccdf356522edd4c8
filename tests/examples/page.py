"""The examples as Markdown: ``updated(page)``.

What belongs here: how an example looks in docs/programs.md. What does not: what it says (``*.yml``).
"""

from __future__ import annotations

import re

from orchestration.programs.document_reference import PAGE
from tests.examples.example import INPUTS, Example, Table, chapters
from tests.examples.figures import KINDS

__all__ = ["PAGE", "updated"]

BY = "(written by tests.examples)"
INPUT_TITLES = {
    "products": "Products",
    "units": "Units",
    "rates": "Exchange rates",
    "members": "Members",
    "claims": "Claims",
    "lines": "Lines",
}


def updated(page: str) -> str:
    """The page with index and examples between their markers; ValueError if a marker is missing."""
    for name, text in (("index", _index()), ("examples", _examples())):
        begin, end = f"<!-- {name}: begin {BY} -->", f"<!-- {name}: end -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"expected the markers {begin} and {end}")
        page = f"{before}{begin}\n\n{text}\n\n{end}{after}"
    return page


def _index() -> str:
    rows = ["| what you want | fields | example |", "|---|---|---|"]
    for chapter, of in chapters():
        rows.append(f"| **{chapter}** | | |")
        rows += [f"| {each.want} | {each.fields} | [{each.title}](#{_anchor(each.title)}) |" for each in of]
    return "\n".join(rows)


def _anchor(title: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def _examples() -> str:
    parts = []
    for chapter, of in chapters():
        parts += [f"### {chapter}", *(_example(each) for each in of)]
    return "\n\n".join(parts)


def _example(example: Example) -> str:
    parts = [f"#### {example.title}", example.text]
    for name, text in example.blocks.items():
        # what supersedes another document is none by itself: the reader of the page's blocks passes it by
        info = "yaml superseding" if "supersedes:" in text else "yaml"
        parts.append("\n".join([*([f"{name}:", ""] if name else []), f"```{info}", text.rstrip("\n"), "```"]))
    for kind, table in example.tables.items():
        title = INPUT_TITLES[kind] if kind in INPUTS else KINDS[kind].title
        parts.append(f"{title}:\n\n{_table(table)}")
    if example.note:
        parts.append(example.note)
    return "\n\n".join(parts)


def _table(table: Table) -> str:
    rule = "|".join("---:" if _is_number(table, name) else "---" for name in table.columns)
    return "\n".join([_row(table.columns), f"|{rule}|", *(_row(tuple(row.values())) for row in table.rows)])


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _is_number(table: Table, column: str) -> bool:
    """Say whether a column is set to the right: it holds a number, and nothing but numbers and blanks."""
    cells = [row[column] for row in table.rows]
    return (
        any(re.fullmatch(r"-?[\d,.]+( %)?", cell) for cell in cells)
        and all(re.fullmatch(r"-?[\d,.]+( %)?|–|none", cell) for cell in cells)
        and column not in ("document", "refers to")
    )
