"""Why a program does not admit a partner on a day.

What belongs here: reading a program's participant rules beside a partner's memberships, in words. Whether it is
admitted is not decided here: fct_program_participant says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from orchestration.explain.figures import counted_name, names
from orchestration.explain.snapshot import Row, by, on

KINDS = {"segment": ("segment", "segments"), "partner": ("partner", "partners"), "group": ("group", "groups")}


def why_not_admitted(
    program: Row,
    rules: Sequence[Row],
    memberships: Sequence[Row],
    partner_id: str,
    day: date,
    *,
    known: bool,
    told: bool = False,
) -> str:
    """Why the program does not admit the partner on the day.

    ``rules``: the program's rows of dim_program_rule with scope participants. ``memberships``: the partner's
    (snapshot.memberships). ``known``: whether the partner stands in the master data. ``told``: whether the reader knows
    the partner's memberships already. Days outside the program's validity are another reason, which the caller gives.
    """
    if not known:
        return f"{partner_id} is not in the partner master data"
    held = on(memberships, day)
    belongs = {("all", ""), ("partner", partner_id), *((row["kind"], row["value"]) for row in held)}
    excluded = [_named(rule) for rule in _of(rules, "exclude") if (rule["dimension"], rule["value"]) in belongs]
    if excluded:
        return f"{partner_id} is excluded by {', '.join(excluded)}"
    includes = _of(rules, "include")
    if not any((rule["dimension"], rule["value"]) in belongs for rule in includes):
        why = f"no include names {partner_id} on {day}: it admits {_listed(includes)}"
        return why if told else f"{why}; {_belongs(held, partner_id)}"
    groups = [row["value"] for row in held if row["kind"] == "group"]
    participants = groups if program["aggregate"] == "group" else [partner_id]
    accepted = [rule["accepted_on"] for rule in _of(rules, "accept") if rule["value"] in participants]
    who = f"group {names(groups)}" if program["aggregate"] == "group" and groups else partner_id
    if not accepted:
        return f"{who} has not accepted the program (enrolment by acceptance)"
    return f"{who} accepted the program on {min(accepted)}: lines count from that day on"


def _of(rules: Sequence[Row], rule: str) -> list[Row]:
    return [row for row in rules if row["rule"] == rule]


def _named(rule: Row) -> str:
    return f"{rule['dimension']} {rule['value']}"


def _listed(includes: Sequence[Row]) -> str:
    return " or ".join(_kinds(includes, "dimension"))


def _belongs(held: Sequence[Row], partner_id: str) -> str:
    parts = _kinds(held, "kind")
    return f"{partner_id} is in {' and '.join(parts)}" if parts else f"{partner_id} is in no segment and no group"


def _kinds(found: Sequence[Row], column: str) -> list[str]:
    """The names of each kind, after what they are."""
    named = {kind: {row["value"] for row in of} for kind, of in by(found, column).items()}
    return [
        f"{counted_name(one, many, len(named[kind]))} {names(named[kind])}"
        for kind, (one, many) in KINDS.items()
        if kind in named
    ]
