"""All kinds, and docs/broken-files.md, which is written from them.

``python -m tests.corpus.catalogue`` writes the page; a test checks that it is current.
"""

from __future__ import annotations

from orchestration.settings import REPOSITORY
from tests.corpus import edi, others, text, values, workbooks
from tests.corpus.kind import Kind

PAGE = REPOSITORY / "docs" / "broken-files.md"

GROUPS: dict[str, tuple[Kind, ...]] = {
    "Bytes and encodings": text.BYTES,
    "Line ends": text.LINE_ENDS,
    "Quotes": text.QUOTES,
    "Rows": text.ROWS,
    "Headers": text.HEADERS,
    "Numbers": values.NUMBERS,
    "Dates": values.DATES,
    "Identifiers and texts": values.IDENTIFIERS,
    "Workbooks": workbooks.WORKBOOKS,
    "Parquet": others.PARQUET_FILES,
    "JSON lines": others.JSON_LINES,
    "Archives": others.ARCHIVES,
    "X12": edi.X12_FILES,
}
KINDS = [kind for kinds in GROUPS.values() for kind in kinds]

HEAD = """# Broken and odd files

What becomes of a delivery that is not as it should be. Every row of these tables is a file that the tests
make, take in and validate (`tests/corpus/`), so each outcome is the one that you will see. The page is
written by `python -m tests.corpus.catalogue`.

A file that cannot be read as a whole is kept, counts nowhere, and is read as soon as its mapping fits. A row
that cannot be read is quarantined with its reason; the rows around it go on. For every file, rows in = accepted
+ held + quarantined. Nothing is guessed: what a mapping does not declare is an error, and the message says
what was expected. The fields of a mapping file stand in [mapping-files.md](mapping-files.md).
"""


def page() -> str:
    """The page."""
    parts = [HEAD]
    for group, kinds in GROUPS.items():
        parts.append(f"## {group}\n")
        rows = ["| file | the mapping says | outcome |", "| --- | --- | --- |"]
        rows += [f"| {_cell(kind.title)} | {_code(kind.declared)} | {_outcome(kind)} |" for kind in kinds]
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def _cell(words: str) -> str:
    return words.replace("|", "\\|").replace("<", "&lt;")


def _code(words: str) -> str:
    return f"`{words}`".replace("|", "\\|").replace("\n", "⏎") if words else ""


def _outcome(kind: Kind) -> str:
    if kind.error:
        return f"unreadable: {_code(kind.error)}"
    if not kind.rows:
        return "read, no rows"
    good = [row for row in kind.rows if row.verdict == "accepted"]
    said = ["accepted" if len(kind.rows) == 1 else f"{len(good)} accepted"] if good else []
    for row in kind.rows:
        if row.verdict != "accepted":
            where = "" if len(kind.rows) == 1 else f"row {row.number} "
            said.append(f"{where}{row.verdict}: {_code(row.reason)}")
    values = dict(item for row in kind.rows[:1] for item in row.values.items())
    shown = ", ".join(f"{name} {_code(value)}" for name, value in values.items())
    return "; ".join(said) + (f" ({shown})" if shown else "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
