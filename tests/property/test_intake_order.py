"""The same lines in any split into files, any order and any number of resends give the same accepted table.

Every example tries many deliveries at once, each under a source of its own: sources share nothing.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import duckdb
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orchestration.contract import ENTITIES
from orchestration.intake import take_in
from orchestration.settings import Settings
from orchestration.validation import validate
from tests.corpus.company import prepare, settings_in
from tests.corpus.kind import Kind, line, text
from tests.property.conftest import EXAMPLES

SOURCES = 15
Line = tuple[int, int]
"""Key and version of a line: versions of one key are corrections."""

UNKNOWN = 9
"""A version that is quarantined: its product is not known."""


@dataclasses.dataclass(frozen=True)
class Case:
    """Files in order of receipt, and the lines that must count in the end."""

    files: tuple[tuple[Line, ...], ...]
    expected: frozenset[Line]


@st.composite
def splits(draw: st.DrawFn) -> Case:
    """Distinct lines, in any order, in any split, with any files and any lines sent again."""
    lines = [(key, draw(st.sampled_from((1, 2, UNKNOWN)))) for key in range(draw(st.integers(1, 8)))]
    shuffled = draw(st.permutations(lines))
    cuts = sorted(draw(st.lists(st.integers(0, len(lines)), max_size=4)))
    files = [tuple(shuffled[a:b]) for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    files += draw(st.lists(st.sampled_from(files), max_size=3))
    files += draw(st.lists(st.lists(st.sampled_from(lines), max_size=6).map(tuple), max_size=3))
    return Case(tuple(draw(st.permutations(files))), frozenset(item for item in lines if item[1] != UNKNOWN))


@st.composite
def corrections(draw: st.DrawFn) -> Case:
    """Files with versions of lines: of each key the newest file's version counts, a content once."""
    one = st.dictionaries(st.integers(0, 4), st.sampled_from((1, 2, 3)), max_size=5)
    files = [tuple(sorted(found.items())) for found in draw(st.lists(one, min_size=1, max_size=6))]
    current: dict[int, int] = {}
    for content in dict.fromkeys(files):  # the same content again changes nothing
        current |= dict(content)
    return Case(tuple(files), frozenset(current.items()))


def lines_of(content: tuple[Line, ...]) -> bytes:
    rows = [line(key, qty=str(version), product="0077" if version != UNKNOWN else "none") for key, version in content]
    return text(*rows)


def current(own: Settings) -> dict[str, list[Line]]:
    """By source: the newest accepted row of each key, as a calculation reads it, every column looked at."""
    columns = ", ".join(column.name for column in ENTITIES["line"].columns)
    rows = duckdb.sql(f"""
        SELECT source, document_number, quantity, count(*) FROM (
            SELECT DISTINCT source, {columns} FROM (
                SELECT * FROM read_parquet('{own.accepted}/line/*.parquet')
                QUALIFY file_sequence = max(file_sequence) OVER (PARTITION BY source, document_number, line_number)
            )
        ) GROUP BY ALL ORDER BY ALL
    """).fetchall()
    found: dict[str, list[Line]] = {}
    for source, document, quantity, _ in rows:
        found.setdefault(source, []).append((int(document[1:]), int(quantity)))
    return found


@settings(max_examples=max(2, EXAMPLES // 25), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(splits(), corrections()), min_size=SOURCES, max_size=SOURCES))
@example(
    [Case((((0, 1),), ((0, 2),), ((0, 1),)), frozenset({(0, 2)}))]
)  # an old content sent again after its correction
def test_the_accepted_table_depends_on_the_lines_alone(cases: list[Case]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        own = settings_in(Path(folder))
        names = [f"split_{number:02}" for number in range(len(cases))]
        prepare(own, [Kind(name, "lines in files", b"") for name in names])
        for name, case in zip(names, cases, strict=True):
            for number, content in enumerate(case.files):
                (own.landing / name / f"{number:03}.csv").write_bytes(lines_of(content))
        report = take_in(own)
        assert report.count("unreadable") == 0
        verdicts = validate(own).files
        assert all(v.rows == v.accepted + v.held + v.quarantined for v in verdicts)
        assert sum(v.rows for v in verdicts) == report.new_rows
        found = current(own)
        for name, case in zip(names, cases, strict=True):
            assert found.get(name, []) == sorted(case.expected), (name, case)
