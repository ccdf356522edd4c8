"""The answer for one payout: rules, tier arithmetic, what changed it, payees, lines, and what was left out.

What belongs here: the order of what is said. What does not: calculation; sums of exact amounts are the most there is.
"""

from __future__ import annotations

from decimal import Decimal

import duckdb

from orchestration.explain import outcome
from orchestration.explain.blocks import Block, Heading, Say, Table
from orchestration.explain.figures import counted, money, number, rate
from orchestration.explain.reasons import short
from orchestration.explain.snapshot import Row, UnknownError, rows

HOW = {
    "retrospective": "the highest reached tier's rate on all of the payout base",
    "incremental": "each tier's rate on the part of the basis inside it, times payout base / basis",
    "rolling": "each reached tier's rate on the basis up to the tier's end, times payout base / basis",
    "total": "the rates of all reached tiers, each on all of the payout base",
    "linear": "straight from rate x bound of the reached tier to that of the next; above the last, its rate on all",
    "whole_increment": "the rate on the whole increments above the reached bound, times payout base / basis",
    "lump_sum": "the flat amount of the highest reached tier, or of each, as the program says",
    "marginal_growth": "each band's rate on the growth inside it",
    "price_difference": "the sum of what the authorisations give on each line",
    "fund": "the percent of the lines' amount that builds the fund",
}
"""How a tier's amount comes from what its rate is applied to, by method (semantics 5); flat amounts are added."""


def explain_payout(connection: duckdb.DuckDBPyConnection, payout_id: str, lines: int) -> list[Block]:
    """Why a payout is what it is. ``payout_id``: ``<program>@<version>:<participant>:<period>``.

    ``lines``: how many lines to show. Raises UnknownError.
    """
    found = outcome.payouts(connection, "q.payout_id = ?", payout_id)
    if not found:
        near = rows(
            connection,
            """select payout_id from fct_qualification
               order by jaro_winkler_similarity(payout_id, ?) desc, payout_id limit 5""",
            payout_id,
        )
        raise UnknownError(
            f"no payout {payout_id}; a payout is <program>@<version>:<participant>:<period>, for example",
            [row["payout_id"] for row in near],
        )
    [payout] = found
    rules = outcome.rules_of(connection, payout_id)
    return [
        *_head(connection, payout, rules),
        *_rules(rules),
        *_tiers(connection, payout),
        *_shared(connection, payout),
        *_lines(connection, payout, lines),
        *_left_out(connection, payout),
    ]


def _head(connection: duckdb.DuckDBPyConnection, payout: Row, rules: list[Row]) -> list[Block]:
    """What it is about, how much it is, and in words what made it so."""
    currency = payout["currency"]
    [named] = rows(
        connection, "select max(partner_name) as name from dim_partner where partner_id = ?", payout["participant_id"]
    )
    lines = f"{counted(payout['earning_lines'], 'line')} earn, {payout['target_lines']:,} count towards the tiers"
    if payout["excluded_lines"]:
        lines += f", {payout['excluded_lines']:,} left out"
    blocks: list[Block] = [
        Heading(f"{payout['program_name']} ({payout['program_key']})"),
        Say(
            f"{payout['participant_id']} {named['name'] or ''} · period {payout['period_id']}"
            f" ({payout['period_start']} to {payout['period_end']})"
        ),
        Say(f"{money(payout['payout'], currency)}", "bold"),
        Say(f"{payout['method']}, {payout['rate_kind']} by {payout['basis_kind']} · {lines}"),
    ]
    if payout["cumulation"] == "to_date":
        blocks.append(
            Say("All figures run from the program's start; the period pays what is new since the one before.")
        )
    if payout["payout"]:
        said = outcome.changed_by(connection, payout)
    else:
        said = outcome.why_nothing(connection, payout, rules)
    return [*blocks, *(Say(text, indent=1) for text in said)]


def _rules(rules: list[Row]) -> list[Block]:
    shown = [(r["rule"], r["requirement"], number(r["required"]), number(r["actual"]), r["holds"]) for r in rules]
    return [Heading("Rules"), Table("", ("rule", "requirement", "required", "actual", "holds"), shown)]


def _tiers(connection: duckdb.DuckDBPyConnection, payout: Row) -> list[Block]:
    """The arithmetic: each tier's part of the basis, payout base, rate and amount; their sum, and the next step."""
    tiers = rows(
        connection, "select * from fct_tier_application where payout_id = ? order by tier_number", payout["payout_id"]
    )
    shown = [
        (
            tier["tier_number"],
            number(tier["threshold"]),
            number(tier["basis_part"]),
            number(tier["payout_base"]),
            rate(tier["rate"], payout["rate_kind"]),
            number(tier["flat_amount"]),
            number(tier["amount"]),
        )
        for tier in tiers
    ]
    total = sum((Decimal(tier["amount"]) for tier in tiers), Decimal(0))
    blocks: list[Block] = [
        Heading("Tiers"),
        Table("", ("tier", "from", "basis inside", "applied to", "rate", "flat", "gives"), shown),
    ]
    if shown:
        by_band = payout["basis_kind"] == "growth" and payout["growth_payout"] == "marginal_growth"
        method = payout["kind"] if payout["kind"] != "tiers" else payout["method"]
        blocks.append(Say(f"gives: {HOW['marginal_growth' if by_band else method]}", "dim"))
    blocks.append(
        Say(
            f"basis {number(payout['basis']) or 'not known'} · payout base {number(payout['payout_base'])}"
            f" · sum {number(total)} · before gates and bounds {money(payout['uncapped_payout'])}"
            f" · payout {money(payout['payout'], payout['currency'])}"
        )
    )
    step = outcome.next_step(payout)
    return blocks if step is None else [*blocks, Say(step[0].upper() + step[1:])]


def _shared(connection: duckdb.DuckDBPyConnection, payout: Row) -> list[Block]:
    """Who is paid; of a group also what each member brought."""
    payees = rows(
        connection,
        """select f.payee_id, p.partner_name, f.amount
           from fct_payout as f left join dim_partner as p on p.partner_id = f.payee_id
           where payout_id = ? order by payee_id""",
        payout["payout_id"],
    )
    currency = payout["currency"]
    blocks: list[Block] = [
        Heading("Payees"),
        Table(
            "",
            ("payee", "name", f"amount {currency}"),
            [(r["payee_id"] or "(nobody entitled: not paid)", r["partner_name"], money(r["amount"])) for r in payees],
        ),
    ]
    if payout["aggregate"] != "group":
        return blocks
    members = rows(
        connection,
        """select r.member_id, p.partner_name, sum(r.amount) as amount, count(distinct r.line_key) as lines
           from fct_line_rebate as r left join dim_partner as p on p.partner_id = r.member_id
           where r.payout_id = ? group by all order by r.member_id""",
        payout["payout_id"],
    )
    shown = [(r["member_id"], r["partner_name"], r["lines"], money(r["amount"])) for r in members]
    return [*blocks, Heading("Members"), Table("", ("member", "name", "lines", f"brought {currency}"), shown)]


def _lines(connection: duckdb.DuckDBPyConnection, payout: Row, limit: int) -> list[Block]:
    """The first lines that the payout consists of, with file and row."""
    found = rows(
        connection,
        """select n.document_date, n.document_number, n.line_number, n.product_id, r.member_id, r.payee_id,
                  r.payout_base, r.amount, n.file_name, r.row_number, r.file_hash,
                  count(*) over () as of_lines
           from fct_line_rebate as r join fct_line as n using (line_key)
           where r.payout_id = ?
           order by n.document_date, n.document_number, n.line_number, r.line_key, r.payee_id limit ?""",
        payout["payout_id"],
        limit,
    )
    if not found:
        return []
    columns = ("date", "document", "line", "product", "payee", "base", "rebate", "file", "row", "hash")
    shown = [
        (
            r["document_date"],
            r["document_number"],
            r["line_number"],
            r["product_id"],
            r["payee_id"],
            number(r["payout_base"]),
            money(r["amount"]),
            r["file_name"],
            str(r["row_number"]),
            r["file_hash"][:12],
        )
        for r in found
    ]
    return [
        Heading(f"Lines (first {len(found)} of {found[0]['of_lines']:,})"),
        Table("", columns, shown),
        Say('`rebates explain line "<source>|<document>|<line>"` tells of a line in every program.', "dim"),
    ]


def _left_out(connection: duckdb.DuckDBPyConnection, payout: Row) -> list[Block]:
    """Lines of the participant that the program left out, by scope and reason."""
    found = rows(
        connection,
        """select scope_key, reason, count(*) as lines, sum(net_amount) as net_amount, currency,
                  min(line_key) as line_key
           from rpt_excluded_line where payout_id = ?
           group by all order by scope_key, reason, currency""",
        payout["payout_id"],
    )
    if not found:
        return []
    shown = [
        (
            r["scope_key"].rsplit(":", 1)[-1],
            short(r["reason"]),
            r["lines"],
            money(r["net_amount"]),
            r["currency"],
            r["line_key"],
        )
        for r in found
    ]
    return [Heading("Left out"), Table("", ("scope", "reason", "lines", "net amount", "", "for example"), shown)]
