"""Segments by attributes, for validation: who belongs to those that suites name, on the date of a line.

What belongs here: the segments that conditions name, and their members from the accepted master data. What does
not: segments that ask for purchases. Validation comes before the calculation that adds them up, and a verdict
must not hang on other lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from orchestration import segments as written
from orchestration.segments import ATTRIBUTES, Segment
from orchestration.validation.suites import RuleError, Suite

USES = ("partner_tier", "partner_group")
"""Whose accepted rows memberships read, beside those that every line's look-ups read."""

FIRST, LAST = "DATE '1900-01-01'", "DATE '9999-12-31'"


def named(suites: Iterable[Suite], reference: Path) -> dict[str, Segment]:
    """The segments that conditions of the suites name, by id; reads ``reference`` only if there are any.

    Raises RuleError for a segment that is not there or asks for purchases, and for files that cannot be used.
    """
    wanted = [(suite, name) for suite in suites for name in suite.segments]
    if not wanted:
        return {}
    try:
        known = written.read(reference)
    except written.SegmentError as error:
        raise RuleError(str(error)) from error
    for suite, name in wanted:
        where = f"{suite.name}.yml: applies_to.when ({name})"
        if name not in known:
            usable = sorted(segment.segment_id for segment in known.values() if not segment.by_purchases)
            raise RuleError(f"{where}: unknown segment {name!r}; expected one of {', '.join(usable)}")
        if known[name].by_purchases:
            raise RuleError(
                f"{where}: segment {name} asks for purchases, which are added up from rows that have their verdicts;"
                " expected a segment by attributes alone"
            )
    return {name: known[name] for name in sorted({name for _, name in wanted})}


def members(segments: Iterable[Segment]) -> str:
    """SELECT of entity, entity_id, valid_from, valid_to and segments (``;a;b;``): one row per entity and episode.

    Reads ``reference_<entity>``. The rules mean what they mean in the warehouse (int_segment_attribute): all must
    hold; an empty attribute meets only ``!=``; of several groups one must meet a rule, and for ``!=`` all.
    """
    rules = [(segment, number, rule) for segment in segments for number, rule in enumerate(segment.rules)]
    values = ", ".join(
        f"({', '.join(map(_text, (segment.segment_id, segment.entity)))}, {number}, {len(segment.rules)},"
        f" {', '.join(map(_text, (rule.attribute, rule.operator, rule.value)))})"
        for segment, number, rule in rules
    )
    asked = sorted({(segment.entity, rule.attribute) for segment, _, rule in rules})
    attributes = " UNION ALL ".join(_attribute(entity, attribute) for entity, attribute in asked)
    return f"""
        WITH boundaries AS (
            SELECT partner_id, {FIRST} AS valid_from FROM reference_partner
            UNION SELECT partner_id, valid_from FROM reference_partner_tier
            UNION SELECT partner_id, valid_to + 1 FROM reference_partner_tier WHERE valid_to < {LAST}
            UNION SELECT partner_id, valid_from FROM reference_partner_group
            UNION SELECT partner_id, valid_to + 1 FROM reference_partner_group WHERE valid_to < {LAST}
        ),
        spans AS (
            SELECT
                partner_id, valid_from,
                coalesce(lead(valid_from) OVER (PARTITION BY partner_id ORDER BY valid_from) - 1, {LAST}) AS valid_to
            FROM boundaries
        ),
        partner_span AS (
            SELECT s.partner_id, s.valid_from, s.valid_to, arg_max(t.tier, t.valid_from) AS tier
            FROM spans AS s
            LEFT JOIN reference_partner_tier AS t
                ON t.partner_id = s.partner_id AND s.valid_from BETWEEN t.valid_from AND coalesce(t.valid_to, {LAST})
            GROUP BY ALL
        ),
        rules (segment_id, entity, rule_number, rule_count, attribute, operator, required) AS (VALUES {values}),
        attributes (entity, entity_id, valid_from, valid_to, attribute, value) AS ({attributes}),
        held AS (
            SELECT segment_id, entity, rule_number, rule_count, operator, entity_id, valid_from, valid_to
            FROM rules JOIN attributes USING (entity, attribute)
            GROUP BY ALL
            HAVING CASE operator
                WHEN '=' THEN bool_or(value = required)
                WHEN '!=' THEN bool_and(value <> required)
                WHEN 'in' THEN bool_or(list_contains(string_split(required, '|'), value))
                WHEN '>=' THEN bool_or(TRY_CAST(value AS DECIMAL(38, 12)) >= TRY_CAST(required AS DECIMAL(38, 12)))
                WHEN '<' THEN bool_or(TRY_CAST(value AS DECIMAL(38, 12)) < TRY_CAST(required AS DECIMAL(38, 12)))
            END
        ),
        complete AS (
            SELECT segment_id, entity, entity_id, valid_from, valid_to, rule_count
            FROM held GROUP BY ALL HAVING count(*) = rule_count
        )
        SELECT
            entity, entity_id, valid_from, valid_to,
            ';' || string_agg(segment_id, ';' ORDER BY segment_id) || ';' AS segments
        FROM complete GROUP BY ALL
    """


def _attribute(entity: str, attribute: str) -> str:
    """SELECT of one attribute of an entity, dated: an empty one is ''."""
    if attribute not in ATTRIBUTES[entity]:
        raise KeyError(f"{entity} has no attribute {attribute}")
    if entity != "partner":
        columns = f"{entity}_id, {FIRST}, {LAST}, '{attribute}', coalesce({attribute}, '')"
        return f"SELECT '{entity}', {columns} FROM reference_{entity}"
    source = {"tier": "s", "group_id": "g"}.get(attribute, "p")
    columns = f"s.partner_id, s.valid_from, s.valid_to, '{attribute}', coalesce({source}.{attribute}, '')"
    groups = f"""
        LEFT JOIN reference_partner_group AS g
            ON g.partner_id = s.partner_id AND s.valid_from BETWEEN g.valid_from AND coalesce(g.valid_to, {LAST})
    """
    return f"""
        SELECT 'partner', {columns}
        FROM partner_span AS s JOIN reference_partner AS p USING (partner_id) {groups if source == "g" else ""}
    """


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
