"""Which rows fail a suite's rules: Great Expectations judges the different values, SQL finds their rows.

What belongs here: choosing the values that have to be judged, and the rows of those that fail. What does not: the
rows and their look-ups (lookups.py), Great Expectations itself (judge.py), what a failure means (verdicts.py).

Every rule judges a value (a pair, a record) by itself, so equal values fail together and each is judged once:

- rules about emptiness: one empty and one other value stand for all;
- ranges: what passes is an interval, so that all pass when the smallest and the largest do. Where one fails, the
  values beyond the bounds are judged, with the smallest and largest of the rest; should one of these fail too, all are;
- every other rule: the different values, in frames of bounded size.

A rule that cannot be evaluated on the values of all files together is judged for each file alone: which files
an error concerns must not depend on which were judged together.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.validation.judge import Judge
from orchestration.validation.suites import Rule, Suite

if TYPE_CHECKING:
    import numpy as np

FRAME_VECTORS = 122
"""Frames hold at most so many of DuckDB's vectors of 2,048 rows: just under 250,000 rows."""

NULLNESS = ("expect_column_values_to_not_be_null", "expect_column_values_to_be_null")
INTERVAL = "expect_column_values_to_be_between"

Rows = Callable[[Iterable[str]], str]
"""Columns → SELECT of row_id, file_sequence, row_number and these columns of the rows at hand."""


class Failures:
    """Fills table ``failure`` (rule_number, row_id) and ``tally`` (rule_number, file_sequence, rows, first).

    ``failure`` holds rules that decide verdicts; ``tally`` all: how many rows of a file failed, and the first
    ``samples`` of them. ``errors``: by (rule number, file sequence) why a rule could not be evaluated; all rows of
    that file which the suite judges then fail.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, judge: Judge, rows: Rows, samples: int) -> None:
        self.connection = connection
        self.judge = judge
        self.rows = rows
        self.samples = samples
        self.errors: dict[tuple[int, int], str] = {}
        self.query("CREATE OR REPLACE TEMP TABLE failure (rule_number INTEGER, row_id BIGINT)")
        self.query(
            "CREATE OR REPLACE TEMP TABLE tally"
            " (rule_number INTEGER, file_sequence INTEGER, rows BIGINT, first BIGINT[])"
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(sql).fetchall()

    def find(self, suite: Suite, numbers: dict[str, int]) -> None:
        """Judge the rows of a suite. ``numbers``: by rule id."""
        ends = [rule for rule in suite.rules if rule.type in NULLNESS or rule.type == INTERVAL]
        others: dict[tuple[str, ...], list[Rule]] = {}
        for rule in suite.rules:
            if rule not in ends:
                others.setdefault(tuple(rule.columns), []).append(rule)
        if ends:
            self._by_ends(suite, ends, numbers)
        for rules in others.values():
            self._by_values(suite, rules, numbers)

    # --- emptiness and ranges ---------------------------------------------------------------

    def _by_ends(self, suite: Suite, rules: list[Rule], numbers: dict[str, int]) -> None:
        columns = list(dict.fromkeys(name for rule in rules for name in rule.columns))
        ranged = {rule.columns[0] for rule in rules if rule.type == INTERVAL}
        total, filled = self._counts(suite, columns)
        ends = []
        for name in columns:
            source = f"FROM ({self.rows([name, *suite.columns])}) WHERE {suite.scope} AND {name} IS NOT NULL"
            if name in ranged:
                ends.append(f"(SELECT min({name}) {source}) AS a_{name}, (SELECT max({name}) {source}) AS b_{name}")
            else:
                source += "" if filled[name] else " AND false"
                ends.append(f"(SELECT {name} {source} LIMIT 1) AS a_{name}")
        self.query(f"CREATE OR REPLACE TEMP TABLE ends AS SELECT {', '.join(ends)}")
        # row 0: empty, row 1: the smallest (or any) value, row 2: the largest
        lines = [", ".join(f"{_end(line, name, name in ranged)} AS {name}" for name in columns) for line in (0, 1, 2)]
        frame = self.connection.execute(
            " UNION ALL ".join(f"SELECT {number} AS value_id, {line} FROM ends" for number, line in enumerate(lines))
            + " ORDER BY value_id"
        ).df()
        found = self.judge.failing(frame.set_index("value_id").rename_axis(None), suite, rules)
        for rule in rules:
            [name] = rule.columns
            outcome = found[rule.id]
            if isinstance(outcome, str):
                self._by_file(suite, rule, numbers[rule.id])
                continue
            failed = set(outcome.tolist())
            if rule.type == INTERVAL:
                if filled[name] and failed & {1, 2}:
                    self._beyond(suite, rule, numbers)
                continue
            where = []
            if 0 in failed and filled[name] < total:
                where.append(f"{name} IS NULL")
            if 1 in failed and filled[name]:
                where.append(f"{name} IS NOT NULL")
            if where:
                source = f"({self.rows([name, *suite.columns])}) WHERE {suite.scope} AND ({' OR '.join(where)})"
                self._add(rule, numbers[rule.id], f"SELECT row_id, file_sequence FROM {source}")

    def _counts(self, suite: Suite, columns: list[str]) -> tuple[int, dict[str, int]]:
        """Rows that the suite judges, and how many have a value, by column.

        Look-ups are counted one by one: all in one query would carry every row through every join.
        """
        raw = [name for name in columns if self.rows([name]).count(" JOIN ") == self.rows([]).count(" JOIN ")]
        filled: dict[str, int] = {}
        total = 0
        for names in [raw, *([name] for name in columns if name not in raw)]:
            counts = "".join(f", count({name})" for name in names)
            source = f"FROM ({self.rows([*names, *suite.columns])}) WHERE {suite.scope}"
            [(total, *found)] = self.query(f"SELECT count(*){counts} {source}")
            filled |= dict(zip(names, found, strict=True))
        return total, filled

    def _beyond(self, suite: Suite, rule: Rule, numbers: dict[str, int]) -> None:
        """A range that the smallest or largest value fails."""
        [name] = rule.columns
        beyond = " OR ".join(
            f"{_comparable(name, bound)} {operator} {_bound(bound)}"
            for argument, operator in (("min_value", "<="), ("max_value", ">="))
            if (bound := rule.kwargs.get(argument)) is not None
        )
        source = f"FROM ({self.rows([name, *suite.columns])}) WHERE {suite.scope} AND {name} IS NOT NULL"
        values = f"""
            WITH every AS (SELECT DISTINCT {name} {source}),
            rest AS (SELECT min({name}) AS a, max({name}) AS b FROM every WHERE NOT ({beyond}))
            SELECT {name}, false AS inside FROM every WHERE {beyond}
            UNION ALL SELECT a, true FROM rest UNION ALL SELECT b, true FROM rest
        """
        self._collect(values)
        found = self._judge_values(suite, [rule], [name])[rule.id]
        if not isinstance(found, str):
            inside = {row[0] for row in self.query("SELECT value_id FROM value_at_hand WHERE inside")}
            if not inside & set(found.tolist()):
                self._rows_of_values(suite, rule, [name], numbers[rule.id], found)
                return
        self._by_values(suite, [rule], numbers)

    # --- different values -------------------------------------------------------------------

    def _by_values(self, suite: Suite, rules: list[Rule], numbers: dict[str, int]) -> None:
        """Rules on the same columns."""
        columns = list(dict.fromkeys(rules[0].columns))
        source = f"FROM ({self.rows([*columns, *suite.columns])}) WHERE {suite.scope}"
        self._collect(f"SELECT DISTINCT {', '.join(columns)} {source}")
        found = self._judge_values(suite, rules, columns)
        for rule in rules:
            outcome = found[rule.id]
            if isinstance(outcome, str):
                continue
            self._rows_of_values(suite, rule, columns, numbers[rule.id], outcome)
        for rule in rules:
            if isinstance(found[rule.id], str):
                self._by_file(suite, rule, numbers[rule.id])

    def _collect(self, values: str) -> None:
        """Number the values that are to be judged."""
        self.query(
            f"CREATE OR REPLACE TEMP TABLE value_at_hand AS SELECT row_number() OVER () AS value_id, * FROM ({values})"
        )

    def _judge_values(self, suite: Suite, rules: list[Rule], columns: list[str]) -> dict[str, np.ndarray | str]:
        """By rule id: numbers of the values at hand that fail, or the error."""
        import numpy as np

        parts: dict[str, list[np.ndarray]] = {rule.id: [] for rule in rules}
        errors: dict[str, str] = {}
        self.connection.execute(f"SELECT value_id, {', '.join(columns)} FROM value_at_hand")
        while len(frame := self.connection.fetch_df_chunk(FRAME_VECTORS)):
            frame = frame.set_index("value_id").rename_axis(None)
            for rule_id, outcome in self.judge.failing(frame, suite, rules).items():
                if isinstance(outcome, str):
                    errors.setdefault(rule_id, outcome)
                else:
                    parts[rule_id].append(outcome)
        empty = np.empty(0, dtype=np.int64)
        return {rule_id: errors.get(rule_id) or np.concatenate([empty, *found]) for rule_id, found in parts.items()}

    def _rows_of_values(self, suite: Suite, rule: Rule, columns: list[str], number: int, value_ids: np.ndarray) -> None:
        """Add the rows that hold one of the values at hand with these numbers."""
        if not len(value_ids):
            return
        import pyarrow as pa

        self.connection.register("failed_values", pa.table({"value_id": value_ids}))
        self.query(
            "CREATE OR REPLACE TEMP TABLE failed_value AS"
            f" SELECT {', '.join(columns)} FROM value_at_hand WHERE value_id IN (SELECT value_id FROM failed_values)"
        )
        self.connection.unregister("failed_values")
        same = " AND ".join(f"r.{name} IS NOT DISTINCT FROM v.{name}" for name in columns)
        judged = f"SELECT * FROM ({self.rows([*columns, *suite.columns])}) WHERE {suite.scope}"
        self._add(
            rule, number, f"SELECT row_id, file_sequence FROM ({judged}) AS r SEMI JOIN failed_value AS v ON {same}"
        )

    def _by_file(self, suite: Suite, rule: Rule, number: int) -> None:
        """Judge a rule for each file alone: it could not be evaluated on all values together."""
        columns = list(dict.fromkeys(rule.columns))
        rows = f"({self.rows([*columns, *suite.columns])}) WHERE {suite.scope}"
        for (sequence,) in self.query(f"SELECT DISTINCT file_sequence FROM {rows} ORDER BY 1"):
            mine = f"{rows} AND file_sequence = {sequence}"
            self._collect(f"SELECT DISTINCT {', '.join(columns)} FROM {mine}")
            outcome = self._judge_values(suite, [rule], columns)[rule.id]
            failed = f"SELECT row_id, file_sequence FROM {mine}"
            if isinstance(outcome, str):
                self.errors[number, sequence] = outcome
                self._add(rule, number, failed)
            elif len(outcome):
                values = ", ".join(str(value_id) for value_id in outcome.tolist())
                same = " AND ".join(f"r.{name} IS NOT DISTINCT FROM v.{name}" for name in columns)
                self._add(
                    rule,
                    number,
                    f"SELECT row_id, file_sequence FROM (SELECT * FROM {mine}) AS r"
                    f" SEMI JOIN (SELECT * FROM value_at_hand WHERE value_id IN ({values})) AS v ON {same}",
                )

    def _add(self, rule: Rule, number: int, failed: str) -> None:
        """Add failing rows; ``failed``: SELECT of row_id and file_sequence."""
        if rule.severity != "warn":
            self.query(f"INSERT INTO failure SELECT {number}, row_id FROM ({failed})")
            mine = f"FROM failure WHERE rule_number = {number}"
            failed = f"SELECT row_id, CAST(row_id >> 32 AS INTEGER) AS file_sequence {mine}"
            self.query(f"DELETE FROM tally WHERE rule_number = {number}")
        self.query(
            f"INSERT INTO tally SELECT {number}, file_sequence, count(*), min(row_id, {self.samples})"
            f" FROM ({failed}) GROUP BY file_sequence"
        )


def _end(line: int, name: str, ranged: bool) -> str:
    """One of the values that stand for all of a column: none, the smallest (or any), the largest."""
    if not line:
        return f"CASE WHEN false THEN a_{name} END"
    return f"b_{name}" if line == 2 and ranged else f"a_{name}"


def _comparable(name: str, bound: Any) -> str:
    """The column as something that compares with the bound; numbers as they are judged: as floating point."""
    if isinstance(bound, datetime.date):
        return f"CAST({name} AS DATE)"
    return name if isinstance(bound, str) else f"CAST({name} AS DOUBLE)"


def _bound(bound: Any) -> str:
    if isinstance(bound, datetime.date):
        return f"DATE '{bound.isoformat()}'"
    return "'" + bound.replace("'", "''") + "'" if isinstance(bound, str) else f"CAST({bound} AS DOUBLE)"
