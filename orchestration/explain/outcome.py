"""What changed a payout, and why one is nothing: from its rules, bounds and stacking, in words.

What belongs here: sentences on one row of fct_qualification. What does not: lines (standing.py), layout.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from orchestration.explain.figures import measured, money, number, rate
from orchestration.explain.snapshot import Row, rows

BASELINES = ("baseline", "target", "whole")
"""Rules on what a percentage is taken of."""


def payouts(connection: duckdb.DuckDBPyConnection, condition: str, *values: object, **named: object) -> list[Row]:
    """Rows of fct_qualification (alias q) with their program's columns that they lack."""
    return rows(
        connection,
        f"""select q.*, g.name as program_name, g.kind, g.cumulation, g.growth_payout, g.boundary, g.aggregate,
                   g.participant_cap, g.participant_floor, g.program_cap, g.program_floor, g.budget, g.fund_expires_on,
                   g.stacking_group, g.stacking_rule
            from fct_qualification as q join dim_program as g using (program_key)
            where {condition} order by q.period_start, q.program_key, q.participant_id""",
        *values,
        **named,
    )


def rules_of(connection: duckdb.DuckDBPyConnection, payout_id: str) -> list[Row]:
    """The rules of a payout, in order."""
    return rows(connection, "select * from fct_qualification_rule where payout_id = ? order by rule_number", payout_id)


def failed_gates(rules: Sequence[Row]) -> list[str]:
    """Each gate that does not hold: what is required, and what is."""
    return [
        f"{rule['requirement']} {number(rule['required'])}, but it is {number(rule['actual']) or 'not known'}"
        for rule in rules
        if rule["rule"].startswith("gate_") and not rule["holds"]
    ]


def changed_by(connection: duckdb.DuckDBPyConnection, payout: Row) -> list[str]:
    """What changed the payout after its tiers, one sentence each, in the order in which it was applied."""
    currency = payout["currency"]
    before = money(payout["uncapped_payout"], currency)
    said = []
    for name in filter(None, (payout["limited_by"] or "").split(";")):
        if name == "gate":
            said.append(f"a gate does not hold, so the {before} of the tiers are not paid")
        elif name == "floor":
            said.append(
                f"raised to the floor per participant and period, {money(payout['participant_floor'], currency)}"
            )
        elif name == "cap":
            said.append(f"held at the cap per participant and period, {money(payout['participant_cap'], currency)}")
        elif name == "best_of":
            said.append(_best_of(connection, payout))
        elif name == "program_floor":
            said.append(
                f"raised with those of all participants to the program's floor for a period,"
                f" {money(payout['program_floor'], currency)}"
            )
        elif name == "program_cap":
            said.append(
                f"scaled down with those of all participants to the program's cap for a period,"
                f" {money(payout['program_cap'], currency)}"
            )
        elif name == "budget":
            said.append(
                f"scaled down with those of all participants and periods to the budget,"
                f" {money(payout['budget'], currency)}"
            )
        elif name == "expiry":
            said.append(f"the fund expired after {payout['fund_expires_on']}: what claims did not draw is gone")
        else:
            raise ValueError(f"{payout['payout_id']}: limited_by {name} has no wording")
    if payout["shortfall"] and payout["limited_by"]:
        said.append(
            f"that {'takes' if payout['shortfall'] > 0 else 'adds'} {money(abs(payout['shortfall']), currency)}"
        )
    return said


def _best_of(connection: duckdb.DuckDBPyConnection, payout: Row) -> str:
    [best] = rows(
        connection,
        """select q.program_id, sum(q.payout) as payout
           from fct_qualification as q join dim_program as g using (program_key)
           where g.stacking_group = ? and q.participant_id = ? and q.period_id = ? and q.program_id <> ?
           group by q.program_id order by payout desc, q.program_id limit 1""",
        payout["stacking_group"],
        payout["participant_id"],
        payout["period_id"],
        payout["program_id"],
    )
    return (
        f"of the stacking group {payout['stacking_group']} only the highest payout stands (best_of):"
        f" {best['program_id']} pays {money(best['payout'], payout['currency'])}"
    )


def why_nothing(connection: duckdb.DuckDBPyConnection, payout: Row, rules: Sequence[Row]) -> list[str]:
    """Why a payout of zero is zero."""
    currency, kind = payout["currency"], payout["basis_kind"]
    gates = [f"gate: {text}" for text in failed_gates(rules)]
    if payout["uncapped_payout"] and payout["limited_by"]:
        return gates + [text for text in changed_by(connection, payout) if not text.startswith("a gate ")]
    said = gates
    basis = measured(payout["basis"], kind, currency)
    missing = [rule for rule in rules if rule["rule"] in BASELINES and not rule["holds"]]
    if missing:
        figure = measured(payout["figure"], "count", currency) if payout["figure"] is not None else "there is none"
        said.append(f"no {missing[0]['rule']} above zero to set the {kind} against ({figure})")
    elif not payout["tier_number"]:
        if payout["basis"] is not None and payout["basis"] <= 0:
            said.append(f"{kind} {basis}: a basis of zero or less pays nothing")
        else:
            over = "above" if payout["boundary"] == "exclusive" else "from"
            said.append(
                f"{kind} {basis} does not reach the first tier, {over}"
                f" {measured(payout['next_threshold'], kind, currency)}: {gap(payout)} to go"
            )
    elif payout["cumulation"] == "to_date" and payout["uncapped_payout"]:
        said.append(f"the running sum of {money(payout['uncapped_payout'], currency)} was paid by earlier periods")
    elif payout["payout_base"] <= 0 and payout["method"] != "lump_sum":
        said.append(f"payout base {number(payout['payout_base'])}: nothing is left that a rate could be applied to")
    else:
        of_tier = rate(payout["tier_rate"], payout["rate_kind"]) or "no rate"
        base = number(payout["payout_base"])
        said.append(f"tier {payout['tier_number']} ({of_tier}) gives nothing on {base}")
    return said


def gap(payout: Row) -> str:
    """The distance to the next tier, in units of the basis, and in money where that is something else."""
    kind, currency = payout["basis_kind"], payout["currency"]
    if kind in ("growth", "attainment", "share"):
        text = f"{number(payout['gap_to_next_tier'])} percentage points"
        return text if payout["gap_amount"] is None else f"{text} ({money(payout['gap_amount'], currency)})"
    return measured(payout["gap_to_next_tier"], kind, currency)


def next_step(payout: Row) -> str | None:
    """What the next tier takes and what reaching it would pay; None at the top."""
    if payout["next_threshold"] is None:
        return None
    kind, currency = payout["basis_kind"], payout["currency"]
    more = "more than " if payout["boundary"] == "exclusive" else ""
    at = f"next tier {'above' if more else 'at'} {measured(payout['next_threshold'], kind, currency)}"
    if payout["next_tier_rate"] is not None:
        at += f" ({rate(payout['next_tier_rate'], payout['rate_kind'])}{per_unit(payout)})"
    if payout["gap_to_next_tier"] is None:
        return at
    text = f"{at}: {more}{gap(payout)} to go"
    if payout["next_payout"] is None:
        return f"{text}; what it would pay is not known from nothing"
    gain = payout["next_tier_gain"]
    if not gain and payout["method"] in ("incremental", "whole_increment", "rolling"):
        return f"{text}; from there on its rate adds to what is paid"
    change = f"{money(abs(gain), currency)} {'more' if gain >= 0 else 'less'}"
    return f"{text}; reaching it would pay {money(payout['next_payout'], currency)}, {change}"


def per_unit(payout: Row) -> str:
    """What follows a rate per unit."""
    return f" {payout['currency']} per unit" if payout["rate_kind"] == "per_unit" else ""
