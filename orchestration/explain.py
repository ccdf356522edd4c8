"""Answers from the published snapshot: why a payout is what it is, and the page at the end of a run.

What belongs here: queries on marts, by their names and columns, and how their rows are laid out.
What does not: any calculation. Sums of exact amounts are the most that happens here.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
from rich.console import Console
from rich.text import Text

from orchestration.screen import money, table

HOW = {
    "retrospective": "the highest reached tier's rate on all of the payout base",
    "incremental": "each tier's rate on the part of the basis inside it, times payout base / basis",
    "rolling": "each reached tier's rate on the basis up to the tier's end, times payout base / basis",
    "total": "the rates of all reached tiers, each on all of the payout base",
    "linear": "straight from rate x bound of the reached tier to that of the next; above the last, its rate on all",
    "whole_increment": "the rate on the whole increments above the reached bound, times payout base / basis",
    "lump_sum": "the flat amount of the highest reached tier, or of each, as the program says",
    "marginal_growth": "each band's rate on the growth inside it, in money",
}
"""How a tier's amount comes from the part that it is applied to, by method (semantics 5); flat amounts are added."""


class UnknownPayoutError(LookupError):
    """No payout has that id; ``near`` holds ids that look like it."""

    def __init__(self, payout_id: str, near: Sequence[str]) -> None:
        self.near = tuple(near)
        super().__init__(f"no payout {payout_id}")


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[dict[str, Any]]:
    """All rows of a query as mappings, read before the next query."""
    cursor = connection.execute(sql, list(values))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def explain(connection: duckdb.DuckDBPyConnection, console: Console, payout_id: str, lines: int) -> None:
    """Print one payout: rules with required and actual, tier arithmetic, payees, the first lines.

    ``payout_id`` is ``<program>@<version>:<participant>:<period>``. Raises UnknownPayoutError.
    """
    found = _rows(
        connection,
        """select q.*, g.name as program_name, g.growth_payout, p.partner_name
           from fct_qualification as q join dim_program as g using (program_key)
           left join dim_partner as p on p.partner_id = q.participant_id
           where q.payout_id = ?""",
        payout_id,
    )
    if not found:
        near = _rows(
            connection,
            """select payout_id from fct_qualification
               order by jaro_winkler_similarity(payout_id, ?) desc, payout_id limit 5""",
            payout_id,
        )
        raise UnknownPayoutError(payout_id, [row["payout_id"] for row in near])
    [payout] = found
    currency = payout["currency"]
    console.print(Text(f"{payout['program_name']} ({payout['program_key']})", style="bold"))
    console.print(
        Text(
            f"{payout['participant_id']} {payout['partner_name'] or ''} · period {payout['period_id']}"
            f" ({payout['period_start']} to {payout['period_end']})"
        )
    )
    console.print(
        Text.assemble(
            (f"{money(payout['payout'])} {currency}", "bold"),
            f" · {payout['method']}, {payout['rate_kind']} by {payout['basis_kind']}"
            f" · {payout['earning_lines']:,} lines earn, {payout['target_lines']:,} count towards the tiers",
        )
    )
    console.print()
    rules = _rows(
        connection, "select * from fct_qualification_rule where payout_id = ? order by rule_number", payout_id
    )
    console.print(
        table(
            "Rules",
            ("rule", "requirement", "required", "actual", "holds"),
            [
                (
                    r["rule"],
                    r["requirement"],
                    _number(r["required"]),
                    _number(r["actual"]),
                    "yes" if r["holds"] else "no",
                )
                for r in rules
            ],
        )
    )
    console.print()
    _tiers(connection, console, payout)
    payees = _rows(
        connection,
        """select f.*, p.partner_name from fct_payout as f left join dim_partner as p on p.partner_id = f.payee_id
           where payout_id = ? order by payee_id""",
        payout_id,
    )
    console.print()
    console.print(
        table(
            "Payees",
            ("payee", "name", f"amount {currency}"),
            [(r["payee_id"] or "(nobody entitled: not paid)", r["partner_name"], money(r["amount"])) for r in payees],
        )
    )
    _lines(connection, console, payout, lines)
    _left_out(connection, console, payout)


def _tiers(connection: duckdb.DuckDBPyConnection, console: Console, payout: dict[str, Any]) -> None:
    """The arithmetic: each tier's part, rate and amount, their sum, the cap, the next step."""
    tiers = _rows(
        connection, "select * from fct_tier_application where payout_id = ? order by tier_number", payout["payout_id"]
    )
    rows = [
        (
            str(t["tier_number"]),
            _number(t["threshold"]),
            _number(t["part"]),
            _rate(t["rate"], payout["rate_kind"]),
            _number(t["flat_amount"]),
            _number(t["amount"]),
        )
        for t in tiers
    ]
    console.print(table("Tiers", ("tier", "from", "applied to", "rate", "flat", "gives"), rows))
    by_band = payout["basis_kind"] == "growth" and payout["growth_payout"] == "marginal_growth"
    if rows:
        console.print(Text(f"gives: {HOW['marginal_growth' if by_band else payout['method']]}", style="dim"))
    total = sum((Decimal(t["amount"]) for t in tiers), Decimal(0))
    console.print(
        Text(
            f"basis {_number(payout['basis'])} · payout base {_number(payout['payout_base'])}"
            f" · sum {_number(total)} · before cap {money(payout['uncapped_payout'])}"
            f" · payout {money(payout['payout'])} {payout['currency']}"
        )
    )
    if payout["next_threshold"] is not None:
        console.print(
            Text(
                f"Next tier at {_number(payout['next_threshold'])}: {_number(payout['gap_to_next_tier'])} to go;"
                f" reaching it would pay {money(payout['next_payout'])}"
                f" ({money(payout['next_tier_gain'])} more)"
            )
        )


def _lines(connection: duckdb.DuckDBPyConnection, console: Console, payout: dict[str, Any], limit: int) -> None:
    """The first lines that the payout consists of, with file and row."""
    rows = _rows(
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
    if not rows:
        return
    console.print()
    title = f"Lines (first {len(rows)} of {rows[0]['of_lines']:,})"
    columns = ("date", "document", "line", "product", "payee", "base", "rebate", "file", "row", "hash")
    console.print(
        table(
            title,
            columns,
            [
                (
                    r["document_date"],
                    r["document_number"],
                    r["line_number"],
                    r["product_id"],
                    r["payee_id"],
                    _number(r["payout_base"]),
                    money(r["amount"]),
                    r["file_name"],
                    str(r["row_number"]),
                    r["file_hash"][:12],
                )
                for r in rows
            ],
        )
    )


def _left_out(connection: duckdb.DuckDBPyConnection, console: Console, payout: dict[str, Any]) -> None:
    """Lines of the participant that the program left out, by reason."""
    rows = _rows(
        connection,
        """select scope_key, reason, count(*) as lines, sum(net_amount) as net_amount, currency from rpt_excluded_line
           where program_key = ? and participant_id = ? and period_id = ?
           group by all order by scope_key, reason, currency""",
        payout["program_key"],
        payout["participant_id"],
        payout["period_id"],
    )
    if rows:
        console.print()
        console.print(
            table(
                "Left out",
                ("scope", "reason", "lines", "net amount", ""),
                [
                    (r["scope_key"].rsplit(":", 1)[-1], r["reason"], r["lines"], money(r["net_amount"]), r["currency"])
                    for r in rows
                ],
            )
        )


def _number(value: Decimal | None) -> str:
    """A figure, exact, without zeros at its end."""
    if value is None:
        return ""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rate(value: Decimal | None, kind: str) -> str:
    """A rate as the program states it: 0.02 as 2 %, or money per unit."""
    if value is None:
        return ""
    return f"{_number(value * 100)} %" if kind == "percent" else _number(value)


# --- the page at the end of a run -----------------------------------------------------------


def intake_page(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    """Files and rows of all files that were received, and the reasons of quarantine."""
    sums = _rows(
        connection,
        """select source, entity, count(*) as files, sum(rows_in)::bigint as rows_in,
                  sum(rows_accepted)::bigint as accepted, sum(rows_held)::bigint as held,
                  sum(rows_quarantined)::bigint as quarantined,
                  count(*) filter (where status <> 'read') as unreadable
           from rpt_data_quality group by source, entity order by entity is distinct from 'line', source""",
    )
    numbers = ("files", "rows_in", "accepted", "held", "quarantined", "unreadable")
    rows = [(r["source"], r["entity"], *(r[name] for name in numbers)) for r in sums]
    rows.append(("all", "", *(sum(r[name] for r in sums) for name in numbers)))
    columns = ("source", "rows are", "files", "read", "accepted", "held", "quarantined", "unreadable")
    console.print(table("Files and rows", columns, rows))
    reasons = _rows(
        connection,
        """select reason, count(*) as rows, count(distinct file_sequence) as files
           from (select file_sequence, unnest(string_split(rules_failed, ';')) as reason from rpt_quarantined_line)
           group by reason order by rows desc, reason""",
    )
    console.print()
    console.print(
        table(
            "Quarantined lines by reason",
            ("reason", "rows", "files"),
            [(r["reason"], r["rows"], r["files"]) for r in reasons],
        )
    )


def program_page(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    """Earned, accrued, settled and still owed per program."""
    rows = _rows(
        connection,
        """with earned as (select program_key, sum(amount) as amount from fct_payout where is_payable group by 1),
                books as (select program_key, sum(accrued + true_ups + currency_effect) as accrued,
                                 sum(settled) as settled, sum(unposted) as unposted
                          from fct_liability_rollforward group by 1)
           select g.program_key, g.currency, coalesce(e.amount, 0) as earned,
                  coalesce(b.accrued, 0) as accrued, coalesce(b.settled, 0) as settled,
                  coalesce(b.accrued, 0) - coalesce(b.settled, 0) as liability, coalesce(b.unposted, 0) as unposted
           from dim_program as g left join earned as e using (program_key) left join books as b using (program_key)
           where g.calculated or b.program_key is not null
           order by g.program_key""",
    )
    columns = ("program", "", "earned", "accrued", "settled", "liability", "unposted")
    names = ("earned", "accrued", "settled", "liability", "unposted")
    console.print(
        table(
            "Programs, to date",
            columns,
            [(r["program_key"], r["currency"], *(_money_cell(r[n]) for n in names)) for r in rows],
        )
    )


def _money_cell(value: Decimal) -> Decimal:
    """An amount with two decimals where it has no more (amounts are whole minor units)."""
    two = value.quantize(Decimal("0.01"))
    return two if two == value else value.normalize()
