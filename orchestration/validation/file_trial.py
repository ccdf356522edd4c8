"""Rules on the rows of a file that has not landed: which would fail. Writes nothing but temporary tables.

What belongs here: the rows of one Parquet as raw/ would have it, judged with the rules in force and the accepted
master data. What does not: how the file became rows (intake), rules that are not in force (trial.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from orchestration import warehouse
from orchestration.contract import ENTITIES, accepted_columns
from orchestration.settings import Settings
from orchestration.validation import lookups, members
from orchestration.validation.distinct import Failures
from orchestration.validation.judge import Judge
from orchestration.validation.lookups import Currencies
from orchestration.validation.suites import Rule, Suite, load_suites
from orchestration.validation.verdicts import Run
from orchestration.validation.written import text

SAMPLES = 5
_OF_THE_ROW = {*(column.name for column in lookups.HELPERS["fx_rate"]), "negative_price", "amount_without_quantity",
               "partner_id"}  # fmt: skip
"""Helper columns that need no master data."""


@dataclass(frozen=True)
class RuleHit:
    """A rule that rows of the file fail."""

    rule: str
    severity: str
    reason: str
    repair: str
    rows: int
    samples: tuple[tuple[int, str], ...]
    """The first rows: row number and value."""


@dataclass(frozen=True)
class RowsTried:
    """What validation would say of a file: rows = accepted + held + quarantined."""

    rows: int
    accepted: int
    held: int
    quarantined: int
    hits: tuple[RuleHit, ...]
    without_rows: tuple[str, ...]
    """Suites that concern the source and judge none of the rows."""
    without_master_data: tuple[str, ...]
    """Rules that were left out because there are no master data to look up in."""
    whole_file_rules: int
    """Rules about whole files, which need the files before and were left out."""
    errors: tuple[str, ...]
    """Rules that could not be evaluated, with the reason; their rows count as failed (unless warn)."""


def try_rows(
    settings: Settings, scratch: Settings, raw: Path, entity_name: str, source: str, currencies: Currencies
) -> RowsTried:
    """Judge the rows of a Parquet with columns as in raw/<entity>/ and file_sequence 1.

    settings: where rules and accepted master data are; scratch: of a temporary data folder. Raises RuleError for a
    suite file that cannot be used.
    """
    entity = ENTITIES[entity_name]
    known = {*(path.stem for path in settings.sources.glob("*.yml")), source}
    suites = [suite for suite in load_suites(settings.expectations, known) if suite.concerns(entity.name, source)]
    segments = members.named(suites, settings.reference)
    with warehouse.in_memory(scratch) as connection:
        run = Run(connection, settings, suites, segments, currencies, lambda message: None)
        for name in lookups.ORDER:
            if name != "line":
                _reference(run, settings, name)
        run.query(f"CREATE TEMP TABLE raw_rows AS FROM read_parquet({text(str(raw))})")
        named = "SELECT DISTINCT partner_id FROM raw_rows" if entity_name == "partner" else "SELECT NULL WHERE false"
        run.query(f"CREATE TEMP TABLE named_partner (partner_id VARCHAR); INSERT INTO named_partner {named}")
        whole = sum(len(suite.table_rules) for suite in suites)
        left_out: list[str] = []
        if not _has_master_data(run, entity_name):
            suites, left_out = _without_look_ups(suites, entity_name)
            segments = {}
        if segments:
            run.query(f"CREATE TEMP TABLE segment_member AS {members.members(segments.values())}")
        run.segments = segments
        # whom names mean is found when the file is taken in
        run.read_identified(False)
        run.find(entity)
        evaluated = {name: rows for (name, _), rows in run.evaluated(entity, suites).items()}
        failures = Failures(connection, Judge(suites), partial(run.rows, entity), SAMPLES)
        rules: list[tuple[Suite, Rule]] = []
        for suite in suites:
            if suite.name in evaluated:
                failures.find(suite, {rule.id: len(rules) + place for place, rule in enumerate(suite.rules)})
            rules += [(suite, rule) for rule in suite.rules]
        hits = [
            _hit(run, entity_name, number, rule, evaluated.get(suite.name, 0))
            for number, (suite, rule) in enumerate(rules)
        ]
        rows, held, quarantined = _verdicts(run, [rule for _, rule in rules])
    order = {"reject": 0, "hold": 1, "warn": 2}
    found = sorted((hit for hit in hits if hit), key=lambda hit: (order[hit.severity], -hit.rows, hit.rule))
    return RowsTried(
        rows, rows - held - quarantined, held, quarantined, tuple(found),
        tuple(suite.name for suite in suites if suite.name not in evaluated), tuple(left_out), whole,
        tuple(f"{rules[number][1].id}: {message}" for (number, _), message in sorted(failures.errors.items())),
    )  # fmt: skip


def _reference(run: Run, settings: Settings, name: str) -> None:
    """Table reference_<entity>, without rows where the data folder has none."""
    if (settings.accepted / name / "_schema.parquet").is_file():
        run.make_reference(ENTITIES[name])
        return
    columns = ", ".join(f"{column.name} {column.type}" for column in accepted_columns(ENTITIES[name]))
    run.query(f"CREATE TEMP TABLE reference_{name} ({columns})")


def _has_master_data(run: Run, entity: str) -> bool:
    """Whether there is any row to look up in; entities without look-ups need none."""
    uses = lookups.USES[entity]
    return not uses or any(run.query(f"SELECT 1 FROM reference_{name} LIMIT 1") for name in uses)


def _without_look_ups(suites: list[Suite], entity: str) -> tuple[list[Suite], list[str]]:
    """The suites with what can be judged from the rows alone, and the ids of the other rules."""
    looked_up = {column.name for column in lookups.HELPERS[entity]} - _OF_THE_ROW
    looked_up.add("segments")
    kept, left_out = [], []
    for suite in suites:
        if looked_up & set(suite.columns):
            left_out += [rule.id for rule in suite.rules]
            continue
        alone = tuple(rule for rule in suite.rules if not looked_up & set(rule.columns))
        left_out += [rule.id for rule in suite.rules if rule not in alone]
        if alone:
            kept.append(suite.with_rules(alone))
    return kept, left_out


def _hit(run: Run, entity: str, number: int, rule: Rule, judged: int) -> RuleHit | None:
    """What a rule found among the rows judged; None: no row failed, or few enough for a rule that tolerates some."""
    tally = run.query(f"SELECT rows, first FROM tally WHERE rule_number = {number}")
    if not tally:
        return None
    [(rows, first)] = tally
    if rule.mostly < 1 and judged - rows >= rule.mostly * judged:
        return None
    shown = ", ".join(f"CAST({name} AS VARCHAR)" for name in rule.columns)
    ids = ", ".join(map(str, first))
    samples = run.query(
        f"SELECT row_number, concat_ws(' | ', {shown}) FROM"
        f" ({run.rows(ENTITIES[entity], dict.fromkeys(['row_number', *rule.columns]))})"
        f" WHERE row_id IN ({ids}) ORDER BY row_number"
    )
    return RuleHit(rule.id, rule.severity, rule.reason, rule.repair, rows, tuple(samples))


def _verdicts(run: Run, rules: list[Rule]) -> tuple[int, int, int]:
    """Rows in all, held, quarantined."""
    rejecting = ", ".join(str(number) for number, rule in enumerate(rules) if rule.severity == "reject") or "-1"
    [(rows,)] = run.query("SELECT count(*) FROM raw_rows")
    [(failed, quarantined)] = run.query(
        f"SELECT count(DISTINCT row_id), count(DISTINCT row_id) FILTER (rule_number IN ({rejecting})) FROM failure"
    )
    return rows, failed - quarantined, quarantined
