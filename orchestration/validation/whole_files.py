"""Rules about whole files, applied: the history they need is read once per source, whatever the number of rules.

What belongs here: the rows of a source's files, and what came out for each file. What does not: what each type of rule
says (table_rules.py), what a failed file means for its rows (verdicts.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.validation import table_rules
from orchestration.validation.due import MEMORY_ROWS, tiny
from orchestration.validation.written import File, paths

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from orchestration.validation.table_rules import TableRule


class WholeFiles:
    """What rules about whole files say, by rule and source; each rule is evaluated once per source and run."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, raw: Callable[[File], Path], threads: int) -> None:
        """``raw``: where a file's rows are; ``threads``: what the connection works with."""
        self.connection = connection
        self.raw = raw
        self.threads = threads
        self._found: dict[tuple[str, str], dict[int, tuple[bool, str]]] = {}
        self._source = ""

    def failing(self, rule: TableRule, source: str, files: list[File]) -> dict[int, tuple[bool, str]]:
        """By file sequence: whether a file fails, and the figures in words; without those that nothing is said of.

        ``files``: of the entity, also those whose verdicts are current: they are the history.
        """
        if (rule.id, source) not in self._found:
            self._read(source, [file for file in files if file.source == source])
            self._found[rule.id, source] = table_rules.failing(self.connection, rule)
        return self._found[rule.id, source]

    def _read(self, source: str, files: list[File]) -> None:
        """``source_rows`` and ``source_file``: the rows (table_rules.COLUMNS) and the day of receipt of each file."""
        if source == self._source:
            return
        self._source = source
        for kind in ("VIEW", "TABLE"):
            found = f"SELECT 1 FROM duckdb_{kind.lower()}s() WHERE {kind.lower()}_name = 'source_rows'"
            if self.connection.execute(found).fetchall():
                self.connection.execute(f"DROP {kind} source_rows")
        select = f"SELECT {', '.join(table_rules.COLUMNS)} FROM read_parquet({paths(self.raw(f) for f in files)})"
        few = sum(file.rows for file in files) <= MEMORY_ROWS
        self.connection.execute(f"SET threads = {1 if tiny(files) else self.threads}")
        self.connection.execute(f"CREATE TEMP {'TABLE' if few else 'VIEW'} source_rows AS {select}")
        self.connection.execute(f"SET threads = {self.threads}")
        days = ", ".join(f"({file.sequence}, '{file.received_on or ''}')" for file in files)
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE source_file AS"
            " SELECT file_sequence, TRY_CAST(received_on AS DATE) AS received_on"
            f" FROM (VALUES {days}) AS files (file_sequence, received_on)"
        )
