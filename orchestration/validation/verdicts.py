"""Validation: raw → accepted + quarantine, a verdict per row, results per file and rule.

What belongs here: which files are judged, verdicts from failures, the files written and their ties.
What does not: rules (expectations/), look-ups (lookups.py), Great Expectations (judge.py).

A file's verdicts are current while three hashes beside its results stay the same: of the rules that
concern it, of the master data that its look-ups read, and of how its rows were read. When only the
master data differ, the look-ups are made again, and the file is judged again only if what they found
for its rows differs. Verdicts so depend on raw/, the rules and the master data alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration import warehouse
from orchestration.contract import ENTITIES, Column, Entity, accepted_columns, quarantine_columns
from orchestration.segments import Segment
from orchestration.settings import Settings
from orchestration.validation import lookups, members
from orchestration.validation.judge import Judge
from orchestration.validation.lookups import Currencies
from orchestration.validation.suites import Rule, Suite, digest, load_suites

if TYPE_CHECKING:
    import numpy as np

Progress = Callable[[str], None]

VERSION = 1
"""Raised when the same rules come to mean something else; everything is then judged again."""

GROUP_ROWS = 1_000_000
"""Files are judged together up to about so many rows."""

FRAME_VECTORS = 122
"""Frames hold at most so many of DuckDB's vectors of 2,048 rows: just under 250,000 rows."""

RESULTS = (
    Column("source", "VARCHAR", "the file's source"),
    Column("entity", "VARCHAR", "what its rows are"),
    Column("file_sequence", "INTEGER", "receipt number of the file"),
    Column("file_hash", "VARCHAR", "SHA-256 of the file's bytes"),
    Column("suite", "VARCHAR", "suite file under expectations/, without its extension"),
    Column("rule_id", "VARCHAR", "id of the expectation"),
    Column("severity", "VARCHAR", "reject, hold or warn"),
    Column("status", "VARCHAR", "passed, failed, no_rows (the suite found no row to judge) or error"),
    Column("rows_evaluated", "BIGINT", "rows of the file that the suite judges"),
    Column("rows_failed", "BIGINT", "rows that failed"),
    Column("message", "VARCHAR", "the reason with figures, or the error; null where nothing failed"),
    Column("samples", "VARCHAR", "JSON list of the first failing rows: row_number and value, up to 5"),
)
"""Columns of validation/<entity>/<file key>.parquet; one row per file and rule."""


class TieError(RuntimeError):
    """Rows in differ from rows accepted + held + quarantined; the message names the files."""


@dataclass(frozen=True)
class FileVerdict:
    """What became of one file's rows. ``rules``: rows that failed each rule, by rule id.

    rows = accepted + held + quarantined. judged: False when the verdicts were current.
    """

    source: str
    entity: str
    file_name: str
    file_sequence: int
    file_hash: str
    rows: int
    accepted: int
    held: int
    quarantined: int
    rules: dict[str, int]
    judged: bool


@dataclass(frozen=True)
class ValidationReport:
    """Verdicts of every file that could be read, in order of receipt."""

    files: tuple[FileVerdict, ...]
    severities: dict[str, str]
    """Severity of every rule that failed anywhere, by ``<entity>.<rule id>``."""
    errors: tuple[str, ...]
    """Rules that could not be evaluated, with file and message. Their rows failed (unless warn)."""

    def total(self, name: str, entity: str | None = None) -> int:
        """Sum of rows, accepted, held or quarantined over the files (of an entity)."""
        return sum(getattr(file, name) for file in self.files if entity in (None, file.entity))

    def by_rule(self, entity: str | None = None) -> dict[str, int]:
        """Rows that failed each rule, by ``<entity>.<rule id>``, most first."""
        counts: dict[str, int] = {}
        for file in self.files:
            if entity in (None, file.entity):
                for rule, rows in file.rules.items():
                    counts[f"{file.entity}.{rule}"] = counts.get(f"{file.entity}.{rule}", 0) + rows
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


@dataclass
class _File:
    """A file of raw/ that is to have verdicts."""

    key: str
    source: str
    entity: Entity
    name: str
    sequence: int
    hash: str
    rows: int
    recipe: str
    ruleset: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    judged: bool = False


def validate(
    settings: Settings,
    progress: Progress | None = None,
    *,
    program_currencies: tuple[str, ...] = ("USD",),
    fx_max_age_days: int = 10,
) -> ValidationReport:
    """Give every row of raw/ a verdict; write accepted/, quarantine/ and validation/.

    program_currencies: currencies that lines must be convertible to, with a rate of the line's date
    or at most ``fx_max_age_days`` days older (semantics 3). Raises RuleError for a suite file that
    cannot be used, before any row gets a verdict, and TieError when rows in and rows out differ.
    """
    say = progress or (lambda message: None)
    sources = sorted(path.stem for path in settings.sources.glob("*.yml"))
    suites = load_suites(settings.expectations, sources)
    segments = members.named(suites, settings.reference)
    currencies = Currencies(tuple(sorted(set(program_currencies))), fx_max_age_days)
    with warehouse.in_memory(settings) as connection:
        # the order of rows in a file is part of its bytes
        connection.execute("SET preserve_insertion_order = true")
        run = _Run(connection, settings, suites, segments, currencies, say)
        run.write_schemas()
        files = run.files()
        run.remove_strangers(files)
        for name in lookups.ORDER:
            run.judge_entity(ENTITIES[name], [file for file in files if file.entity.name == name])
        run.check_ties(files)
    return _report(files)


def _report(files: list[_File]) -> ValidationReport:
    severities: dict[str, str] = {}
    errors: list[str] = []
    verdicts = []
    for file in files:
        state = file.state
        rules = {rule: entry["rows"] for rule, entry in state["rules"].items()}
        severities |= {f"{file.entity.name}.{rule}": entry["severity"] for rule, entry in state["rules"].items()}
        errors += [f"{file.source}/{file.name}: {message}" for message in state["errors"]]
        counts = (state["rows"], state["accepted"], state["held"], state["quarantined"])
        verdicts.append(
            FileVerdict(file.source, file.entity.name, file.name, file.sequence, file.hash, *counts, rules, file.judged)
        )
    return ValidationReport(tuple(verdicts), dict(sorted(severities.items())), tuple(errors))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _paths(paths: Iterable[Path]) -> str:
    return "[" + ", ".join(_text(str(path)) for path in paths) + "]"


class _Run:
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
        self.suites = suites
        self.segments = segments
        self.currencies = currencies
        self.say = say
        self.judge: Judge | None = None

    # --- files ----------------------------------------------------------------------------

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def copy(self, select: str, target: Path) -> int:
        """Write a SELECT's rows to a Parquet file in one step; the number of rows."""
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f".{target.name}.tmp")
        rows = self.query(f"COPY ({select}) TO {_text(str(half))} (FORMAT parquet, COMPRESSION zstd)")
        half.replace(target)
        return int(rows[0][0])

    def write_schemas(self) -> None:
        """A file without rows per entity, so that readers find the columns before the first file."""
        for name, entity in ENTITIES.items():
            for folder, columns in (
                (self.settings.accepted, accepted_columns(entity)),
                (self.settings.quarantine, quarantine_columns(entity)),
                (self.settings.validation_results, RESULTS),
            ):
                nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in columns)
                self.copy(f"SELECT {nulls} WHERE false", folder / name / "_schema.parquet")

    def files(self) -> list[_File]:
        """Files of raw/ that were read, in order of receipt. Their Parquet metadata say how (``recipe``)."""
        register = self.settings.raw / "file"
        if not any(register.glob("[0-9]*.parquet")):
            return []
        recipes: dict[str, str] = {}
        for name in ENTITIES:
            if any((self.settings.raw / name).glob("[0-9]*.parquet")):
                found = _text(str(self.settings.raw / name / "[0-9]*.parquet"))
                recipes |= dict(
                    self.query(
                        "SELECT parse_filename(file_name, true), decode(value)"
                        f" FROM parquet_kv_metadata({found}) WHERE decode(key) = 'recipe'"
                    )
                )
        rows = self.query(
            "SELECT parse_filename(filename, true), source, entity, file_name, file_sequence, file_hash, rows_in"
            f" FROM read_parquet({_text(str(register / '[0-9]*.parquet'))}, filename = true)"
            " WHERE status = 'read' ORDER BY file_sequence"
        )
        files = []
        for key, source, entity, name, sequence, file_hash, count in rows:
            file = _File(key, source, ENTITIES[entity], name, sequence, file_hash, count, recipes.get(key, ""))
            file.ruleset = self.ruleset(file.entity, source)
            files.append(file)
        return files

    def remove_strangers(self, files: list[_File]) -> None:
        """Remove verdicts of files that raw/ does not have (any more)."""
        wanted = {(file.entity.name, file.key) for file in files}
        for room in (self.settings.accepted, self.settings.quarantine, self.settings.validation_results):
            for path in (*room.glob("*/[0-9]*.parquet"), *room.glob("*/[0-9]*.json")):
                if (path.parent.name, path.stem) not in wanted:
                    path.unlink()

    def raw(self, file: _File) -> Path:
        return self.settings.raw / file.entity.name / f"{file.key}.parquet"

    def result(self, file: _File, ending: str) -> Path:
        return self.settings.validation_results / file.entity.name / f"{file.key}.{ending}"

    def outputs(self, file: _File) -> list[Path]:
        """Everything that a judged file has, its state last."""
        rooms = (self.settings.accepted, self.settings.quarantine, self.settings.validation_results)
        parquet = [room / file.entity.name / f"{file.key}.parquet" for room in rooms]
        return [*parquet, self.result(file, "json")]

    def ruleset(self, entity: Entity, source: str) -> str:
        """Hash of all that decides the verdicts of a source's rows, but for the rows and the master data."""
        document: dict[str, Any] = {
            "version": VERSION,
            "suites": [suite.document for suite in self.suites if suite.concerns(entity.name, source)],
            "segments": [
                asdict(self.segments[name])
                for suite in self.suites
                if suite.concerns(entity.name, source)
                for name in suite.segments
            ],
            "columns": [(column.name, column.type) for column in quarantine_columns(entity)],
        }
        if entity.name == "line":
            document["currencies"] = [self.currencies.program, self.currencies.max_age_days]
        return digest(document)

    # --- judging --------------------------------------------------------------------------

    def judge_entity(self, entity: Entity, files: list[_File]) -> None:
        """Bring the verdicts of an entity's files up to date, then make its reference table."""
        if entity.name == "line" and self.segments:
            self.query(f"CREATE TEMP TABLE segment_member AS {members.members(self.segments.values())}")
        master_data = self.master_data(entity, files)
        stale = []
        for file in files:
            state = self.read_state(file)
            known = {name: state.get(name) for name in ("ruleset", "recipe")}
            if known == {"ruleset": file.ruleset, "recipe": file.recipe}:
                file.state = state
            if not file.state or state["master_data"] != master_data:
                stale.append(file)
        group: list[_File] = []
        for file in stale:
            group.append(file)
            if sum(member.rows for member in group) >= GROUP_ROWS:
                self.judge_group(entity, group, master_data)
                group = []
        if group:
            self.judge_group(entity, group, master_data)
        if entity.name != "line":
            self.make_reference(entity)

    def read_state(self, file: _File) -> dict[str, Any]:
        """The state beside the results; empty if anything that belongs to it is missing."""
        if not all(path.is_file() for path in self.outputs(file)):
            return {}
        state: dict[str, Any] = json.loads(self.result(file, "json").read_text(encoding="utf-8"))
        return state

    def write_state(self, file: _File) -> None:
        target = self.result(file, "json")
        half = target.with_name(f".{target.name}.tmp")
        text = json.dumps(file.state, indent=2, sort_keys=True, ensure_ascii=False)
        half.write_text(text + "\n", encoding="utf-8")
        half.replace(target)

    def make_reference(self, entity: Entity) -> None:
        """Table reference_<entity>: the valid row of each key among the accepted and held rows."""
        rows = f"read_parquet({_text(str(self.settings.accepted / entity.name / '*.parquet'))})"
        self.query(f"CREATE TEMP TABLE reference_{entity.name} AS {lookups.newest(entity, rows)}")

    def master_data(self, entity: Entity, files: list[_File]) -> str:
        """Hash of the rows that an entity's look-ups read. ``files``: all of the entity's."""
        if entity.name == "partner":
            self.query("CREATE TEMP TABLE named_partner (partner_id VARCHAR)")
            if files:
                rows = f"read_parquet({_paths(self.raw(file) for file in files)})"
                self.query(
                    f"INSERT INTO named_partner SELECT DISTINCT partner_id FROM {rows} WHERE partner_id IS NOT NULL"
                )
            return digest(self.query(lookups.signature(["partner_id"], "named_partner")))
        found = []
        by_segment = members.USES if entity.name == "line" and self.segments else ()
        for name in (*lookups.USES[entity.name], *by_segment):
            columns = [column.name for column in ENTITIES[name].columns]
            found += self.query(lookups.signature(columns, f"reference_{name}"))
        return digest(found)

    def judge_group(self, entity: Entity, files: list[_File], master_data: str) -> None:
        """Make the look-ups for files; judge those for which they, or the rules, differ."""
        helpers = [column.name for column in lookups.HELPERS[entity.name]]
        resolved = ["product_id"] if entity.name == "line" else []
        self.query(
            f"CREATE OR REPLACE TEMP VIEW raw_rows AS FROM read_parquet({_paths(self.raw(file) for file in files)})"
        )
        used = {rule_column for suite in self.suites for rule in suite.rules for rule_column in rule.columns}
        used |= {condition.column for suite in self.suites for condition in suite.applies_to.when}
        rows = lookups.helped(entity, self.currencies)
        if entity.name == "line" and self.segments:
            rows = members.marked(rows)
            resolved.append("segments")
        kept = [
            name
            for name in dict.fromkeys(
                ["source", "file_sequence", "row_number", *lookups.JUDGED_COLUMNS[entity.name], *resolved]
            )
            if name in used or name in ("source", "file_sequence", "row_number", *resolved)
        ]
        self.query(f"""
            CREATE OR REPLACE TEMP TABLE judged AS
            SELECT
                (CAST(file_sequence AS BIGINT) << 32) + row_number AS row_id,
                {", ".join(kept)},
                hash(row_number, {", ".join([*resolved, *helpers])}) AS looked_up
            FROM ({rows})
        """)
        looked_up = dict(
            self.query("SELECT file_sequence, CAST(bit_xor(looked_up) AS VARCHAR) FROM judged GROUP BY file_sequence")
        )
        due = []
        for file in files:
            found = looked_up.get(file.sequence, "")
            if file.state and file.state["looked_up"] == found:
                file.state["master_data"] = master_data
                self.write_state(file)
            else:
                file.state = {
                    "ruleset": file.ruleset,
                    "recipe": file.recipe,
                    "master_data": master_data,
                    "looked_up": found,
                }
                due.append(file)
        if due:
            self.say(f"judging {entity.name}: {sum(file.rows for file in due):,} rows in {len(due)} files")
            if len(due) < len(files):
                sequences = ", ".join(str(file.sequence) for file in due)
                self.query(f"DELETE FROM judged WHERE file_sequence NOT IN ({sequences})")
            self.give_verdicts(entity, due)

    def give_verdicts(self, entity: Entity, files: list[_File]) -> None:
        """Judge the rows of table ``judged``; write everything that the files have."""
        suites = [suite for suite in self.suites if any(suite.concerns(entity.name, file.source) for file in files)]
        if self.judge is None and suites:
            self.judge = Judge(self.suites)
        rules = [(suite, rule) for suite in suites for rule in suite.rules]
        numbers = {(suite.name, rule.id): number for number, (suite, rule) in enumerate(rules)}
        self.query("CREATE OR REPLACE TEMP TABLE failure (rule_number INTEGER, row_id BIGINT)")
        errors: dict[tuple[int, int], str] = {}  # rule number, file sequence
        for suite in suites:
            self.run_suite(suite, numbers, errors)
        severities = [(number, rule.id, rule.severity) for number, (_, rule) in enumerate(rules)]
        severities = severities or [(-1, "", "warn")]  # an entity without rules
        values = ", ".join(f"({number}, {_text(rule)}, {_text(severity)})" for number, rule, severity in severities)
        self.query(
            "CREATE OR REPLACE TEMP TABLE rule AS SELECT * FROM"
            f" (VALUES {values}) AS r (rule_number, rule_id, severity)"
        )
        resolved = ", j.product_id" if entity.name == "line" else ""
        self.query(f"""
            CREATE OR REPLACE TEMP TABLE verdict AS
            WITH failed AS (
                SELECT
                    row_id,
                    bool_or(severity = 'reject') AS rejected,
                    string_agg(rule_id, ';' ORDER BY rule_id) AS rules_failed
                FROM failure JOIN rule USING (rule_number) WHERE severity <> 'warn' GROUP BY row_id
            )
            SELECT
                j.file_sequence, j.row_number{resolved}, f.rules_failed,
                CASE WHEN f.rejected THEN 'quarantined' WHEN f.row_id IS NOT NULL THEN 'held' ELSE 'accepted' END
                    AS verdict
            FROM judged AS j LEFT JOIN failed AS f USING (row_id)
            ORDER BY j.file_sequence, j.row_number
        """)
        results = self.results(rules, files, errors)
        held = dict(
            self.query("SELECT file_sequence, count(*) FROM verdict WHERE verdict = 'held' GROUP BY file_sequence")
        )
        for file in files:
            self.write_file(file, held.get(file.sequence, 0), results[file.sequence])

    def run_suite(self, suite: Suite, numbers: dict[tuple[str, str], int], errors: dict[tuple[int, int], str]) -> None:
        """Judge the rows of a suite in frames; fill table ``failure`` and ``errors``."""
        assert self.judge is not None
        columns = dict.fromkeys(name for rule in suite.rules for name in rule.columns)
        files = self.query(
            "SELECT file_sequence, min(row_id), max(row_id) FROM judged GROUP BY file_sequence ORDER BY file_sequence"
        )
        failures: list[tuple[int, np.ndarray]] = []  # written once all frames were read from the connection
        self.connection.execute(f"SELECT row_id, {', '.join(columns)} FROM judged WHERE {suite.scope} ORDER BY row_id")
        while len(frame := self.connection.fetch_df_chunk(FRAME_VECTORS)):
            frame = frame.set_index("row_id")
            frame.index.name = None
            for rule_id, rows in self.judge.failing(frame, suite, suite.rules).items():
                number = numbers[suite.name, rule_id]
                if not isinstance(rows, str):
                    failures.append((number, rows))
                    continue
                # which files the error concerns must not depend on which were judged together
                rule = next(rule for rule in suite.rules if rule.id == rule_id)
                for sequence, first, last in files:
                    part = frame.loc[first:last]
                    if len(part):
                        outcome = self.judge.failing(part, suite, [rule])[rule_id]
                        if isinstance(outcome, str):
                            errors[number, sequence] = outcome
                            failures.append((number, part.index.to_numpy()))
                        else:
                            failures.append((number, outcome))
        for number, rows in failures:
            self.add_failures(number, rows)

    def add_failures(self, number: int, row_ids: np.ndarray) -> None:
        if len(row_ids):
            import pyarrow as pa

            failed = pa.table({"row_id": row_ids})
            self.connection.register("failed_rows", failed)
            self.query(f"INSERT INTO failure SELECT {number}, row_id FROM failed_rows")
            self.connection.unregister("failed_rows")

    # --- results --------------------------------------------------------------------------

    def results(
        self, rules: list[tuple[Suite, Rule]], files: list[_File], errors: dict[tuple[int, int], str]
    ) -> dict[int, list[dict[str, Any]]]:
        """By file sequence: one result per rule that concerns the file, in order of suite and rule id."""
        evaluated = {
            (name, sequence): rows
            for name, scope in {suite.name: suite.scope for suite, _ in rules}.items()
            for sequence, rows in self.query(
                f"SELECT file_sequence, count(*) FROM judged WHERE {scope} GROUP BY file_sequence"
            )
        }
        failed: dict[tuple[int, int], int] = {}
        samples: dict[tuple[int, int], list[dict[str, Any]]] = {}
        cases = " ".join(
            f"WHEN {number} THEN concat_ws(' | ', {', '.join(f'CAST({name} AS VARCHAR)' for name in rule.columns)})"
            if len(rule.columns) > 1
            else f"WHEN {number} THEN CAST({rule.columns[0]} AS VARCHAR)"
            for number, (_, rule) in enumerate(rules)
        )
        if rules:
            for number, sequence, count, row_number, value in self.query(f"""
                WITH ranked AS (
                    SELECT
                        rule_number, row_id,
                        row_number() OVER (PARTITION BY rule_number, file_sequence ORDER BY row_id) AS place,
                        count(*) OVER (PARTITION BY rule_number, file_sequence) AS count
                    FROM failure JOIN judged USING (row_id)
                )
                SELECT rule_number, file_sequence, count, row_number, CASE rule_number {cases} END
                FROM ranked JOIN judged USING (row_id) WHERE place <= 5 ORDER BY rule_number, row_id
            """):
                failed[number, sequence] = count
                samples.setdefault((number, sequence), []).append({"row_number": row_number, "value": value})
        found: dict[int, list[dict[str, Any]]] = {}
        for file in files:
            found[file.sequence] = [
                _result(
                    file,
                    suite,
                    rule,
                    evaluated.get((suite.name, file.sequence), 0),
                    failed.get((number, file.sequence), 0),
                    samples.get((number, file.sequence), []),
                    errors.get((number, file.sequence), ""),
                )
                for number, (suite, rule) in enumerate(rules)
                if suite.concerns(file.entity.name, file.source)
            ]
            found[file.sequence].sort(key=lambda result: (result["suite"], result["rule_id"]))
        return found

    def write_file(self, file: _File, held: int, results: list[dict[str, Any]]) -> None:
        """Write a judged file's rows and results; its state last, so that a half-written file is judged again."""
        import pyarrow as pa

        *_, result_path, state_path = self.outputs(file)
        state_path.unlink(missing_ok=True)
        written = {}
        for folder, columns, which in (
            (self.settings.accepted, accepted_columns(file.entity), "<>"),
            (self.settings.quarantine, quarantine_columns(file.entity), "="),
        ):
            own = ("verdict", "rules_failed", *(("product_id",) if file.entity.name == "line" else ()))
            select = ", ".join(f"{'v' if column.name in own else 'r'}.{column.name}" for column in columns)
            written[folder] = self.copy(
                f"SELECT {select} FROM read_parquet({_text(str(self.raw(file)))}) AS r"
                f" JOIN verdict AS v ON v.file_sequence = {file.sequence} AND v.row_number = r.row_number"
                f" WHERE v.verdict {which} 'quarantined' ORDER BY r.row_number",
                folder / file.entity.name / f"{file.key}.parquet",
            )
        texts = {name: [result[name] for result in results] for name in (column.name for column in RESULTS)}
        self.connection.register("results", pa.table({n: pa.array(v, _arrow(v)) for n, v in texts.items()}))
        typed = ", ".join(f"CAST({column.name} AS {column.type}) AS {column.name}" for column in RESULTS)
        self.copy(f"SELECT {typed} FROM results ORDER BY suite, rule_id", result_path)
        self.connection.unregister("results")
        accepted, quarantined = written[self.settings.accepted], written[self.settings.quarantine]
        file.state |= {
            "rows": file.rows,
            "accepted": accepted - held,
            "held": held,
            "quarantined": quarantined,
            "rules": {
                result["rule_id"]: {"severity": result["severity"], "rows": result["rows_failed"]}
                for result in results
                if result["rows_failed"]
            },
            "errors": [f"{r['suite']}: {r['rule_id']}: {r['message']}" for r in results if r["status"] == "error"],
        }
        file.judged = True
        self.write_state(file)

    def check_ties(self, files: list[_File]) -> None:
        """Raise TieError unless every file's rows in are its rows accepted, held and quarantined."""
        counts: dict[tuple[Path, str], int] = {}
        for room in (self.settings.raw, self.settings.accepted, self.settings.quarantine):
            for name in ENTITIES:
                if any((room / name).glob("[0-9]*.parquet")):
                    found = _text(str(room / name / "[0-9]*.parquet"))
                    rows = self.query(
                        f"SELECT parse_filename(file_name, true), num_rows FROM parquet_file_metadata({found})"
                    )
                    counts |= {(room, key): count for key, count in rows}
        wrong = []
        for file in files:
            held_and_accepted = counts.get((self.settings.accepted, file.key), -1)
            quarantined = counts.get((self.settings.quarantine, file.key), -1)
            state = file.state
            if not (
                file.rows == counts.get((self.settings.raw, file.key), -1) == held_and_accepted + quarantined
                and held_and_accepted == state["accepted"] + state["held"]
                and quarantined == state["quarantined"]
            ):
                wrong.append(
                    f"{file.source}/{file.name} (receipt {file.sequence:06}): {file.rows} rows in,"
                    f" {held_and_accepted} accepted or held, {quarantined} quarantined"
                )
        if wrong:
            raise TieError("rows do not tie: " + "; ".join(wrong))


def _arrow(values: list[Any]) -> Any:
    import pyarrow as pa

    return pa.int64() if values and isinstance(values[0], int) else pa.string()


def _result(
    file: _File,
    suite: Suite,
    rule: Rule,
    evaluated: int,
    failed: int,
    samples: list[dict[str, Any]],
    error: str,
) -> dict[str, Any]:
    """One row of RESULTS."""
    message = f"{failed:,} of {evaluated:,} rows: {rule.reason}" if failed else None
    if error:
        status, message = "error", f"the rule could not be evaluated: {error}"
    elif not evaluated:
        status = "no_rows"
    elif evaluated - failed < rule.mostly * evaluated:
        status = "failed"
    else:
        status = "passed"
    return {
        "source": file.source,
        "entity": file.entity.name,
        "file_sequence": file.sequence,
        "file_hash": file.hash,
        "suite": suite.name,
        "rule_id": rule.id,
        "severity": rule.severity,
        "status": status,
        "rows_evaluated": evaluated,
        "rows_failed": failed,
        "message": message,
        "samples": json.dumps(samples, ensure_ascii=False),
    }
