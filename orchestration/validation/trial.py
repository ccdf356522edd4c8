"""Trying a new or changed rule on a month that has landed: what it would hit. Writes nothing.

What belongs here: the rows of the month, the rule on them, what is found. What does not: judging (distinct.py), the
rebate of lines, which the caller brings from the published snapshot.

Rows are the newest version of each line of the month, as raw/ has them; master data are the accepted ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from orchestration import warehouse
from orchestration.contract import ENTITIES, LINE_KEY
from orchestration.settings import Settings
from orchestration.validation import lookups, members
from orchestration.validation.distinct import Failures
from orchestration.validation.judge import Judge
from orchestration.validation.lookups import Currencies
from orchestration.validation.suites import Rule, RuleError, load_file
from orchestration.validation.verdicts import Run

SAMPLES = 10


@dataclass(frozen=True)
class Hit:
    """What one rule would do to the lines of a month."""

    rule: str
    severity: str
    rows_judged: int
    rows: int
    partners: int
    amounts: Mapping[str, Decimal]
    """Net amount of the rows, by currency."""
    rebates: Mapping[str, Decimal]
    """Rebate that hangs on them in the published snapshot, by currency of the program."""
    already: int
    """Of the rows, those that are quarantined or held as it is."""
    samples: tuple[tuple[str, int, int, str, str], ...]
    """The first rows: source, receipt, row number, document and line, value."""


def try_rule(
    settings: Settings,
    file: Path,
    rule_id: str | None,
    month: str,
    *,
    currencies: Currencies,
    line_rebates: Any = None,
) -> list[Hit]:
    """What the rules of a suite file (or one of them) would hit among the lines of a month (``2017-03``).

    line_rebates: Arrow table of line_key, currency, amount; None: no snapshot was published. Raises RuleError for a
    file that cannot be used, a rule that it does not have, and one that is not about lines.
    """
    suite = load_file(file, settings)
    if suite.applies_to.entity != "line":
        raise RuleError(f"{file}: is about {suite.applies_to.entity}; expected rules on lines, which have a month")
    rules = [rule for rule in suite.rules if rule_id in (None, rule.id)]
    if not rules:
        known = ", ".join(rule.id for rule in suite.rules)
        raise RuleError(f"{file}: no rule {rule_id!r} on rows; expected one of {known}")
    severities = [rule.severity for rule in rules]
    # a warning's rows are wanted too, and a share of rows says nothing about one month
    rules = [
        rule.model_copy(update={"severity": "hold", "kwargs": {n: v for n, v in rule.kwargs.items() if n != "mostly"}})
        for rule in rules
    ]
    suite = suite.with_rules(tuple(rules))
    with warehouse.in_memory(settings) as connection:
        segments = members.named([suite], settings.reference)
        run = Run(connection, settings, [suite], segments, currencies, lambda message: None)
        run.query("CREATE TEMP TABLE named_partner AS SELECT NULL::varchar AS partner_id WHERE false")
        for name in lookups.ORDER:
            if name != "line":
                run.make_reference(ENTITIES[name])
        run.read_identified((settings.matching / "reported.parquet").is_file())
        if segments:
            run.query(f"CREATE TEMP TABLE segment_member AS {members.members(segments.values())}")
        raw = str(settings.raw / "line" / "*.parquet").replace("'", "''")
        key = "source, document_number, line_number"
        run.query(f"""
            CREATE TEMP TABLE raw_rows AS
            SELECT * FROM read_parquet('{raw}')
            WHERE strftime(document_date, '%Y-%m') = '{month}'
            QUALIFY document_number IS NULL OR line_number IS NULL
                OR file_sequence = max(file_sequence) OVER (PARTITION BY {key})
        """)
        run.find(ENTITIES["line"])
        [(judged,)] = run.query(
            f"SELECT count(*) FROM ({run.rows(ENTITIES['line'], suite.columns)}) WHERE {suite.scope}"
        )
        rows = partial(run.rows, ENTITIES["line"])
        failures = Failures(connection, Judge([suite]), rows, SAMPLES)
        if judged:
            failures.find(suite, {rule.id: number for number, rule in enumerate(rules)})
        if failures.errors:
            raise RuleError(
                f"{file}: the rule could not be evaluated: {'; '.join(sorted(set(failures.errors.values())))}"
            )
        verdicts = " UNION ALL ".join(
            f"SELECT file_sequence, row_number, verdict FROM read_parquet('{path}')"
            for path in (
                str(room / "line" / "*.parquet").replace("'", "''") for room in (settings.accepted, settings.quarantine)
            )
        )
        run.query(f"CREATE TEMP TABLE open_row AS SELECT * FROM ({verdicts}) WHERE verdict <> 'accepted'")
        if line_rebates is not None:
            connection.register("line_rebate", line_rebates)
        else:
            run.query("CREATE TEMP TABLE line_rebate (line_key VARCHAR, currency VARCHAR, amount DECIMAL(18, 4))")
        return [_hit(run, number, rule, severities[number], judged) for number, rule in enumerate(rules)]


def _hit(run: Run, number: int, rule: Rule, severity: str, judged: int) -> Hit:
    line = ENTITIES["line"]
    names = ["partner_id", "net_amount", "currency", "document_number", "line_number", *rule.columns]
    run.query(f"""
        CREATE OR REPLACE TEMP TABLE hit AS
        SELECT r.* FROM ({run.rows(line, names)}) AS r
        SEMI JOIN (SELECT row_id FROM failure WHERE rule_number = {number}) AS f USING (row_id)
    """)
    [(rows, partners, already)] = run.query("""
        SELECT count(*), count(DISTINCT partner_id),
            (SELECT count(*) FROM hit SEMI JOIN open_row USING (file_sequence, row_number))
        FROM hit
    """)
    amounts = dict(run.query("SELECT coalesce(currency, ''), sum(net_amount) FROM hit GROUP BY 1 ORDER BY 1"))
    rebates = dict(
        run.query(f"""
            SELECT currency, sum(amount) FROM line_rebate
            WHERE line_key IN (SELECT {LINE_KEY} FROM hit)
            GROUP BY 1 ORDER BY 1
        """)
    )
    shown = ", ".join(f"CAST({name} AS VARCHAR)" for name in rule.columns)
    samples = run.query(f"""
        SELECT
            source, file_sequence, row_number, concat_ws(' ', document_number, line_number), concat_ws(' | ', {shown})
        FROM hit ORDER BY file_sequence, row_number LIMIT {SAMPLES}
    """)
    return Hit(
        rule.id, severity, judged, rows, partners,
        {currency: amount for currency, amount in amounts.items() if amount is not None}, rebates, already,
        tuple(samples),
    )  # fmt: skip
