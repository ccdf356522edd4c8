"""The answer for one partner: where it stands in every program, what would get it more, and what it takes no part in.

What belongs here: the order of what is said. What does not: reasons (outcome.py, admission.py), calculation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import duckdb

from orchestration.explain import outcome
from orchestration.explain.admission import why_not_admitted
from orchestration.explain.blocks import Block, Heading, Say, Table
from orchestration.explain.figures import counted, measured, money, names, number, rate
from orchestration.explain.reasons import short
from orchestration.explain.snapshot import Row, UnknownError, as_of, by, memberships, on, programs, rows

_CENT = Decimal("0.01")

MEASURED = """
    (q.participant_id = $partner or exists (
        select 1 from fct_program_participant as m
        where m.program_key = q.program_key and m.participant_id = q.participant_id and m.partner_id = $partner
          and m.valid_from <= q.period_end and m.valid_to >= q.period_start))
"""
"""Whether a row of fct_qualification measures a partner: as participant, or within its group."""


def explain_partner(
    connection: duckdb.DuckDBPyConnection, partner_id: str, program: str | None = None, period: str | None = None
) -> list[Block]:
    """Why a partner (or group) gets what it gets, and what would get it more.

    ``program``: this program only, by id or key. ``period``: this measurement period instead of those that are open.
    Raises UnknownError for a partner, program or period that the snapshot does not know.
    """
    asked = programs(connection, program)
    today = as_of(connection)
    blocks = _who(connection, partner_id, today)
    measured_in = [
        row
        for row in rows_measured(connection, partner_id)
        if row["program_key"] in {each["program_key"] for each in asked}
    ]
    if period is not None and period not in {row["period_id"] for row in measured_in}:
        known = sorted({row["period_id"] for row in measured_in})
        raise UnknownError(f"no period {period} of {partner_id}{f' in {program}' if program else ''}", known)
    shown = [
        row
        for row in measured_in
        if (row["period_id"] == period if period is not None else row["period_start"] <= today <= row["period_end"])
    ]
    blocks.append(Heading(f"Period {period}" if period is not None else f"Open periods as of {today}"))
    if not shown:
        blocks.append(Say("None."))
    for row in sorted(shown, key=lambda row: (row["period_end"], row["program_key"])):
        blocks += _card(connection, row, partner_id)
    blocks += _within_reach(shown, today)
    ended = [row for row in measured_in if row["period_end"] < today]
    if period is None and ended:
        blocks += _ended(ended, each_period=program is not None)
    blocks += _paid(connection, partner_id, {each["program_key"] for each in asked})
    return [*blocks, *_no_part(connection, partner_id, asked, {row["program_key"] for row in measured_in}, today)]


def rows_measured(connection: duckdb.DuckDBPyConnection, partner_id: str) -> list[Row]:
    """Every payout that measures the partner, as participant or within its group, oldest first."""
    return outcome.payouts(connection, MEASURED, partner=partner_id)


def _who(connection: duckdb.DuckDBPyConnection, partner_id: str, today: date) -> list[Block]:
    """Name, attributes and memberships; of a group its members."""
    found = rows(connection, "select * from dim_partner where partner_id = ?", partner_id)
    held = on(memberships(connection, [partner_id]), today)
    members = on(rows(connection, "select * from dim_partner_group where group_id = ?", partner_id), today)
    if not found and not members:
        near = rows(
            connection,
            """select partner_id from dim_partner
               order by greatest(jaro_winkler_similarity(partner_id, ?),
                                 jaro_winkler_similarity(lower(partner_name), lower(?))) desc, partner_id limit 5""",
            partner_id,
            partner_id,
        )
        raise UnknownError(f"no partner {partner_id} in the snapshot", [row["partner_id"] for row in near])
    blocks: list[Block] = []
    for row in found:
        blocks.append(
            Heading(f"{partner_id} {row['partner_name']}" if row["partner_name"] != partner_id else partner_id)
        )
        told = [
            row["partner_type"].replace("_", " "),
            *(f"{label} {row[name]}" for name, label in (("tier", "tier"), ("channel", "channel"), ("region", "region"))
              if row[name]),
            *([f"belongs to {row['parent_partner_id']}"] if row["parent_partner_id"] else []),
        ]  # fmt: skip
        blocks.append(Say(" · ".join(told)))
    if not found:
        blocks.append(Heading(f"{partner_id}: a buying group"))
    if members:
        blocks.append(Say(f"{counted(len(members), 'member')}: {names(row['partner_id'] for row in members)}"))
    for kind in ("group", "segment"):
        values = [row["value"] for row in held if row["kind"] == kind]
        if values:
            blocks.append(Say(f"in {kind if len(values) == 1 else kind + 's'} {names(values)}"))
    return blocks


def _card(connection: duckdb.DuckDBPyConnection, row: Row, partner_id: str) -> list[Block]:
    """One payout in a few sentences: where it stands, what bounds it, the next step, what was left out."""
    currency, kind = row["currency"], row["basis_kind"]
    rules = outcome.rules_of(connection, row["payout_id"])
    blocks: list[Block] = [
        Say(f"{row['program_key']} {row['program_name']} · {row['period_id']}, to {row['period_end']}", "bold")
    ]
    said = [_stands(row)]
    if row["participant_id"] != partner_id:
        said.append(f"measured with group {row['participant_id']}: the figures are the group's")
    step = outcome.next_step(row)
    if row["payout"]:
        said += outcome.changed_by(connection, row)
        said += [f"gate does not hold: {text}" for text in outcome.failed_gates(rules)]
    elif row["tier_number"] or not row["gates_hold"] or step is None:
        said += outcome.why_nothing(connection, row, rules)
    if step is not None:
        said.append(step)
    if row["excluded_lines"]:
        reasons = rows(
            connection,
            """select reason, count(distinct line_key) as lines from rpt_excluded_line where payout_id = ?
               group by reason order by lines desc, reason""",
            row["payout_id"],
        )
        why = ", ".join(f"{short(each['reason'])} {each['lines']:,}" for each in reasons)
        amount = money(row["excluded_amount"].quantize(_CENT), currency)
        said.append(f"{counted(row['excluded_lines'], 'line')} left out, {amount}: {why}")
    if kind in ("growth", "attainment", "share") and row["figure"] is not None:
        what = {"growth": "baseline", "attainment": "target", "share": "whole"}[kind]
        said.insert(1, f"{number(row['actual'])} against a {what} of {number(row['figure'])}")
    return [*blocks, *(Say(text, indent=1) for text in said)]


def _stands(row: Row) -> str:
    """Basis, tier and payout of one row."""
    currency, kind = row["currency"], row["basis_kind"]
    if not row["target_lines"] and not row["earning_lines"]:
        return f"no line counts so far; pays {money(row['payout'], currency)}"
    basis = f"{kind} {measured(row['basis'], kind, currency)}"
    if row["tier_number"]:
        at = (
            f" at {rate(row['tier_rate'], row['rate_kind'])}{outcome.per_unit(row)}"
            if row["tier_rate"] is not None
            else ""
        )
        tier = f"tier {row['tier_number']}, from {measured(row['tier_threshold'], kind, currency)}{at}"
    else:
        tier = "no tier"
    lines = counted(row["target_lines"], "line")
    return f"{basis} on {lines}: {tier}; pays {money(row['payout'], currency)}"


def _within_reach(shown: Sequence[Row], today: date) -> list[Block]:
    """Next tiers that would pay more, the highest gain first."""
    steps = sorted(
        (row for row in shown if row["next_tier_gain"] is not None and row["next_tier_gain"] > 0),
        key=lambda row: (-row["next_tier_gain"], row["program_key"], row["payout_id"]),
    )
    if not steps:
        return []
    table = [
        (
            row["program_key"],
            row["period_end"],
            f"tier {row['next_tier_number']}",
            ("more than " if row["boundary"] == "exclusive" else "") + outcome.gap(row),
            money(row["next_tier_gain"]),
            row["currency"],
        )
        for row in steps
    ]
    columns = ("program", "until", "reach", "takes", "pays more", "")
    ended = all(row["period_end"] < today for row in steps)
    return [Heading("What would have got it more" if ended else "What would get it more"), Table("", columns, table)]


def _ended(ended: Sequence[Row], *, each_period: bool) -> list[Block]:
    """What ended periods paid: one row each for one program, else one per program."""
    blocks: list[Block] = [Heading("Ended periods")]
    if each_period:
        columns = ("program", "period", "participant", "basis", "tier", "payout", "", "changed by")
        table = [
            (
                row["program_key"],
                row["period_id"],
                row["participant_id"],
                measured(row["basis"], row["basis_kind"], row["currency"]),
                row["tier_number"],
                money(row["payout"]),
                row["currency"],
                ", ".join(filter(None, (row["limited_by"] or "").split(";"))),
            )
            for row in sorted(ended, key=lambda row: (row["program_key"], row["period_start"]))
        ]
        return [*blocks, Table("", columns, table)]
    summed = [
        (
            key,
            of[0]["program_name"],
            len(of),
            sum(1 for row in of if row["payout"]),
            money(sum(row["payout"] for row in of)),
            of[0]["currency"],
        )
        for key, of in sorted(by(ended, "program_key").items())
    ]
    return [*blocks, Table("", ("program", "name", "periods", "paying", "payouts", ""), summed)]


def _paid(connection: duckdb.DuckDBPyConnection, partner_id: str, asked: set[str]) -> list[Block]:
    """What the partner is paid itself, as payee, and what of it has been settled."""
    found = rows(
        connection,
        """with earned as (select program_key, currency, sum(amount) as amount from fct_payout
                           where payee_id = $partner group by all),
                paid as (select program_key, currency, sum(amount) as amount from fct_payment_line
                         where payee_id = $partner group by all)
           select program_key, currency, coalesce(e.amount, 0) as earned, coalesce(p.amount, 0) as paid
           from earned as e full join paid as p using (program_key, currency) order by program_key""",
        partner=partner_id,
    )
    table = [
        (
            row["program_key"],
            money(row["earned"]),
            money(row["paid"]),
            money(row["earned"] - row["paid"]),
            row["currency"],
        )
        for row in found
        if row["program_key"] in asked
    ]
    if not table:
        return []
    return [Heading("What it is paid itself, to date"), Table("", ("program", "earned", "settled", "open", ""), table)]


def _no_part(
    connection: duckdb.DuckDBPyConnection, partner_id: str, asked: Sequence[Row], takes_part: set[str], today: date
) -> list[Block]:
    """Programs that do not measure the partner, and why."""
    rules = by(
        rows(connection, "select * from dim_program_rule where scope = 'participants' order by all"), "program_key"
    )
    held = memberships(connection, [partner_id])
    known = bool(rows(connection, "select 1 from dim_partner where partner_id = ?", partner_id))
    said: list[tuple[str, str, str]] = []
    for program in asked:
        if program["program_key"] in takes_part:
            continue
        if not program["calculated"]:
            why = f"not calculated ({program['status']})"
        elif not known and program["aggregate"] != "group":
            why = "it measures partners, not groups"
        elif program["valid_from"] > today:
            why = f"valid from {program['valid_from']} on"
        else:
            day = min(today, program["valid_to"])
            of_program = rules.get(program["program_key"], [])
            why = why_not_admitted(program, of_program, held, partner_id, day, known=known, told=True)
        said.append((program["program_key"], program["name"], why))
    if not said:
        return []
    return [Heading("Takes no part in"), Table("", ("program", "name", "why"), said)]
