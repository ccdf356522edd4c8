"""Data docs: what the rules found, as static pages that need no network: published/data_docs/<calculation id>/.

``published/data_docs/latest`` is a link to the pages that were written last: what is linked from elsewhere, such as a
suite's asset check, is linked there, since a check is made before the pages of its run are (decision 0212).

What belongs here: the pages. What does not: judging. The pages are made from validation/, raw/file/ and the suites
alone, and hold no time and no path: the same results give the same bytes. They are laid out like Great Expectations'
data docs (an index of validation results, a page for each suite with its expectations), whose own renderer asks for
style sheets and scripts from the network.
"""

from __future__ import annotations

import filecmp
import html
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from orchestration import warehouse
from orchestration.settings import Settings
from orchestration.validation.suites import Suite, load_suites

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1d2733 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem } a { color: #0b5cad }
table { border-collapse: collapse; width: 100% } td, th { border-bottom: 1px solid #dde3ea; padding: .35rem .6rem;
text-align: left; vertical-align: top } th { background: #f3f6f9 } td.n { text-align: right; white-space: nowrap }
.passed { color: #17693a } .failed { color: #a35200 } .error { color: #b3261e } .no_rows { color: #5f6b78 }
"""

FILES = 50
"""Files and samples listed per rule, newest first; all of them are in validation/."""

LATEST = "latest"

COLUMNS = "source, file_sequence, suite, rule_id, severity, status, rows_evaluated, rows_failed, message, samples"


def write_docs(settings: Settings, calculation_id: str) -> Path:
    """Write the pages of a calculation whole or not at all, let ``latest`` lead to them, and return their folder.

    Kept are these pages and those that ``latest`` led to before; older ones are removed. Where they stand already,
    nothing is rewritten.
    """
    sources = sorted(path.stem for path in settings.sources.glob("*.yml"))
    suites = load_suites(settings.expectations, sources)
    results = _read(settings, settings.validation_results / "*" / "*.parquet", f"{COLUMNS}, entity", "file_sequence")
    files = _read(
        settings,
        settings.raw / "file" / "*.parquet",
        "source, entity, file_sequence, file_name, rows_in, status, error",
        "file_sequence",
    )
    root = settings.published / "data_docs"
    half = root / f".{calculation_id}"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    by_suite: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        by_suite.setdefault(result["suite"], []).append(result)
    names = {file["file_sequence"]: file["file_name"] for file in files}
    for suite in suites:
        page = _suite_page(suite, by_suite.get(suite.name, []), names)
        (half / page_of(suite.name)).write_text(page, encoding="utf-8")
    index = _index(suites, by_suite, nothing_judged(suites, sources, files, results))
    (half / "index.html").write_text(index, encoding="utf-8")
    target = _put_in_place(half, root / calculation_id)
    _switch(root, calculation_id)
    return target


def _put_in_place(half: Path, target: Path) -> Path:
    """Move the pages to their folder, unless the very same stand there; the folder."""
    names = sorted(path.name for path in half.iterdir())
    if target.exists() and sorted(path.name for path in target.iterdir()) == names:
        same, _, _ = filecmp.cmpfiles(half, target, names, shallow=False)
        if len(same) == len(names):
            shutil.rmtree(half)
            return target
    if target.exists():
        old = target.with_name(f".{target.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        target.replace(old)
    half.replace(target)
    return target


def _switch(root: Path, calculation_id: str) -> None:
    """Let ``latest`` lead to a calculation's pages, in one step; keep those it led to before and remove older ones.

    Older ones go first: once the link has moved, nobody knows any more where it led before.
    """
    link = root / LATEST
    before = link.readlink().name if link.is_symlink() else None
    for path in root.iterdir():
        if path.is_symlink() or not path.is_dir() or path.name == calculation_id:
            continue
        # unchanged: what ``latest`` led to before is not known; the pages of the calculation before stay
        if path.name.startswith(".") or before not in (path.name, calculation_id):
            shutil.rmtree(path)
    if before != calculation_id:
        half = root / f".{LATEST}.part"
        half.unlink(missing_ok=True)
        half.symlink_to(calculation_id, target_is_directory=True)
        half.replace(link)


def latest_page(settings: Settings, suite: str) -> Path:
    """Where a suite's newest page is: it exists from the first publication on, and moves with each in one step."""
    return settings.published / "data_docs" / LATEST / page_of(suite)


def page_of(suite: str) -> str:
    """Name of a suite's page."""
    return suite.replace("/", "__") + ".html"


def nothing_judged(
    suites: Iterable[Suite],
    sources: Iterable[str],
    files: Sequence[dict[str, Any]],
    results: Iterable[dict[str, Any]],
) -> list[tuple[str, str, str]]:
    """(what, name, why) of all that passed on nothing: these are no passes.

    missing file: a source with a mapping never delivered. unreadable file: its reason, such as a missing column.
    empty file: no rows. no rows: a suite, or a rule about whole files, that found no row to judge in any file.
    """
    delivered = {file["source"] for file in files}
    found = [("missing file", source, "nothing was delivered yet") for source in sources if source not in delivered]
    for file in files:
        name = f"{file['source']}/{file['file_name']}"
        if file["status"] != "read":
            found.append(("unreadable file", name, file["error"] or ""))
        elif not file["rows_in"]:
            found.append(("empty file", name, "header and no rows"))
    judged = {(result["suite"], result["rule_id"]) for result in results if result["status"] != "no_rows"}
    for suite in suites:
        rules = [rule.id for rule in suite.every_rule]
        idle = [rule for rule in rules if (suite.name, rule) not in judged]
        if len(idle) == len(rules):
            found.append(("no rows", suite.name, "no file has a row that this suite judges"))
        else:
            found += [("no rows", f"{suite.name}: {rule}", "nothing to judge or to compare with") for rule in idle]
    return found


def _read(settings: Settings, pattern: Path, columns: str, order: str) -> list[dict[str, Any]]:
    if not any(settings.data.glob(str(pattern.relative_to(settings.data)))):
        return []  # nothing was validated yet: the pages say so
    with warehouse.in_memory(settings) as connection:
        path = str(pattern).replace("'", "''")
        cursor = connection.execute(f"SELECT {columns} FROM read_parquet('{path}') ORDER BY {order}")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _page(title: str, body: Iterable[str]) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f"<style>{STYLE}</style></head><body>\n<h1>{_text(title)}</h1>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _text(value: Any) -> str:
    return html.escape("" if value is None else f"{value:,}" if isinstance(value, int) else str(value))


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Cells that are already HTML come as (text,)."""
    lines = ["".join(f"<th>{_text(cell)}</th>" for cell in head)]
    for row in rows:
        cells = []
        for cell in row:
            if isinstance(cell, tuple):
                cells.append(f"<td>{cell[0]}</td>")
            else:
                cells.append(f"<td{' class=n' if isinstance(cell, int) else ''}>{_text(cell)}</td>")
        lines.append("".join(cells))
    return "<table>" + "\n".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _status(results: Sequence[dict[str, Any]]) -> str:
    statuses = {result["status"] for result in results}
    return next((status for status in ("error", "failed", "passed") if status in statuses), "no_rows")


def _mark(status: str) -> tuple[str]:
    return (f'<span class="{status}">{status.replace("_", " ")}</span>',)


def _index(
    suites: Sequence[Suite], by_suite: dict[str, list[dict[str, Any]]], nothing: list[tuple[str, str, str]]
) -> str:
    rows = []
    for suite in suites:
        mine = by_suite.get(suite.name, [])
        link = (f'<a href="{_text(page_of(suite.name))}">{_text(suite.name)}</a>',)
        judged = {(r["file_sequence"], r["rows_evaluated"]) for r in mine}
        rows.append(
            (
                link,
                _mark(_status(mine)),
                suite.owner,
                len(suite.every_rule),
                len(judged),
                sum(evaluated for _, evaluated in judged),
                sum(r["rows_failed"] for r in mine),
                suite.description,
            )
        )
    head = ("suite", "status", "owner", "rules", "files", "rows judged", "failures", "description")
    body = ["<h2>Validation results</h2>", _table(head, rows), "<h2>Passed on nothing</h2>"]
    body.append(_table(("what", "name", "why"), nothing) if nothing else "<p>none</p>")
    return _page("Data docs", body)


def _suite_page(suite: Suite, results: Sequence[dict[str, Any]], names: dict[int, str]) -> str:
    body = [
        '<p><a href="index.html">all suites</a></p>',
        f"<p>{_text(suite.description)} Rows of {_text(suite.applies_to.entity)}; owner: {_text(suite.owner)}.</p>",
    ]
    rows, details = [], []
    for rule in suite.every_rule:
        mine = [result for result in results if result["rule_id"] == rule.id]
        given = rule.kwargs if hasattr(rule, "kwargs") else rule.limits
        asked = json.dumps(given, default=str, ensure_ascii=False, sort_keys=True)
        rows.append(
            (
                rule.id,
                _mark(_status(mine)),
                rule.severity,
                f"{rule.type} {asked}",
                suite.owner_of(rule),
                sum(r["rows_evaluated"] for r in mine),
                sum(r["rows_failed"] for r in mine),
                rule.reason,
            )
        )
        bad = [result for result in mine if result["status"] in ("failed", "error") or result["rows_failed"]]
        if bad:
            listed = []
            for result in reversed(bad[-FILES:]):
                samples = "; ".join(f"row {s['row_number']}: {s['value']}" for s in json.loads(result["samples"]))
                name = names.get(result["file_sequence"], "")
                listed.append(
                    (result["source"], name, result["file_sequence"], result["rows_failed"], result["message"], samples)
                )
            shown = ("source", "file", "receipt", "rows failed", "message", "first rows")
            more = f" (newest {FILES} of {len(bad)} files)" if len(bad) > FILES else ""
            details += [f"<h2>{_text(rule.id)}{more}</h2>", _table(shown, listed)]
    head = ("rule", "status", "severity", "expectation", "owner", "rows judged", "rows failed", "reason")
    return _page(suite.name, [*body, _table(head, rows), *details])
