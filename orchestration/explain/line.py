"""The answer for one line: what it earned in which program, and why it earned nothing in every other.

What belongs here: the order of what is said. What does not: the reasons (standing.py, reasons.py, outcome.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby

import duckdb

from orchestration.contract import LINE_KEY
from orchestration.explain.blocks import Block, Heading, Say, Table
from orchestration.explain.figures import cell, counted, money, names, number, rate
from orchestration.explain.snapshot import Row, UnknownError, as_of, programs, rows
from orchestration.explain.standing import ROLES, Standing, Standings

STATUS = {
    "corrected": "corrected by a newer file",
    "replaced": "replaced by a newer replacement report",
    "cancelled": "a cancellation: it removes the line",
    "after_as_of": "dated after the as-of date, so it does not count yet",
}


def explain_line(connection: duckdb.DuckDBPyConnection, line_key: str, program: str | None = None) -> list[Block]:
    """Why a line earned what it earned. ``line_key``: ``<source>|<document number>|<line number>``.

    ``program``: this program only, by id or key. Raises UnknownError for a line or program that is not in the snapshot.
    """
    asked = programs(connection, program)
    found = rows(connection, "select * from fct_line where line_key = ?", line_key)
    older = _older(connection, line_key)
    if not found and not older:
        raise UnknownError(f"no line {line_key} in the snapshot", _near(connection, line_key))
    blocks: list[Block] = [Heading(f"Line {line_key}")]
    if not found:
        blocks.append(Say(f"It counts in no program as of {as_of(connection)}:", "bold"))
        return [*blocks, *older]
    [line] = found
    [product] = rows(connection, "select * from dim_product where product_id = ?", line["product_id"])
    blocks += _facts(connection, line, product)
    if older:
        blocks += [Say("Other rows with this key do not count:"), *older]
    standings = Standings(connection, line, product)
    all_of = [standings.of(each) for each in asked]
    return [*blocks, *_earned(all_of), *_nothing(all_of)]


def _facts(connection: duckdb.DuckDBPyConnection, line: Row, product: Row) -> list[Block]:
    """What the line says, who stands on it, and where it came from."""
    stream = line["stream"].replace("_", "-")
    units = f"{number(line['quantity'])} {line['unit']}"
    if line["unit"] != product["base_unit"]:
        units += f" = {number(line['base_quantity'])} {product['base_unit']}"
    ids = [line[f"{role}_id"] for role in ROLES if line[f"{role}_id"]]
    known = {
        row["partner_id"]: row["partner_name"]
        for row in rows(connection, "select * from dim_partner where list_contains(?::varchar[], partner_id)", ids)
    }
    partners = [
        f"{role.replace('_', '-')} {line[f'{role}_id']}"
        + (
            f" {known[line[f'{role}_id']]}"
            if known.get(line[f"{role}_id"], line[f"{role}_id"]) != line[f"{role}_id"]
            else ""
        )
        for role in ROLES
        if line[f"{role}_id"]
    ]
    partners.append(f"end customer {line['end_customer_id'] or 'not known'}")
    blocks: list[Block] = [
        Say(
            f"{stream} {line['document_type'].replace('_', ' ')} {line['document_number']} line {line['line_number']}"
            f" of {line['document_date']}: {units} of {product['product_id']} {product['product_name']} for"
            f" {money(line['net_amount'], line['currency'])}"
        ),
        Say(f"product: family {product['family']}, brand {product['brand']}, category {product['category']}"),
        Say(" · ".join(partners)),
        Say(f"{line['source']}: {line['file_name']} row {line['row_number']}, hash {line['file_hash'][:12]}", "dim"),
    ]
    if line["verdict"] == "held":
        blocks.append(
            Say(f"Held ({_rules(line['rules_failed'])}): it earns and accrues, but is not paid until it is released.")
        )
    return blocks


def _older(connection: duckdb.DuckDBPyConnection, line_key: str) -> list[Block]:
    """Rows of files with this key that do not count, and why."""
    superseded = rows(
        connection, "select * from rpt_superseded_line where line_key = ? order by file_sequence, row_number", line_key
    )
    said: list[Block] = [
        Say(
            f"{row['file_name']} row {row['row_number']} ({row['document_date']},"
            f" {money(row['net_amount'], row['currency'])}): {STATUS[row['line_status']]}",
            indent=1,
        )
        for row in superseded
    ]
    quarantined = rows(
        connection,
        f"select * from rpt_quarantined_line where {LINE_KEY} = ? order by file_sequence, row_number",
        line_key,
    )
    said += [
        Say(
            f"{row['file_name']} row {row['row_number']}: quarantined by validation, {_rules(row['rules_failed'])}"
            + (f" ({row['parse_errors']})" if row["parse_errors"] else ""),
            indent=1,
        )
        for row in quarantined
    ]
    return said


def _rules(failed: str | None) -> str:
    return names(rule.replace("_", " ") for rule in (failed or "").split(";") if rule)


def _near(connection: duckdb.DuckDBPyConnection, line_key: str) -> list[str]:
    """Keys of the same document; else a few, to show what a key looks like."""
    parts = line_key.split("|")
    document = parts[1] if len(parts) > 1 else line_key
    sql = "select line_key from fct_line where {} order by line_key limit 5"
    found = rows(connection, sql.format("document_number = ?"), document) or rows(connection, sql.format("true"))
    return [row["line_key"] for row in found]


def _earned(standings: Sequence[Standing]) -> list[Block]:
    """What the line earned, by program, period and payee."""
    shown = []
    sums: dict[str, Decimal] = {}
    for standing in standings:
        currency = standing.program["currency"]
        for row in standing.earned:
            tier = "" if row["method"] == "lump_sum" else rate(row["tier_rate"], row["rate_kind"])
            shown.append(
                (
                    row["program_key"],
                    row["period_id"],
                    row["member_id"],
                    row["payee_id"] or "(nobody: not paid)",
                    row["tier_number"],
                    tier,
                    number(row["payout_base"]),
                    cell(row["amount"]),
                    currency,
                )
            )
            sums[currency] = sums.get(currency, Decimal(0)) + row["amount"]
    if not shown:
        return [Heading("It earned nothing")]
    together = ", ".join(money(amount, currency) for currency, amount in sorted(sums.items()))
    columns = ("program", "period", "bought by", "paid to", "tier", "rate", "on", "rebate", "")
    blocks: list[Block] = [Heading(f"It earned {together}"), Table("", columns, shown)]
    for standing in standings:
        if standing.earned:
            blocks += [Say(f"{standing.program['program_key']}: {note}", indent=1) for note in standing.notes]
    return blocks


def _nothing(standings: Sequence[Standing]) -> list[Block]:
    """Why it earned nothing: first where it counts, then where it does not, the same reason said once."""
    blocks: list[Block] = []
    for heading, wanted in (("It counts, and earned nothing, in", True), ("It does not count in", False)):
        chosen = [each for each in standings if not each.earned and bool(each.counts) == wanted]
        if not chosen:
            continue
        blocks.append(Heading(f"{heading} {counted(len(chosen), 'program')}"))
        ordered = sorted(chosen, key=lambda each: (each.why, each.program["program_key"]))
        for why, group in groupby(ordered, key=lambda each: each.why):
            listed = [(each.program["program_key"], each.program["name"]) for each in group]
            blocks.append(Say(", ".join(f"{key} {name}" for key, name in listed), "bold"))
            blocks += [Say(text, indent=1) for text in why]
        for each in chosen:
            blocks += [Say(f"{each.program['program_key']}: {note}", indent=1) for note in each.notes]
    return blocks
