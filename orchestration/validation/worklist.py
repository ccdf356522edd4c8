"""Quarantine as a work list: rows that wait for somebody, why, what to do about them, and what hangs on them.

What belongs here: reading accepted/ (held rows), quarantine/, the register and the suites. What does not: the decision
itself (decisions.py), the rebate rates of the published snapshot, which the caller brings.

A row is open as long as no newer file has brought its key, nor replaced what older files said of its partner and month:
a corrected file takes the older row off the list, whatever became of the newer one (that one then stands on it for
itself). No money hangs on a row that repeats another one of its file: that one counts, or is on the list itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration import warehouse
from orchestration.contract import ENTITIES, Entity
from orchestration.settings import Settings
from orchestration.validation.decisions import Decision, DecisionError, Released, release
from orchestration.validation.suites import Rule, Suite, load_suites
from orchestration.validation.table_rules import TableRule

CODES = {
    "unknown_product": ("partner_product_id", "product"),
    "unknown_partner": ("reseller_id", "partner"),
    "unknown_end_customer": ("end_customer_id", "end_customer"),
}
"""Rules about codes of lines that are not known: the column with the code, and the entity that should hold it."""

NO_MONEY = ("duplicate_row",)
"""Rules whose rows repeat a row that is judged for itself: what they say of money is said there."""

NEAREST = 3
ALIKE = 70
"""Known codes are suggested from this likeness on, of 100."""


@dataclass(frozen=True)
class Item:
    """One open row. ``amount``: net amount as the file has it, None where it could not be read, 0 of a repeated row."""

    entity: str
    source: str
    file_name: str
    file_sequence: int
    file_hash: str
    row_number: int
    verdict: str
    rules: tuple[str, ...]
    partner: str
    month: str
    amount: Decimal | None
    currency: str
    rebate: Decimal | None
    """What the row might earn: amount × the partner's rebate rate in the published snapshot; None: not known."""

    @property
    def name(self) -> str:
        """How a person names the row: receipt number and row."""
        return f"{self.file_sequence}:{self.row_number}"


@dataclass(frozen=True)
class Reason:
    """Why a row is open: a rule that it failed, and what can be done."""

    rule: str
    severity: str
    owner: str
    reason: str
    value: str
    repair: str
    releasable: bool


Rates = Mapping[tuple[str, str], Decimal]
"""(partner, currency) → rebate earned per unit of net amount."""


def open_rows(
    settings: Settings,
    rates: Rates | None = None,
    *,
    source: str | None = None,
    rule: str | None = None,
    month: str | None = None,
    row: str | None = None,
) -> list[Item]:
    """Open rows of all entities, by receipt and row; those of a source, rule or month (of lines), or one by its name.

    rates: see Rates; without, no rebate is estimated.
    """
    items: list[Item] = []
    with warehouse.in_memory(settings) as connection:
        for entity in ENTITIES.values():
            found = connection.execute(_open(settings, entity)).fetchall()
            for where, name, sequence, file_hash, number, verdict, rules, partner, day, amount, currency in found:
                failed = tuple((rules or "").split(";"))
                if set(failed) & set(NO_MONEY):
                    amount = None if amount is None else Decimal(0)
                label = f"{sequence}:{number}"
                if (source or where) != where or (rule and rule not in failed) or (row or label) != label:
                    continue
                if month and (day is None or day.isoformat()[:7] != month):
                    continue
                rate = (rates or {}).get((partner or "", currency or ""))
                rebate = None if rate is None or amount is None else (amount * rate).quantize(Decimal("0.01"))
                in_month = day.isoformat()[:7] if day else ""
                items.append(
                    Item(
                        entity.name,
                        where,
                        name,
                        sequence,
                        file_hash,
                        number,
                        verdict,
                        failed,
                        partner or "",
                        in_month,
                        amount,
                        currency or "",
                        rebate,
                    )
                )
    return sorted(items, key=lambda item: (item.file_sequence, item.row_number))


def _open(settings: Settings, entity: Entity) -> str:
    """SELECT of the open rows of an entity."""
    key = [name for name in entity.key if name != "source"]
    line = entity.name == "line"
    shown = {
        "partner": "coalesce(reseller_id, sold_to_id, distributor_id)" if line else "NULL",
        "day": "document_date" if line else "NULL::date",
        "amount": "net_amount" if line else "NULL::decimal(18, 4)",
        "currency": "currency" if line else "NULL",
    }
    columns = ", ".join(f"{expression} AS {name}" for name, expression in shown.items())
    who = ["distributor_id", "reseller_id", "document_date", "record_intent"] if line else []
    names = ", ".join(dict.fromkeys([*key, *who]))
    origin = f"source, file_sequence, file_hash, row_number, verdict, rules_failed, {names}, {columns}"
    quarantined, accepted = (_rows(room / entity.name) for room in (settings.quarantine, settings.accepted))
    same = " AND ".join(f"n.{name} = r.{name}" for name in ("source", *key))
    replaced = f" AND NOT EXISTS (SELECT 1 FROM every AS n WHERE {_REPLACED})" if line else ""
    return f"""
        WITH every AS (SELECT {origin} FROM {quarantined} UNION ALL SELECT {origin} FROM {accepted})
        SELECT r.source, f.file_name, r.file_sequence, r.file_hash, r.row_number, r.verdict, r.rules_failed,
            r.partner, r.day, r.amount, r.currency
        FROM every AS r JOIN {_rows(settings.raw / "file")} AS f USING (file_sequence)
        WHERE r.verdict <> 'accepted'
            AND NOT EXISTS (SELECT 1 FROM every AS n WHERE {same} AND n.file_sequence > r.file_sequence){replaced}
    """


_REPLACED = """n.record_intent = 'replacement' AND n.verdict <> 'quarantined'
    AND n.source = r.source AND n.file_sequence > r.file_sequence
    AND coalesce(n.distributor_id, '') = coalesce(r.distributor_id, '')
    AND coalesce(n.reseller_id, '') = coalesce(r.reseller_id, '')
    AND date_trunc('month', n.document_date) = date_trunc('month', r.document_date)"""
"""A replacement report of the row's partner and month came later (semantics 3; int_line_version says it of lines)."""


def _rows(folder: Path) -> str:
    path = str(folder / "*.parquet").replace("'", "''")
    return f"read_parquet('{path}')"


def reasons(settings: Settings, item: Item) -> list[Reason]:
    """Why a row is open, with its offending values and what can be done. Rules that are no more are left out."""
    rules = _rules(settings)
    found = []
    values = _values(settings, item)
    for name in item.rules:
        if (item.entity, name) not in rules:
            continue
        suite, rule = rules[item.entity, name]
        value, repair = "", rule.repair
        if isinstance(rule, Rule):
            shown = [f"{column} = {values[column]}" for column in rule.columns if column in values]
            value = ", ".join(shown) or values.get("parse_errors", "")
        if item.entity == "line" and name in CODES:
            column, entity = CODES[name]
            near = nearest(settings, entity, item.source, values.get(column, ""))
            value = f"{column} = {values.get(column, '')}"
            repair = "; ".join(part for part in (repair, f"known and alike: {', '.join(near)}" if near else "") if part)
        found.append(
            Reason(name, rule.severity, suite.owner_of(rule), rule.reason, value, repair, _can_be_released(rule))
        )
    return found


def _can_be_released(rule: Rule | TableRule) -> bool:
    return rule.severity == "hold" or (isinstance(rule, Rule) and rule.releasable)


def _rules(settings: Settings) -> dict[tuple[str, str], tuple[Suite, Rule | TableRule]]:
    sources = sorted(path.stem for path in settings.sources.glob("*.yml"))
    suites = load_suites(settings.expectations, sources)
    return {(suite.applies_to.entity, rule.id): (suite, rule) for suite in suites for rule in suite.every_rule}


def _values(settings: Settings, item: Item) -> dict[str, str]:
    """The row as raw/ has it: its filled columns, as text; of parsed columns the file's own text."""
    key = f"{item.file_sequence:06}_{item.file_hash[:16]}"
    path = str(settings.raw / item.entity / f"{key}.parquet").replace("'", "''")
    with warehouse.in_memory(settings) as connection:
        cursor = connection.execute(f"SELECT * FROM read_parquet('{path}') WHERE row_number = {item.row_number}")
        names = [column[0] for column in cursor.description or ()]
        row = cursor.fetchone() or ()
    values = {name: str(value) for name, value in zip(names, row, strict=False) if value is not None}
    return values | {name[: -len("_text")]: text for name, text in values.items() if name.endswith("_text")}


def nearest(settings: Settings, entity: str, source: str, code: str) -> list[str]:
    """Known codes that are most like one that is not known; of products also what the source calls them."""
    if not code:
        return []
    from rapidfuzz import fuzz, process, utils

    key = ENTITIES[entity].key[0]
    sql = f"SELECT DISTINCT {key} FROM {_rows(settings.accepted / entity)}"
    if entity == "product":
        text = source.replace("'", "''")
        crossed = _rows(settings.accepted / "product_cross_reference")
        sql += f" UNION SELECT DISTINCT partner_product_id FROM {crossed} WHERE line_source = '{text}'"
    with warehouse.in_memory(settings) as connection:
        known = [row[0] for row in connection.execute(f"{sql} ORDER BY 1").fetchall()]
    found = process.extract(
        code, known, scorer=fuzz.ratio, processor=utils.default_process, limit=NEAREST, score_cutoff=ALIKE
    )
    return [str(match) for match, _, _ in found]


def release_rows(
    settings: Settings, names: Iterable[str], *, rule: str | None, by: str, comment: str
) -> tuple[Decision, list[Item]]:
    """Release open rows (``<receipt>:<row>``, or ``<receipt>``: all of a file) from a rule, or from all they failed.

    Raises DecisionError for a row that is not open, a rule that it did not fail, and a rule that nobody can release.
    """
    every = open_rows(settings)
    rules = _rules(settings)
    chosen: list[Item] = []
    for name in names:
        mine = [item for item in every if name in (item.name, str(item.file_sequence))]
        if not mine:
            raise DecisionError(f"{name}: no open row of that name; `rebates quarantine list` shows them")
        chosen += [item for item in mine if rule is None or rule in item.rules]
        if rule and not any(rule in item.rules for item in mine):
            failed = sorted({each for item in mine for each in item.rules})
            raise DecisionError(f"{name}: did not fail {rule!r}; expected one of {', '.join(failed)}")
    released = []
    for item in dict.fromkeys(chosen):
        wanted = (rule,) if rule else item.rules
        for each in wanted:
            known = rules.get((item.entity, each))
            if known is None or not _can_be_released(known[1]):
                raise DecisionError(
                    f"{item.name}: {each} cannot be released; holds can, and rejects whose rule says releasable: true"
                )
        released.append(
            Released(source=item.source, file_hash=item.file_hash, row_number=item.row_number, rules=wanted)
        )
    return release(settings, released, by=by, comment=comment), chosen


def totals(items: Iterable[Item]) -> list[tuple[str, str, int, Decimal, Decimal | None]]:
    """Open rows by rule and currency: both, rows, amount, estimated rebate (None: not known); most money first."""
    sums: dict[tuple[str, str], list[Any]] = {}
    for item in items:
        for rule in item.rules:
            entry = sums.setdefault((rule, item.currency), [0, Decimal(0), None])
            entry[0] += 1
            entry[1] += abs(item.amount or Decimal(0))
            if item.rebate is not None:
                entry[2] = (entry[2] or Decimal(0)) + item.rebate
    rows = [(rule, currency, *entry) for (rule, currency), entry in sums.items()]
    return sorted(rows, key=lambda row: (-row[3], row[0], row[1]))
