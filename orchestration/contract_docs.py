"""Writes docs/data-contract.md from the contract, the mapping files and the expectation suites.

What belongs here: the words around them. What does not: any rule of its own. A test checks that the
page is current; ``python -m orchestration.contract_docs`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.contract import DATE, ENTITIES, FILE, IDENTIFICATION, LINE, ORIGIN, TEXT, VERDICT, Column, Entity
from orchestration.intake.formats import CsvFormat, ExcelFormat, Format, JsonLinesFormat, Tabular, X12Format
from orchestration.intake.mapping import Mapping, load_mapping
from orchestration.settings import REPOSITORY, Settings
from orchestration.validation.lookups import HELPERS
from orchestration.validation.suites import Rule, Suite, load_suites

PAGE = REPOSITORY / "docs" / "data-contract.md"

UNITS = {
    "quantity": "number in `unit`",
    "opening_quantity": "number in `unit`",
    "net_amount": "money in `currency`",
    "amount": "money in `currency`",
    "claimed_amount": "money in `currency`",
    "list_price": "money in the company's currency, per `base_unit`",
    "factor": "base units per `unit`",
    "rate": "`to_currency` for one `from_currency`",
}
"""Unit of each number of the contract, by column name."""

VERDICTS = {"reject": "quarantined", "hold": "held", "warn": "warned"}

HEAD = """# Data contract

What lands, column by column: meaning, type, unit, example, and what happens when it is wrong.
This page is written by `python -m orchestration.contract_docs` from `orchestration/contract.py`,
`seeds/sources/` and `expectations/`; change those, not this page.

## What happens to a file

| case | what happens |
|---|---|
| new content in `landing/<source>/` | it gets a receipt and a copy in `landing/.store/`, and is read |
| the same content again, under whatever name | known; nothing changes |
| other content under a name that came before | a new file; for a key that comes again the newest file wins |
| name ends in `.part` or `.tmp`, or begins with `.` | not looked at: still being delivered |
| the mapping says `complete_when`, and that marker file has not come | *waiting*: not received yet |
| the file changes while it is read | *waiting*: not received; taken in next time |
| unknown source folder, or name outside the source's pattern | received, *unmapped*; read once a mapping fits |
| empty file, wrong format, encoding or sheet, stray quote that would swallow rows | received, *unreadable*: reason |
| column missing, unexpected, or given twice | the whole file is *unreadable*; the message names the columns |
| header and no rows | read, 0 rows |
| X12: interchange or group wrong, miscounted or cut off | the file is *unreadable*; the message names the segment |
| X12: one set wrong | its rows, or one for it, have the reason in `parse_errors`; quarantined; other sets stand |
| row with too few or too many fields, value under no name | a row with an entry in `parse_errors`; quarantined |
| row without any value | skipped, but counted by `row_number` |

## What happens to a value

Text is kept as it came, without blanks around it. Every other value is parsed by what the mapping
declares, never by guessing, and its text is kept in `<column>_text` (in `raw/` and `quarantine/`).
What cannot be parsed is null and named in `parse_errors`: `net_amount: '12,3x' is not a number`.
More decimals than the type holds are an error; nothing is rounded. Fractions in workbook cells have
15 significant digits, as the workbook shows them; a whole number of so many digits that the workbook
lost some is an error of its row. A time of day other than midnight is not a date.

## What happens to a row

Each row gets a verdict. **quarantined**: a *reject* rule failed; the row counts nowhere until it,
its master data or the rule changes, and is then judged again. **held**: only *hold* rules failed;
the row is accrued and not settled. **accepted**: neither. *warn* rules are counted per file and
change no verdict. `rules_failed` holds the ids of all failed reject and hold rules. For every file,
rows in = accepted + held + quarantined. Two rows of one file with the same key: the same row again
is quarantined as `duplicate_row`; rows that differ are all quarantined as `conflicting_rows`.

Rules on several columns, or on helper columns that validation looks up, stand below each entity.
"""


def render(settings: Settings) -> str:
    """The page. Raises what a bad mapping or suite raises."""
    mappings = [load_mapping(path) for path in sorted(settings.sources.glob("*.yml"))]
    suites = load_suites(settings.expectations, [mapping.source for mapping in mappings])
    parts = [HEAD, "## Sources\n"]
    parts += [_source(mapping) for mapping in mappings]
    parts.append("## Entities\n")
    parts += [_entity(entity, [s for s in suites if s.applies_to.entity == name]) for name, entity in ENTITIES.items()]
    parts.append("## Columns that we add\n")
    parts.append(
        _table(["column", "type", "meaning"], [[f"`{c.name}`", c.type, c.meaning] for c in (*ORIGIN, *VERDICT)])
    )
    parts.append("Beside them on lines, as [identification](end-customers.md) found:\n")
    rows = [
        [f"`{c.name}`", c.type, c.meaning + (f" ({', '.join(c.domain)})" if c.domain else "")] for c in IDENTIFICATION
    ]
    parts.append(_table(["column", "type", "meaning"], rows))
    parts.append("## The register of files: `raw/file/`\n")
    rows = [[f"`{c.name}`", c.type, c.meaning, _code(c.example)] for c in FILE.columns]
    parts.append(_table(["column", "type", "meaning", "example"], rows))
    return "\n".join(parts)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _source(mapping: Mapping) -> str:
    described = _format(mapping.format)
    codes = "; product codes are the source's own, mapped by `product_cross_reference`"
    head = (
        f"### {mapping.source}\n\n{mapping.description} Owner: {mapping.owner}.\n\n"
        f"`landing/{mapping.source}/{mapping.file_pattern}` → `{mapping.entity}` · {described}"
        f"{codes if mapping.product_codes == 'cross_reference' else ''}\n"
    )
    if mapping.delivery:
        agreed = ", ".join(f"`{name}`" for name in mapping.delivery.fields) or "what is required"
        head += (
            f"\nExpected every {mapping.delivery.frequency}, within {mapping.delivery.due_days} days of its end, with"
            f" {agreed} filled ([data quality](data-quality.md)).\n"
        )
    rows = []
    for name in mapping.columns:
        spec = mapping.column(name)
        notes = []
        if spec.values:
            notes.append(", ".join(f"`{theirs}` = {ours}" for theirs, ours in spec.values.items()))
        if spec.zero_pad:
            notes.append(f"zeros before it up to {spec.zero_pad} digits")
        if spec.date_format:
            notes.append(f"dates `{spec.date_format}`")
        if spec.percent:
            notes.append("a percentage")
        if spec.template:
            notes.append(f"written as `{spec.template}`")
        if spec.default is not None:
            notes.append(f"empty: `{spec.default}`")
        ours = ENTITIES[mapping.entity].column(name)
        theirs = ", ".join(f"`{part}`" for part in (spec.column, *spec.joined_with))
        if spec.joined_with:
            notes.append(f"joined by `{spec.join}`")
        rows.append([theirs, f"`{name}`", ours.meaning, ours.type, "; ".join(notes)])
    for name, value in mapping.constants.items():
        ours = ENTITIES[mapping.entity].column(name)
        rows.append(["(constant)", f"`{name}`", ours.meaning, ours.type, f"always `{value}`"])
    rows += [
        ["(sign)", "`quantity`, `net_amount`", f"{how} for `{kind}`", "", ""] for kind, how in mapping.signs.items()
    ]
    rows += [
        [f"`{name}`", "(row not read)", "", "", ", ".join(f"`{value}`" for value in values)]
        for name, values in mapping.ignored_rows.items()
    ]
    rows += [[f"`{name}`", "(not read)", "", "", ""] for name in mapping.ignored_columns]
    return f"{head}\n{_table(['in the file', 'our column', 'meaning', 'type', 'values'], rows)}"


def _format(fmt: Format) -> str:
    """How a source's files are written, in words: what they all are, and what is declared beyond the defaults."""
    if isinstance(fmt, CsvFormat):
        words = [
            f"CSV, {fmt.encoding}, separator `{fmt.separator}`, decimal `{fmt.decimal}`, dates `{fmt.date_format}`"
        ]
    elif isinstance(fmt, ExcelFormat):
        words = [f"Excel, sheet `{fmt.sheet}`" if fmt.sheet else f"Excel, sheets `{fmt.sheets}`"]
    elif isinstance(fmt, X12Format):
        words = [f"X12 {fmt.set}, one row per {fmt.detail} loop, dates `{fmt.date_format}` ([paths](edi.md))"]
    else:
        words = ["JSON lines" if isinstance(fmt, JsonLinesFormat) else "Parquet"]
    row = fmt.header_row if isinstance(fmt, Tabular) else 1
    words += ["column names in the first row that has them all"] if row == "find" else []
    words += [f"column names in row {row}"] if row not in (1, "find") else []
    said = {"type", "encoding", "separator", "decimal", "date_format", "sheet", "sheets", "header_row", "set", "detail"}
    more = fmt.model_dump(mode="json", exclude_defaults=True, exclude=said)
    return ", ".join([*words, *(f"{name} `{value}`" for name, value in more.items())])


def _unit(column: Column) -> str:
    if column.type == DATE:
        return "calendar day"
    return "" if column.type == TEXT else UNITS[column.name]


def _entity(entity: Entity, suites: list[Suite]) -> str:
    key = ", ".join(f"`{name}`" for name in entity.key)
    head = f"### {entity.name}\n\nOne row is {entity.grain}. Key: {key}.\n"
    own = {column.name for column in entity.columns}
    by_column: dict[str, list[str]] = {}
    others: list[list[str]] = []
    helpers = {column.name: column.meaning for column in HELPERS[entity.name]}
    for suite in suites:
        for rule in suite.rules:
            # a line's product code is judged as reported
            first = "product_id" if entity is LINE and rule.columns == ["partner_product_id"] else rule.columns[0]
            if len(rule.columns) == 1 and first in own:
                by_column.setdefault(first, []).append(_short(rule, suite))
            else:
                looked_at = ", ".join(f"`{name}`" for name in rule.columns)
                meaning = helpers.get(rule.columns[0], "")
                others.append([f"`{rule.id}`", VERDICTS[rule.severity], rule.reason, looked_at, meaning, _where(suite)])
    rows = []
    for column in entity.columns:
        wrong = by_column.get(column.name, [])
        if column.type != TEXT:
            wrong = ["not readable: quarantined (`unreadable_value`)", *wrong]
        meaning = column.meaning + (f" ({', '.join(column.domain)})" if column.domain else "")
        required = "yes" if column.required else ""
        rows.append(
            [f"`{column.name}`", meaning, column.type, _unit(column), required, _code(column.example), "; ".join(wrong)]
        )
    columns = _table(["column", "meaning", "type", "unit", "required", "example", "when wrong"], rows)
    rules = _table(["rule", "verdict", "reason", "looks at", "which holds", "rows"], others)
    return f"{head}\n{columns}\n{rules}"


def _short(rule: Rule, suite: Suite) -> str:
    where = _where(suite)
    return f"{rule.reason}: {VERDICTS[rule.severity]} (`{rule.id}`{', ' + where if where != 'all' else ''})"


def _where(suite: Suite) -> str:
    """Which rows a suite judges, in words: its source or segment; ``all`` without either."""
    kind, name, _ = suite.name.split("/")
    if kind == "sources":
        return name
    return f"segment {name}" if suite.applies_to.when else "all"


def write(page: Path = PAGE) -> None:
    """Write the page."""
    page.write_text(render(Settings(data=REPOSITORY / "data")), encoding="utf-8")


if __name__ == "__main__":
    write()
