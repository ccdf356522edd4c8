"""Validation: raw → accepted + quarantine, a verdict per row, results per file and rule.

What belongs here: which files are judged, verdicts from failures, and that rows tie. What does not: rules
(expectations/), look-ups (lookups.py), which rows fail (distinct.py), the files written (written.py).

A file's verdicts are current while five hashes beside its results stay the same: of the rules that
concern it, of the master data that its look-ups read, of how its rows were read, of what was decided about
them, and of the older files that rules about whole files compare it with. When only the
master data differ, its rows are judged again, and written again only if something else came out.
Verdicts so depend on raw/, the rules, the decisions and the master data alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from orchestration import warehouse
from orchestration.contract import ENTITIES, REPORTED_END_CUSTOMER, Entity, accepted_columns, quarantine_columns
from orchestration.segments import Segment
from orchestration.settings import Settings
from orchestration.validation import decisions, due, lookups, members
from orchestration.validation.distinct import Failures
from orchestration.validation.judge import Judge
from orchestration.validation.lookups import Currencies, Found
from orchestration.validation.report import ValidationReport, report_of
from orchestration.validation.results import by_file, check_ties
from orchestration.validation.suites import Rule, Suite, digest, load_suites
from orchestration.validation.table_rules import TableRule
from orchestration.validation.whole_files import WholeFiles
from orchestration.validation.written import RESULTS, File, Rooms, paths, text

Progress = Callable[[str], None]

SAMPLES = 5
"""Failing rows shown per file and rule."""

_IDENTIFIED = ("end_customer_spelling", "line_source", *REPORTED_END_CUSTOMER, "end_customer_method", "identified_id")
"""Columns of matching/reported.parquet, all texts."""


def validate(
    settings: Settings,
    progress: Progress | None = None,
    *,
    program_currencies: tuple[str, ...] = ("USD",),
    fx_max_age_days: int = 10,
    identify: Callable[[], object] | None = None,
) -> ValidationReport:
    """Give every row of raw/ a verdict; write accepted/, quarantine/ and validation/.

    program_currencies: currencies that lines must be convertible to, with a rate of the line's date
    or at most ``fx_max_age_days`` days older (semantics 3). identify: writes matching/, called once the
    master data have their verdicts and before lines are judged (decision 0155); None: nobody is
    identified. Raises RuleError for a suite file that cannot be used, before any row gets a verdict, and
    TieError when rows in and rows out differ.
    """
    say = progress or (lambda message: None)
    sources = sorted(path.stem for path in settings.sources.glob("*.yml"))
    suites = load_suites(settings.expectations, sources)
    segments = members.named(suites, settings.reference)
    currencies = Currencies(tuple(sorted(set(program_currencies))), fx_max_age_days)
    with warehouse.in_memory(settings) as connection:
        # the order of rows in a file is part of its bytes
        connection.execute("SET preserve_insertion_order = true")
        run = Run(connection, settings, suites, segments, currencies, say)
        run.write_schemas()
        files = due.files_of(run.query, settings, suites, segments, currencies, run.decisions)
        run.remove_strangers(files)
        for name in lookups.ORDER:
            if name == "line":
                if identify:
                    identify()
                run.read_identified(identify is not None)
            run.judge_entity(ENTITIES[name], [file for file in files if file.entity.name == name])
        check_ties(run.query, settings, files)
    return report_of(files)


class Run:
    """One validation: a connection and what every step of it needs."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        settings: Settings,
        suites: list[Suite],
        segments: Mapping[str, Segment],
        currencies: Currencies,
        say: Progress,
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.same_entity: list[File] = []
        self.suites = suites
        self.segments = segments
        self.currencies = currencies
        self.say = say
        self.rooms = Rooms(connection, settings)
        self.judge: Judge | None = None
        self.found = Found(False, False, False)
        self._resolved: dict[int, tuple[str, bool]] | None = None
        self.decisions = decisions.read(settings)
        self.whole = WholeFiles(connection, self.raw, settings.threads)

    # --- files ----------------------------------------------------------------------------

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(sql).fetchall()

    def write_schemas(self) -> None:
        """A file without rows per entity, so that readers find the columns before the first file."""
        for name, entity in ENTITIES.items():
            for folder, columns in (
                (self.settings.accepted, accepted_columns(entity)),
                (self.settings.quarantine, quarantine_columns(entity)),
                (self.settings.validation_results, RESULTS),
            ):
                nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in columns)
                self.rooms.copy(f"SELECT {nulls} WHERE false", folder / name / "_schema.parquet")

    def remove_strangers(self, files: list[File]) -> None:
        """Remove verdicts of files that raw/ does not have (any more)."""
        wanted = {(file.entity.name, file.key) for file in files}
        for room in (self.settings.accepted, self.settings.quarantine, self.settings.validation_results):
            for path in (*room.glob("*/[0-9]*.parquet"), *room.glob("*/[0-9]*.json")):
                if (path.parent.name, path.stem) not in wanted:
                    path.unlink()

    def raw(self, file: File) -> Path:
        """A file's rows as intake read them."""
        return self.settings.raw / file.entity.name / f"{file.key}.parquet"

    # --- judging --------------------------------------------------------------------------

    def judge_entity(self, entity: Entity, files: list[File]) -> None:
        """Bring the verdicts of an entity's files up to date, then make its reference table."""
        if entity.name == "line" and self.segments:
            self.query(f"CREATE TEMP TABLE segment_member AS {members.members(self.segments.values())}")
        master_data = self.master_data(entity, files)
        self.same_entity = files
        stale = []
        for file in files:
            state = self.rooms.read_state(file)
            if {name: state.get(name) for name in file.depends} == file.depends:
                file.state = state
            if not file.state or state["master_data"] != master_data:
                stale.append(file)
        for group in due.groups(stale):
            self.judge_group(entity, group, master_data)
        if entity.name != "line":
            self.make_reference(entity)

    def make_reference(self, entity: Entity) -> None:
        """Table reference_<entity>: the valid row of each key among the accepted and held rows."""
        rows = f"read_parquet({text(str(self.settings.accepted / entity.name / '*.parquet'))})"
        self.query(f"CREATE TEMP TABLE reference_{entity.name} AS {lookups.newest(entity, rows)}")

    def read_identified(self, there: bool) -> None:
        """Table ``identified``: what third-party lines say of their end customer, and whom it means."""
        columns = ", ".join(_IDENTIFIED)
        self.query(f"CREATE TEMP TABLE identified ({', '.join(f'{name} VARCHAR' for name in _IDENTIFIED)})")
        if there:
            rows = f"read_parquet({text(str(self.settings.matching / 'reported.parquet'))})"
            self.query(f"INSERT INTO identified SELECT {columns} FROM {rows}")

    def master_data(self, entity: Entity, files: list[File]) -> str:
        """Hash of the rows that an entity's look-ups read. ``files``: all of the entity's."""
        if entity.name == "partner":
            self.query("CREATE TEMP TABLE named_partner (partner_id VARCHAR)")
            if files:
                rows = f"read_parquet({paths(self.raw(file) for file in files)})"
                self.query(
                    f"INSERT INTO named_partner SELECT DISTINCT partner_id FROM {rows} WHERE partner_id IS NOT NULL"
                )
            return digest(self.query(lookups.signature(["partner_id"], "named_partner")))
        found = []
        by_segment = members.USES if entity.name == "line" and self.segments else ()
        for name in (*lookups.USES[entity.name], *by_segment):
            columns = [column.name for column in ENTITIES[name].columns]
            found += self.query(lookups.signature(columns, f"reference_{name}"))
        if entity.name == "line":
            found += self.query(lookups.signature(list(_IDENTIFIED), "identified"))
        return digest(found)

    def rows(self, entity: Entity, columns: Iterable[str]) -> str:
        """SELECT of the rows at hand with these columns (lookups.rows)."""
        return lookups.rows(entity, columns, self.found)

    def look_up(self, entity: Entity, files: list[File]) -> None:
        """Make the rows of files the rows at hand, and the small tables that their look-ups need."""
        small = all(file.rows < due.SMALL_ROWS for file in files)
        rows = f"FROM read_parquet({paths(self.raw(file) for file in files)})"
        for kind in ("VIEW", "TABLE"):
            if self.query(f"SELECT 1 FROM duckdb_{kind.lower()}s() WHERE {kind.lower()}_name = 'raw_rows'"):
                self.query(f"DROP {kind} raw_rows")
        self.query(f"SET threads = {1 if due.tiny(files) else self.settings.threads}")
        self.query(f"CREATE TEMP {'TABLE' if small else 'VIEW'} raw_rows AS {rows}")
        self.query(f"SET threads = {self.settings.threads}")
        self.find(entity)

    def find(self, entity: Entity) -> None:
        """Make the small tables that the look-ups of table ``raw_rows`` need."""
        repeated = self.table("repeated", lookups.repeated(entity))
        twice = bool(repeated and self.table("twice", lookups.twice(entity)))
        self._resolved = None
        self.found = Found(twice, False, False)
        if entity.name == "line":
            self.found = Found(
                twice,
                crossed=bool(self.table("crossed", lookups.crossed())),
                unrated=bool(self.table("unrated", lookups.unrated(self.currencies))),
                segments=tuple(k for k in lookups.SEGMENT_OF if any(s.entity == k for s in self.segments.values())),
                worded=bool(self.table("worded", lookups.worded())),
                identified=bool(self.query(lookups.identified())),
                unidentified=bool(self.query(lookups.unidentified())),
            )

    def table(self, name: str, select: str) -> int:
        """Make a temporary table; its number of rows."""
        self.query(f"CREATE OR REPLACE TEMP TABLE {name} AS {select}")
        [(rows,)] = self.query(f"SELECT count(*) FROM {name}")
        return int(rows)

    def judge_group(self, entity: Entity, files: list[File], master_data: str) -> None:
        """Judge files together; write those whose outcome is not what was written before."""
        self.say(f"judging {entity.name}: {sum(file.rows for file in files):,} rows in {len(files)} files")
        self.look_up(entity, files)
        suites = [suite for suite in self.suites if any(suite.concerns(entity.name, file.source) for file in files)]
        rules = [(suite, rule) for suite in suites for rule in suite.every_rule]
        if self.judge is None and rules:
            self.judge = Judge(self.suites)
        evaluated = self.evaluated(entity, suites)
        errors: dict[tuple[int, int], str] = {}
        if self.judge is not None:
            failures = Failures(self.connection, self.judge, partial(self.rows, entity), SAMPLES)
            errors = failures.errors
            number = 0
            for suite in suites:
                if any(rows for (name, _), rows in evaluated.items() if name == suite.name):
                    failures.find(suite, {rule.id: number + place for place, rule in enumerate(suite.rules)})
                number += len(suite.every_rule)
        whole = self.judge_whole(rules, files)
        released = self.release(rules, files)
        counts = self.make_verdicts(rules)
        results = by_file(
            self.query, partial(self.rows, entity), entity, rules, files, evaluated, errors, whole, released
        )
        due = []
        for file in files:
            held, quarantined, of_rows = counts.get(file.sequence, (0, 0, ""))
            outcome = digest([results[file.sequence], of_rows, self.resolved(entity).get(file.sequence, [""])[0]])
            if file.state and file.state["outcome"] == outcome:
                file.state["master_data"] = master_data
                self.rooms.write_state(file)
                continue
            file.state = {
                **file.depends,
                "master_data": master_data,
                "outcome": outcome,
                "rows": file.rows,
                "accepted": file.rows - held - quarantined,
                "held": held,
                "quarantined": quarantined,
                "rules": {
                    result["rule_id"]: {"severity": result["severity"], "rows": result["rows_failed"]}
                    for result in results[file.sequence]
                    if result["rows_failed"]
                },
                "errors": [
                    f"{r['suite']}: {r['rule_id']}: {r['message']}"
                    for r in results[file.sequence]
                    if r["status"] == "error"
                ],
            }
            due.append(file)
        # two threads at least: a single one cuts a file's rows into groups elsewhere, and the bytes would differ
        self.query(f"SET threads = {max(2, self.settings.threads)}")
        rows = partial(self.rows, entity)
        as_reported = partial(lookups.rows, entity, found=self.found.as_reported())
        looked_up = {sequence: found for sequence, (_, found) in self.resolved(entity).items()}
        self.rooms.write(entity, due, rows, results, as_reported=as_reported, looked_up=looked_up)
        self.query(f"SET threads = {self.settings.threads}")

    def judge_whole(
        self, rules: list[tuple[Suite, Rule | TableRule]], files: list[File]
    ) -> dict[tuple[int, int], tuple[bool, str]]:
        """Apply rules about whole files: their rows go to table ``failure``; by (rule number, file) what came out."""
        found: dict[tuple[int, int], tuple[bool, str]] = {}
        failed: list[tuple[int, int]] = []
        for source in sorted({file.source for file in files}):
            for number, (suite, rule) in enumerate(rules):
                if isinstance(rule, TableRule) and suite.concerns(files[0].entity.name, source):
                    outcomes = self.whole.failing(rule, source, self.same_entity)
                    mine = [file.sequence for file in files if file.source == source and file.sequence in outcomes]
                    found |= {(number, sequence): outcomes[sequence] for sequence in mine}
                    if rule.severity != "warn":
                        failed += [(number, sequence) for sequence in mine if outcomes[sequence][0]]
        if failed:
            values = ", ".join(f"({number}, {sequence})" for number, sequence in failed)
            self.query(
                "INSERT INTO failure SELECT rule_number, (CAST(file_sequence AS BIGINT) << 32) + row_number"
                f" FROM raw_rows JOIN (VALUES {values}) AS f (rule_number, file_sequence) USING (file_sequence)"
            )
        return found

    def release(self, rules: list[tuple[Suite, Rule | TableRule]], files: list[File]) -> dict[tuple[int, int], int]:
        """Take released rows out of table ``failure``; by (rule number, file sequence) how many."""
        numbers = {
            rule.id: number
            for number, (_, rule) in enumerate(rules)
            if rule.severity == "hold" or (isinstance(rule, Rule) and rule.releasable)
        }
        found = [
            (numbers[rule], file.sequence, (file.sequence << 32) + row_number)
            for file in files
            for row_number, rule in self.decisions.of(file.source, file.hash)
            if rule in numbers
        ]
        if not found:
            return {}
        import pyarrow as pa

        columns = dict(
            zip(("rule_number", "file_sequence", "row_id"), map(list, zip(*found, strict=True)), strict=True)
        )
        self.connection.register("released", pa.table(columns))
        counted = {
            (number, sequence): count
            for number, sequence, count in self.query(
                "SELECT rule_number, file_sequence, count(*) FROM released"
                " SEMI JOIN failure USING (rule_number, row_id) GROUP BY ALL"
            )
        }
        self.query(
            "CREATE OR REPLACE TEMP TABLE failure AS"
            " SELECT f.* FROM failure AS f ANTI JOIN released AS r USING (rule_number, row_id)"
        )
        self.connection.unregister("released")
        return counted

    def evaluated(self, entity: Entity, suites: list[Suite]) -> dict[tuple[str, int], int]:
        """Rows that each suite judges, by suite name and file sequence; files without any are left out."""
        if not suites:
            return {}
        columns = dict.fromkeys(name for suite in suites for name in suite.columns)
        counts = ", ".join(f"count(*) FILTER (WHERE {suite.scope})" for suite in suites)
        found = self.query(f"SELECT file_sequence, {counts} FROM ({self.rows(entity, columns)}) GROUP BY file_sequence")
        return {
            (suite.name, sequence): rows
            for sequence, *each in found
            for suite, rows in zip(suites, each, strict=True)
            if rows
        }

    def make_verdicts(self, rules: list[tuple[Suite, Rule | TableRule]]) -> dict[int, tuple[int, int, str]]:
        """Table ``verdict`` of rows that failed; by file sequence rows held, quarantined, and a hash of them all."""
        if not rules:
            self.query("CREATE OR REPLACE TEMP TABLE failure (rule_number INTEGER, row_id BIGINT)")
        values = ", ".join(f"({n}, {text(rule.id)}, {text(rule.severity)})" for n, (_, rule) in enumerate(rules))
        self.query(f"""
            CREATE OR REPLACE TEMP TABLE verdict AS
            SELECT
                CAST(row_id >> 32 AS INTEGER) AS file_sequence,
                CAST(row_id & {2**32 - 1} AS INTEGER) AS row_number,
                CASE WHEN bool_or(severity = 'reject') THEN 'quarantined' ELSE 'held' END AS verdict,
                string_agg(rule_id, ';' ORDER BY rule_id) AS rules_failed
            FROM failure JOIN (VALUES {values or "(-1, '', '')"}) AS rule (rule_number, rule_id, severity)
                USING (rule_number)
            GROUP BY row_id
        """)
        found = self.query("""
            SELECT
                file_sequence,
                count(*) FILTER (WHERE verdict = 'held'), count(*) FILTER (WHERE verdict = 'quarantined'),
                CAST(bit_xor(hash(row_number, verdict, rules_failed)) AS VARCHAR)
            FROM verdict GROUP BY file_sequence
        """)
        return {sequence: (held, quarantined, of_rows) for sequence, held, quarantined, of_rows in found}

    def resolved(self, entity: Entity) -> dict[int, tuple[str, bool]]:
        """By file sequence a hash of what look-ups gave to lines (lookups.RESOLVED), and whether they found anything.

        No entry: every line is as reported, and no end customer is unidentified. False: some are, and that is all.
        """
        if not self.found.resolved:
            return {}
        if self._resolved is None:
            columns = lookups.RESOLVED[entity.name]
            found = self.query(
                f"SELECT file_sequence, CAST(bit_xor(hash(row_number, {', '.join(columns)})) AS VARCHAR),"
                f" bool_or(looked_up) FROM ({self.rows(entity, [*columns, 'looked_up'])})"
                " WHERE looked_up OR end_customer_method = 'unidentified' GROUP BY file_sequence"
            )
            self._resolved = {sequence: (of_rows, looked_up) for sequence, of_rows, looked_up in found}
        return self._resolved
